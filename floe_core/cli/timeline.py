"""``timeline``: discovers, loads, configures and starts plugins, and shows when each step began and how long it took."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from floe_core.cli import bounded
from floe_core.cli.diagnosis import root_of, what_happened
from floe_core.cli.duration import written
from floe_core.cli.output import count, document, printable
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT, WrongUseError
from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.registry_report import RegistryReport

STEPS = {
    "discover": ("magenta", "d"),
    "import": ("blue", "i"),
    "construct": ("cyan", "c"),
    "configure": ("yellow", "f"),
    "start": ("green", "s"),
}
"""The colour of each step, and the letter that stands for it where there are no colours."""

DISCOVERY = "(discovery)"


def command(
    session: Session,
    wanted: Iterable[str],
    *,
    start: bool,
    timeout: float,
    svg: str | None,
    html: str | None,
) -> int:
    if svg and html:
        raise WrongUseError("Write one file at a time: --svg or --html.")
    source = session.source
    registry = source.registry
    keys = source.chosen(wanted)
    before = set(registry._lifecycle.active)
    failures: dict[str, PluginError] = {}
    plugins: list[Any] = []
    for key in keys:
        try:
            if (error := source.absence(key)) is not None:
                raise error
            plugins.append(bounded.load(registry, key, timeout))
        except PluginError as exc:
            failures[str(key)] = exc
    if start and plugins:
        outcomes = registry.activate_all(plugins, timeout=timeout)
        known = {str(key) for key in source.usable()}
        failures |= {key: error for key, error in outcomes.items() if isinstance(error, PluginError) and key in known}
    report = registry.report()
    if start:
        registry._lifecycle.stop([key for key in registry._lifecycle.active if key not in before], timeout)
    session.errors.extend({id(error): error for error in failures.values()}.values())
    answer = _answer(report, failures)
    session.answer(answer, draw)
    for path, form in ((svg, "svg"), (html, "html")):
        if path:
            _write(session, path, form, answer)
    return PLUGINS_AT_FAULT if failures else FINE


def _answer(report: RegistryReport, failures: dict[str, PluginError]) -> dict[str, Any]:
    began = [*report.began.values(), *(moment for plugin in report.plugins for moment in plugin.began.values())]
    first = min(began, default=0.0)
    rows: list[dict[str, Any]] = [
        {"key": DISCOVERY, "state": "", "steps": _steps(report.timings, report.began, first), "problem": None}
    ]
    known = {plugin.key for plugin in report.plugins}
    for plugin in report.plugins:
        failure = failures.get(plugin.key)
        if plugin.timings or failure is not None:
            rows.append(
                {
                    "key": plugin.key,
                    "state": plugin.state,
                    "steps": _steps(plugin.timings, plugin.began, first),
                    "problem": what_happened(root_of(failure)) if failure is not None else None,
                }
            )
    rows += [
        {"key": key, "state": "missing", "steps": [], "problem": what_happened(root_of(error))}
        for key, error in failures.items()
        if key not in known
    ]
    rows.sort(key=lambda row: row["steps"][0]["began_s"] if row["steps"] else float("inf"))
    ends = [step["began_s"] + step["duration_s"] for row in rows for step in row["steps"]]
    return document("timeline", total_s=max(ends, default=0.0), rows=rows)


def _steps(timings: dict[str, float], began: dict[str, float], first: float) -> list[dict[str, Any]]:
    steps = [
        {"step": step, "began_s": began[step] - first, "duration_s": timings[step]}
        for step in STEPS
        if step in timings and step in began
    ]
    return sorted(steps, key=lambda step: step["began_s"])


def _write(session: Session, path: str, form: str, answer: dict[str, Any]) -> None:
    from floe_core.cli import waterfall

    content = waterfall.svg(answer) if form == "svg" else waterfall.html(answer)
    try:
        Path(path).write_text(content, encoding="utf-8")
    except OSError as exc:
        raise WrongUseError(f"{path} cannot be written: {type(exc).__name__}.") from exc
    if not session.is_json:
        session.screen.line(f"Written to {path}.")


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    rows: list[dict[str, Any]] = answer["rows"]
    names = [printable(row["key"]) for row in rows]
    took = [written(sum(step["duration_s"] for step in row["steps"])) if row["steps"] else "" for row in rows]
    widest_took = max(map(len, took))
    room = screen.width - 2
    label = 0 if screen.is_narrow else min(max(map(len, names)), room // 3)
    width = max(10, room - widest_took - 2 - (label + 2 if label else 0))
    total = answer["total_s"] or 1.0
    for row, name, words in zip(rows, names, took, strict=True):
        bar = _bar(screen, row["steps"], width, total) if row["steps"] else _no_bar(width)
        if label:
            shown = name if len(name) <= label else name[: label - 1] + ("…" if screen.is_unicode else "~")
            style = "red" if row["problem"] else "dim" if name == DISCOVERY else ""
            line = Text.assemble((shown.ljust(label), style), "  ", bar, "  ", (words.rjust(widest_took), "dim"))
        else:
            screen.line(Text(name, "red" if row["problem"] else "dim" if name == DISCOVERY else ""))
            line = Text.assemble(bar, "  ", (words.rjust(widest_took), "dim"))
        screen.console.print(line, no_wrap=True, overflow="crop")
    _draw_axis(screen, width, label, answer["total_s"])
    problems = [row for row in rows if row["problem"]]
    for row in problems:
        screen.gap()
        screen.line(screen.mark("failed"), " ", row["key"])
        screen.line(row["problem"], indent=2)
    screen.gap()
    plugins = count(sum(1 for row in rows if row["key"] != DISCOVERY), "plugin")
    ending = f", {count(len(problems), 'problem')}" if problems else ""
    screen.heading(f"{plugins} in {written(answer['total_s'])}{ending}")


def _draw_axis(screen: Screen, width: int, label: int, total: float) -> None:
    lead = " " * (label + 2 if label else 0)
    end = written(total)
    rule = "─" if screen.is_unicode else "-"
    screen.console.print(Text(lead + rule * width, "dim"), no_wrap=True, overflow="crop")
    screen.console.print(Text(f"{lead}0{end.rjust(width - 1)}", "dim"), no_wrap=True, overflow="crop")
    legend = Text()
    for step, (colour, letter) in STEPS.items():
        sign = Text("██", colour) if _has_colours(screen) else Text(letter)
        legend.append("  " if legend else "").append_text(sign).append(f"\N{NO-BREAK SPACE}{step}")
    screen.put(legend)


def _has_colours(screen: Screen) -> bool:
    return screen.is_unicode and screen.has_colours


def _no_bar(width: int) -> Text:
    return Text("failed".ljust(width), "red")


def _bar(screen: Screen, steps: list[dict[str, Any]], width: int, total: float) -> Text:
    """A cell shows the step that takes most of it; a plugin that is over within one cell shows its longest step."""
    cells = [*_cells(steps, width, total)]
    if not any(cells):
        longest = max(steps, key=lambda step: step["duration_s"])
        cells[min(width - 1, int(longest["began_s"] / total * width))] = longest["step"]
    bar = Text()
    for cell in cells:
        if cell is None:
            bar.append(" ")
        else:
            colour, letter = STEPS[cell]
            bar.append("█" if _has_colours(screen) else letter, colour)
    return bar


def _cells(steps: list[dict[str, Any]], width: int, total: float) -> Iterator[str | None]:
    for index in range(width):
        begin, end = index * total / width, (index + 1) * total / width
        shares = {
            step["step"]: min(end, step["began_s"] + step["duration_s"]) - max(begin, step["began_s"]) for step in steps
        }
        most = max(shares, key=lambda step: shares[step])
        yield most if shares[most] > (end - begin) / 4 else None
