"""``floe-plugins doctor``: everything that is wrong, and what to do about it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import Fault, install_distribution, install_faulty_plugin
from floe_core.testing.faults import ShowsIn
from tests.cli.conftest import PATIENCE, Cli, Terminal
from tests.conftest import InstallPlugin


def test_is_content_with_healthy_plugins(install_plugin: InstallPlugin, cli: Cli) -> None:
    """Exit code 0, loading and starting included; and it says how far it looked."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    assert "Nothing was imported." in cli("doctor").words
    for arguments, checked in (([], []), (["--load"], ["load"]), (["--start"], ["load", "start"])):
        ran = cli("doctor", "--json", *arguments)
        assert (ran.code, ran.answer["problems"], ran.answer["checked"]) == (0, [], checked)


def test_three_broken_plugins_are_mended_by_its_advice_alone(
    site: Path, install_plugin: InstallPlugin, cli: Cli, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An operator with a conflict, a missing driver and a wrong setting reads what the terminal says and does that, step by
    step; nothing else is known to this test.
    """
    install_plugin("vendor_a", PluginType.COMPUTE, "duckdb")
    install_plugin("vendor_b", PluginType.COMPUTE, "duckdb")
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris", prologue="import polaris_driver\n")
    install_plugin("acme_dagster", PluginType.ORCHESTRATOR, "dagster", schema="workers: int")
    settings = site / "settings.toml"
    settings.write_text("[plugins.orchestrators.dagster]\nworkers = 'hunter2-many'\n")
    command = ["doctor", "--load", "--settings", str(settings)]
    session = terminal(*command)
    assert session.code == 1
    assert "3 problems" in session.words

    told = re.search(r"FLOE_PLUGINS_PREFER=(\S+?)[,\s]", session.words)
    assert told is not None
    choice = told[1]
    monkeypatch.setenv("FLOE_PLUGINS_PREFER", choice)
    assert "2 problems" in terminal(*command).words

    told = re.search(r"Install what provides the module '(\w+)'", session.words)
    assert told is not None
    (site / f"{told[1]}.py").write_text("")
    assert "1 problem" in terminal(*command).words

    told = re.search(r"plugins\.(\w+)\.(\w+)\.(\w+): Input should be a valid integer", session.words)
    assert told is not None
    settings.write_text(f"[plugins.{told[1]}.{told[2]}]\n{told[3]} = 4\n")
    session = terminal(*command)
    assert session.code == 0
    assert "no problem" in session.words
    assert "hunter2" not in session.raw


def test_a_dependent_is_told_with_what_blocks_it(install_plugin: InstallPlugin, cli: Cli) -> None:
    """One problem at the root, with all that it keeps from working, and none for each of those."""
    install_plugin("acme_dagster", PluginType.ORCHESTRATOR, "dagster", dependencies=["COMPUTE:duckdb"])
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", dependencies=["CATALOG:polaris"])
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris", api_version="9.0")

    for arguments in ([], ["--load"], ["--start"]):
        problems = cli("doctor", "--json", *arguments).answer["problems"]
        assert [(problem["key"], problem["blocks"]) for problem in problems] == [
            ("CATALOG:polaris", ["COMPUTE:duckdb", "ORCHESTRATOR:dagster"])
        ]


def test_a_circle_is_one_problem(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_a", PluginType.COMPUTE, "a", dependencies=["COMPUTE:b"])
    install_plugin("acme_b", PluginType.COMPUTE, "b", dependencies=["COMPUTE:a"])

    (problem,) = cli("doctor", "--json").answer["problems"]

    assert problem["kind"] == "CircularDependencyError"
    assert [problem["key"], *problem["blocks"]] == ["COMPUTE:a", "COMPUTE:b"]
    assert "Break the circle" in problem["advice"]


def test_starts_and_stops(install_plugin: InstallPlugin, cli: Cli) -> None:
    """A startup and a shutdown that fail are two problems, each with the place in the plugin's code."""
    install_plugin("acme_a", PluginType.COMPUTE, "a", body="def startup(self):\n    raise RuntimeError('hunter2')\n")
    install_plugin("acme_b", PluginType.COMPUTE, "b", body="def shutdown(self):\n    raise RuntimeError('hunter2')\n")

    assert cli("doctor", "--load").code == 0
    ran = cli("doctor", "--start")

    assert ran.code == 1
    assert "acme_a.py" in ran.words
    assert "startup() raised RuntimeError" in ran.words
    assert "shutdown() raised RuntimeError" in ran.words
    assert "another release of acme-a." in ran.words
    assert "hunter2" not in ran.out + ran.err


def test_leaves_what_an_application_has_started(site: Path, install_plugin: InstallPlugin, cli: Cli) -> None:
    """With ``--app``, only what doctor started is stopped again."""
    install_plugin("acme_a", PluginType.COMPUTE, "a")
    (site / "running_app.py").write_text(
        "from floe_core.plugin_registry import PluginRegistry\nfrom floe_core.plugin_types import PluginType\n"
        "registry = PluginRegistry()\nregistry.discover_all()\nregistry.activate_plugin(PluginType.COMPUTE, 'a')\n"
    )

    assert cli("doctor", "--start", "--app", "running_app:registry").code == 0

    application: Any = sys.modules["running_app"]
    assert application.registry.state(PluginType.COMPUTE, "a").value == "active"


def test_notes_what_is_left_out_on_purpose(site: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disabled plugin, a rival that lost by choice, and a stale copy are no problem, and yet told."""
    group: dict[PluginType | str, dict[str, str]] = {PluginType.COMPUTE: {"a": "acme_a:Plugin"}}
    source = {"acme_a": "from floe_core.plugins import ComputePlugin\nclass Plugin(ComputePlugin):\n    ...\n"}
    install_distribution(site, "acme-a", group, modules=source)
    install_distribution(site, "rival-a", group)
    install_distribution(
        site, "acme-a", {PluginType.COMPUTE: {"old": "acme_a:Plugin"}}, version="0.9", suffix=".egg-info"
    )
    install_distribution(site, "acme-off", {PluginType.COMPUTE: {"off": "acme_off:Plugin"}}, metadata=None)
    monkeypatch.setenv("FLOE_PLUGINS_PREFER", "COMPUTE:a=acme-a")
    monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "COMPUTE:off")

    ran = cli("doctor", "--json")

    assert ran.code == 0
    assert sorted(note["kind"] for note in ran.answer["notes"]) == ["disabled", "not preferred", "shadowed"]
    assert [remark["key"] for remark in ran.answer["remarks"]] == ["COMPUTE:off"]
    words = cli("doctor").words
    assert "For the record" in words
    assert "Nothing, if that is meant" in words


def test_an_entry_point_of_an_unknown_group_is_a_problem(site: Path, cli: Cli) -> None:
    """It is how a mistyped group shows."""
    install_distribution(site, "acme-typo", {"floe.compute": {"duckdb": "acme_duck:Plugin"}})

    ran = cli("doctor")

    assert ran.code == 1
    assert "floe.computes" in ran.words
    assert "acme-typo" in ran.words


def test_a_load_that_hangs_is_interrupted_and_told_with_its_place(install_plugin: InstallPlugin, process: Cli) -> None:
    """The rest is still looked at, and it takes as long as the bound says."""
    code = "import time\ntime.sleep(100)\n"
    install_plugin("acme_slow", PluginType.COMPUTE, "slow", prologue=code)
    install_plugin("acme_wrong", PluginType.COMPUTE, "wrong", prologue="1 / 0\n")

    begun = perf_counter()
    ran = process("doctor", "--load", "--timeout", "0.5", "--json")

    assert perf_counter() - begun < PATIENCE / 2
    slow, wrong = ran.answer["problems"]
    assert "took longer than 0.5 s; it stood at" in slow["what"]
    assert "acme_slow.py:2" in slow["what"]
    assert "acme_wrong.py:1" in wrong["what"]


@pytest.mark.parametrize("columns", [80, 40])
def test_fits_the_terminal(install_plugin: InstallPlugin, terminal: Terminal, columns: int) -> None:
    """Nothing runs over the edge; what happened and what to do are there at any width."""
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris" * 10, prologue="import polaris_driver\n")

    session = terminal("doctor", "--load", columns=columns)

    assert session.code == 1
    assert session.width <= columns
    for words in ("what happened", "what to do", "polaris_driver", "acme-polaris 1.0.0"):
        assert words in session.words
    assert "\x1b[31m" in session.raw


DISCOVERED = [fault for fault in Fault if fault.shows_in is ShowsIn.DISCOVERY and fault is not Fault.LEFTOVER_FOLDER]
LOADED = [fault for fault in Fault if fault.shows_in is ShowsIn.GET]


@pytest.mark.parametrize("fault", DISCOVERED, ids=lambda fault: fault.name.lower())
def test_tells_every_fault_on_disk(site: Path, cli: Cli, fault: Fault) -> None:
    """Each by the distribution at fault, with something to do, importing nothing."""
    install_faulty_plugin(site, fault, plugin_type=PluginType.COMPUTE, name="faulty")

    ran = cli("doctor", "--json")

    assert ran.code == 1
    assert all(problem["what"] and problem["advice"] and problem["path"] for problem in ran.answer["problems"])
    assert cli("doctor").code == 1


@pytest.mark.parametrize("fault", LOADED, ids=lambda fault: fault.name.lower())
def test_tells_every_fault_of_loading(site: Path, cli: Cli, fault: Fault) -> None:
    """Each by its key, with something to do; no traceback, and the healthy neighbour is not at fault."""
    install_faulty_plugin(site, fault, plugin_type=PluginType.COMPUTE, name="faulty")

    ran = cli("doctor", "--load", "--timeout", "5", "--json")

    if "INTERRUPTED" in fault.name:
        assert ran.code == 130
        return
    assert ran.code == 1
    assert "COMPUTE:faulty" in str(ran.answer["problems"])
    assert all(problem["what"] and problem["advice"] for problem in ran.answer["problems"])
    assert "Traceback" not in ran.err
