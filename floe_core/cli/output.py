"""What all commands print with: JSON, and a terminal of any width, in colour or not."""

from __future__ import annotations

import json
import os

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO, Any, TextIO

    from rich.console import RenderableType

NARROW = 64
"""Columns below which what stands side by side is stacked."""

WIDEST = 110
"""Columns beyond which lines are harder to read than to wrap; and the width where there is no terminal."""

GOOD = ("discovered", "loaded", "active", "healthy")
STYLES = {
    "discovered": "cyan",
    "loaded": "blue",
    "active": "green",
    "healthy": "green",
    "degraded": "yellow",
    "disabled": "dim",
    "unknown": "dim",
}
MARKS = {
    "discovered": ("○", "o"),
    "loaded": ("◐", "+"),
    "active": ("●", "*"),
    "healthy": ("●", "*"),
    "degraded": ("▲", "!"),
    "disabled": ("□", "-"),
    "unknown": ("…", "."),
}
BAD_STYLE = "red"
BAD_MARK = ("✗", "x")


def write_json(file: IO[str], document: object) -> None:
    """*document* in ASCII, indented, ended by a line break: any terminal and any pipe can carry it."""
    file.write(json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n")


def printable(text: str) -> str:
    """*text* from a file or a plugin without what could steer the terminal: each control character as its escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class Screen:
    """
    A terminal, a file or a pipe. Foreign text is printed as it is, never as markup, and cannot move the cursor.

    Width is that of the terminal, or ``COLUMNS``, or 110; ``NO_COLOR`` and ``FORCE_COLOR`` are heeded.
    """

    def __init__(self, file: TextIO) -> None:
        reconfigure = getattr(file, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a name may hold what the terminal's encoding cannot say
        is_terminal = file.isatty()
        width = None if is_terminal or os.environ.get("COLUMNS") else WIDEST
        self.console = Console(
            file=file, width=width, markup=False, highlight=False, emoji=False, legacy_windows=False, soft_wrap=False
        )
        self.console.width = min(self.console.width, WIDEST)
        self.width = self.console.width
        self.is_narrow = self.width < NARROW
        self.is_unicode = (getattr(file, "encoding", None) or "").lower().replace("-", "").startswith("utf")

    def mark(self, state: str) -> Text:
        """The sign of a state, in its colour."""
        pair = MARKS.get(state, BAD_MARK)
        return Text(pair[0 if self.is_unicode else 1], STYLES.get(state, BAD_STYLE))

    def state(self, state: str) -> Text:
        """The word of a state, in its colour."""
        return Text(state, STYLES.get(state, BAD_STYLE))

    def dot(self) -> str:
        return "·" if self.is_unicode else "-"

    def line(self, *parts: str | Text, indent: int = 0) -> None:
        """One paragraph, wrapped, its further lines indented like the first."""
        self.put(text(*parts), indent=indent)

    def put(self, renderable: RenderableType, *, indent: int = 0) -> None:
        whole = Padding(renderable, (0, 0, 0, indent)) if indent else renderable
        if self.console.is_terminal:
            self.console.print(whole)
            return
        with self.console.capture() as captured:
            self.console.print(whole)
        self.console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def hanging(self, lead: str | Text, *parts: str | Text, indent: int = 0) -> None:
        """A paragraph after a mark or a bend; its further lines begin below its first word."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(lead, text(*parts))
        self.put(grid, indent=indent)

    def gap(self) -> None:
        self.console.print()

    def heading(self, title: str) -> None:
        self.put(Text(printable(title), "bold"))

    def labelled(self, rows: Iterable[tuple[str, str | Text]], *, indent: int = 2) -> None:
        """Labels beside what they name, or above it where there is no room. Rows without content are left out."""
        rows = [(label, text(content)) for label, content in rows if content]
        if self.is_narrow:
            for label, content in rows:
                self.put(Text(label, "dim"), indent=indent)
                self.put(content, indent=indent + 2)
            return
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, min_width=12)
        grid.add_column(overflow="fold")
        for label, content in rows:
            grid.add_row(Text(label, "dim"), content)
        self.put(grid, indent=indent)


def text(*parts: str | Text) -> Text:
    """Foreign and own words as one text, wrapped at spaces, broken inside words only where one is too long."""
    whole = Text(overflow="fold")
    for part in parts:
        whole.append_text(part) if isinstance(part, Text) else whole.append(printable(part))
    return whole


def document(command: str, **content: Any) -> dict[str, Any]:
    """What a command answers: its shape's name and version, then the content. Described in ``docs/cli-json.md``."""
    return {"schema": f"floe-plugins/{command}/1", **content}


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``1 plugin``, ``2 plugins``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
