"""The curves of cost against size, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.sizes import GROWTH_FROM, Curve

INK, FAINT, GREY = "#22272e", "#e3e6ea", "#8a929c"
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7b5ea7", "#b8860b")
FROM_DISK = ("discovery", "importlib.metadata.entry_points()", "list() of each type", "list_all()")


def draw(curves: Sequence[Curve], folder: Path, python: str) -> list[Path]:
    """Draw *curves* into ``sizes.svg`` and ``sizes.png`` in *folder*; returns the two."""
    mpl.rcParams.update({"svg.hashsalt": "floe", "font.size": 9.5})
    figure: Any = Figure(figsize=(10.5, 8.2), layout="constrained")
    panels = figure.subplots(2, 2)
    disk = [curve for curve in curves if curve.name in FROM_DISK]
    in_memory = [curve for curve in curves if curve not in disk and curve.unit == "s" and curve.work]
    _panel(panels[0][0], "All plugins, from the disk: milliseconds", disk, 1e3)
    _panel(panels[0][1], "All plugins, in memory: milliseconds", in_memory, 1e3)
    each = [curve for curve in curves if not curve.work]
    _panel(panels[1][0], "Once, whatever the number of plugins: microseconds", each, 1e6)
    memory = [curve for curve in curves if curve.unit == "B"]
    _panel(panels[1][1], "Memory after discovery: KiB", memory, 1 / 1024)
    figure.suptitle(f"Cost against the number of plugins, Python {python}", fontweight="bold", color=INK)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "sizes.svg", folder / "sizes.png"]
    figure.savefig(files[0], metadata={"Date": None})
    figure.savefig(files[1], dpi=110)
    return files


def _panel(axes: Any, title: str, curves: Sequence[Curve], per_unit: float) -> None:
    for curve, colour in zip(curves, COLOURS, strict=False):
        sizes = [size for size, _ in curve.points]
        costs = [cost * per_unit for _, cost in curve.points]
        label = curve.name if curve.growth is None else f"{curve.name}  (n^{curve.growth:.2f})"
        axes.plot(
            sizes,
            costs,
            "o-",
            color=GREY if curve.name.startswith("importlib") else colour,
            markersize=3.5,
            linewidth=1.4,
            label=label,
        )
    proportional = [curve for curve in curves if curve.work]
    if proportional:
        size, cost = next(
            (point for point in proportional[0].points if point[0] >= GROWTH_FROM), proportional[0].points[0]
        )
        last = proportional[0].points[-1][0]
        line = [cost * per_unit * 0.45, cost * per_unit * 0.45 * last / size]
        axes.plot([size, last], line, ":", color=INK, linewidth=1, label="proportional, for comparison")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, loc="left", color=INK, fontsize=10)
    axes.set_xlabel("plugins", color=INK)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.grid(visible=True, which="major", color=FAINT, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, which="both")
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 6)  # room for the legend
    axes.legend(frameon=False, fontsize=8, loc="upper left")
