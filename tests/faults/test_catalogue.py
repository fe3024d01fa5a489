"""Every fault of the catalogue has its test, and every test of a fault stands in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from floe_core.testing import Fault

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "faults.md"
NUMBERS = set(range(1, 81))


def test_every_fault_has_a_test_under_its_number() -> None:
    """The numbers in the names of the tests are those from 1 to 80, and each test stands in the file for its number."""
    tested: set[int] = set()
    for file in HERE.glob("test_*_*.py"):
        first, last = map(int, re.findall(r"\d+", file.name)[:2])
        numbers = {int(number) for number in re.findall(r"^def test_(\d+)_", file.read_text("utf-8"), re.MULTILINE)}
        assert numbers <= set(range(first, last + 1))
        tested |= numbers

    assert tested == NUMBERS


def test_the_table_lists_every_fault_once() -> None:
    """The page is the catalogue: one row a fault."""
    rows = re.findall(r"^\| (\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert sorted(NUMBERS) == sorted(map(int, rows))


def test_the_table_names_every_fault_that_can_be_installed() -> None:
    """The last column; where there is none, it says whose the fault is."""
    last_cells = re.findall(r"^\| \d+ \|.*\| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert len(last_cells) == len(NUMBERS)
    assert {fault.name for fault in Fault} == {
        word for cell in last_cells for word in re.findall("`([A-Z_0-9]+)`", cell)
    }
