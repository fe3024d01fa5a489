"""``doctor``: everything that is wrong, each as what happened and what to do."""

from __future__ import annotations

from functools import partial

from floe_core._discovery import Rejection
from floe_core.cli.diagnosis import NOTES, Survey, problem_of, problem_of_candidate, root_of
from floe_core.cli.output import count, document, text
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT
from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.plugin_types import PluginKey


def command(session: Session, *, load: bool, start: bool, timeout: float) -> int:
    source = session.source
    loader = None
    if load or start:
        from floe_core.cli import bounded

        loader = partial(bounded.load, source.registry, timeout=timeout)
    survey = Survey(source, [*source.usable(), *source.inventory.conflicting], loader)
    problems = _Problems(session)
    problems.add(survey.graph.failures.items(), "load" if loader else "files")
    if start:
        _start_and_stop(session, problems, survey, timeout)
    unused = [one for one in source.inventory.unused if one.rejection is not Rejection.CONFLICTING]  # told by its key
    faulty = [problem_of_candidate(one) for one in unused if one.rejection not in NOTES]
    notes = [problem_of_candidate(one) for one in unused if one.rejection in NOTES]
    remarks = [
        {"key": plugin.key, "what": f"{remark[:1].upper()}{remark[1:]}."}
        for plugin in source.report().plugins
        for remark in plugin.remarks
    ]
    answer = document(
        "doctor",
        checked=[*(["load"] if loader else []), *(["start"] if start else [])],
        plugins=len(source.report().plugins),
        problems=[*faulty, *problems.found],
        notes=notes,
        remarks=remarks,
    )
    session.answer(answer, draw)
    return PLUGINS_AT_FAULT if answer["problems"] else FINE


def _start_and_stop(session: Session, problems: _Problems, survey: Survey, timeout: float) -> None:
    registry = session.source.registry
    before = set(registry._lifecycle.active)  # an application's own are left alone
    keys = [key for key in survey.graph.edges if key not in before]
    outcomes = registry.activate_all(keys, timeout=timeout) if keys else {}
    problems.add(
        ((session.source.key(key), error) for key, error in outcomes.items() if isinstance(error, PluginError)), "start"
    )
    started = [key for key in registry._lifecycle.active if key not in before]
    stopped = registry._lifecycle.stop(started, timeout)
    problems.add(((key, error) for key, error in stopped.items() if error), "stop")


class _Problems:
    """What is wrong, each root once, with the plugins that it keeps from working."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._by_root: dict[int, dict[str, Any]] = {}

    @property
    def found(self) -> list[dict[str, Any]]:
        return sorted(self._by_root.values(), key=lambda problem: str(problem["key"]))

    def add(self, failures: Iterable[tuple[PluginKey, PluginError]], stage: str) -> None:
        errors = sorted(failures, key=lambda item: str(item[0]))
        owners: dict[int, PluginKey] = {}
        for key, error in errors:
            if root_of(error) is error:
                owners.setdefault(id(error), key)
        for key, error in errors:
            root = root_of(error)
            if id(root) not in self._by_root:
                self._session.errors.append(root)
                self._by_root[id(root)] = problem_of(self._session.source, owners.get(id(root), key), root, stage)
            problem = self._by_root[id(root)]
            if problem["key"] != str(key):
                problem["blocks"].append(str(key))


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    for problem in answer["problems"]:
        draw_problem(screen, problem, "failed")
        screen.gap()
    if answer["notes"] or answer["remarks"]:
        screen.heading("For the record")
        for note in answer["notes"]:
            draw_problem(screen, note, "disabled")
        for remark in answer["remarks"]:
            screen.hanging(screen.mark("disabled"), remark["key"])
            screen.line(remark["what"], indent=2)
        screen.gap()
    plugins, problems = count(answer["plugins"], "plugin"), count(len(answer["problems"]), "problem")
    screen.heading(f"{plugins}, {problems if answer['problems'] else 'no problem'}")
    if not answer["checked"]:
        screen.line(
            "Nothing was imported. --load imports and constructs every plugin, --start starts and stops it too."
        )


def draw_problem(screen: Screen, problem: dict[str, Any], state: str) -> None:
    where = " ".join(part for part in (problem["distribution"], problem["version"]) if part)
    title = text(problem["key"] or problem["distribution"] or "An entry point")
    title.stylize("bold" if state == "failed" else "")
    screen.hanging(screen.mark(state), title)
    what = text(problem["what"])
    for field in problem["fields"]:
        what.append("\n").append_text(text(field["field"], ": ", field["message"]))
    blocks = ", ".join(problem["blocks"])
    screen.labelled(
        [
            ("what happened", what),
            ("what to do", problem["advice"]),
            ("comes from", where if problem["key"] else ""),
            ("path", problem["path"] or ""),
            ("blocks", blocks),
        ]
    )
