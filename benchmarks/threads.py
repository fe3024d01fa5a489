"""Many threads at once: asking for what is loaded, and building what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from typing import Any

from dependency_injector import providers

from benchmarks.measure import Comparison, Contestant, calling
from benchmarks.plugins import NumberedPlugin
from benchmarks.worlds import InstalledPlugin, Scale, Site, registry_of, site
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType

COUNTS = (1, 2, 4, 8)
BUILT = 64
PAUSE = 0.02


@contextmanager
def threads_get(scale: Scale) -> Generator[Comparison]:
    """get() of loaded plugins from several threads."""
    calls = scale.pick(160_000, 12_800)
    plugins = [NumberedPlugin(number) for number in range(16)]
    registry = registry_of(plugins)
    names = [plugin.name for plugin in plugins]
    stock = {name: providers.ThreadSafeSingleton(NumberedPlugin, number) for number, name in enumerate(names)}

    def ours(times: int) -> int:
        get: Callable[..., Any] = registry.get
        kind = PluginType.COMPUTE
        return sum(get(kind, name).number for _ in range(times // len(names)) for name in names)

    def stock_ones(times: int) -> int:
        return sum(stock[name]().number for _ in range(times // len(names)) for name in names)

    yield Comparison(
        name="threads_get",
        what=f"{calls:,} get() of loaded plugins, shared by {COUNTS[-1]} threads",
        how=(
            "The same number of calls, from the first thread's start to the last one's end. The yardstick is one thread "
            "that makes them all. Python runs one thread at a time, so a ratio of 1 is what can be reached, and more is "
            "what contention costs. ThreadSafeSingleton: stock ones, from as many threads."
        ),
        ours=_shared("floe_core, 8 threads", ours, COUNTS[-1], calls),
        yardstick=_shared("floe_core, 1 thread", ours, 1, calls),
        peers=(
            *(_shared(f"floe_core, {count} threads", ours, count, calls) for count in COUNTS[1:-1]),
            _shared("ThreadSafeSingleton, 8 threads", stock_ones, COUNTS[-1], calls),
        ),
        expected=calls // 16 * sum(range(16)),
        rounds=scale.pick(15, 1),
    )


@contextmanager
def threads_build(scale: Scale) -> Generator[Comparison]:
    """Building plugins whose import releases the interpreter lock, from several threads."""
    pause = scale.seconds(PAUSE, 0.002)
    with site(BUILT, BUILT, prologue=f"import time\n\ntime.sleep({pause})\n", count_all=False) as place:

        def build(_plugins: list[InstalledPlugin]) -> Callable[[InstalledPlugin], object]:
            registry = PluginRegistry()
            registry.discover_all()
            return lambda plugin: registry.get(plugin.plugin_type, plugin.name).name

        def stock(plugins: list[InstalledPlugin]) -> Callable[[InstalledPlugin], object]:
            table = {plugin.name: providers.ThreadSafeSingleton(_imported, plugin) for plugin in plugins}
            return lambda plugin: table[plugin.name]().name

        def bare(_plugins: list[InstalledPlugin]) -> Callable[[InstalledPlugin], object]:
            return lambda plugin: _imported(plugin).name

        yield Comparison(
            name="threads_build",
            what=f"building {BUILT} plugins whose import waits {1000 * pause:g} ms, by {COUNTS[-1]} threads",
            how=(
                "Every plugin is asked for once, by a pool of threads; discovery is not counted. The yardstick imports "
                "the same modules and makes the same instances from the same pool, without a registry. "
                "ThreadSafeSingleton: stock ones around that import; they share one lock."
            ),
            ours=_pooled("floe_core, 8 threads", build, COUNTS[-1], place),
            yardstick=_pooled("bare imports, 8 threads", bare, COUNTS[-1], place),
            peers=(
                *(
                    _pooled(f"floe_core, {count} thread{'s' * (count > 1)}", build, count, place)
                    for count in COUNTS[:-1]
                ),
                _pooled("ThreadSafeSingleton, 8 threads", stock, COUNTS[-1], place),
            ),
            expected={plugin.name for plugin in place.plugins},
            rounds=scale.pick(9, 1),
        )


def _imported(plugin: InstalledPlugin) -> Any:
    return import_module(plugin.module).Plugin()


def _shared(name: str, work: Callable[[int], int], count: int, calls: int) -> Contestant:
    def once() -> tuple[float, int]:
        sums: list[int] = []
        gate = threading.Barrier(count + 1)

        def share() -> None:
            gate.wait()
            sums.append(work(calls // count))

        threads = [threading.Thread(target=share) for _ in range(count)]
        for thread in threads:
            thread.start()
        begun = perf_counter()
        gate.wait()
        for thread in threads:
            thread.join()
        return perf_counter() - begun, sum(sums)

    return Contestant(name, lambda: once()[1], lambda: once()[0])


def _pooled(
    name: str,
    prepare: Callable[[list[InstalledPlugin]], Callable[[InstalledPlugin], object]],
    count: int,
    place: Site,
) -> Contestant:
    plugins = [*place.plugins]

    def before() -> Callable[[InstalledPlugin], object]:
        place.forget_modules()
        return prepare(plugins)

    def work(build: Callable[[InstalledPlugin], object]) -> set[object]:
        with ThreadPoolExecutor(count) as pool:
            return set(pool.map(build, plugins))

    return calling(name, work, before=before, clock=perf_counter)
