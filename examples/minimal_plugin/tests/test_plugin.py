"""What this plugin does beyond what every plugin does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from floe_plugin_sqlite import SqlitePlugin

from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType

KEY = PluginKey(PluginType.COMPUTE, "sqlite")


@pytest.fixture
def running(floe_registry: PluginRegistry) -> Iterator[SqlitePlugin]:
    """The plugin, started in a registry of the test's own."""
    plugin = SqlitePlugin()
    floe_registry.register(plugin)
    with floe_registry.running([plugin]):
        yield plugin


def test_answers(running: SqlitePlugin) -> None:
    """Parameters go in, rows come out."""
    assert running.query("SELECT ? + 1", 41) == [(42,)]


def test_keeps_what_is_written(floe_registry: PluginRegistry, tmp_path: Path) -> None:
    """With a path, the tables are there again after a restart."""
    plugin = SqlitePlugin()
    floe_registry.register(plugin)
    floe_registry.configure(*KEY, {"path": str(tmp_path / "kept.db")})

    with floe_registry.running([plugin]):
        plugin.query("CREATE TABLE kept (id)")
        plugin.query("INSERT INTO kept VALUES (1)")
    with floe_registry.running([plugin]):
        assert plugin.query("SELECT id FROM kept") == [(1,)]
    assert (tmp_path / "kept.db").is_file()


def test_tells_its_health(running: SqlitePlugin) -> None:
    """It is healthy while the database is open, and counts the tables."""
    running.query("CREATE TABLE one (id)")

    assert running.health_check().state is HealthState.HEALTHY
    assert running.health_check().details == {"tables": 1}
    assert SqlitePlugin().health_check().state is HealthState.UNHEALTHY


def test_says_when_it_is_not_started() -> None:
    """A query before the start names what to do."""
    with pytest.raises(RuntimeError, match="activate COMPUTE:sqlite first"):
        SqlitePlugin().query("SELECT 1")
