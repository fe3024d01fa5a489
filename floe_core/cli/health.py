"""``health``: asks plugins how they fare, in a table that fills as they answer."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from rich.live import Live
from rich.table import Table
from rich.text import Text

from floe_core.cli import bounded
from floe_core.cli.diagnosis import root_of, what_happened
from floe_core.cli.duration import written
from floe_core.cli.output import count, document, text
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT
from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.plugin_metadata import HealthStatus, PluginMetadata
    from floe_core.plugin_types import PluginKey


def command(session: Session, wanted: Iterable[str], *, start: bool, timeout: float, load_timeout: float) -> int:
    source = session.source
    registry = source.registry
    keys = source.chosen(wanted)
    rows = {str(key): _row(str(key), "unknown", "", None) for key in keys}
    plugins: dict[PluginKey, PluginMetadata] = {}
    before = set(registry._lifecycle.active)
    for key in keys:
        try:
            if (error := source.absence(key)) is not None:
                raise error
            plugins[key] = bounded.load(registry, key, load_timeout)
        except PluginError as exc:
            session.errors.append(exc)
            rows[str(key)] = _row(str(key), "unhealthy", what_happened(exc), None)
    if start and plugins:
        for written_key, failure in registry.activate_all(plugins, timeout=load_timeout).items():
            if isinstance(failure, PluginError) and written_key in rows:
                session.errors.append(failure)
                rows[written_key] = _row(written_key, "unhealthy", what_happened(root_of(failure)), None)
                plugins.pop(source.key(written_key), None)
    _ask(session, plugins, rows, timeout)
    answer = document("health", plugins=[*rows.values()])
    if not session.is_json and session.screen.console.is_terminal:
        draw_end(session.screen, answer)  # the table stands there by now
    else:
        session.answer(answer, draw)
    if start:
        registry._lifecycle.stop([key for key in registry._lifecycle.active if key not in before], load_timeout)
    return FINE if all(row["state"] == "healthy" for row in rows.values()) else PLUGINS_AT_FAULT


def _row(key: str, state: str, message: str, seconds: float | None) -> dict[str, Any]:
    return {"key": key, "state": state, "message": message, "duration_s": seconds}


def _ask(
    session: Session, plugins: dict[PluginKey, PluginMetadata], rows: dict[str, dict[str, Any]], timeout: float
) -> None:
    """Ask all at once; each answer goes into its row as it comes."""
    registry = session.source.registry
    answers: SimpleQueue[tuple[PluginKey, HealthStatus]] = SimpleQueue()

    def ask(key: PluginKey, plugin: PluginMetadata) -> None:
        statuses = registry._health.check({key: plugin}, registry._lifecycle.thread_of, timeout)
        answers.put((key, statuses[key]))

    for key, plugin in plugins.items():
        threading.Thread(target=ask, args=(key, plugin), name=f"floe-plugins {key}", daemon=True).start()
    if session.is_json or not session.screen.console.is_terminal:
        _collect(session, len(plugins), answers, rows)
        return
    screen = session.screen
    with Live(
        _table(screen, rows.values()), console=screen.console, auto_refresh=False, vertical_overflow="visible"
    ) as live:
        _collect(session, len(plugins), answers, rows, lambda: live.update(_table(screen, rows.values()), refresh=True))


def _collect(
    session: Session,
    number: int,
    answers: SimpleQueue[tuple[PluginKey, HealthStatus]],
    rows: dict[str, dict[str, Any]],
    changed: Any = None,
) -> None:
    for _ in range(number):
        key, status = answers.get()  # each comes within the timeout
        seconds = status.details.get("duration_s")
        message = session.source.redacted(status.message)
        rows[str(key)] = _row(str(key), status.state.value, message, seconds)
        if changed is not None:
            changed()


def _table(screen: Screen, rows: Iterable[dict[str, Any]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold", max_width=screen.width - 4 if screen.is_narrow else screen.width * 2 // 5)
    if not screen.is_narrow:
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(overflow="fold")
    for row in rows:
        took = "" if row["duration_s"] is None else written(row["duration_s"])
        state = Text("asking", "dim") if row["state"] == "unknown" else screen.state(row["state"])
        if screen.is_narrow:
            below = Text.assemble(state, f" {screen.dot} {took}" if took else "", overflow="fold")
            below.append("\n" if row["message"] else "")
            grid.add_row(screen.mark(row["state"]), text(row["key"]))
            grid.add_row("", below.append_text(text(row["message"])))
        else:
            grid.add_row(screen.mark(row["state"]), text(row["key"]), state, Text(took, "dim"), text(row["message"]))
    return grid


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    screen.put(_table(screen, answer["plugins"]))
    draw_end(screen, answer)


def draw_end(screen: Screen, answer: dict[str, Any]) -> None:
    rows = answer["plugins"]
    good = sum(row["state"] == "healthy" for row in rows)
    screen.gap()
    screen.heading(f"{good} of {count(len(rows), 'plugin')} healthy" if rows else "There is no plugin to ask.")
