"""The commands and their options. What each does stands in the module of its name."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from floe_core.cli.session import Session

app = typer.Typer(
    name="floe-plugins",
    help="What plugins are installed, what is wrong with them, and what to do.",
    epilog="Exit codes: 0 all is well, 1 something is wrong with plugins, 2 wrong use. No configuration value is printed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class GraphFormat(StrEnum):
    """Written by the parser as its value."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"


def _keys(incomplete: str) -> list[str]:
    """For the completion of shells, which must not fail."""
    from floe_core.cli.source import Source

    try:
        return [plugin.key for plugin in Source().report().plugins if plugin.key.startswith(incomplete)]
    except Exception:  # there is nobody to tell
        return []


_EVERYWHERE = "Everywhere"
SettingsOption = Annotated[
    str | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="The application's settings. By default what FLOE_SETTINGS names.",
        rich_help_panel=_EVERYWHERE,
    ),
]
AppOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE:CONTAINER",
        help="The application's container or registry, imported from here.",
        rich_help_panel=_EVERYWHERE,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Answer in JSON, in a shape that is kept.", rich_help_panel=_EVERYWHERE)
]
TracebackOption = Annotated[
    bool,
    typer.Option("--traceback", help="Add the tracebacks, on standard error.", rich_help_panel=_EVERYWHERE),
]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="TYPE:name, or the name alone.", autocompletion=_keys)]
KeysArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY]...", help="By default what has a configuration, else all.", autocompletion=_keys),
]
LoadTimeout = Annotated[float, typer.Option("--load-timeout", metavar="SECONDS", min=0.01, help="For each plugin.")]


@app.callback()
def everywhere(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    context.obj = {"settings": settings, "app": app_, "as_json": json, "traceback": traceback}


def _session(context: typer.Context, settings: str | None, app_: str | None, json: bool, traceback: bool) -> Session:
    """The options, wherever they were written: before the command or after it."""
    before = context.obj
    return Session(
        settings=settings or before["settings"],
        app=app_ or before["app"],
        as_json=json or before["as_json"],
        traceback=traceback or before["traceback"],
    )


@app.command("list")
def list_(
    context: typer.Context,
    *,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """What is installed: types, names, states, versions, distributions. Imports no plugin."""
    from floe_core.cli import listing

    raise typer.Exit(_session(context, settings, app_, json, traceback).run(listing.command))


@app.command()
def show(
    context: typer.Context,
    *,
    key: KeyArgument,
    load_timeout: LoadTimeout = 60.0,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """All that is known of one plugin: its configuration's fields, what it depends on, what needs it. Loads it."""
    from floe_core.cli import show

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(session.run(lambda session: show.command(session, key, timeout=load_timeout)))


@app.command()
def doctor(
    context: typer.Context,
    *,
    load: Annotated[bool, typer.Option("--load", help="Import and construct every plugin too.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Load, start and stop every plugin too.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.01, help="For each plugin and step.")
    ] = 30.0,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Everything that is wrong, each as what happened and what to do."""
    from floe_core.cli import doctor

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(session.run(lambda session: doctor.command(session, load=load, start=start, timeout=timeout)))


@app.command()
def why(
    context: typer.Context,
    *,
    key: KeyArgument,
    load: Annotated[bool, typer.Option("--load", help="Load it, and see.")] = False,
    load_timeout: LoadTimeout = 60.0,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Why a plugin cannot be used: the chain of causes, down to the root. Imports no plugin unless asked to."""
    from floe_core.cli import why

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(session.run(lambda session: why.command(session, key, load=load, timeout=load_timeout)))


@app.command()
def graph(
    context: typer.Context,
    *,
    format_: Annotated[GraphFormat, typer.Option("--format", help="How to draw it.")] = GraphFormat.TREE,
    load: Annotated[bool, typer.Option("--load", help="Load the plugins, and ask them.")] = False,
    load_timeout: LoadTimeout = 60.0,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Which plugin depends on which, as their sources say. Imports no plugin unless asked to."""
    from floe_core.cli import graph

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(
        session.run(lambda session: graph.command(session, form=format_.value, load=load, timeout=load_timeout))
    )


@app.command()
def schema(
    context: typer.Context,
    *,
    key: KeyArgument,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """The JSON schema of a plugin's configuration. Loads the plugin."""
    from floe_core.cli import schema

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(session.run(lambda session: schema.command(session, key)))


@app.command()
def validate(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A settings file.")],
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Hold a settings file against the schemas of all plugins that it configures; every fault at once."""
    from floe_core.cli import validate

    session = _session(context, None, None, json, traceback)
    raise typer.Exit(session.run(lambda session: validate.command(session, file)))


@app.command()
def health(
    context: typer.Context,
    *,
    keys: KeysArgument = None,
    start: Annotated[bool, typer.Option("--start", help="Start them first, and stop them afterwards.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.01, help="For all answers together.")
    ] = 5.0,
    load_timeout: LoadTimeout = 60.0,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """Ask plugins how they fare, in a table that fills as they answer. Loads them."""
    from floe_core.cli import health

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(
        session.run(
            lambda session: health.command(session, keys or [], start=start, timeout=timeout, load_timeout=load_timeout)
        )
    )


@app.command()
def timeline(
    context: typer.Context,
    *,
    keys: KeysArgument = None,
    start: Annotated[bool, typer.Option("--start/--no-start", help="Start and stop them, or load them only.")] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.01, help="For each plugin and step.")
    ] = 30.0,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Write a picture too.")] = None,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write a page too.")] = None,
    settings: SettingsOption = None,
    app_: AppOption = None,
    json: JsonOption = False,
    traceback: TracebackOption = False,
) -> None:
    """When each plugin was imported, constructed, configured and started, as a waterfall. Starts them, and stops them."""
    from floe_core.cli import timeline

    session = _session(context, settings, app_, json, traceback)
    raise typer.Exit(
        session.run(
            lambda session: timeline.command(session, keys or [], start=start, timeout=timeout, svg=svg, html=html)
        )
    )
