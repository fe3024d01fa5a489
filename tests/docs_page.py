"""Runs the Python code of one page of documentation: ``python docs_page.py page.md``, with the example plugins installed."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(
    r"^(?P<not_run><!-- not run: [^\n]+ -->\n\s*)?(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block, its code moved down to the line where it stands in the page, so that tracebacks point there."""

    code: str
    is_run: bool


def blocks_of(page: Path) -> list[Block]:
    """The Python blocks of *page*, in order. One below ``<!-- not run: reason -->`` is not to be run."""
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    for match in FENCE.finditer(text):
        indent = match["indent"]
        code = re.sub(f"^{indent}", "", match["code"], flags=re.MULTILINE)
        blocks.append(Block("\n" * text.count("\n", 0, match.start("code")) + code, match["not_run"] is None))
    return blocks


def run(page: Path) -> None:
    """Compile every block of *page*, and run them in one module, which can be wired by its name."""
    module = types.ModuleType("page")
    sys.modules["page"] = module
    for block in blocks_of(page):
        code = compile(block.code, str(page), "exec", dont_inherit=True)
        if block.is_run:
            exec(code, module.__dict__)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
