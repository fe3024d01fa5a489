"""``floe-plugins health``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from floe_core.plugin_types import PluginType
from tests.cli.conftest import PATIENCE, Cli, Terminal
from tests.conftest import InstallPlugin


@pytest.fixture
def plugins(install_plugin: InstallPlugin) -> None:
    """Fine at once; degraded; fine after a while; hung; and one that does not load."""
    install_plugin("acme_a", PluginType.COMPUTE, "a")
    body = "def health_check(self):\n    return HealthStatus(HealthState.DEGRADED, 'the cache is cold')\n"
    install_plugin("acme_b", PluginType.COMPUTE, "b", body=body)
    slow = (
        "def health_check(self):\n    import time\n    time.sleep(0.4)\n    return HealthStatus(HealthState.HEALTHY)\n"
    )
    install_plugin("acme_c", PluginType.COMPUTE, "c", body=slow)
    install_plugin(
        "acme_d", PluginType.COMPUTE, "d", body="def health_check(self):\n    import time\n    time.sleep(99)\n"
    )
    install_plugin("acme_e", PluginType.COMPUTE, "e", prologue="import no_such_driver\n")


def test_tells_the_state_of_each(plugins: None, cli: Cli) -> None:
    """All together within the deadline, the hung one with its place."""
    begun = perf_counter()
    ran = cli("health", "--timeout", "2", "--json")

    assert perf_counter() - begun < PATIENCE / 2
    assert ran.code == 1
    rows = {row["key"]: row for row in ran.answer["plugins"]}
    assert {key: row["state"] for key, row in rows.items()} == {
        "COMPUTE:a": "healthy",
        "COMPUTE:b": "degraded",
        "COMPUTE:c": "healthy",
        "COMPUTE:d": "unhealthy",
        "COMPUTE:e": "unhealthy",
    }
    assert rows["COMPUTE:b"]["message"] == "the cache is cold"
    assert rows["COMPUTE:c"]["duration_s"] >= 0.4
    assert "acme_d.py" in rows["COMPUTE:d"]["message"]
    assert "no_such_driver" in rows["COMPUTE:e"]["message"]


@pytest.mark.parametrize("columns", [80, 40])
def test_the_table_fills_as_the_answers_come(plugins: None, terminal: Terminal, columns: int) -> None:
    """While one is still being asked, the answer of another stands there."""
    session = terminal("health", "--timeout", "2", columns=columns)

    assert session.code == 1
    assert session.width <= columns
    pictures = session.text.split("COMPUTE:a")
    assert "asking" in pictures[1]
    assert any("degraded" in picture and "asking" in picture for picture in pictures)
    assert "asking" not in pictures[-1]
    assert "2 of 5 plugins healthy" in session.words


def test_one_plugin_can_be_asked(plugins: None, cli: Cli) -> None:
    ran = cli("health", "a")

    assert ran.code == 0
    assert "1 of 1 plugin healthy" in ran.words


def test_the_configured_ones_are_asked_by_default(plugins: None, site: Path, cli: Cli) -> None:
    (site / "s.toml").write_text("[plugins.computes.a]\n")

    rows = cli("health", "--json", "--settings", str(site / "s.toml")).answer["plugins"]

    assert [row["key"] for row in rows] == ["COMPUTE:a"]


def test_what_is_not_installed_is_unhealthy(cli: Cli) -> None:
    ran = cli("health", "COMPUTE:nothing")

    assert ran.code == 1
    assert "Plugin not found" in ran.words


def test_nothing_to_ask_is_said(cli: Cli) -> None:
    assert "There is no plugin to ask." in cli("health").words


def test_starts_and_stops_where_asked_to(install_plugin: InstallPlugin, site: Path, cli: Cli) -> None:
    """A plugin that is healthy only when started; one whose startup fails is unhealthy."""
    body = f"""
        up = False
        def startup(self):
            self.up = True
        def shutdown(self):
            open({str(site / "stopped")!r}, "w").close()
        def health_check(self):
            return HealthStatus(HealthState.HEALTHY if self.up else HealthState.UNHEALTHY)
    """
    install_plugin("acme_a", PluginType.COMPUTE, "a", body=body)
    install_plugin("acme_b", PluginType.COMPUTE, "b", body="def startup(self):\n    raise RuntimeError\n")

    assert cli("health", "a").code == 1
    assert cli("health", "a", "--start").code == 0
    assert (site / "stopped").exists()
    assert "startup() raised RuntimeError" in cli("health", "--start").words
