"""Every fault of the catalogue has its test, and every test of a fault stands in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
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
    """README.md is the catalogue: one row a fault."""
    rows = re.findall(r"^\| (\d+) \|", (HERE / "README.md").read_text("utf-8"), re.MULTILINE)

    assert sorted(NUMBERS) == sorted(map(int, rows))
