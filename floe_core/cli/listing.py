"""``list``: what is installed. Imports no plugin."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from floe_core.cli.output import count, document, printable
from floe_core.cli.session import FINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.registry_report import RegistryReport


def command(session: Session) -> int:
    session.answer(answer(session.source.report()), draw)
    return FINE


def answer(report: RegistryReport) -> dict[str, Any]:
    return document(
        "list",
        plugins=[
            {
                "key": plugin.key,
                "type": plugin.key.partition(":")[0],
                "name": plugin.key.partition(":")[2],
                "state": plugin.state,
                "version": plugin.version,
                "distribution": plugin.distribution,
            }
            for plugin in report.plugins
        ],
        unused=len(report.unused),
    )


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    plugins: list[dict[str, Any]] = answer["plugins"]
    if plugins:
        _draw_plugins(screen, plugins)
        screen.gap()
    types = len({plugin["type"] for plugin in plugins})
    screen.heading(
        f"{count(len(plugins), 'plugin')} of {count(types, 'type')}" if plugins else "No plugin is installed."
    )
    if not plugins:
        screen.line("A plugin announces itself in an entry-point group such as floe.computes.")
    if answer["unused"]:
        words = f"{count(answer['unused'], 'entry point')} not used: floe-plugins doctor says why."
        screen.line(Text(words, "yellow"))


def _draw_plugins(screen: Screen, plugins: list[dict[str, Any]]) -> None:
    rows = [
        (one, printable(one["name"]), printable(one["version"] or ""), printable(one["distribution"] or ""))
        for one in plugins
    ]
    widest = [max(len(row[column]) for row in rows) for column in (1, 2, 3)]
    name = max(12, min(widest[0], screen.width - 24 - sum(min(width, 16) for width in widest[1:])))
    last = None
    grid = Table.grid()
    for plugin, *words in rows:
        if plugin["type"] != last:
            if last is not None:
                screen.put(grid, indent=2)
                screen.gap()
            screen.heading(plugin["type"])
            last = plugin["type"]
            grid = _stacked() if screen.is_narrow else _side_by_side(name, widest[1])
        _add_row(screen, grid, plugin["state"], words)
    screen.put(grid, indent=2)


def _side_by_side(name: int, version: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_column(width=1)
    grid.add_column(width=name, overflow="fold")
    grid.add_column(width=12)
    grid.add_column(width=min(version, 16), overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _stacked() -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    return grid


def _add_row(screen: Screen, grid: Table, state: str, words: list[str]) -> None:
    name, version, distribution = words
    if not screen.is_narrow:
        grid.add_row(screen.mark(state), name, screen.state(state), version, Text(distribution, "dim"))
        return
    grid.add_row(screen.mark(state), name)
    below = Text.assemble(screen.state(state), overflow="fold")
    for part in filter(None, (version, distribution)):
        below.append(f" {screen.dot()} {part}", "dim")
    grid.add_row("", below)
