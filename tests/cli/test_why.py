"""``floe-plugins why``: the chain of causes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution
from tests.cli.conftest import Cli, Terminal
from tests.conftest import InstallPlugin


@pytest.fixture
def chain(install_plugin: InstallPlugin) -> None:
    """Here dagster needs duckdb needs polaris, which is for another plugin API."""
    install_plugin("acme_dagster", PluginType.ORCHESTRATOR, "dagster", dependencies=["COMPUTE:duckdb"])
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", dependencies=["CATALOG:polaris"])
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris", api_version="9.0")


def test_tells_the_chain_down_to_the_root_and_imports_nothing(chain: None, cli: Cli) -> None:
    """Each step by its key; the advice is that of the root."""
    ran = cli("why", "dagster", "--json")

    assert ran.code == 1
    assert [step["key"] for step in ran.answer["chain"]] == [
        "ORCHESTRATOR:dagster",
        "COMPUTE:duckdb",
        "CATALOG:polaris",
    ]
    assert "requires API v9.0" in ran.answer["chain"][-1]["what"]
    assert "written for API 1.0" in ran.answer["advice"]
    assert not {"acme_dagster", "acme_duck", "acme_polaris"} & set(sys.modules)


@pytest.mark.parametrize("columns", [80, 40])
def test_fits_the_terminal(chain: None, terminal: Terminal, columns: int) -> None:
    session = terminal("why", "dagster", columns=columns)

    assert session.code == 1
    assert session.width <= columns
    assert "requires API v9.0" in session.words
    assert "└" in session.text


def test_a_plugin_without_fault_has_no_chain(install_plugin: InstallPlugin, cli: Cli) -> None:
    """The answer says how far it looked."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    ran = cli("why", "duckdb", "--json")
    assert (ran.code, ran.answer["chain"], ran.answer["advice"]) == (0, [], "")
    assert "--load tries whether it loads" in cli("why", "duckdb").words
    assert "It loads, and so does all that it depends on." in cli("why", "duckdb", "--load").words


def test_loading_tells_what_the_files_cannot(install_plugin: InstallPlugin, cli: Cli) -> None:
    """The plugin's own error by type and place, the text only where a traceback is asked for."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue="raise RuntimeError('spoken')\n")

    assert cli("why", "duckdb").code == 0
    ran = cli("why", "duckdb", "--load")

    assert ran.code == 1
    assert "RuntimeError at" in ran.words
    assert "acme_duck.py:1" in ran.words
    assert "spoken" not in ran.out + ran.err
    assert "RuntimeError: spoken" in cli("why", "duckdb", "--load", "--traceback").err


def test_a_rejected_candidate_is_the_root(site: Path, cli: Cli) -> None:
    """What to do is about the distribution whose entry point cannot be used."""
    install_distribution(site, "acme-broken", "[floe.computes]\nflink = a/file.yaml\n")

    ran = cli("why", "flink", "--json")

    assert ran.code == 1
    assert [candidate["distribution"] for candidate in ran.answer["candidates"]] == ["acme-broken"]
    assert "pip uninstall acme-broken" in ran.answer["advice"]
    assert "pip uninstall acme-broken" in cli("why", "flink").words


def test_other_candidates_are_told_beside_the_cause(
    site: Path, install_plugin: InstallPlugin, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival that lost by choice stands below a cause that has nothing to do with it."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", api_version="9.0")
    install_distribution(site, "rival", {PluginType.COMPUTE: {"duckdb": "rival:Plugin"}})
    monkeypatch.setenv("FLOE_PLUGINS_PREFER", "COMPUTE:duckdb=acme-duck")

    ran = cli("why", "duckdb")

    assert "requires API v9.0" in ran.words
    assert "rival 1.0.0" in ran.words


def test_a_policy_and_a_missing_plugin_are_roots(
    install_plugin: InstallPlugin, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "COMPUTE:duckdb")

    assert "FLOE_PLUGINS_DISABLE" in cli("why", "duckdb").words
    assert "Install a distribution that provides COMPUTE:spark." in cli("why", "COMPUTE:spark").words


def test_a_configuration_is_told_by_its_fields(site: Path, install_plugin: InstallPlugin, cli: Cli) -> None:
    """By dotted path from the root of the settings, without values."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int")
    (site / "s.toml").write_text("[plugins.computes.duckdb]\nthreads = 'hunter2'\n")

    ran = cli("why", "duckdb", "--load", "--settings", str(site / "s.toml"))

    assert "plugins.computes.duckdb.threads: Input should be a valid integer" in ran.words
    assert "hunter2" not in ran.out


def test_says_what_only_loading_can_tell(install_plugin: InstallPlugin, cli: Cli) -> None:
    """Dependencies that are computed are known once the plugin is loaded."""
    body = "@property\ndef dependencies(self):\n    return ['COMPUTE:' + 'spark']\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=body)

    assert "What COMPUTE:duckdb depends on is known once it is loaded." in cli("why", "duckdb").words
    assert cli("why", "duckdb", "--load").code == 1
