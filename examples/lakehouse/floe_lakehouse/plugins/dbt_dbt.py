"""DBT:dbt. Builds the models with dbt-core and its DuckDB adapter, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import dbt.adapters.duckdb  # noqa: F401  the adapter is loaded by dbt only when it runs; it belongs to the start-up
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.clients.yaml_helper import load_yaml_text
from dbt_common.events.base_types import EventMsg
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import DbtPlugin
from floe_lakehouse.ports import Modelled, Progress

__all__ = ["DbtBuildError", "DbtConfig", "DbtModels"]

PROJECT: Final = Path(__file__).parent.parent / "dbt_project"
_GREEN: Final = ("success", "pass", "warn")


class DbtConfig(BaseModel):
    """Which project to build, from where to where."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    database: Path = Field(description="The DuckDB file with the loaded tables; the models are built in it too.")
    target: Path = Field(description="The folder for the artefacts: manifest, catalogue, run results, docs.")
    project: Path = Field(default=PROJECT, description="The folder of the dbt project.")
    source_schema: str = Field(default="raw", description="The schema of the loaded tables.")
    model_schema: str = Field(default="marts", description="The schema for the models.")
    threads: int = Field(default=2, ge=1, description="Models built at the same time.")


class DbtBuildError(RuntimeError):
    """A model could not be built, or a test failed. ``failures`` has one line for each."""

    def __init__(self, failures: list[str]) -> None:
        self.failures = failures
        super().__init__(failures)

    def __str__(self) -> str:
        return "dbt build failed: " + "; ".join(self.failures)


class DbtModels(DbtPlugin):
    """Runs one dbt project. Models are replaced in a transaction each: a killed build leaves the ones before."""

    def __init__(self, config: DbtConfig) -> None:
        self._config = config
        self._is_open = False

    @property
    def name(self) -> str:
        return "dbt"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Builds and tests the models (dbt-core, dbt-duckdb)"

    @property
    def dependencies(self) -> list[str]:
        return ["INGESTION:dlt>=1.0,<2"]  # its tables are the sources of the project

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return DbtConfig

    @property
    def database(self) -> Path:
        """The DuckDB file that holds the models."""
        return self._config.database.absolute()

    @property
    def schema(self) -> str:
        """The schema in which they are."""
        return self._config.model_schema

    @property
    def _project_file(self) -> Path:
        return self._config.project / "dbt_project.yml"

    def startup(self) -> None:
        """Make the folder for the artefacts, and see that the project is there."""
        if not self._project_file.is_file():
            raise FileNotFoundError(f"there is no dbt project: {self._project_file}")
        self._config.target.mkdir(parents=True, exist_ok=True)
        self._is_open = True

    def shutdown(self) -> None:
        """Let go of the database."""
        self._is_open = False
        _release_database()

    def health_check(self) -> HealthStatus:
        """Read the project as dbt would find it, and look at the results of the last build."""
        if not self._is_open:
            return HealthStatus(HealthState.UNHEALTHY, "no project is open")
        project = load_yaml_text(self._project_file.read_text(encoding="utf-8"))
        folders = [self._config.project / folder for folder in project["model-paths"]]
        models = [model.stem for folder in folders for model in folder.rglob("*.sql") if model.stat().st_size]
        if not models:
            return HealthStatus(HealthState.UNHEALTHY, f"the project {project['name']} has no models")
        failed = [str(result["unique_id"]) for result in self._last_results() if result["status"] not in _GREEN]
        if failed:
            return HealthStatus(HealthState.DEGRADED, f"{len(failed)} failed in the last build", {"failed": failed})
        return HealthStatus(HealthState.HEALTHY, details={"models": len(models)})

    def build(self, progress: Progress) -> Modelled:
        """
        Build every model, run every test, and write the docs artefacts.

        Raises:
            DbtBuildError: Something failed; the message names it. Models built before it are in place.
        """

        def tell(event: EventMsg) -> None:
            if event.info.name == "LogModelResult":
                progress(f"model {event.data.node_info.node_name}")
            elif event.info.name in ("LogTestResult", "LogUnitTestResult"):
                progress(f"test {event.data.node_info.node_name}")

        built = self._invoke("build", tell=tell)
        results = list(getattr(built.result, "results", ()))
        failures = [
            f"{result.node.name} ({result.status}{': ' + result.message if result.message else ''})"
            for result in results
            if result.status not in _GREEN
        ]
        if failures or not built.success:
            raise DbtBuildError(failures or [type(built.exception).__name__ if built.exception else "no result"])
        progress("docs")
        if not self._invoke("docs", "generate").success:
            raise DbtBuildError(["docs generate"])
        models = [result.node.name for result in results if result.node.resource_type == "model"]
        artefacts = ("manifest.json", "run_results.json", "catalog.json", "index.html")
        return Modelled(
            models=[f"{self.schema}.{model}" for model in models],
            tests=len(results) - len(models),
            artefacts=[self._config.target / artefact for artefact in artefacts],
        )

    def _invoke(self, *command: str, tell: Any = None) -> dbtRunnerResult:
        variables = {
            "database": str(self.database),
            "schema": self._config.model_schema,
            "source_schema": self._config.source_schema,
            "threads": self._config.threads,
        }
        target = str(self._config.target.absolute())
        try:
            return dbtRunner(callbacks=[tell] if tell else []).invoke(
                [
                    *command,
                    *("--project-dir", str(self._config.project), "--profiles-dir", str(self._config.project)),
                    *("--target-path", target, "--log-path", target, "--vars", json.dumps(variables)),
                    # A partial parse is read from a file that a killed run may have left half written.
                    *("--quiet", "--no-partial-parse", "--log-level-file", "none"),
                ]
            )
        finally:
            _release_database()

    def _last_results(self) -> list[dict[str, Any]]:
        try:
            return list(json.loads((self._config.target / "run_results.json").read_text())["results"])
        except (FileNotFoundError, ValueError, KeyError):
            return []  # no build yet, or one that was killed while it wrote


def _release_database() -> None:
    """The adapter keeps its database open until the process ends, and DuckDB lets nobody else in meanwhile."""
    DuckDBConnectionManager.close_all_connections()
