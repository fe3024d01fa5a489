"""``floe-plugins list``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from floe_core.cli.source import report_of
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.testing import Fault, install_distribution, install_faulty_plugin
from tests.cli.conftest import Cli, Terminal, environment
from tests.conftest import InstallPlugin


def test_tells_types_names_states_versions_and_distributions(install_plugin: InstallPlugin, cli: Cli) -> None:
    """Each installed plugin is one entry, sorted by key; the shape bears its name and version."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", version="1.4.2")
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris")

    ran = cli("list", "--json")

    assert ran.code == 0
    assert ran.answer == {
        "schema": "floe-plugins/list/1",
        "plugins": [
            {
                "key": "CATALOG:polaris",
                "type": "CATALOG",
                "name": "polaris",
                "state": "discovered",
                "version": "1.0.0",
                "distribution": "acme-polaris",
            },
            {
                "key": "COMPUTE:duckdb",
                "type": "COMPUTE",
                "name": "duckdb",
                "state": "discovered",
                "version": "1.4.2",
                "distribution": "acme-duck",
            },
        ],
        "unused": 0,
    }


def test_imports_no_plugin(install_plugin: InstallPlugin, process: Cli) -> None:
    """Neither the plugin, nor the container, nor pydantic's models, nor a parser, nor anything to draw with."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue="raise SystemExit('imported')\n")
    look = (
        "import atexit, sys\n"
        "names = ['acme_duck', 'floe_containers', 'pydantic', 'typer', 'rich']\n"
        "atexit.register(lambda: print([name for name in names if name in sys.modules], file=sys.stderr))"
    )

    ran = process("list", before=look)

    assert ran.code == 0
    assert "duckdb" in ran.out
    assert ran.err.strip() == "[]"


def test_imports_no_plugin_through_the_parser_either(install_plugin: InstallPlugin, cli: Cli) -> None:
    """With options that need the parser, the answer is the same, and the plugin still not imported."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    assert cli("--json", "list", "--traceback").out == cli("list", "--json").out
    assert "acme_duck" not in sys.modules


@pytest.mark.parametrize("columns", [80, 40])
def test_fits_the_terminal(install_plugin: InstallPlugin, terminal: Terminal, columns: int) -> None:
    """Nothing is cut off and nothing runs over the edge, long names included; in colour."""
    name = "a-name-that-is-much-longer-than-anybody-would-like"
    install_plugin("acme_duck", PluginType.COMPUTE, name)
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris")

    session = terminal("list", columns=columns)

    assert session.code == 0
    assert session.width <= columns
    shown = "".join(line.strip(" ○").partition("  ")[0] for line in session.text.split("\n"))
    assert name in shown
    assert "\x1b[36m" in session.raw


def test_prints_no_colour_where_none_is_wanted(install_plugin: InstallPlugin, terminal: Terminal) -> None:
    """NO_COLOR is heeded: bold is all that is left."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    session = terminal("list", env={"NO_COLOR": "1"})

    assert "duckdb" in session.text
    assert "\x1b[36m" not in session.raw


def test_survives_a_terminal_that_knows_only_ascii(install_plugin: InstallPlugin, process: Cli) -> None:
    """Signs have a plain form, and a name that the encoding cannot say is escaped."""
    install_plugin("acme_duck", PluginType.COMPUTE, "dückdb")

    ran = process("list", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"})

    assert ran.code == 0
    assert "o d\\xfcckdb" in ran.out


def test_prints_a_hostile_name_without_obeying_it(site: Path, cli: Cli) -> None:
    """A name with an escape sequence, or with markup, is shown and not carried out."""
    text = "[floe.computes]\nred\x1b[31m = acme:Plugin\n[bold]x[/bold] = acme:Plugin\n"
    install_distribution(site, "acme-hostile", text)

    ran = cli("list")

    assert "\x1b" not in ran.out
    assert "red\\x1b[31m" in ran.out
    assert "[bold]x[/bold]" in ran.out


def test_says_when_there_is_nothing(site: Path, cli: Cli) -> None:
    assert "No plugin is installed." in cli("list").out


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_is_the_report_of_a_registry_whatever_is_broken(site: Path, cli: Cli, fault: Fault) -> None:
    """What is read without a container is what the registry reports, for every fault; and the command never fails."""
    install_faulty_plugin(site, fault, plugin_type=PluginType.COMPUTE, name="faulty")
    registry = PluginRegistry()
    registry.discover_all()
    theirs, ours = registry.report(), report_of(registry._store.inventory)

    assert [plugin.__dict__ | {"timings": {}, "began": {}} for plugin in theirs.plugins] == [
        plugin.__dict__ for plugin in ours.plugins
    ]
    assert theirs.unused == ours.unused
    for arguments in (["list", "--json"], ["list"]):
        assert cli(*arguments).code == 0


def test_answers_within_one_and_a_half_times_of_importing_the_libraries(site: Path) -> None:
    """On 100 distributions, whole processes, the best of several runs of each."""
    for number in range(100):
        install_distribution(site, f"acme-{number}", {PluginType.COMPUTE: {f"p{number}": "acme:Plugin"}})
    env = {**environment(site), "COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}

    def best(*arguments: str) -> float:
        times: list[float] = []
        for _ in range(9):
            begun = perf_counter()
            subprocess.run([sys.executable, *arguments], env=env, capture_output=True, check=True)
            times.append(perf_counter() - begun)
        return min(times)

    assert best("-m", "floe_core", "list") <= 1.5 * best("-c", "import typer, rich")
