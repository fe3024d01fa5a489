"""LINEAGE_BACKEND:openlineage. Which run read and wrote which data, as OpenLineage events in a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, parent_run
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.uuid import generate_new_uuid
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import LineageBackendPlugin

__all__ = ["OpenLineageBackend", "OpenLineageConfig"]

PRODUCER: Final = "urn:floe:lakehouse:1.0.0"


class OpenLineageConfig(BaseModel):
    """Where to write, and under which names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(description="The folder that gets one file per run.")
    namespace: str = Field(default="lakehouse", description="The namespace of jobs and datasets.")
    job: str = Field(default="run", description="The job of which all others are parts.")


class OpenLineageBackend(LineageBackendPlugin):
    """
    Writes a stream of events from the start of the run to its end.

    The run itself is a job; each job within names it as its parent. A run that was killed has no end in its file, and
    that is how it can be told.
    """

    def __init__(self, config: OpenLineageConfig) -> None:
        self._config = config
        self._client: OpenLineageClient | None = None
        self._file = config.folder
        self._jobs: dict[str, str] = {}
        self._failed = False

    @property
    def name(self) -> str:
        return "openlineage"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Lineage events to a local file (OpenLineage)"

    @property
    def dependencies(self) -> list[str]:
        return ["STORAGE:local>=1.0,<2"]  # makes the folder of the lake

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return OpenLineageConfig

    @property
    def file(self) -> Path:
        """The file of this run."""
        return self._file

    def startup(self) -> None:
        """Open this run's file and write that the run has started."""
        self._config.folder.mkdir(parents=True, exist_ok=True)
        self._run = str(generate_new_uuid())
        self._file = self._config.folder / f"{self._run}.jsonl"
        self._client = OpenLineageClient(
            transport=FileTransport(FileConfig(log_file_path=str(self._file), append=True))
        )
        self._jobs, self._failed = {self._run: self._config.job}, False
        self._emit(self._run, RunState.START)

    def shutdown(self) -> None:
        """Write how the run ended."""
        if self._client is not None:
            self._emit(self._run, RunState.FAIL if self._failed else RunState.COMPLETE)
            self._client.close()
            self._client = None

    def health_check(self) -> HealthStatus:
        """See whether the event of the start reached the file."""
        if self._client is None:
            return HealthStatus(HealthState.UNHEALTHY, "no run is open")
        if not self._file.is_file() or not self._file.stat().st_size:
            return HealthStatus(HealthState.UNHEALTHY, "events do not reach the file")
        return HealthStatus(HealthState.HEALTHY, details={"bytes": self._file.stat().st_size})

    def started(self, job: str, inputs: Sequence[str]) -> str:
        """A job begins. Returns the id of its run."""
        run_id = str(generate_new_uuid())
        self._jobs[run_id] = job
        self._emit(run_id, RunState.START, inputs)
        return run_id

    def completed(self, run_id: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """The job has read *inputs* and written *outputs*."""
        self._emit(run_id, RunState.COMPLETE, inputs, outputs)

    def failed(self, run_id: str, error: BaseException) -> None:
        """The job ended in *error*, and so does the run."""
        self._failed = True
        self._emit(run_id, RunState.FAIL, error=type(error).__name__)

    def _emit(
        self, run_id: str, state: RunState, inputs: Sequence[str] = (), outputs: Sequence[str] = (), error: str = ""
    ) -> None:
        if self._client is None:
            raise RuntimeError("no run is open; activate LINEAGE_BACKEND:openlineage first")
        run, job = Run(runId=run_id), Job(namespace=self._config.namespace, name=self._jobs[run_id])
        if run_id != self._run:
            run.facets = {
                **(run.facets or {}),
                "parent": parent_run.ParentRunFacet(
                    run=parent_run.Run(runId=self._run),
                    job=parent_run.Job(namespace=self._config.namespace, name=self._config.job),
                ),
            }
        if error:
            facet = error_message_run.ErrorMessageRunFacet(message=error, programmingLanguage="PYTHON")
            run.facets = {**(run.facets or {}), "errorMessage": facet}
        self._client.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=run,
                job=job,
                producer=PRODUCER,
                inputs=[InputDataset(namespace=self._config.namespace, name=name) for name in inputs],
                outputs=[OutputDataset(namespace=self._config.namespace, name=name) for name in outputs],
            )
        )
