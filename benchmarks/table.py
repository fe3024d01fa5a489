"""The figures, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Result
from benchmarks.results import Ratios, is_worse
from benchmarks.sizes import HOW, Curve

HEADERS = ("what", "ours", "beside", "its cost", "ratio", "half of them", "budget", "met")


def cost_text(cost: float, unit: str) -> str:
    """A cost with the unit that suits its size."""
    if unit != "s":
        return f"{cost:.3g} {unit}"
    for factor, name in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if cost * factor >= 1:
            return f"{cost * factor:.3g} {name}"
    return f"{cost * 1e9:.3g} ns"


def rows_of(result: Result) -> Iterator[tuple[str, ...]]:
    """The rows of one comparison: the yardstick's, with the verdict, then one for each peer."""
    budget = "" if result.budget is None else f"{result.budget:g}"
    met = "" if result.is_met is None else "yes" if result.is_met else "NO"
    yield (
        result.what,
        cost_text(result.ours, result.unit),
        result.yardstick,
        cost_text(result.yardstick_cost, result.unit),
        ratio_text(result.ratio),
        f"{ratio_text(result.low)} to {ratio_text(result.high)}",
        budget,
        met,
    )
    for peer in result.peers:
        yield "", "", peer.name, cost_text(peer.cost, result.unit), ratio_text(peer.ratio), "", "", ""


def ratio_text(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def show(results: Iterable[Result], curves: Iterable[Curve], committed: Ratios) -> None:
    """Print everything: the table, what grows how, and how each was measured."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(*HEADERS, title="Ours by each; below 1, ours costs less", title_justify="left", pad_edge=False)
    for column in (1, 3, 4, 6):
        table.columns[column].justify = "right"
    results = [*results]
    for result in results:
        style = "red" if result.is_met is False or is_worse(result, committed) else None
        for number, row in enumerate(rows_of(result)):
            table.add_row(*row, style=style if number == 0 else "dim")
        table.add_section()
    console.print(table)
    if curves := [*curves]:
        console.print(growth_table(curves))
        console.print(HOW, style="dim")
    for result in results:
        console.print(f"\n[bold]{result.what}[/bold]: {result.how} {result.rounds} rounds.", highlight=False)


def growth_table(curves: Iterable[Curve]) -> Table:
    curves = [*curves]
    sizes = [size for size, _ in curves[0].points]
    table = Table(
        "plugins", *(f"{size:,}" for size in sizes), "grows as", title="Cost against size", title_justify="left"
    )
    for curve in curves:
        costs = [cost_text(cost, "s") if curve.unit == "s" else f"{cost / 1024:.3g} KiB" for _, cost in curve.points]
        growth = "" if curve.growth is None else f"n^{curve.growth:.2f}{', faster than its work' * curve.grows_faster}"
        table.add_row(curve.name, *costs, growth)
    return table
