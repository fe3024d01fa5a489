"""Paragraphs, tables and marks on a terminal of any width, in colour or not."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from floe_core.cli.plain import BAD_STYLE, STYLES, Paper, count, document, printable, write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from rich.console import RenderableType

__all__ = ["Screen", "count", "document", "printable", "text", "write_json"]


class Screen(Paper):
    """Paper that rich draws on. Foreign text is printed as it is, never as markup, and cannot move the cursor."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self.console = Console(
            file=file,
            width=self.width,
            force_terminal=self.is_terminal or self.has_colours,
            no_color=not self.has_colours,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )

    def mark(self, state: str) -> Text:
        """The sign of a state, in its colour."""
        return Text(self.sign(state), STYLES.get(state, BAD_STYLE))

    def state(self, state: str) -> Text:
        """The word of a state, in its colour."""
        return Text(state, STYLES.get(state, BAD_STYLE))

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
        for line in captured.get().splitlines():
            self.write(line.rstrip())

    def hanging(self, lead: str | Text, *parts: str | Text, indent: int = 0) -> None:
        """A paragraph after a mark or a bend; its further lines begin below its first word."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(lead, text(*parts))
        self.put(grid, indent=indent)

    def gap(self) -> None:
        self.write()

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
