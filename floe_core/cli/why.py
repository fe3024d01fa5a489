"""``why KEY``: the chain of causes that keeps a plugin from working, down to its root."""

from __future__ import annotations

from functools import partial

from rich.text import Text

from floe_core.cli.diagnosis import Survey, advice_for, fields_of, problem_of_candidate, root_of, what_happened
from floe_core.cli.doctor import draw_problem
from floe_core.cli.output import document, text
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT
from floe_core.plugin_errors import MissingDependencyError, PluginError
from floe_core.registry_report import causes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.plugin_types import PluginKey


def command(session: Session, written: str, *, load: bool, timeout: float) -> int:
    source = session.source
    key = source.key(written)
    loader = None
    if load:
        from floe_core.cli import bounded

        loader = partial(bounded.load, source.registry, timeout=timeout)
    survey = Survey(source, [key], loader)
    error = survey.graph.failures.get(key)
    steps = _chain(key, error)
    if error is not None:
        session.errors.append(error)
    on_the_way = {step["key"] for step in steps} | {str(key)}
    state = next((plugin.state for plugin in source.report().plugins if plugin.key == str(key)), None)
    candidates = [
        problem_of_candidate(one) for one in source.inventory.unused if one.key and str(one.key) in on_the_way
    ]
    answer = document(
        "why",
        key=str(key),
        state=state,
        chain=steps,
        advice=_advice(steps, candidates),
        candidates=candidates,
        unknown=sorted(map(str, survey.unknown)),
        checked=["load"] if load else [],
    )
    session.answer(answer, draw)
    return PLUGINS_AT_FAULT if steps else FINE


def _advice(steps: list[dict[str, Any]], candidates: list[dict[str, Any]]) -> str:
    """What to do about the root: about the candidate that could not be used, where it is one."""
    root = next((step for step in reversed(steps) if step["advice"]), None)
    if root is None:
        return ""
    of_root = (str(one["advice"]) for one in candidates if one["key"] == root["key"] and one["reason"] in root["what"])
    return next(of_root, str(root["advice"]))


def _chain(key: PluginKey, error: PluginError | None) -> list[dict[str, Any]]:
    """From the plugin down to the root; what a plugin raised itself is told by type and place."""
    steps: list[dict[str, Any]] = []
    while error is not None:
        steps.append(
            {
                "key": str(key),
                "kind": type(error).__name__,
                "what": what_happened(error),
                "advice": advice_for(key, error),
                "fields": fields_of(key, error),
            }
        )
        cause = error.__cause__
        if root_of(error) is error:
            steps += [
                {"key": str(key), "kind": "cause", "what": what, "advice": "", "fields": []}
                for what in causes_of(cause)
            ]
            break
        assert isinstance(error, MissingDependencyError), "only these have a root other than themselves"
        assert isinstance(cause, PluginError), "the same"
        key, error = error.chain[0], cause
    return steps


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    steps: list[dict[str, Any]] = answer["chain"]
    if not steps:
        _draw_fine(screen, answer)
        return
    title = text(answer["key"], " cannot be used")
    title.stylize("bold")
    screen.hanging(screen.mark("failed"), title)
    for depth, step in enumerate(steps):
        bend = "" if depth == 0 else ("└" if screen.is_unicode else "`-")
        indent = 2 + 2 * min(depth, 6)
        if bend:
            screen.hanging(Text(bend, "dim"), step["what"], indent=indent)
        else:
            screen.line(step["what"], indent=indent)
        for field in step["fields"]:
            screen.line(field["field"], ": ", field["message"], indent=indent + 2)
    screen.gap()
    screen.labelled([("what to do", answer["advice"])])
    told = " ".join(step["what"] for step in steps)
    for candidate in answer["candidates"]:
        if candidate["reason"] not in told:
            screen.gap()
            draw_problem(screen, candidate, "disabled")


def _draw_fine(screen: Screen, answer: dict[str, Any]) -> None:
    state = answer["state"] or "discovered"
    screen.line(screen.mark(state), " ", answer["key"], " is ", screen.state(state), ".")
    if answer["checked"]:
        screen.line("It loads, and so does all that it depends on.", indent=2)
    else:
        screen.line("Nothing in the files keeps it from working. --load tries whether it loads.", indent=2)
    if answer["unknown"]:
        names = ", ".join(answer["unknown"])
        screen.line(f"What {names} depends on is known once it is loaded.", indent=2)
