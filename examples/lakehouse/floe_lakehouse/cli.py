"""The command line: ``run``, ``query``, ``health``, ``plugins``. Knows the arguments; :mod:`.commands` does the work."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

REFUSED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Do what *arguments* say; those of the process by default.

    Returns:
        The exit status: 0 when all went well, 1 for an error, 2 for arguments that make no sense, 3 when the caller may
        not do this.
    """
    options = _parser().parse_args(arguments)

    from floe_core.plugin_errors import PluginError
    from floe_lakehouse import commands
    from floe_lakehouse.console import Console
    from floe_lakehouse.settings import SETTINGS_FILE, LakehouseSettings

    console = Console()
    try:
        settings = LakehouseSettings.load(options.settings or SETTINGS_FILE, lake=options.lake.absolute())
        match options.command:
            case "run":
                return commands.run(settings, options.caller, console)
            case "query":
                return commands.query(settings, options.caller, commands.question_of(options), console)
            case "health":
                return commands.health(settings, console)
            case _:
                return commands.plugins(settings, console)
    except PermissionError as exc:
        console.error(f"Refused: {exc}")
        return REFUSED
    except (PluginError, LookupError, ValueError, OSError, RuntimeError) as exc:
        console.error(str(exc))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="floe_lakehouse", description="A data platform in one process: the flights that left New York in 2013."
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings to use instead of the packaged lakehouse.toml"
    )
    parser.add_argument(
        "--lake", type=Path, default=Path("lake"), metavar="DIR", help="the folder of the lake (./lake)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="ingest, model, publish, answer; writes DIR/index.html")
    query = commands.add_parser("query", help="ask the semantic layer one question")
    commands.add_parser("health", help="start every plugin and check its health")
    commands.add_parser("plugins", help="list what is installed, without importing it")

    for command in (run, query):
        command.add_argument("--as", dest="caller", metavar="SUBJECT", help="who does it (see the settings)")
    query.add_argument("measures", nargs="*", metavar="MEASURE", help="what to ask for; nothing: lists the words")
    query.add_argument(
        "--by", action="append", default=[], metavar="DIMENSION", help="break down by this; may be repeated"
    )
    query.add_argument(
        "--where", action="append", default=[], metavar="DIMENSION=VALUE", help="only these; may be repeated"
    )
    query.add_argument(
        "--sort", action="append", default=[], metavar="[-]COLUMN", help="sort by this, - for largest first"
    )
    query.add_argument("--top", type=int, default=0, metavar="N", help="only the first N rows")
    return parser
