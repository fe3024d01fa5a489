"""A few kinds of chart as inline SVG. Each function takes plain values and returns one ``<svg>`` element as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Final

__all__ = ["Bar", "Node", "bars", "calendar", "columns", "graph", "heatmap", "route_map", "shade"]

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_COLD_TO_HOT: Final = ((46, 111, 163), (214, 226, 233), (246, 196, 120), (214, 90, 49), (140, 32, 38))


def shade(value: float | None, low: float, high: float) -> str:
    """A colour between cold for *low* and hot for *high*; values outside take the colour of the end. None: no data."""
    if value is None or math.isnan(value):
        return "var(--line)"
    place = min(max((value - low) / (high - low), 0.0), 1.0) * (len(_COLD_TO_HOT) - 1)
    index = min(int(place), len(_COLD_TO_HOT) - 2)
    mix = [
        round(a + (b - a) * (place - index)) for a, b in zip(_COLD_TO_HOT[index], _COLD_TO_HOT[index + 1], strict=True)
    ]
    return f"rgb({mix[0]},{mix[1]},{mix[2]})"


def _svg(width: float, height: float, label: str, body: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{''.join(body)}</svg>"
    )


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(text)}</text>'


def _rect(  # noqa: PLR0917  # in the order of SVG's own attributes
    x: float, y: float, width: float, height: float, fill: str, tip: str = "", radius: float = 2
) -> str:
    title = f"<title>{escape(tip)}</title>" if tip else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" rx="{radius:g}" '
        f'fill="{fill}">{title}</rect>'
    )


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its parts from left to right as (length, colour, tip), and what stands at its end."""

    name: str
    parts: Sequence[tuple[float, str, str]]
    end: str


def bars(
    items: Sequence[Bar], label: str, *, width: float = 560, name_width: float = 190, end_width: float = 110
) -> str:
    """Horizontal bars, all on one scale."""
    row = 26.0
    most = max((sum(length for length, _, _ in item.parts) for item in items), default=1) or 1
    scale = (width - name_width - end_width) / most
    body: list[str] = []
    for index, item in enumerate(items):
        y = index * row
        x = name_width
        body.append(_text(name_width - 10, y + 17, item.name, "name", "end"))
        for length, colour, tip in item.parts:
            body.append(_rect(x, y + 5, length * scale, row - 10, colour, tip))
            x += length * scale
        body.append(_text(x + 8, y + 17, item.end, "figure"))
    return _svg(width, len(items) * row, label, body)


def columns(
    names: Sequence[str], series: Mapping[str, tuple[str, Sequence[float]]], label: str, *, width: float = 560
) -> str:
    """Stacked columns, a legend above. Each series is a colour and one value per name."""
    height, left, top, bottom = 280.0, 52.0, 36.0, 24.0
    totals = [sum(values[index] for _, values in series.values()) for index in range(len(names))]
    step = _round_step(max(totals, default=1) / 4)
    highest = step * math.ceil(max(totals, default=1) / step)
    scale = (height - top - bottom) / highest
    floor = height - bottom
    body: list[str] = []
    for line in range(int(highest / step) + 1):
        y = floor - line * step * scale
        body.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        body.append(_text(left - 8, y + 4, f"{line * step:,.0f}", "axis", "end"))
    slot = (width - left) / max(len(names), 1)
    for index, name in enumerate(names):
        y = floor
        for title, (colour, values) in series.items():
            tall = values[index] * scale
            y -= tall
            body.append(
                _rect(
                    left + index * slot + slot * 0.14,
                    y,
                    slot * 0.72,
                    tall,
                    colour,
                    f"{name}, {title}: {values[index]:,.0f}",
                    1,
                )
            )
        body.append(_text(left + (index + 0.5) * slot, height - 6, name, "axis", "middle"))
    x = left
    for title, (colour, _) in series.items():
        body.append(_rect(x, 6, 12, 12, colour))
        body.append(_text(x + 18, 16, title, "axis"))
        x += 32 + 8.5 * len(title)
    return _svg(width, height, label, body)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(max(rough, 1)))
    return next((factor * power for factor in (1, 2, 2.5, 5) if factor * power >= rough), 10 * power)


