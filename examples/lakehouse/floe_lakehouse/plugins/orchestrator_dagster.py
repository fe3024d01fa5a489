"""ORCHESTRATOR:dagster. Runs the steps of a job as dagster assets, in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import OrchestratorPlugin
from floe_lakehouse.ports import Step

__all__ = ["DagsterConfig", "DagsterOrchestrator"]


class DagsterConfig(BaseModel):
    """How much dagster has to say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    log_level: str = Field(
        default="ERROR", pattern="^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$", description="On the console."
    )


class DagsterOrchestrator(OrchestratorPlugin):
    """Turns steps into assets and materialises them, dependencies first, on the calling thread."""

    def __init__(self, config: DagsterConfig | None = None) -> None:
        self._config = config or DagsterConfig()
        self._instance: dg.DagsterInstance | None = None

    @property
    def name(self) -> str:
        return "dagster"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Runs the steps of a job as assets (dagster)"

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return DagsterConfig

    def startup(self) -> None:
        """Open an instance whose records live in memory and end with it."""
        logging.getLogger("dagster").setLevel(self._config.log_level)
        self._instance = dg.DagsterInstance.ephemeral(settings={"telemetry": {"enabled": False}})

    def shutdown(self) -> None:
        """Close the instance."""
        if self._instance is not None:
            self._instance.dispose()
            self._instance = None

    def health_check(self) -> HealthStatus:
        """See whether dagster takes a graph of two assets, and answers for the runs it knows."""
        if self._instance is None:
            return HealthStatus(HealthState.UNHEALTHY, "no instance is open")
        first, second = Step("first", dict), Step("second", dict, after=("first",))
        _job("health", _assets([first, second], {}, []))
        return HealthStatus(HealthState.HEALTHY, details={"runs": self._instance.get_runs_count()})

    def run(self, job: str, steps: Sequence[Step]) -> dict[str, Mapping[str, int | str]]:
        """
        Run the steps, each after those that it names.

        Returns:
            What each step returned, by name, in the order in which they ran.

        Raises:
            ValueError: A step names one that is not there.

            Exception: The first error of a step, as it was raised. No later step ran.
        """
        names = {step.name for step in steps}
        for step in steps:
            if missing := set(step.after) - names:
                raise ValueError(f"step {step.name!r} comes after {', '.join(sorted(missing))}, which is no step")
        if self._instance is None:
            raise RuntimeError("no instance is open; activate ORCHESTRATOR:dagster first")
        outcomes: dict[str, Mapping[str, int | str]] = {}
        errors: list[Exception] = []
        result = _job(job, _assets(steps, outcomes, errors)).execute_in_process(
            instance=self._instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": self._config.log_level}}}},
        )
        if errors:
            raise errors[0]
        if not result.success:
            raise RuntimeError(f"dagster ended the job {job!r} without success")
        return outcomes


def _assets(
    steps: Sequence[Step], outcomes: dict[str, Mapping[str, int | str]], errors: list[Exception]
) -> list[dg.AssetsDefinition]:
    def asset_of(step: Step) -> dg.AssetsDefinition:
        @dg.asset(name=step.name, deps=list(step.after))
        def asset() -> Any:
            try:
                outcomes[step.name] = step.action()
            except Exception as exc:
                errors.append(exc)
                raise
            return dg.MaterializeResult(metadata=dict(outcomes[step.name]))

        return asset

    return [asset_of(step) for step in steps]


def _job(name: str, assets: list[dg.AssetsDefinition]) -> dg.JobDefinition:
    definitions = dg.Definitions(assets=assets, jobs=[dg.define_asset_job(name)])
    return definitions.resolve_job_def(name)
