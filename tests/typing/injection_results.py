"""Read by the type checkers, run by nobody: a parameter of another type than what is injected is an error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Protocol, assert_type

from dependency_injector import containers, providers
from pydantic import BaseModel

from floe_containers import PluginContainer, check_wiring, inject, plugin, plugin_config, plugin_provider, plugins
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginType
from floe_core.plugins import CatalogPlugin, ComputePlugin

C = PluginType.COMPUTE


class Sql(Protocol):
    """What the application needs of an engine; a protocol cannot be made, and can be expected."""

    def run(self, sql: str) -> int: ...


class DuckDBConfig(BaseModel):
    """A configuration."""

    threads: int = 4


# What markers stand for

assert_type(plugin(C, "duckdb"), Any)
assert_type(plugin(C), Any)
assert_type(plugin(C, optional=True), Any)
assert_type(plugin(C, "duckdb", expect=ComputePlugin), ComputePlugin)
assert_type(plugin(C, "duckdb", expect=Sql), Sql)
assert_type(plugin(C, "duckdb", expect=Sql, optional=False), Sql)
assert_type(plugin(C, expect=Sql, optional=True), Sql | None)
assert_type(plugins(C), list[PluginMetadata])
assert_type(plugins(C, expect=Sql), list[Sql])
assert_type(plugin_config(C, "duckdb", DuckDBConfig), DuckDBConfig)


# Parameters of the right type


@inject
def everything(
    sql: str,
    *,
    untyped: CatalogPlugin = plugin(C, "duckdb"),
    one: Sql = plugin(C, "duckdb", expect=Sql),
    maybe: Sql | None = plugin(C, expect=Sql, optional=True),
    several: list[Sql] = plugins(C, expect=Sql),
    config: DuckDBConfig = plugin_config(C, "duckdb", DuckDBConfig),
) -> int:
    return one.run(sql)


@inject
def annotated(sql: str, engine: Annotated[Sql, plugin(C, "duckdb", expect=Sql)]) -> int:
    return engine.run(sql)


class Service:
    """Every kind of method."""

    @inject
    def __init__(self, engine: Sql = plugin(C, expect=Sql)) -> None:
        self.engine = engine

    @classmethod
    @inject
    def make(cls, engine: Sql = plugin(C, expect=Sql)) -> Service:
        return cls(engine)

    @staticmethod
    @inject
    def count(sql: str, engine: Sql = plugin(C, expect=Sql)) -> int:
        return engine.run(sql)

    @property
    @inject
    def rows(self, engine: Sql = plugin(C, expect=Sql)) -> int:  # noqa: PLR0206  # filled in
        return engine.run("select 1")


@inject
async def coroutine(sql: str, engine: Sql = plugin(C, expect=Sql)) -> int:
    return engine.run(sql)


@inject
def generator(engine: Sql = plugin(C, expect=Sql)) -> Iterator[Sql]:
    yield engine


@inject
async def async_generator(engine: Sql = plugin(C, expect=Sql)) -> AsyncIterator[Sql]:
    yield engine


async def calls(engine: Sql) -> None:
    """What is injected can be left away, and given; the rest has to be right."""
    assert_type(everything("select 1"), int)
    assert_type(everything("select 1", one=engine), int)
    assert_type(Service().engine, Sql)
    assert_type(Service.make().rows, int)
    assert_type(Service.count("select 1"), int)
    assert_type(await coroutine("select 1", engine), int)
    assert_type(next(iter(generator())), Sql)
    assert_type(await anext(aiter(async_generator())), Sql)
    everything()  # expect: call-arg, reportCallIssue
    everything(1)  # expect: arg-type, reportArgumentType
    everything("select 1", one="no engine")  # expect: arg-type, reportArgumentType
    Service("no engine")  # expect: arg-type, reportArgumentType
    await coroutine("select 1", "no engine")  # expect: arg-type, reportArgumentType


# Parameters of a wrong type


@inject
def wrong_plugin(
    one: CatalogPlugin = plugin(C, "duckdb", expect=ComputePlugin),  # expect: assignment, reportArgumentType
) -> None:
    print(one)


@inject
def wrong_protocol(
    one: CatalogPlugin = plugin(C, "duckdb", expect=Sql),  # expect: assignment, reportArgumentType
) -> None:
    print(one)


@inject
def not_optional(
    one: Sql = plugin(C, expect=Sql, optional=True),  # expect: assignment, reportArgumentType
) -> None:
    print(one)


@inject
def wrong_list(
    several: list[CatalogPlugin] = plugins(C, expect=ComputePlugin),  # expect: arg-type, reportArgumentType
) -> None:
    print(several)


@inject
def no_list(
    several: Sql = plugins(C, expect=Sql),  # expect: assignment, reportArgumentType
) -> None:
    print(several)


@inject
def wrong_config(
    config: DuckDBConfig = plugin_config(C, "duckdb", BaseModel),  # expect: assignment, reportArgumentType
) -> None:
    print(config)


plugin("COMPUTE", "duckdb")  # expect: call-overload, reportArgumentType
plugin_config(C, "duckdb", dict[str, int])  # expect: type-var, reportArgumentType


# Containers of applications


class Reports:
    """A service."""

    def __init__(self, engine: Sql) -> None:
        self.engine = engine


class Application(containers.DeclarativeContainer):
    """One line for each dependency."""

    settings = providers.Configuration()
    plugins = providers.Container(PluginContainer, settings=settings)
    engine = plugin_provider(plugins, C, "duckdb", expect=Sql)
    default = plugin_provider(plugins, C, expect=ComputePlugin)
    untyped = plugin_provider(plugins, C, "duckdb")
    reports = providers.Factory(Reports, engine=engine)


application = Application()
assert_type(Application.engine, providers.Provider[Sql])
assert_type(Application.engine(), Sql)
assert_type(Application.default(), ComputePlugin)
assert_type(Application.untyped(), Any)
assert_type(Application.reports(), Reports)
check_wiring(application, ["jobs"])
wrong: CatalogPlugin = Application.default()  # expect: assignment, reportAssignmentType
check_wiring(Reports, [])  # expect: arg-type, reportArgumentType
