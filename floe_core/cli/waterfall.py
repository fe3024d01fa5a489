"""The timeline as a picture: one SVG, or an HTML page around it. Both hold all that they need, and no script."""

from __future__ import annotations

from html import escape
from math import floor, log10

from floe_core.cli.duration import written
from floe_core.cli.output import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

WIDTH = 960
LABEL = 250
MARGIN = 24
ROW = 26
TOP = 92
LONGEST_NAME = 34

_STYLE = """
  .floe { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .floe .paper { fill: #ffffff } .floe text { fill: #1f2328 } .floe .quiet { fill: #59636e }
  .floe .grid { stroke: #d1d9e0; stroke-width: 1 } .floe .band { fill: #f6f8fa }
  .floe .title { font-size: 18px; font-weight: 600 } .floe .bad { fill: #cf222e }
  .floe .discover { fill: #8250df } .floe .import { fill: #0969da } .floe .construct { fill: #1b9aaa }
  .floe .configure { fill: #d4a72c } .floe .start { fill: #2da44e }
  @media (prefers-color-scheme: dark) {
    .floe .paper { fill: #0d1117 } .floe text { fill: #e6edf3 } .floe .quiet { fill: #9198a1 }
    .floe .grid { stroke: #30363d } .floe .band { fill: #151b23 } .floe .bad { fill: #ff7b72 }
    .floe .discover { fill: #a371f7 } .floe .import { fill: #4493f8 } .floe .construct { fill: #39c5cf }
    .floe .configure { fill: #d29922 } .floe .start { fill: #3fb950 }
  }
"""
STEPS = ("discover", "import", "construct", "configure", "start")


def svg(answer: dict[str, Any]) -> str:
    """The waterfall of *answer*, the document of ``floe-plugins timeline``."""
    rows: list[dict[str, Any]] = answer["rows"]
    height = TOP + ROW * len(rows) + 44
    plugins = len(rows) - 1
    title = f"{plugins} {'plugin' if plugins == 1 else 'plugins'} in {written(answer['total_s'])}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="floe" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
        f'height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="38">{escape(title)}</text>',
        *_legend(),
        *_axis(answer["total_s"], len(rows)),
    ]
    for index, row in enumerate(rows):
        parts += _row(row, TOP + ROW * index, answer["total_s"] or 1.0, banded=index % 2 == 0)
    return "\n".join([*parts, "</svg>", ""])


def html(answer: dict[str, Any]) -> str:
    """A page with the picture, and below it the figures as a table."""
    body = "\n".join(
        f"<tr><td>{escape(printable(row['key']))}</td>{''.join(_figures(row))}"
        f"<td>{escape(printable(row['problem'] or ''))}</td></tr>"
        for row in answer["rows"]
    )
    heads = "".join(f'<th scope="col">{step}</th>' for step in STEPS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Start-up of the plugins</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ font: 14px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
         max-width: 960px; margin: 32px auto; padding: 0 16px }}
  svg {{ max-width: 100%; height: auto }}
  .scroll {{ overflow-x: auto }}
  table {{ border-collapse: collapse; width: 100%; margin-top: 24px; font-variant-numeric: tabular-nums }}
  th, td {{ text-align: right; padding: 4px 10px; border-bottom: 1px solid #8884; white-space: nowrap }}
  th:first-child, td:first-child, th:last-child, td:last-child {{ text-align: left }}
  td:last-child {{ white-space: normal }}
</style>
</head>
<body>
{svg(answer)}
<div class="scroll">
<table>
<thead><tr><th scope="col">plugin</th>{heads}<th scope="col">problem</th></tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
</body>
</html>
"""


def _figures(row: dict[str, Any]) -> Iterator[str]:
    durations = {step["step"]: step["duration_s"] for step in row["steps"]}
    for step in STEPS:
        yield f"<td>{written(durations[step]) if step in durations else ''}</td>"


def _legend() -> Iterator[str]:
    x = MARGIN
    for step in STEPS:
        yield f'<rect class="{step}" x="{x}" y="54" width="12" height="12" rx="3"/>'
        yield f'<text class="quiet" x="{x + 18}" y="65">{step}</text>'
        x += 34 + 8 * len(step)


def _axis(total: float, rows: int) -> Iterator[str]:
    """A line at each round number of seconds; five of them or so."""
    bottom = TOP + ROW * rows + 6
    step = _round_step(total or 1.0)
    marks = int(total / step) if total else 0
    for index in range(marks + 1):
        x = _x(index * step, total or 1.0)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>'
        words = "0" if index == 0 else written(index * step)
        yield f'<text class="quiet" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{words}</text>'


def _round_step(total: float) -> float:
    """1, 2 or 5 times a power of ten: the largest that fits into *total* at least four times."""
    power: float = 10.0 ** floor(log10(total / 4))
    return max((power * factor for factor in (1, 2, 5) if power * factor * 4 <= total), default=power)


def _x(seconds: float, total: float) -> float:
    return LABEL + seconds / total * (WIDTH - LABEL - MARGIN - 60)


def _row(row: dict[str, Any], y: int, total: float, *, banded: bool) -> Iterator[str]:
    if banded:
        yield f'<rect class="band" x="{MARGIN - 8}" y="{y}" width="{WIDTH - 2 * MARGIN + 16}" height="{ROW}" rx="4"/>'
    name = printable(row["key"])
    short = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    problem = printable(row["problem"] or "")
    kind = ' class="bad"' if problem else ""
    yield f'<text{kind} x="{MARGIN}" y="{y + 18}">{escape(short)}<title>{escape(problem or name)}</title></text>'
    end = float(LABEL)
    for step in row["steps"]:
        x, width = _x(step["began_s"], total), max(1.5, _x(step["duration_s"], total) - LABEL)
        end = max(end, x + width)
        words = f"{name}: {step['step']} {written(step['duration_s'])}"
        yield (
            f'<rect class="{step["step"]}" x="{x:.1f}" y="{y + 6}" width="{width:.1f}" height="14" rx="2">'
            f"<title>{escape(words)}</title></rect>"
        )
    told = written(sum(step["duration_s"] for step in row["steps"])) if row["steps"] else "failed"
    yield f'<text class="{"quiet" if row["steps"] else "bad"}" x="{end + 8:.1f}" y="{y + 18}">{told}</text>'
