"""``graph``: which plugin depends on which, as a tree, or for Mermaid and Graphviz. Imports no plugin unless asked to."""

from __future__ import annotations

from functools import partial

from rich.text import Text

from floe_core.cli.diagnosis import Survey, root_of, what_happened
from floe_core.cli.output import count, document, printable
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session

DEEPEST = 12
"""Levels of the tree that are drawn; the other formats have them all."""


def command(session: Session, *, form: str, load: bool, timeout: float) -> int:
    source = session.source
    loader = None
    if load:
        from floe_core.cli import bounded

        loader = partial(bounded.load, source.registry, timeout=timeout)
    survey = Survey(source, source.usable(), loader)
    session.errors.extend({id(error): error for error in survey.graph.failures.values()}.values())
    answer = _answer(session, survey)
    session.answer(answer, _DRAWERS[form])
    return PLUGINS_AT_FAULT if any(node["problem"] for node in answer["nodes"]) else FINE


def _answer(session: Session, survey: Survey) -> dict[str, Any]:
    reports = {plugin.key: plugin for plugin in session.source.report().plugins}
    edges: list[dict[str, str]] = []
    keys = dict.fromkeys(reports)
    for key in survey.graph.plugins:
        for target, specifier in survey.dependencies(key) or ():
            edges.append({"from": str(key), "to": str(target), "version": specifier})
            keys[str(target)] = None
    failures = {str(key): error for key, error in survey.graph.failures.items()}
    unknown = set(map(str, survey.unknown))
    return document(
        "graph",
        nodes=[
            {
                "key": key,
                "state": reports[key].state if key in reports else "missing",
                "distribution": reports[key].distribution if key in reports else None,
                "dependencies_known": key not in unknown and key in reports and key not in _unread(survey),
                "problem": what_happened(root_of(failures[key])) if key in failures else None,
            }
            for key in keys
        ],
        edges=edges,
    )


def _unread(survey: Survey) -> set[str]:
    """Those that failed before their dependencies could be read."""
    return {str(key) for key in survey.graph.failures if key not in survey.graph.plugins}


def draw_tree(screen: Screen, answer: dict[str, Any]) -> None:
    nodes = {node["key"]: node for node in answer["nodes"]}
    below: dict[str, list[tuple[str, str]]] = {key: [] for key in nodes}
    for edge in answer["edges"]:
        below[edge["from"]].append((edge["to"], edge["version"]))
    needed = {edge["to"] for edge in answer["edges"]}
    shown: set[str] = set()
    tops = [key for key in nodes if key not in needed]
    for top in [*tops, *nodes]:  # after the tops, whatever only a circle leads to
        if top not in shown:
            _draw_branch(screen, top, nodes, below, shown)
    if not nodes:
        screen.line("No plugin is installed.")
        return
    screen.gap()
    screen.heading(f"{count(len(nodes), 'plugin')}, {count(len(answer['edges']), 'dependency', 'dependencies')}")
    unread = [
        node["key"]
        for node in answer["nodes"]
        if not node["dependencies_known"] and not node["problem"] and _is_good(node)
    ]
    if unread:
        words = "What some depend on is known once they are loaded (--load): "
        screen.line(Text(words, "dim"), Text(", ".join(map(printable, unread)), "dim"))


def _draw_branch(
    screen: Screen, top: str, nodes: dict[str, Any], below: dict[str, list[tuple[str, str]]], shown: set[str]
) -> None:
    bends = ("├─ ", "└─ ", "│  ", "   ") if screen.is_unicode else ("|- ", "`- ", "|  ", "   ")
    waiting: list[tuple[str, str, str, str, int]] = [(top, "", "", "", 0)]
    while waiting:
        key, version, lead, bend, depth = waiting.pop()
        again = key in shown and bool(below[key])
        node = nodes[key]
        line = Text.assemble((lead + bend, "dim"), screen.mark(_state(node)), " ", printable(key), overflow="fold")
        line.append(f" {version}" if version else "", "dim")
        if node["problem"] or node["state"] not in ("discovered", "loaded", "active"):
            line.append(" ").append_text(
                screen.state("failed" if node["problem"] and _is_good(node) else node["state"])
            )
        line.append(" (see above)" if again else "", "dim")
        screen.put(line)
        shown.add(key)
        if again or not below[key]:
            continue
        lead += {"": "", bends[0]: bends[2], bends[1]: bends[3]}[bend]
        if depth == DEEPEST:
            screen.line(Text(f"{lead}{bends[1]}... deeper: --format dot", "dim"))
            continue
        children = below[key]
        for index in range(len(children) - 1, -1, -1):
            last = index == len(children) - 1
            waiting.append((*children[index], lead, bends[1] if last else bends[0], depth + 1))


def _is_good(node: dict[str, Any]) -> bool:
    return node["state"] in ("discovered", "loaded", "active")


def _state(node: dict[str, Any]) -> str:
    return "failed" if node["problem"] and _is_good(node) else str(node["state"])


def draw_mermaid(screen: Screen, answer: dict[str, Any]) -> None:
    names = {node["key"]: f"n{index}" for index, node in enumerate(answer["nodes"])}
    lines = ["graph LR"]
    for node in answer["nodes"]:
        label = printable(node["key"]).replace("&", "#amp;").replace('"', "#quot;")
        lines.append(f'    {names[node["key"]]}["{label}"]:::{_state(node)}')
    for edge in answer["edges"]:
        version = printable(edge["version"]).replace('"', "#quot;")
        arrow = f'-- "{version}" -->' if version else "-->"
        lines.append(f"    {names[edge['from']]} {arrow} {names[edge['to']]}")
    lines += [f"    classDef {state} fill:{fill},stroke:{line},color:#1f2328" for state, fill, line in _colours(answer)]
    _put_lines(screen, lines)


def draw_dot(screen: Screen, answer: dict[str, Any]) -> None:
    colours = {state: (fill, line) for state, fill, line in _colours(answer)}
    lines = [
        "digraph plugins {",
        "    rankdir=LR;",
        '    node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for node in answer["nodes"]:
        fill, line = colours[_state(node)]
        lines.append(f'    {_quoted(node["key"])} [fillcolor="{fill}", color="{line}"];')
    for edge in answer["edges"]:
        label = f" [label={_quoted(edge['version'])}]" if edge["version"] else ""
        lines.append(f"    {_quoted(edge['from'])} -> {_quoted(edge['to'])}{label};")
    _put_lines(screen, [*lines, "}"])


def _quoted(words: str) -> str:
    return '"' + printable(words).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _put_lines(screen: Screen, lines: list[str]) -> None:
    """Unwrapped, uncoloured: this is for other programs."""
    screen.console.file.write("\n".join(lines) + "\n")


def _colours(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    fills = {
        "discovered": ("#ddf4ff", "#0969da"),
        "loaded": ("#ddf4ff", "#0969da"),
        "active": ("#dafbe1", "#1a7f37"),
        "disabled": ("#eaeef2", "#6e7781"),
    }
    states = dict.fromkeys(_state(node) for node in answer["nodes"])
    return [(state, *fills.get(state, ("#ffebe9", "#cf222e"))) for state in states]


_DRAWERS = {"tree": draw_tree, "mermaid": draw_mermaid, "dot": draw_dot}
FORMATS = tuple(_DRAWERS)
