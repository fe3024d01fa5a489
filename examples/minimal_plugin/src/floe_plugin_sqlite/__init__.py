"""COMPUTE:sqlite. Runs SQL with the SQLite that comes with Python."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import ComputePlugin

__all__ = ["SqliteConfig", "SqlitePlugin"]


class SqliteConfig(BaseModel):
    """What a settings file may say about this plugin."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # a mistyped name is an error, not a surprise

    path: Path | None = Field(default=None, description="The database file. None: a database in memory.")
    busy_timeout: float = Field(default=5.0, ge=0, description="Seconds to wait for another process's lock.")


class SqlitePlugin(ComputePlugin):
    """Runs SQL, from any thread, one statement at a time."""

    def __init__(self, config: SqliteConfig | None = None) -> None:
        self._config = config or SqliteConfig()
        self._database: sqlite3.Connection | None = None
        self._lock = threading.Lock()  # one statement at a time on the one connection

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
        return "SQL on SQLite"

    def get_config_schema(self) -> type[BaseModel]:
        return SqliteConfig

    def configure(self, config: BaseModel) -> None:
        """Take effect at the next startup. Without this method the constructor's configuration would be final."""
        self._config = SqliteConfig.model_validate(config)

    def startup(self) -> None:
        """Open the database, unless it is open."""
        if self._database is None:
            self._database = sqlite3.connect(
                self._config.path or ":memory:",
                timeout=self._config.busy_timeout,
                check_same_thread=False,  # hooks and callers come from any thread; the lock keeps them apart
            )

    def shutdown(self) -> None:
        """Close the database, if it is open."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def health_check(self) -> HealthStatus:
        """Run a statement whose answer is known."""
        if self._database is None:
            return HealthStatus(HealthState.UNHEALTHY, "the database is not open")
        return HealthStatus(HealthState.HEALTHY, details={"tables": len(self.query("SELECT * FROM sqlite_master"))})

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows that *sql* selects. Raises ``RuntimeError`` when the plugin is not started."""
        if self._database is None:
            raise RuntimeError("the database is not open; activate COMPUTE:sqlite first")
        with self._lock, self._database:
            return self._database.execute(sql, parameters).fetchall()
