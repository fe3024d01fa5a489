"""``list``: what is installed. Imports no plugin, and nothing to draw with: it answers before a library could."""

from __future__ import annotations

from floe_core.cli.plain import cells, count, document, folded, printable
from floe_core.cli.session import FINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.plain import Paper
    from floe_core.cli.session import Session
    from floe_core.registry_report import RegistryReport

STATE = 12
"""Columns for the longest word of a state."""


def command(session: Session) -> int:
    answer = answer_of(session.source.report())
    session.answer_plainly(answer, draw)
    return FINE


def answer_of(report: RegistryReport) -> dict[str, Any]:
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


def draw(paper: Paper, answer: dict[str, Any]) -> None:
    plugins: list[dict[str, Any]] = answer["plugins"]
    if plugins:
        _draw_plugins(paper, plugins)
        types = len({plugin["type"] for plugin in plugins})
        paper.write(paper.styled(f"{count(len(plugins), 'plugin')} of {count(types, 'type')}", "bold"))
    else:
        paper.write(paper.styled("No plugin is installed.", "bold"))
        paper.write("A plugin announces itself in")
        paper.write("an entry-point group such as")
        paper.write("floe.computes.")
    if answer["unused"]:
        paper.write(paper.styled(f"{count(answer['unused'], 'entry point')} not used, see", "yellow"))
        paper.write(paper.styled("  floe-plugins doctor", "yellow"))


def _draw_plugins(paper: Paper, plugins: list[dict[str, Any]]) -> None:
    rows = [
        (one, printable(one["name"]), printable(one["version"] or ""), printable(one["distribution"] or ""))
        for one in plugins
    ]
    versions = min(16, max(cells(row[2]) for row in rows))
    distributions = min(24, max(cells(row[3]) for row in rows))
    room = paper.width - 4 - STATE - versions - distributions - 6
    widths = (max(12, min(room, max(cells(row[1]) for row in rows))), STATE, versions, distributions)
    last = None
    for plugin, name, version, distribution in rows:
        if plugin["type"] != last:
            paper.write("\n" * (last is not None) + paper.styled(plugin["type"], "bold"))
            last = plugin["type"]
        sign = paper.of_state(paper.sign(plugin["state"]), plugin["state"])
        if paper.is_narrow:
            _draw_stacked(paper, sign, plugin["state"], name, [version, distribution])
        else:
            _draw_row(paper, sign, plugin["state"], (name, plugin["state"], version, distribution), widths)
    paper.write()


def _draw_row(paper: Paper, sign: str, state: str, words: tuple[str, ...], widths: tuple[int, ...]) -> None:
    """One line; more where a word does not fit its column."""
    columns = [folded(word, width) for word, width in zip(words, widths, strict=True)]
    for index in range(max(map(len, columns))):
        pieces = [column[index] if index < len(column) else "" for column in columns]
        padded = [piece + " " * (width - cells(piece)) for piece, width in zip(pieces, widths, strict=True)]
        padded[1] = paper.of_state(padded[1], state)
        padded[3] = paper.styled(padded[3].rstrip(), "dim")
        paper.write(f"  {sign if index == 0 else ' '} {'  '.join(padded)}".rstrip())


def _draw_stacked(paper: Paper, sign: str, state: str, name: str, rest: list[str]) -> None:
    """The name, and the rest below it."""
    room = paper.width - 4
    for index, piece in enumerate(folded(name, room)):
        paper.write(f"  {sign if index == 0 else ' '} {piece}")
    below = f" {paper.dot} ".join(filter(None, [state, *rest]))
    first, *further = folded(below, room)
    paper.write(f"    {paper.of_state(first[: len(state)], state)}{paper.styled(first[len(state) :], 'dim')}")
    for piece in further:
        paper.write(f"    {paper.styled(piece, 'dim')}")
