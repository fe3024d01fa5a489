"""An application in FastAPI: injected routes, plugins that live as long as the server, a route that tells their health."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from dependency_injector.wiring import inject as stock_inject
from fastapi import Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient

from floe_containers import PluginContainer, check_wiring, inject, plugin
from floe_core.plugin_errors import PluginErrorGroup
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin
from tests.conftest import InstallPlugin
from tests.frameworks.conftest import journal
from tests.frameworks.engine import Fake, Sql


@inject
def engine_of_the_platform(engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> Sql:
    return engine


@inject
def session(engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> Iterator[list[Sql]]:
    opened: list[Sql] = [engine]
    yield opened
    opened.clear()


@inject
async def async_session(engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> AsyncIterator[list[Sql]]:
    yield [engine]


Engine = Annotated[Sql, Depends(engine_of_the_platform)]


@inject
def count(sql: str, engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> int:
    return engine.run(sql)


@inject
async def async_count(
    sql: str, engine: Annotated[Sql, plugin(PluginType.COMPUTE, "duckdb", expect=Sql)], times: int = 1
) -> int:
    return times * engine.run(sql)


def double(sql: str, engine: Engine) -> int:
    return 2 * engine.run(sql)


def sessions(
    sql: str,
    opened: Annotated[list[Sql], Depends(session)],
    opened_too: Annotated[list[Sql], Depends(async_session)],
) -> int:
    return sum(engine.run(sql) for engine in [*opened, *opened_too])


@inject
def version(compute: Annotated[ComputePlugin, Depends(plugin(PluginType.COMPUTE, "duckdb"))]) -> str:
    return compute.version


@stock_inject
async def version_by_default(compute: ComputePlugin = Depends(plugin(PluginType.COMPUTE, "duckdb"))) -> str:
    return compute.version


def health(request: Request, response: Response) -> dict[str, str]:
    statuses = request.app.state.container.registry().health_check_all()
    if any(status.state is HealthState.UNHEALTHY for status in statuses.values()):
        response.status_code = 503
    return {key: status.state.value for key, status in statuses.items()}


def make_app(container: PluginContainer) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        container.wire(modules=[__name__])
        try:
            check_wiring(container, [__name__])
            with container.registry().running(plugin_types=[PluginType.COMPUTE]):
                yield
        finally:
            container.unwire()

    app = FastAPI(lifespan=lifespan)
    app.state.container = container
    for route in (count, async_count, double, sessions, version, version_by_default, health):
        app.get(f"/{route.__name__}")(route)
    return app


class TestRoutes:
    # Every form in which a route can ask for a plugin.
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("count?sql=12345678", 8),
            ("async_count?sql=12345678", 8),
            ("async_count?sql=12345678&times=3", 24),
            ("double?sql=12345678", 16),
            ("sessions?sql=12345678", 16),
            ("version", "1.0.0"),
            ("version_by_default", "1.0.0"),
        ],
    )
    def test_get_plugins(self, query: str, expected: object, container: PluginContainer) -> None:
        """A route, or what it depends on, is called with the plugin."""
        with TestClient(make_app(container)) as client:
            answer = client.get(f"/{query}")

        assert (answer.status_code, answer.json()) == (200, expected)

    def test_ask_users_for_the_rest_only(self, container: PluginContainer) -> None:
        """Neither the plugin nor its parameter shows in the API that users see."""
        schema = make_app(container).openapi()
        parameters = {
            path: [parameter["name"] for parameter in described["get"].get("parameters", [])]
            for path, described in schema["paths"].items()
        }

        assert parameters == {
            "/count": ["sql"],
            "/async_count": ["sql", "times"],
            "/double": ["sql"],
            "/sessions": ["sql"],
            "/version": [],
            "/version_by_default": [],
            "/health": [],
        }

    def test_see_overrides(self, container: PluginContainer) -> None:
        """A test replaces the plugin behind a running server, whose routes run on other threads."""
        fake: Any = Fake()
        with TestClient(make_app(container)) as client:
            with container.registry().override(PluginType.COMPUTE, "duckdb", fake):
                assert client.get("/count?sql=1").json() == -1
            assert client.get("/count?sql=1").json() == 1


class TestLifespan:
    def test_starts_and_stops_plugins(self, container: PluginContainer) -> None:
        """They are up before the first request, and stopped after the last."""
        with TestClient(make_app(container)):
            assert journal() == ["up"]
        assert journal() == ["up", "down"]

    def test_a_plugin_that_does_not_start(self, container: PluginContainer, install_plugin: InstallPlugin) -> None:
        """The server does not come up either, and what was started is stopped."""
        install_plugin(
            "acme_broken",
            PluginType.COMPUTE,
            "broken",
            body="def startup(self): raise OSError",
            dependencies=["duckdb"],
        )

        with pytest.raises(PluginErrorGroup, match="1 of 2 plugins did not start"), TestClient(make_app(container)):
            raise AssertionError  # not reached
        assert journal() == ["up", "down"]


class TestHealth:
    def test_status_codes(self, container: PluginContainer) -> None:
        """200 while every plugin works, 503 as soon as one does not."""
        with TestClient(make_app(container)) as client:
            well = client.get("/health")
            compute: Any = container.registry().get(PluginType.COMPUTE, "duckdb")
            compute.is_well = False
            ill = client.get("/health")

        assert (well.status_code, well.json()) == (200, {"COMPUTE:duckdb": "healthy"})
        assert (ill.status_code, ill.json()) == (503, {"COMPUTE:duckdb": "unhealthy"})
