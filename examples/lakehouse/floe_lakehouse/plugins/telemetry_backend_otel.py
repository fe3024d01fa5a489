"""TELEMETRY_BACKEND:otel. Spans and metrics to a file of JSON lines, through the OpenTelemetry SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from opentelemetry.metrics import Counter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import TelemetryBackendPlugin

__all__ = ["OtelConfig", "OtelTelemetry"]


class OtelConfig(BaseModel):
    """Where to write, and under which name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(description="The folder that gets one file per run.")
    service: str = Field(default="lakehouse", description="The service.name of all that is written.")


class OtelTelemetry(TelemetryBackendPlugin):
    """
    Writes each span as it ends, and all metrics at shutdown.

    The providers are this plugin's own; OpenTelemetry's process-wide ones stay as they are.
    """

    def __init__(self, config: OtelConfig) -> None:
        self._config = config
        self._out: IO[str] | None = None
        self._counters: dict[str, Counter] = {}

    @property
    def name(self) -> str:
        return "otel"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Spans and metrics to a local file (OpenTelemetry)"

    @property
    def dependencies(self) -> list[str]:
        return ["STORAGE:local>=1.0,<2"]  # makes the folder of the lake

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return OtelConfig

    def startup(self) -> None:
        """Open this run's file. One file per run, so that a killed run spoils only its own last line."""
        self._config.folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self._out = (self._config.folder / f"{stamp}-{uuid4().hex[:8]}.jsonl").open("w", encoding="utf-8")
        resource = Resource({"service.name": self._config.service})
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._spans.add_span_processor(
            SimpleSpanProcessor(ConsoleSpanExporter(out=self._out, formatter=lambda span: _line(span.to_json())))
        )
        exporter = ConsoleMetricExporter(out=self._out, formatter=lambda metrics: _line(metrics.to_json()))
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        self._metrics = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
        self._counters = {}

    def shutdown(self) -> None:
        """Write the metrics and close the file."""
        if self._out is not None:
            self._spans.shutdown()
            self._metrics.force_flush()  # with an interval without end, shutdown alone would not write them
            self._metrics.shutdown()
            self._out.close()
            self._out = None

    def health_check(self) -> HealthStatus:
        """Write a span and see the file grow."""
        if self._out is None:
            return HealthStatus(HealthState.UNHEALTHY, "no file is open")
        before = os.fstat(self._out.fileno()).st_size
        with self.span("health"):
            pass
        written = os.fstat(self._out.fileno()).st_size - before
        if not written:
            return HealthStatus(HealthState.UNHEALTHY, "a span was not written")
        return HealthStatus(HealthState.HEALTHY, details={"bytes": before + written})

    @property
    def file(self) -> Path:
        """The file of this run."""
        return Path(self._opened().name)

    @contextmanager
    def span(self, name: str, **attributes: str | int | float) -> Iterator[None]:
        """Time a ``with`` block. Spans nest. Of an error its type is recorded, not its text."""
        self._opened()
        tracer = self._spans.get_tracer("floe_lakehouse")
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                yield
            except BaseException as exc:
                current.set_status(Status(StatusCode.ERROR, type(exc).__name__))
                raise

    def count(self, name: str, amount: int, **attributes: str) -> None:
        """Add *amount*, not below 0, to the counter *name*."""
        self._opened()
        if name not in self._counters:
            self._counters[name] = self._metrics.get_meter("floe_lakehouse").create_counter(name)
        self._counters[name].add(amount, attributes)

    def _opened(self) -> IO[str]:
        if self._out is None:
            raise RuntimeError("no file is open; activate TELEMETRY_BACKEND:otel first")
        return self._out


def _line(document: str | Any) -> str:
    return json.dumps(json.loads(document), separators=(",", ":")) + "\n"