def heatmap(
    values: Mapping[tuple[str, int], tuple[float | None, str]],
    rows: Sequence[str],
    hours: Sequence[int],
    label: str,
    *,
    low: float,
    high: float,
    width: float = 560,
) -> str:
    """A field of shades, rows by hours. Each value comes with its tip; without one, the field stays empty."""
    left, top, cell = 88.0, 24.0, 33.0
    slot = (width - left) / max(len(hours), 1)
    body = [_text(left + (index + 0.5) * slot, 14, f"{hour:g}", "axis", "middle") for index, hour in enumerate(hours)]
    for line, row in enumerate(rows):
        body.append(_text(left - 10, top + line * cell + 21, row, "name", "end"))
        for index, hour in enumerate(hours):
            value, tip = values.get((row, hour), (None, f"{row} {hour}:00, no flights"))
            body.append(
                _rect(
                    left + index * slot + 1, top + line * cell + 1, slot - 2, cell - 2, shade(value, low, high), tip, 3
                )
            )
    return _svg(width, top + len(rows) * cell, label, body)


def calendar(
    values: Mapping[date, tuple[float | None, str]], label: str, *, low: float, high: float, width: float = 1160
) -> str:
    """A year of days, a column per week, Monday on top. Each value comes with its tip."""
    if not values:
        return _svg(width, 20, label, [_text(0, 14, "no days", "axis")])
    first, last = min(values), max(values)
    start = first - timedelta(days=first.weekday())
    left, top = 40.0, 22.0
    weeks = (last - start).days // 7 + 1
    cell = min((width - left) / weeks, 26.0)
    body = [
        _text(left - 8, top + (line + 0.72) * cell, name, "axis", "end")
        for line, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))
    ]
    day = first
    while day <= last:
        week = (day - start).days // 7
        if day.day == 1:
            body.append(_text(left + (week + (day.weekday() > 0)) * cell, 14, MONTHS[day.month - 1], "axis"))
        value, tip = values.get(day, (None, f"{day}: no flights"))
        body.append(
            _rect(
                left + week * cell + 1,
                top + day.weekday() * cell + 1,
                cell - 2,
                cell - 2,
                shade(value, low, high),
                tip,
                3,
            )
        )
        day += timedelta(days=1)
    return _svg(width, top + 7 * cell + 2, label, body)


