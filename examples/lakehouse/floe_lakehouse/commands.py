"""What each command of the command line does, from start-up to the last table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial

from rich.markup import escape

from floe_core.plugin_metadata import HealthState
from floe_core.plugin_types import PluginType
from floe_lakehouse import services
from floe_lakehouse.application import Lakehouse, Platform, lakehouse
from floe_lakehouse.console import Console
from floe_lakehouse.page import PageContent, content_of, render
from floe_lakehouse.ports import Question
from floe_lakehouse.questions import QUESTIONS
from floe_lakehouse.settings import LakehouseSettings

__all__ = ["health", "plugins", "query", "question_of", "run"]


def run(settings: LakehouseSettings, caller: str | None, console: Console) -> int:
    """From the csv files to the page. Everything that is installed is brought up; what fails and is not needed is told."""
    with lakehouse(settings) as platform:
        _admit(platform, caller or settings.caller, services.WRITE, console)
        _bring_up(platform, console)
        with console.phase("Ingest, model, publish") as progress:
            services.refresh(progress)
        with console.phase("Answers") as progress:
            services.open_tables()
            answers = services.answer(QUESTIONS, progress)
        content = content_of(platform, answers, services.surroundings())
        page = services.keep(answers, partial(render, content))
        _tell(platform, content, console)
    console.say(f"[green]✓[/] plugins shut down. The page: [link=file://{page}]{page}[/link]")
    return 0


def query(settings: LakehouseSettings, caller: str | None, question: Question, console: Console) -> int:
    """One question to the semantic layer. Only what the answer needs is imported and started."""
    with lakehouse(settings) as platform:
        _admit(platform, caller or settings.caller, services.READ, console)
        _bring_up(platform, console, PluginType.SEMANTIC_LAYER)
        services.open_tables()
        if question.measures:
            console.table(services.ask(question))
        else:
            for kind, words in services.vocabulary().items():
                console.say(f"[bold]{kind}[/]  {', '.join(words)}")
    return 0


def health(settings: LakehouseSettings, console: Console) -> int:
    """Start everything that is installed and ask each how it fares. 0 when all are healthy, else 1."""
    with lakehouse(settings) as platform:
        _bring_up(platform, console)
        statuses = platform.registry.health_check_all()
    console.table(
        [
            {
                "plugin": key,
                "state": status.state.value,
                "seconds": round(status.details.get("duration_s", 0.0), 3),
                "message": status.message,
            }
            for key, status in sorted(statuses.items())
        ]
    )
    return (
        0 if all(status.state is HealthState.HEALTHY for status in statuses.values()) and not platform.left_out else 1
    )


def plugins(settings: LakehouseSettings, console: Console) -> int:
    """What is installed, told from the disk alone."""
    registry = Lakehouse(settings=settings.platform).plugins.registry()
    defaults = settings.platform.defaults
    console.table(
        [
            {
                "type": kind.name,
                "name": plugin.name,
                "version": plugin.version,
                "default": "yes" if defaults.get(kind.group) == plugin.name else "",
                "state": registry.state(kind, plugin.name).value,
            }
            for kind in PluginType
            for plugin in registry.list(kind)
        ]
    )
    return 0


def question_of(options: argparse.Namespace) -> Question:
    """
    The question that the arguments of ``query`` ask.

    Raises:
        ValueError: A ``--where`` is not ``DIMENSION=VALUE``.
    """
    where: dict[str, str | int | bool] = {}
    for condition in options.where:
        word, equals, value = condition.partition("=")
        if not equals:
            raise ValueError(f"--where takes DIMENSION=VALUE, not {condition!r}")
        where[word] = int(value) if value.isdigit() else value
    return Question(tuple(options.measures), tuple(options.by), where, tuple(options.sort), options.top)


def _admit(platform: Platform, subject: str, scope: str, console: Console) -> None:
    """Identity comes first, and alone: who is refused has cost nothing else."""
    with console.phase("Identity") as progress:
        platform.bring_up(PluginType.IDENTITY, progress=progress)
        caller = services.admit(subject, scope)
    console.say(f"  {escape(caller.subject)} may {', '.join(sorted(caller.scopes))}")


def _bring_up(platform: Platform, console: Console, *types: PluginType) -> None:
    with console.phase("Plugins up") as progress:
        platform.bring_up(*types, progress=progress)
    for key, reason in platform.reasons().items():
        console.say(f"[yellow]![/] left out: [bold]{key}[/]  [dim]{escape(reason)}[/]")


def _tell(platform: Platform, content: PageContent, console: Console) -> None:
    console.say("")
    console.table(content.answers["year"], "The year")
    console.say("")
    console.table(content.answers["airlines"][:5], "The busiest airlines")
    console.say("")
    console.table(
        [{"step": entry.name, "seconds": round(entry.seconds, 2), **_summed(entry.figures)} for entry in content.steps],
        "Steps",
    )
    console.say("")
    console.table(
        [
            {
                "plugin": card.key,
                "version": card.version,
                "import s": round(card.import_s, 2),
                "start s": round(card.start_s, 2),
                "depends on": ", ".join(card.needs),
            }
            for card in content.plugins
        ],
        "Plugins, in the order in which they started",
    )
    console.say("")


def _summed(figures: Mapping[str, int | str]) -> Mapping[str, str]:
    return {
        "figures": ", ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in figures.items()
        )
    }
