"""``floe-plugins timeline``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from floe_core.cli.duration import written
from floe_core.cli.waterfall import _round_step, html, svg
from floe_core.plugin_types import PluginType
from tests.cli.conftest import Cli, Terminal
from tests.conftest import InstallPlugin


@pytest.fixture
def plugins(install_plugin: InstallPlugin, site: Path) -> Path:
    """Two plugins whose steps take long enough to be seen, one that does not load, one that does not start."""
    slow = "import time\ntime.sleep(0.05)\n"
    body = """
        def __init__(self):
            time.sleep(0.05)
        def configure(self, config):
            time.sleep(0.05)
        def startup(self):
            time.sleep(0.1)
    """
    install_plugin(
        "acme_a", PluginType.COMPUTE, "a", prologue=slow, body=body, schema="n: int", dependencies=["CATALOG:b"]
    )
    install_plugin("acme_b", PluginType.CATALOG, "b", prologue=slow, body="def startup(self):\n    time.sleep(0.1)\n")
    install_plugin("acme_c", PluginType.COMPUTE, "c", prologue="import no_such_driver\n")
    install_plugin("acme_d", PluginType.COMPUTE, "d" * 60, body="def startup(self):\n    raise RuntimeError\n")
    settings = site / "s.toml"
    settings.write_text(f"[plugins.computes]\na = {{ n = 1234567 }}\nc = {{}}\n{'d' * 60} = {{}}\n")
    return settings


def test_tells_when_each_step_began_and_how_long_it_took(plugins: Path, cli: Cli) -> None:
    """Discovery first; import, construction, configuration in turn; a start after those of what it depends on."""
    ran = cli("timeline", "--json", "--settings", str(plugins))

    assert ran.code == 1
    rows = {row["key"]: row for row in ran.answer["rows"]}
    steps = {
        key: {step["step"]: (step["began_s"], step["began_s"] + step["duration_s"]) for step in row["steps"]}
        for key, row in rows.items()
    }
    a, b = steps["COMPUTE:a"], steps["CATALOG:b"]
    assert steps["(discovery)"]["discover"][0] == 0.0
    assert steps["(discovery)"]["discover"][1] <= a["import"][0]
    assert list(a) == ["import", "construct", "configure", "start"]
    assert a["import"][1] <= a["construct"][0] < a["construct"][1] <= a["configure"][0] < a["configure"][1]
    assert b["start"][1] <= a["start"][0]
    assert all(end - begin >= 0.05 for begin, end in a.values())
    assert ran.answer["total_s"] == max(end for row in steps.values() for _, end in row.values())
    assert "no_such_driver" in rows["COMPUTE:c"]["problem"]
    assert "startup() raised RuntimeError" in rows["COMPUTE:" + "d" * 60]["problem"]


def test_loads_only_where_asked_to(plugins: Path, cli: Cli) -> None:
    rows = cli("timeline", "b", "--no-start", "--json").answer["rows"]

    assert [[step["step"] for step in row["steps"]] for row in rows] == [["discover"], ["import", "construct"]]


@pytest.mark.parametrize("columns", [80, 40])
def test_is_a_waterfall_in_the_terminal(plugins: Path, terminal: Terminal, columns: int) -> None:
    """Blocks in the colours of the steps, an axis, and what failed below it."""
    session = terminal("timeline", "--settings", str(plugins), columns=columns)

    assert session.code == 1
    assert session.width <= columns
    assert "██" in session.text
    for step in ("discover", "import", "construct", "configure", "start"):
        assert step in session.words
    assert "2 problems" in session.words
    for colour in (34, 36, 33, 32):
        assert f"\x1b[{colour}m█" in session.raw


def test_letters_stand_for_colours_where_there_are_none(plugins: Path, process: Cli, terminal: Terminal) -> None:
    """Without a terminal, with NO_COLOR, in ASCII."""
    for words in (
        process("timeline", "b").out,
        process("timeline", "b", env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}).out,
        terminal("timeline", "b", env={"NO_COLOR": "1"}).text,
    ):
        assert "i import" in words.replace("\xa0", " ").replace("\\xa0", " ")
        assert "ss" in words
        assert "█" not in words
    assert (
        "~" in process("timeline", "--settings", str(plugins), env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}).out
    )


def test_writes_a_picture_and_a_page_that_need_nothing_else(plugins: Path, site: Path, cli: Cli) -> None:
    """Well-formed, without scripts or anything from elsewhere, with a bar per step."""
    picture, page = site / "t.svg", site / "t.html"

    assert "Written to" in cli("timeline", "--settings", str(plugins), "--svg", str(picture)).words
    assert "Written to" not in cli("timeline", "b", "--html", str(page), "--json").out
    root = ET.fromstring(picture.read_text())
    bars = [one.get("class") for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("rx") == "2"]
    assert {"discover", "import", "construct", "configure", "start"} == set(bars)
    for text in (picture.read_text(), page.read_text()):
        assert "<script" not in text
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "CATALOG:b" in page.read_text()


def test_a_file_that_cannot_be_written_is_wrong_use(plugins: Path, site: Path, cli: Cli) -> None:
    ran = cli("timeline", "b", "--svg", str(site / "no" / "such" / "folder.svg"))

    assert ran.code == 2
    assert "cannot be written: FileNotFoundError" in ran.err


def test_what_is_not_installed_is_a_row(cli: Cli) -> None:
    ran = cli("timeline", "COMPUTE:nothing")

    assert ran.code == 1
    assert "Plugin not found" in ran.words


def test_hostile_names_are_quoted_in_pictures() -> None:
    row: dict[str, Any] = {"key": "COMPUTE:<script>\x1b" + "x" * 40, "state": "", "steps": [], "problem": "<b>"}
    answer: dict[str, Any] = {"total_s": 0.0, "rows": [row]}

    for text in (svg(answer), html(answer)):
        assert "<script>" not in text
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("total", "step"), [(1.19, 0.2), (0.9, 0.2), (4.0, 1.0), (8.1, 2.0), (20.0, 5.0), (0.004, 0.001)]
)
def test_the_axis_has_four_to_ten_round_marks(total: float, step: float) -> None:
    assert _round_step(total) == pytest.approx(step)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0.4 ms"), (0.0124, "12 ms"), (0.5, "500 ms"), (1.234, "1.23 s")]
)
def test_durations_are_told_as_people_read_them(seconds: float, words: str) -> None:
    assert written(seconds) == words
