"""``floe-plugins validate``."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from tests.cli.conftest import Cli, Terminal
from tests.conftest import InstallPlugin


@pytest.fixture
def plugins(install_plugin: InstallPlugin) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int\npool: dict[str, int] = {}")
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris", schema="url: str\ntoken: SecretStr")
    install_plugin("acme_broken", PluginType.STORAGE, "broken", prologue="import no_such_driver\n")


def test_a_file_that_fits_is_fine(plugins: None, site: Path, cli: Cli, terminal: Terminal) -> None:
    file = site / "s.toml"
    file.write_text("[defaults]\ncomputes = 'duckdb'\n[plugins.computes.duckdb]\nthreads = 4\n")

    ran = cli("validate", str(file), "--json")

    assert (ran.code, ran.answer["faults"], ran.answer["plugins"]) == (0, [], ["COMPUTE:duckdb"])
    session = terminal("validate", "s.toml", columns=40)
    assert "s.toml fits; it configures 1 plugin." in session.words
    assert session.width <= 40


def test_tells_every_fault_at_once_by_dotted_path(plugins: None, site: Path, cli: Cli, terminal: Terminal) -> None:
    """Faults of the settings, of each plugin's table, unknown plugins and those that do not load; and no value."""
    file = site / "s.toml"
    file.write_text(
        "surprise = 'hunter2'\n"
        "[defaults]\ncomputes = 'spark'\ncatalogs = 5\nwarehouses = 'x'\n"
        "[plugins.computes.duckdb]\nthreads = 'hunter2'\npool = { a = 'hunter2' }\n"
        "[plugins.catalogs.polaris]\ntoken = 5\nextra = 1\n"
        "[plugins.computes.nothing]\na = 1\n"
        "[plugins.storage.broken]\na = 1\n"
        "[plugins.storage]\n'' = { a = 1 }\n"
        "[plugins.warehouses.x]\na = 1\n"
    )

    ran = cli("validate", str(file), "--json")

    fields = [fault["field"] for fault in ran.answer["faults"]]
    assert ran.code == 1
    for field in (
        "surprise",
        "defaults.catalogs",
        "defaults.computes",
        "plugins.computes.duckdb.threads",
        "plugins.computes.duckdb.pool.a",
        "plugins.catalogs.polaris.url",
        "plugins.catalogs.polaris.token",
        "plugins.computes.nothing",
        "plugins.storage.broken",
        "plugins.storage.",
    ):
        assert field in fields
    assert "hunter2" not in ran.out
    session = terminal("validate", "s.toml", columns=40)
    assert session.code == 1
    assert session.width <= 40
    assert "hunter2" not in session.raw
    assert f"{len(fields)} faults in s.toml" in session.words


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.toml", "plugins = [hunter2"),
        ("s.json", "[]"),
        ("s.txt", ""),
        ("s.json", '{"plugins": [], "defaults": 5}'),
        ("s.json", '{"plugins": {"computes": 5}}'),
    ],
)
def test_a_file_that_is_no_settings_is_a_fault(site: Path, cli: Cli, name: str, content: str) -> None:
    (site / name).write_text(content)

    ran = cli("validate", str(site / name))

    assert ran.code == 1
    assert "fault" in ran.words
    assert "hunter2" not in ran.out


def test_the_policy_of_the_file_is_in_force(plugins: None, site: Path, cli: Cli) -> None:
    """A plugin that the file itself leaves out cannot be configured by it; what the environment says does not count."""
    file = site / "s.toml"
    file.write_text("[policy]\ndeny = ['acme-duck']\n[plugins.computes.duckdb]\nthreads = 4\n")

    ran = cli("validate", str(file))

    assert ran.code == 1
    assert "policy.deny" in ran.words
