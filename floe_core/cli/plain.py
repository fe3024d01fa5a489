"""What all commands print with, and all that ``list`` does: no library is imported for it."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

NARROW = 64
"""Columns below which what stands side by side is stacked."""

WIDEST = 110
"""Columns beyond which lines are harder to read than to wrap; and the width where there is no terminal."""

NARROWEST = 20

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

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def write_json(file: IO[str], document: object) -> None:
    """*document* in ASCII, indented, ended by a line break: any terminal and any pipe can carry it."""
    file.write(json.dumps(document, indent=2, ensure_ascii=True, default=str) + "\n")


def document(command: str, **content: Any) -> dict[str, Any]:
    """What a command answers: its shape's name and version, then the content. Described in ``docs/cli-json.md``."""
    return {"schema": f"floe-plugins/{command}/1", **content}


def printable(text: str) -> str:
    """*text* from a file or a plugin without what could steer the terminal: each control character as its escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``1 plugin``, ``2 plugins``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def cells(text: str) -> int:
    """The columns that *text* takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def folded(text: str, width: int) -> list[str]:
    """*text* in pieces of *width* columns at most."""
    pieces = [""]
    for char in text:
        if cells(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


class Paper:
    """
    A terminal, a file or a pipe: how wide it is, whether it takes colours, and which signs it can show.

    Width is ``COLUMNS``, or that of the terminal, or 110. ``NO_COLOR`` and ``FORCE_COLOR`` are heeded.
    """

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        reconfigure = getattr(file, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a name may hold what the terminal's encoding cannot say
        self.is_terminal = file.isatty()
        self.width = max(NARROWEST, min(WIDEST, _width(file, is_terminal=self.is_terminal)))
        self.is_narrow = self.width < NARROW
        self.is_unicode = (getattr(file, "encoding", None) or "").lower().replace("-", "").startswith("utf")
        wanted = os.environ.get("FORCE_COLOR") or (self.is_terminal and os.environ.get("TERM") != "dumb")
        self.has_colours = bool(wanted) and not os.environ.get("NO_COLOR")

    @property
    def dot(self) -> str:
        return "·" if self.is_unicode else "-"

    def sign(self, state: str) -> str:
        """The sign of a state."""
        return MARKS.get(state, BAD_MARK)[0 if self.is_unicode else 1]

    def styled(self, words: str, style: str) -> str:
        """*words* in a colour, or in bold, which is no colour."""
        shown = self.has_colours or (style == "bold" and self.is_terminal)
        return f"\x1b[{_CODES[style]}m{words}\x1b[0m" if shown and words else words

    def of_state(self, words: str, state: str) -> str:
        """*words* in the colour of a state."""
        return self.styled(words, STYLES.get(state, BAD_STYLE))

    def write(self, line: str = "") -> None:
        self.file.write(line + "\n")


def _width(file: IO[str], *, is_terminal: bool) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    if not is_terminal:
        return WIDEST
    try:
        return os.get_terminal_size(file.fileno()).columns or 80
    except OSError:
        return 80
