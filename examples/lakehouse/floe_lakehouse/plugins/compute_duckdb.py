"""COMPUTE:duckdb. Reads Iceberg tables, by their data files, with DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import ComputePlugin

__all__ = ["DuckDbCompute", "DuckDbComputeConfig"]


class DuckDbComputeConfig(BaseModel):
    """How much of the machine a query may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: int = Field(default=2, ge=1, description="Threads per query.")
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(MB|GB)$", description="Memory for all queries together.")


class DuckDbCompute(ComputePlugin):
    """
    Queries tables that lie in Parquet files.

    Nothing is copied: a mounted table is a view on its files. Every call works on a cursor of its own, so any thread may
    call at any time.
    """

    def __init__(self, config: DuckDbComputeConfig | None = None) -> None:
        self._config = config or DuckDbComputeConfig()
        self._open: duckdb.DuckDBPyConnection | None = None

    @property
    def name(self) -> str:
        return "duckdb"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def description(self) -> str:
        return "Queries Iceberg tables where they lie (DuckDB)"

    @property
    def dependencies(self) -> list[str]:
        return ["CATALOG:sqlite>=1.0,<2"]  # knows which files make up a table

    @classmethod
    def get_config_schema(cls) -> type[BaseModel]:
        return DuckDbComputeConfig

    def startup(self) -> None:
        """Open a database in memory. It fetches nothing from the network, extensions included."""
        self._open = duckdb.connect(
            ":memory:",
            config={
                "threads": self._config.threads,
                "memory_limit": self._config.memory_limit,
                "autoinstall_known_extensions": False,
            },
        )
        self._open.execute("SET TimeZone = 'UTC'")

    def shutdown(self) -> None:
        """Close the database; mounted tables are forgotten."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def health_check(self) -> HealthStatus:
        """Run a query whose answer is known."""
        if self._open is None:
            return HealthStatus(HealthState.UNHEALTHY, "the database is not open")
        if self.query("SELECT sum(range) AS total FROM range(10)") != [{"total": 45}]:
            return HealthStatus(HealthState.UNHEALTHY, "a known query has a wrong answer")
        return HealthStatus(HealthState.HEALTHY, details={"duckdb": duckdb.__version__})

    def mount(self, table: str, data_files: Sequence[str]) -> None:
        """Make *table* readable under its name. The files are those of now: mount again after a publication."""
        files = ", ".join(_literal(file) for file in data_files)
        self.connection().execute(f"CREATE OR REPLACE VIEW {_quoted(table)} AS SELECT * FROM read_parquet([{files}])")

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows that *sql* selects."""
        cursor = self.connection().execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own on the database with the mounted tables."""
        if self._open is None:
            raise RuntimeError("the database is not open; activate COMPUTE:duckdb first")
        return self._open.cursor()

    @contextmanager
    def reading(self, database: Path) -> Iterator[DuckDbReader]:
        """Read the warehouse file *database*; it is let go at the end of the block, for others to write to."""
        connection = duckdb.connect(str(database), read_only=True)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield DuckDbReader(connection)
        finally:
            connection.close()


class DuckDbReader:
    """Reads whole tables of one warehouse file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def digests(self, table: str, part_by: str | None) -> dict[str, str]:
        """
        A digest per part. Equal rows in any order give equal digests.

        The version of DuckDB is part of it, since another one may hash differently: then everything counts as changed.
        """
        part = f"{_quoted(part_by)}::VARCHAR" if part_by else "'all'"
        rows = self._connection.execute(
            f"SELECT {part}, count(*), bit_xor(hash(t)), sum(hash(t)) FROM {table} AS t GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return {str(name): f"{count}-{xor:x}-{total:x}-{duckdb.__version__}" for name, count, xor, total in rows}

    def parts(self, table: str, part_by: str | None, values: Sequence[str]) -> pa.Table:
        """The rows of these parts."""
        chosen = (
            f"WHERE {_quoted(part_by)}::VARCHAR IN (SELECT unnest(?))" if part_by else "WHERE ?::VARCHAR[] IS NOT NULL"
        )
        return self._connection.sql(f"SELECT * FROM {table} {chosen}", params=[list(values)]).to_arrow_table()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
