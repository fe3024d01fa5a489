"""Spans for what the registry does, where the application has set OpenTelemetry up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from floe_core import _tracing
from floe_core.plugin_errors import PluginError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from tests.cli.conftest import environment
from tests.conftest import InstallPlugin

EXPORTER = InMemorySpanExporter()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What was reported; a provider can be set up once in a process, so all tests share it."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
        trace.set_tracer_provider(provider)
    EXPORTER.clear()
    yield EXPORTER
    EXPORTER.clear()


def told(exporter: InMemorySpanExporter) -> list[tuple[str, object]]:
    return [(span.name, (span.attributes or {}).get("floe.key")) for span in exporter.get_finished_spans()]


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_each_verb_is_a_span_with_the_key(
    install_plugin: InstallPlugin, registry: PluginRegistry, spans: InMemorySpanExporter
) -> None:
    """Discover, load, configure, start, health, stop, each under the span of whoever called."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int = 4")

    with trace.get_tracer("test").start_as_current_span("application") as application:
        registry.discover_all()
        registry.get(PluginType.COMPUTE, "duckdb")
        registry.configure(PluginType.COMPUTE, "duckdb", {"threads": 8})
        registry.activate_all()
        registry.health_check_all()
        registry.shutdown_all()

    assert told(spans) == [
        ("floe.discover", None),
        ("floe.load", "COMPUTE:duckdb"),
        ("floe.configure", "COMPUTE:duckdb"),
        ("floe.start", "COMPUTE:duckdb"),
        ("floe.health", "COMPUTE:duckdb"),
        ("floe.stop", "COMPUTE:duckdb"),
        ("application", None),
    ]
    context = application.get_span_context()
    for span in spans.get_finished_spans()[:-1]:
        assert span.parent is not None
        assert (span.context and span.context.trace_id) == context.trace_id


def test_a_configuration_given_for_a_load_is_within_it(
    install_plugin: InstallPlugin, registry: PluginRegistry, spans: InMemorySpanExporter
) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int = 4")
    registry.discover_all()

    registry.configure(PluginType.COMPUTE, "duckdb", {"threads": 8})

    named = by_name(spans)
    load, configure = named["floe.load"], named["floe.configure"]
    assert configure.parent is not None
    assert load.context is not None
    assert configure.parent.span_id == load.context.span_id


def test_a_failure_is_told_without_a_value(
    install_plugin: InstallPlugin, registry: PluginRegistry, spans: InMemorySpanExporter
) -> None:
    """Our own words for our own errors, the type alone for a plugin's; no event with its text."""
    body = "def startup(self):\n    raise RuntimeError('hunter2')\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=body)
    install_plugin("acme_wrong", PluginType.COMPUTE, "wrong", prologue="raise RuntimeError('hunter2')\n")
    registry.discover_all()

    registry.activate_all(plugin_types=[PluginType.COMPUTE])
    with pytest.raises(PluginError):
        registry.get(PluginType.COMPUTE, "wrong")

    named = by_name(spans)
    load, start = named["floe.load"], named["floe.start"]
    assert load.status.status_code is trace.StatusCode.ERROR
    assert "acme_wrong" in (load.status.description or "")
    assert (load.attributes or {})["error.type"] == "PluginLoadError"
    assert start.status.status_code is trace.StatusCode.ERROR
    assert start.status.description is None
    assert (start.attributes or {})["error.type"] == "RuntimeError"
    assert "hunter2" not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_without_opentelemetry_a_span_is_nothing(monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter) -> None:
    """One and the same object that does nothing, errors pass through it."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")

    with pytest.raises(ZeroDivisionError), _tracing.span("load"):
        raise ZeroDivisionError

    assert _tracing.span("load") is _tracing.span("start")
    assert told(spans) == []
    assert "opentelemetry.trace" not in sys.modules


def test_the_registry_imports_no_opentelemetry(install_plugin: InstallPlugin, site: Path) -> None:
    """Neither its import nor a whole life of a plugin, though the library is installed."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    code = (
        "import sys\nsys.modules['fastapi'] = None  # dependency-injector imports it, and it OpenTelemetry\nfrom floe_core.plugin_registry import get_registry\nfrom floe_core.plugin_types import PluginType\n"
        "registry = get_registry()\n"
        "with registry.running(plugin_types=[PluginType.COMPUTE]):\n    registry.health_check_all()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(site), capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"
