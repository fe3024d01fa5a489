"""CATALOG:sqlite. Iceberg tables, known to a catalogue in one SQLite file, through pyiceberg."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue, In
from pyiceberg.table import Table

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import CatalogPlugin
from floe_lakehouse.ports import Published

__all__ = ["SqliteCatalog", "SqliteCatalogConfig"]

DIGESTS: Final = "floe.digests"
"""Under this name each snapshot says what is in it. Part of the snapshot, so the two cannot disagree."""


class SqliteCatalogConfig(BaseModel):
    """Where the catalogue and its tables are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: Path = Field(description="The SQLite file of the catalogue; made when it does not exist.")
    warehouse: Path = Field(description="The folder for the data and metadata files of the tables.")
    namespace: str = Field(default="flights", min_length=1, description="The namespace in which the tables are.")


class SqliteCatalog(CatalogPlugin):
    """
    Publishes Iceberg tables part by part.

    A publication is one commit: a process that is killed before it leaves files that no snapshot names, and the table
    as it was.
    """

    def __init__(self, config: SqliteCatalogConfig) -> None:
        self._config = config
        self._open: SqlCatalog | None = None

    @property
    def name(self) -> str:
        return "sqlite"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Iceberg tables in a SQLite catalogue (pyiceberg)"

    @property
    def dependencies(self) -> list[str]:
        return ["STORAGE:local>=1.0,<2"]  # keeps the folder in which the warehouse lies

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return SqliteCatalogConfig

    def startup(self) -> None:
        """Open the catalogue, and make its namespace when it is new."""
        self._open = SqlCatalog(
            "floe",
            uri=f"sqlite:///{self._config.database.absolute()}",
            warehouse=self._config.warehouse.absolute().as_uri(),
        )
        self._open.create_namespace_if_not_exists(self._config.namespace)

    def shutdown(self) -> None:
        """Close the catalogue."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def health_check(self) -> HealthStatus:
        """Ask the catalogue for its tables, and see whether the newest metadata file of each is where it says."""
        if self._open is None:
            return HealthStatus(HealthState.UNHEALTHY, "the catalogue is not open")
        lost = [table for table in self.tables() if not _is_there(self._table(table))]
        if lost:
            return HealthStatus(HealthState.UNHEALTHY, f"the metadata of {', '.join(lost)} is gone")
        return HealthStatus(HealthState.HEALTHY, details={"tables": len(self.tables())})

    def tables(self) -> list[str]:
        """The published tables, by name."""
        return sorted(name for _, name in self._catalog.list_tables(self._config.namespace))

    def publish(
        self,
        table: str,
        digests: Mapping[str, str],
        read: Callable[[Sequence[str]], pa.Table],
        part_by: str | None = None,
    ) -> Published:
        """Make *table* hold exactly the parts in *digests*, writing only those whose digest is not the published one."""
        published = self._digests(table)
        changed = [part for part, digest in digests.items() if published.get(part) != digest]
        gone = [part for part in published if part not in digests]
        if not changed and not gone:
            return self._published(table, 0, ())
        rows = read(changed)
        target = self._table_like(table, rows.schema, part_by)
        note = {DIGESTS: json.dumps(dict(digests))}
        with target.transaction() as transaction:
            replaced = [part for part in (*changed, *gone) if part in published]
            if replaced:
                which = In(part_by, [_typed(part) for part in replaced]) if part_by else AlwaysTrue()
                transaction.delete(which, snapshot_properties=note)
            transaction.append(rows, snapshot_properties=note)
        return self._published(table, rows.num_rows, tuple(changed))

    def data_files(self, table: str) -> list[str]:
        """
        The Parquet files that make up the current snapshot.

        Raises:
            LookupError: There is no such table, or nothing was published yet.
        """
        try:
            tasks = list(self._table(table).scan().plan_files())
        except NoSuchTableError:
            raise LookupError(f"there is no table {table!r}; there are {', '.join(self.tables()) or 'none'}") from None
        if any(task.delete_files for task in tasks):
            raise LookupError(f"{table!r} has rows deleted in place, by another writer; compact it first")
        return [task.file.file_path for task in tasks]

    def snapshots(self, table: str) -> list[dict[str, Any]]:
        """The history of *table*, oldest first: id, operation, rows, and when it was made."""
        return [
            {
                "snapshot": snapshot.snapshot_id,
                "operation": snapshot.summary.operation.value if snapshot.summary else "",
                "rows": int((snapshot.summary or {}).get("total-records", 0)),  # type: ignore[call-overload, union-attr]
                "made_at_ms": snapshot.timestamp_ms,
            }
            for snapshot in self._table(table).snapshots()
        ]

    @property
    def _catalog(self) -> SqlCatalog:
        if self._open is None:
            raise RuntimeError("the catalogue is not open; activate CATALOG:sqlite first")
        return self._open

    def _table(self, table: str) -> Table:
        return self._catalog.load_table((self._config.namespace, table))

    def _table_like(self, table: str, schema: pa.Schema, part_by: str | None) -> Table:
        """The table, made when it is new; columns that it lacks are added."""
        target = self._catalog.create_table_if_not_exists((self._config.namespace, table), schema=schema)
        if target.schema().column_names != schema.names:
            with target.update_schema() as update:
                update.union_by_name(schema)
        if part_by is not None and not target.spec().fields:
            with target.update_spec() as spec:
                spec.add_identity(part_by)
        return target

    def _digests(self, table: str) -> dict[str, str]:
        try:
            snapshot = self._table(table).current_snapshot()
        except NoSuchTableError:
            return {}
        if snapshot is None or snapshot.summary is None:
            return {}
        return dict(json.loads(snapshot.summary.additional_properties.get(DIGESTS, "{}")))

    def _published(self, table: str, rows_written: int, parts_written: tuple[str, ...]) -> Published:
        snapshot = self._table(table).current_snapshot()
        if snapshot is None or snapshot.summary is None:
            return Published(table, 0, rows_written, 0, parts_written)
        rows = int(snapshot.summary.additional_properties.get("total-records", 0))
        return Published(table, snapshot.snapshot_id, rows_written, rows, parts_written)


def _is_there(table: Table) -> bool:
    return table.io.new_input(table.metadata_location).exists()


def _typed(part: str) -> int | str:
    """Parts are named by text; the column they are taken from may hold numbers."""
    return int(part) if part.lstrip("-").isdigit() else part
