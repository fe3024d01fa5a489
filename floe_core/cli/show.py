"""``show KEY``: all that is known of one plugin. Loads it, and reads what the others depend on from their sources."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from floe_core.cli import bounded, schemas
from floe_core.cli.diagnosis import Survey, problem_of, root_of, what_happened
from floe_core.cli.output import document, printable, text
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT
from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import PluginKey


def command(session: Session, written: str, *, timeout: float) -> int:
    source = session.source
    key = source.key(written)
    survey = Survey(source, [*source.usable(), key])
    problems: list[dict[str, Any]] = []
    plugin = _loaded(session, key, timeout, problems)
    report = next((one for one in source.report().plugins if one.key == str(key)), None)
    own = Survey(source, [key]) if plugin is not None else survey
    error = own.graph.failures.get(key)
    if plugin is not None and error is not None:
        problems.append(problem_of(source, key, root_of(error), "dependencies"))
    answer = document(
        "show",
        key=str(key),
        state=report.state if report else "missing",
        distribution=report.distribution if report else None,
        version=report.version if report else None,
        path=report.path if report else None,
        entry_point=report.entry_point if report else None,
        remarks=list(report.remarks) if report else [],
        is_configured=report.is_configured if report else False,
        plugin=_said(session, plugin) if plugin is not None else None,
        config=_config(session, key, problems, loaded=plugin is not None),
        dependencies=_dependencies(own, key),
        dependents=sorted(
            str(other)
            for other in survey.graph.plugins
            if other != key and any(target == key for target, _ in survey.dependencies(other) or ())
        ),
        unread=sorted(map(str, survey.unknown - {key})),
        problems=problems,
    )
    session.answer(answer, draw)
    return PLUGINS_AT_FAULT if problems else FINE


def _loaded(session: Session, key: PluginKey, timeout: float, problems: list[dict[str, Any]]) -> PluginMetadata | None:
    try:
        if (error := session.source.absence(key)) is not None:
            raise error
        return bounded.load(session.source.registry, key, timeout)
    except PluginError as exc:
        session.errors.append(exc)
        problems.append(problem_of(session.source, key, exc, "load"))
    return None


def _said(session: Session, plugin: PluginMetadata) -> dict[str, Any]:
    """What the plugin says of itself; a property that raises says nothing."""

    def said(attribute: str) -> str | None:
        try:
            return session.source.redacted(str(getattr(plugin, attribute)))
        except Exception:  # the author's property
            return None

    return {
        "name": said("name"),
        "version": said("version"),
        "api_version": said("floe_api_version"),
        "description": said("description"),
        "class": f"{type(plugin).__module__}:{type(plugin).__qualname__}",
    }


def _config(
    session: Session, key: PluginKey, problems: list[dict[str, Any]], *, loaded: bool
) -> list[dict[str, Any]] | None:
    """The fields of the configuration; None where they cannot be told. Tried even where the configuration is at fault."""
    try:
        model = schemas.schema_of(session.source, key)
        return [] if model is None else schemas.fields_of(schemas.json_schema_of(key, model))
    except PluginError as exc:
        if loaded:  # else what keeps it from loading has been told
            session.errors.append(exc)
            problems.append(problem_of(session.source, key, exc, "schema"))
    return None


def _dependencies(survey: Survey, key: PluginKey) -> list[dict[str, Any]] | None:
    known = survey.dependencies(key)
    if known is None:
        return None
    failures = survey.graph.failures
    return [
        {
            "key": str(target),
            "version": specifier,
            "problem": what_happened(root_of(failures[target])) if target in failures else None,
        }
        for target, specifier in known
    ]


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    state = answer["state"]
    title = text(answer["key"])
    title.stylize("bold")
    screen.line(screen.mark(state), " ", title, " ", screen.state(state))
    own: dict[str, Any] = answer["plugin"] or {}
    if own.get("description"):
        screen.line(own["description"], indent=2)
    where = " ".join(part for part in (answer["distribution"], answer["version"]) if part)
    calls_itself = " ".join(part for part in (own.get("name"), own.get("version")) if part)
    screen.labelled(
        [
            ("comes from", where),
            ("entry point", answer["entry_point"] or ""),
            ("path", answer["path"] or ""),
            ("calls itself", calls_itself),
            ("plugin API", own.get("api_version") or ""),
            ("remarks", "\n".join(answer["remarks"])),
        ]
    )
    _draw_problems(screen, answer)
    _draw_config(screen, answer)
    _draw_dependencies(screen, answer)


def _draw_problems(screen: Screen, answer: dict[str, Any]) -> None:
    for problem in answer["problems"]:
        screen.gap()
        fields = "".join(f"\n{field['field']}: {field['message']}" for field in problem["fields"])
        what = Text(overflow="fold")
        for index, line in enumerate((problem["what"] + fields).split("\n")):
            what.append("\n" if index else "").append_text(text(line))
        screen.labelled([("what happened", what), ("what to do", problem["advice"])])


def _draw_config(screen: Screen, answer: dict[str, Any]) -> None:
    fields = answer["config"]
    screen.gap()
    screen.heading("Configuration")
    if not fields:
        screen.line("It takes none." if fields is not None else "Known once it loads.", indent=2)
        return
    screen.line("One is in force." if answer["is_configured"] else "None is in force.", indent=2)
    if screen.is_narrow:
        for field in fields:
            screen.line(text(field["field"]), indent=2)
            for part in _about(field):
                screen.line(part, indent=4)
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for field in fields:
        kind, *rest = _about(field)
        about = Text(overflow="fold")
        for index, part in enumerate(rest):
            about.append("; " if index else "").append_text(part)
        grid.add_row(text(field["field"]), kind, about)
    screen.put(grid, indent=2)


def _about(field: dict[str, Any]) -> list[Text]:
    parts = [Text(printable(field["type"]), "cyan")]
    if field["required"]:
        parts.append(Text("required", "yellow"))
    elif field["default"] is not None:
        parts.append(text("default ", field["default"]))
    if field["constraints"]:
        parts.append(text(field["constraints"]))
    if field["description"]:
        parts.append(Text(printable(field["description"]), "dim"))
    return parts


def _draw_dependencies(screen: Screen, answer: dict[str, Any]) -> None:
    screen.gap()
    screen.heading("Depends on")
    if not answer["dependencies"]:
        screen.line("Nothing." if answer["dependencies"] is not None else "Known once it loads.", indent=2)
    for dependency in answer["dependencies"] or ():
        mark = screen.mark("failed" if dependency["problem"] else "discovered")
        screen.line(
            mark, " ", dependency["key"], f" {dependency['version']}" if dependency["version"] else "", indent=2
        )
        if dependency["problem"]:
            screen.line(dependency["problem"], indent=4)
    screen.gap()
    screen.heading("Needed by")
    for key in answer["dependents"]:
        screen.line(screen.mark("discovered"), " ", key, indent=2)
    if not answer["dependents"]:
        screen.line(
            "Nothing." if not answer["unread"] else "Nothing that can be told without loading the others.", indent=2
        )
