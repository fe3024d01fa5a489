"""What the terminal shows: progress while something goes on, and tables of what came out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console as Terminal
from rich.markup import escape
from rich.table import Table

from floe_lakehouse.ports import Progress, Row

__all__ = ["Console"]


class Console:
    """Writes to standard output; errors go to standard error."""

    def __init__(self) -> None:
        self._out = Terminal(highlight=False)
        self._err = Terminal(highlight=False, stderr=True)

    def say(self, line: str) -> None:
        """One line. May hold rich's markup."""
        self._out.print(line)

    def error(self, message: str) -> None:
        """What went wrong."""
        self._err.print(f"[bold red]✗[/] {escape(message)}")

    @contextmanager
    def phase(self, title: str) -> Iterator[Progress]:
        """
        A part of the work, with a line on what it is at right now.

        In a terminal the line changes in place. Elsewhere, such as in a log, it is printed at most once a second.
        """
        begin = time.perf_counter()
        last_print = begin

        def progress(line: str) -> None:
            nonlocal last_print
            status.update(f"[bold]{title}[/]  [dim]{escape(line)}[/]")
            now = time.perf_counter()
            if not self._out.is_terminal and now - last_print >= 1:
                self._out.print(f"  [dim]… {escape(line)}[/]")
                last_print = now

        with self._out.status(f"[bold]{title}[/]") as status:
            yield progress
        self._out.print(f"[green]✓[/] [bold]{title}[/]  [dim]{time.perf_counter() - begin:.1f} s[/]")

    def table(self, rows: Sequence[Row | Mapping[str, object]], title: str = "") -> None:
        """Rows as a table; figures to the right."""
        if not rows:
            self._out.print("[dim]no rows[/]")
            return
        table = Table(title=title or None, title_justify="left", title_style="bold", box=None, padding=(0, 3, 0, 0))
        for name in rows[0]:
            figures = all(isinstance(row[name], int | float) or row[name] is None for row in rows)
            table.add_column(name.replace("_", " "), justify="right" if figures else "left", header_style="dim")
        for row in rows:
            table.add_row(*(escape(_shown(value)) for value in row.values()))
        self._out.print(table)


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.3f}" if abs(value) < 1 else f"{value:,.1f}"
        case _:
            return str(value)
