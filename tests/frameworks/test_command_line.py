"""Commands in Typer and Click: users see arguments and options, the function gets plugins."""

from __future__ import annotations

import sys
from typing import Annotated

import click
import pytest
import typer
from click.testing import CliRunner as ClickRunner
from typer.testing import CliRunner

from floe_containers import PluginContainer, inject, plugin
from floe_core.plugin_types import PluginType
from tests.frameworks.conftest import journal
from tests.frameworks.engine import Sql


def start(ctx: click.Context | typer.Context, container: PluginContainer) -> None:
    container.wire(modules=[__name__])
    ctx.call_on_close(container.unwire)
    ctx.with_resource(container.registry().running(plugin_types=[PluginType.COMPUTE]))


@inject
def nightly(
    sql: str,
    times: Annotated[int, typer.Option(help="How often.")] = 1,
    engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql),
) -> None:
    """Run a statement."""
    for _ in range(times):
        typer.echo(engine.run(sql))
    if sql == "fail":
        raise SystemExit(3)


@inject
def weekly(sql: str, engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> None:
    click.echo(7 * engine.run(sql))


@pytest.fixture
def typer_app(container: PluginContainer) -> typer.Typer:
    app = typer.Typer()

    def main(ctx: typer.Context) -> None:
        start(ctx, container)

    app.callback()(main)
    app.command()(nightly)
    return app


@pytest.fixture
def click_app(container: PluginContainer) -> click.Group:
    def main(ctx: click.Context) -> None:
        start(ctx, container)

    group = click.Group("reports", callback=click.pass_context(main))
    group.add_command(click.Command("weekly", callback=weekly, params=[click.Argument(["sql"])]))
    return group


class TestTyper:
    def test_runs_with_the_plugin(self, typer_app: typer.Typer) -> None:
        """The plugin is up while the command runs, and stopped afterwards."""
        outcome = CliRunner().invoke(typer_app, ["nightly", "select 1", "--times", "2"])

        assert (outcome.exit_code, outcome.output) == (0, "8\n8\n")
        assert journal() == ["up", "down"]

    def test_stops_plugins_when_it_fails(self, typer_app: typer.Typer) -> None:
        """Also when the command ends early."""
        outcome = CliRunner().invoke(typer_app, ["nightly", "fail"])

        assert outcome.exit_code == 3
        assert journal() == ["up", "down"]

    def test_help_shows_what_users_pass(self, typer_app: typer.Typer) -> None:
        """No plugin is among the options."""
        outcome = CliRunner().invoke(typer_app, ["nightly", "--help"], env={"TERM": "dumb", "COLUMNS": "100"})

        assert "sql" in outcome.output.lower()
        assert "--times" in outcome.output
        assert "How often." in outcome.output
        assert "engine" not in outcome.output.lower()

    def test_the_list_of_commands_starts_nothing(self, typer_app: typer.Typer) -> None:
        """The program's own help imports no plugin."""
        outcome = CliRunner().invoke(typer_app, ["--help"])

        assert "nightly" in outcome.output
        assert "acme_duck" not in sys.modules


class TestClick:
    def test_runs_with_the_plugin(self, click_app: click.Group) -> None:
        """As with Typer."""
        outcome = ClickRunner().invoke(click_app, ["weekly", "select 1"])

        assert (outcome.exit_code, outcome.output) == (0, "56\n")
        assert journal() == ["up", "down"]