def route_map(
    home: tuple[float, float],
    routes: Sequence[tuple[float, float, float, str, str, str]],
    places: Sequence[tuple[float, float]],
    label: str,
    *,
    width: float = 1160,
) -> str:
    """
    Arcs from *home* over a map that is drawn by nothing but *places*, as dots.

    Each route is latitude, longitude, weight, colour, code and tip; the widest arc stands for the largest weight. Only the
    contiguous states are drawn to scale: routes that leave the frame (Hawaii, Alaska) end at its edge.
    """
    height = 640.0

    def project(latitude: float, longitude: float) -> tuple[float, float]:
        # Albers' equal-area conic projection with the parallels that maps of the United States commonly use.
        n, c, scale = 0.6029035, 1.3491594, 1520
        rho, rho0 = (math.sqrt(c - 2 * n * math.sin(math.radians(angle))) / n for angle in (latitude, 37.5))
        theta = n * math.radians(longitude + 96)
        return width / 2 - 10 + rho * math.sin(theta) * scale, height / 2 + 2 - (rho0 - rho * math.cos(theta)) * scale

    body: list[str] = []
    for latitude, longitude in places:
        x, y = project(latitude, longitude)
        if 0 < x < width and 0 < y < height and longitude > -130:
            body.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="1.7" class="place"/>')
    x0, y0 = project(*home)
    heaviest = max((weight for _, _, weight, _, _, _ in routes), default=1)
    ends: list[str] = []
    labels: list[tuple[float, float, str]] = []
    for latitude, longitude, weight, colour, code, tip in sorted(routes, key=lambda route: route[2]):
        x, y = project(latitude, longitude)
        x, y = min(max(x, 14), width - 14), min(max(y, 14), height - 14)
        bend = math.dist((x0, y0), (x, y)) * 0.16
        share = math.sqrt(weight / heaviest)
        body.append(
            f'<path d="M{x0:.1f},{y0:.1f} Q{(x + x0) / 2:.1f},{(y + y0) / 2 - bend:.1f} {x:.1f},{y:.1f}" fill="none" '
            f'stroke="{colour}" stroke-width="{0.6 + 3.6 * share:.1f}" stroke-opacity="{0.35 + 0.5 * share:.2f}" '
            f'stroke-linecap="round"><title>{escape(tip)}</title></path>'
        )
        ends.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 5 * share:.1f}" fill="{colour}" class="stop"><title>{escape(tip)}</title></circle>'
        )
        if share > 0.62:
            labels.append((x, y - 10, code))
    written: list[tuple[float, float]] = []
    for x, y, code in reversed(labels):  # the largest first; one that would lie on another is left to its tip
        if all(abs(x - x1) > 26 or abs(y - y1) > 13 for x1, y1 in written):
            ends.append(_text(x, y, code, "stop-name", "middle"))
            written.append((x, y))
    ends.append(f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="7" class="home"/>')
    return _svg(width, height, label, [*body, *ends])


@dataclass(frozen=True)
class Node:
    """One box of a graph: its id, two lines of text, a colour, and the ids of the boxes it stands on."""

    id: str
    title: str
    subtitle: str
    colour: str
    needs: Sequence[str] = ()


def graph(nodes: Sequence[Node], label: str, *, width: float = 1160) -> str:
    """A graph in layers, from left to right: every box stands to the right of those that it needs."""
    known = {node.id: node for node in nodes}
    depth: dict[str, int] = {}

    def deep(node: Node, above: tuple[str, ...] = ()) -> int:
        if node.id not in depth:
            needs = [known[need] for need in node.needs if need in known and need not in above]
            depth[node.id] = 1 + max((deep(need, (*above, node.id)) for need in needs), default=-1)
        return depth[node.id]

    layers: dict[int, list[Node]] = {}
    for node in nodes:
        layers.setdefault(deep(node), []).append(node)
    box_width, box_height, gap = 184.0, 50.0, 18.0
    height = max((len(layer) for layer in layers.values()), default=1) * (box_height + gap) + gap
    spread = (width - box_width - 2) / max(len(layers) - 1, 1)
    place: dict[str, tuple[float, float]] = {}
    for level in sorted(layers):
        # A box goes where the boxes that it needs are, as far as there is room.
        layer = sorted(layers[level], key=lambda node: _mean([place[need][1] for need in node.needs if need in place]))
        top = (height - len(layer) * (box_height + gap) + gap) / 2
        for line, node in enumerate(layer):
            place[node.id] = (1 + level * spread, top + line * (box_height + gap))
    body: list[str] = []
    for node in nodes:
        x, y = place[node.id]
        for need in node.needs:
            if need in place:
                x1, y1 = place[need][0] + box_width, place[need][1] + box_height / 2
                x2, y2, half = x, y + box_height / 2, (x - x1 if need in place else 0) / 2
                body.append(
                    f'<path d="M{x1:.1f},{y1:.1f} C{x1 + half:.1f},{y1:.1f} {x2 - half:.1f},{y2:.1f} {x2:.1f},{y2:.1f}" class="edge"/>'
                )
                body.append(f'<circle cx="{x1:.1f}" cy="{y1:.1f}" r="3.5" class="edge-end"/>')
    for node in nodes:
        x, y = place[node.id]
        body.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{box_width}" height="{box_height}" rx="8" class="box"/>')
        body.append(_rect(x, y + 8, 4, box_height - 16, node.colour, radius=2))
        body.append(_text(x + 16, y + 21, node.title, "box-title"))
        body.append(_text(x + 16, y + 38, node.subtitle, "box-subtitle"))
    return _svg(width, height, label, body)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
