"""What is rare: odd terminals, odd dependencies, plugins that swallow an interrupt."""

from __future__ import annotations

import io
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from time import monotonic

import pytest

from floe_core._discovery import Candidate, Distribution
from floe_core.cli import bounded
from floe_core.cli.declared import Declared, declared
from floe_core.cli.plain import Paper, cells, folded
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing import install_distribution
from tests.cli.conftest import Cli
from tests.conftest import InstallPlugin


class Pretender(io.StringIO):
    """Says that it is a terminal, and has no size."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_without_a_size_has_80_columns() -> None:
    paper = Paper(Pretender())

    assert (paper.width, paper.is_unicode) == (80, False)


@pytest.mark.parametrize(("columns", "width"), [("72", 72), ("5", 20), ("9999", 110), ("0", 110), ("many", 110)])
def test_columns_count_within_reason(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert Paper(io.StringIO()).width == width


def test_wide_and_combining_characters_take_their_columns() -> None:
    assert [cells("abc"), cells("漢字"), cells("e\u0301")] == [3, 4, 1]
    assert folded("漢字漢", 4) == ["漢字", "漢"]


def test_a_narrow_list_folds_what_is_long(site: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install_distribution(site, "acme-with-a-very-long-name-indeed", {PluginType.COMPUTE: {"duckdb": "acme:Plugin"}})
    monkeypatch.setenv("COLUMNS", "40")

    lines = cli("list").out.splitlines()

    assert max(map(len, lines)) <= 40
    assert "acme-with-a-very-long-name-indeed" in "".join(line.strip() for line in lines)


def test_a_plugin_that_swallows_the_interrupt_is_told_all_the_same(install_plugin: InstallPlugin, cli: Cli) -> None:
    code = "import time\ntry:\n    time.sleep(99)\nexcept KeyboardInterrupt:\n    pass\n"
    install_plugin("acme_slow", PluginType.COMPUTE, "slow", prologue=code)

    ran = cli("doctor", "--load", "--timeout", "0.2")

    assert ran.code == 1
    assert "took longer than 0.2 s" in ran.words


def test_a_plugin_that_waits_again_when_interrupted_is_interrupted_again(
    install_plugin: InstallPlugin, cli: Cli
) -> None:
    """Leaving a thread pool waits for its threads, which here takes longer than the test may."""
    code = """
    import threading
    from concurrent.futures import ThreadPoolExecutor
    never = threading.Event()
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(never.wait, 300).result()
    finally:
        never.set()
    """
    install_plugin("acme_slow", PluginType.COMPUTE, "slow", prologue=code)
    begun = monotonic()

    ran = cli("doctor", "--load", "--timeout", "0.2")

    assert monotonic() - begun < 200
    assert ran.code == 1
    assert "took longer than 0.2 s" in ran.words


def test_a_watch_that_is_called_off_at_the_last_moment_does_not_strike() -> None:
    watch = bounded._Watch(0.0)
    with watch._lock:
        watch.start()
        watch.join(0.2)
        watch._over.set()
    watch.join()

    assert not watch.has_struck


def test_a_dependency_that_makes_no_sense_is_told(install_plugin: InstallPlugin, cli: Cli) -> None:
    """From the source as well as from the plugin; the graph goes on without it."""
    install_plugin("acme_a", PluginType.COMPUTE, "a", dependencies=["NOTYPE:x"])

    for arguments in ([], ["--load"]):
        ran = cli("graph", *arguments)
        assert ran.code == 1
        assert "a failed" in ran.words
    assert "names no plugin type" in cli("why", "a").words


@pytest.mark.parametrize("written", ["CATALOG:b>=2", "b>=2"])
def test_a_version_that_the_source_does_not_tell_is_held_against_nothing(
    install_plugin: InstallPlugin, cli: Cli, written: str
) -> None:
    """Loading tells; without it, the plugin gets the benefit of the doubt."""
    install_plugin("acme_a", PluginType.COMPUTE, "a", dependencies=[written])
    install_plugin("acme_b", PluginType.CATALOG, "b", body="@property\ndef version(self):\n    return str(1.5)\n")

    assert cli("why", "a").code == 0
    assert cli("why", "a", "--load").code == 1


def test_a_conflict_names_its_candidates_and_the_choice(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("vendor_a", PluginType.COMPUTE, "duckdb")
    install_plugin("vendor_b", PluginType.COMPUTE, "duckdb")

    candidates = cli("why", "duckdb", "--json").answer["candidates"]

    assert sorted(one["advice"].rpartition("=")[2] for one in candidates) == ["vendor-a", "vendor-b"]


def test_a_file_without_a_key_does_not_disturb_names(site: Path, install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_a", PluginType.COMPUTE, "a")
    install_distribution(site, "acme-broken", b"[floe.computes]\n\xff")

    assert cli("why", "a").code == 0


def test_an_application_is_found_where_the_command_is_called(
    site: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A console script does not look there by itself."""
    (tmp_path / "found_here.py").write_text(
        "from floe_containers import PluginContainer\ncontainer = PluginContainer()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])

    assert cli("list", "--app", "found_here:container").code == 0
    del sys.modules["found_here"]


def test_a_source_that_has_gone_says_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("acme_gone")
    module.__spec__ = ModuleSpec("acme_gone", None, origin=str(site / "gone.py"))
    module.__spec__.has_location = True
    monkeypatch.setitem(sys.modules, "acme_gone", module)
    key = PluginKey(PluginType.COMPUTE, "gone")

    assert declared(key, Candidate(key, "acme_gone:Plugin", Distribution(str(site)))) == Declared()
