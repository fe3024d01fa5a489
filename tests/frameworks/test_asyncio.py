"""Plain asyncio: injection into coroutines and generators, and plugins that start without blocking the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from floe_containers import PluginContainer, inject, plugin
from floe_core.plugin_errors import PluginErrorGroup
from floe_core.plugin_types import PluginType
from tests.conftest import InstallPlugin
from tests.frameworks.conftest import journal
from tests.frameworks.engine import Sql


@inject
async def count(sql: str, engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> int:
    return await asyncio.to_thread(engine.run, sql)


@inject
async def counts(
    *statements: str, engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)
) -> AsyncIterator[int]:
    for sql in statements:
        yield await asyncio.to_thread(engine.run, sql)


@asynccontextmanager
async def running(container: PluginContainer, *plugin_types: PluginType) -> AsyncGenerator[None]:
    plugins = container.registry().running(plugin_types=plugin_types)
    await asyncio.to_thread(plugins.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(plugins.__exit__, None, None, None)


@pytest.fixture
def wired(container: PluginContainer) -> Iterator[PluginContainer]:
    container.wire(modules=[__name__])
    yield container
    container.unwire()


class TestAsyncio:
    def test_coroutines_and_generators_get_plugins(self, wired: PluginContainer) -> None:
        """While many of them run at once."""

        async def main() -> list[Any]:
            async with running(wired, PluginType.COMPUTE):
                at_once = await asyncio.gather(*(count("x" * length) for length in range(50)))
                one_by_one = [number async for number in counts("a", "bb")]
            return [at_once, one_by_one]

        assert asyncio.run(main()) == [list(range(50)), [1, 2]]
        assert journal() == ["up", "down"]

    def test_the_loop_runs_while_plugins_start(self, wired: PluginContainer, install_plugin: InstallPlugin) -> None:
        """A startup that waits for something that only the loop can do comes to its end."""
        install_plugin(
            "acme_slow",
            PluginType.COMPUTE,
            "slow",
            prologue="import threading\nreached, go_on = threading.Event(), threading.Event()\n",
            body="def startup(self):\n    reached.set()\n    assert go_on.wait(20)",
        )
        wired.registry().get(PluginType.COMPUTE, "slow")
        slow: Any = __import__("acme_slow")

        async def let_go() -> bool:
            while not slow.reached.is_set():
                await asyncio.sleep(0.001)
            slow.go_on.set()
            return True

        async def main() -> bool:
            task = asyncio.create_task(let_go())
            async with running(wired, PluginType.COMPUTE):
                return await task

        assert asyncio.run(main())

    def test_hooks_run_off_the_loop(self, wired: PluginContainer, install_plugin: InstallPlugin) -> None:
        """A plugin's startup is not on the thread of the loop, even when it is started from there."""
        install_plugin(
            "acme_where",
            PluginType.CATALOG,
            "where",
            prologue="import threading\n",
            body="def startup(self): self.thread = threading.get_ident()",
        )

        async def main() -> int:
            with wired.registry().running(plugin_types=[PluginType.CATALOG]) as registry:
                where: Any = registry.get(PluginType.CATALOG, "where")
                return int(where.thread)

        assert asyncio.run(main()) != threading.get_ident()

    def test_what_does_not_start(self, wired: PluginContainer, install_plugin: InstallPlugin) -> None:
        """The error comes out of the block's beginning."""
        install_plugin("acme_broken", PluginType.COMPUTE, "broken", body="def startup(self): raise OSError")

        async def main() -> None:
            async with running(wired, PluginType.COMPUTE):
                raise AssertionError

        with pytest.raises(PluginErrorGroup, match="1 of 2 plugins did not start"):
            asyncio.run(main())
