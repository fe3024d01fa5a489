"""``floe-plugins graph``."""

from __future__ import annotations

import sys

import pytest

from floe_core.plugin_types import PluginType
from tests.cli.conftest import Cli, Terminal
from tests.conftest import InstallPlugin


@pytest.fixture
def diamond(install_plugin: InstallPlugin) -> None:
    """Here dagster needs duckdb and polaris, duckdb needs polaris in a version, and spark needs what is not there."""
    install_plugin("acme_dagster", PluginType.ORCHESTRATOR, "dagster", dependencies=["duckdb", "CATALOG:polaris"])
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", dependencies=["CATALOG:polaris>=1.0"])
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris", dependencies=["STORAGE:s3"])
    install_plugin("acme_s3", PluginType.STORAGE, "s3")
    install_plugin("acme_spark", PluginType.COMPUTE, "spark", dependencies=["SECRETS:vault"])


def test_tells_nodes_and_edges_without_importing(diamond: None, cli: Cli) -> None:
    ran = cli("graph", "--json")

    assert ran.code == 1
    assert {(edge["from"], edge["to"], edge["version"]) for edge in ran.answer["edges"]} == {
        ("ORCHESTRATOR:dagster", "COMPUTE:duckdb", ""),
        ("ORCHESTRATOR:dagster", "CATALOG:polaris", ""),
        ("COMPUTE:duckdb", "CATALOG:polaris", ">=1.0"),
        ("CATALOG:polaris", "STORAGE:s3", ""),
        ("COMPUTE:spark", "SECRETS:vault", ""),
    }
    states = {node["key"]: (node["state"], bool(node["problem"])) for node in ran.answer["nodes"]}
    assert states["COMPUTE:duckdb"] == ("discovered", False)
    assert states["COMPUTE:spark"] == ("discovered", True)
    assert states["SECRETS:vault"] == ("missing", True)
    assert not [name for name in sys.modules if name.startswith("acme_")]


def test_loading_gives_the_same_edges(diamond: None, cli: Cli) -> None:
    """What the sources say is what the plugins say."""
    read, loaded = cli("graph", "--json").answer, cli("graph", "--json", "--load").answer

    assert loaded["edges"] == read["edges"]
    assert "acme_duck" in sys.modules


@pytest.mark.parametrize("columns", [80, 40])
def test_is_a_tree_in_the_terminal(diamond: None, terminal: Terminal, columns: int) -> None:
    session = terminal("graph", columns=columns)

    assert session.width <= columns
    assert "├─ ○ COMPUTE:duckdb" in session.text
    assert "│  └─ ○ CATALOG:polaris >=1.0" in session.text
    assert "└─ ○ CATALOG:polaris (see above)" in session.text
    assert "└─ ✗ SECRETS:vault missing" in session.text
    assert "6 plugins, 5 dependencies" in session.text


def test_is_a_tree_without_unicode(diamond: None, process: Cli) -> None:
    ran = process("graph", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})

    assert "|- o COMPUTE:duckdb" in ran.out
    assert "`- x SECRETS:vault missing" in ran.out


def test_speaks_mermaid_and_dot(diamond: None, cli: Cli) -> None:
    """Each key is quoted, each version labels its edge."""
    mermaid, dot = cli("graph", "--format", "mermaid").out, cli("graph", "--format", "dot").out

    assert mermaid.startswith("graph LR\n")
    assert '["COMPUTE:duckdb"]:::discovered' in mermaid
    assert '-- ">=1.0" -->' in mermaid
    assert "classDef missing" in mermaid
    assert dot.startswith("digraph plugins {\n")
    assert '"COMPUTE:duckdb" -> "CATALOG:polaris" [label=">=1.0"];' in dot
    assert dot.endswith("}\n")


def test_quotes_hostile_names(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, 'du"ck')

    assert 'COMPUTE:du#quot;ck"]' in cli("graph", "--format", "mermaid").out
    assert '"COMPUTE:du\\"ck"' in cli("graph", "--format", "dot").out


def test_draws_circles_once_and_chains_to_a_depth(install_plugin: InstallPlugin, cli: Cli) -> None:
    """A circle ends where it began; a long chain ends in a hint at the other formats."""
    for number in range(20):
        install_plugin(f"acme_c{number}", PluginType.COMPUTE, f"c{number}", dependencies=[f"COMPUTE:c{number + 1}"])
    install_plugin("acme_c20", PluginType.COMPUTE, "c20")
    install_plugin("acme_a", PluginType.CATALOG, "a", dependencies=["CATALOG:b"])
    install_plugin("acme_b", PluginType.CATALOG, "b", dependencies=["CATALOG:a"])

    ran = cli("graph")

    assert "deeper: --format dot" in ran.out
    assert "CATALOG:a failed (see above)" in ran.out


def test_says_whose_dependencies_are_unknown(install_plugin: InstallPlugin, cli: Cli) -> None:
    body = "@property\ndef dependencies(self):\n    return list(())\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=body)

    assert "known once they are loaded (--load): COMPUTE:duckdb" in cli("graph").words
    assert cli("graph", "--json").answer["nodes"][0]["dependencies_known"] is False
    assert "known once" not in cli("graph", "--load").words


def test_says_when_there_is_nothing(cli: Cli) -> None:
    assert cli("graph").out == "No plugin is installed.\n"
