"""Starting plugins, beside the time that their hooks need; checking them, beside the deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import TypeVar

from benchmarks.measure import Comparison, Contestant, calling, fixed
from benchmarks.plugins import CheckedPlugin, SleepingPlugin
from benchmarks.worlds import Scale, registry_of
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry

LAYERS = 5
IN_A_LAYER = 10
PLUGINS = LAYERS * IN_A_LAYER
HUNG = range(0, PLUGINS, 5)

Plugins = list[SleepingPlugin]
Answers = dict[str, bool]
T = TypeVar("T")


@contextmanager
def startup(scale: Scale) -> Generator[Comparison]:
    """Fifty plugins in five layers, whose hooks sleep for different times."""
    plugins = [_in_layers(number) for number in range(PLUGINS)]
    path = _critical_path(plugins)

    def along_the_path(others: Plugins) -> Answers:
        for plugin in path:
            plugin.startup()
        return _all_up(others)

    yield Comparison(
        name="startup",
        what=f"startup of {PLUGINS} plugins in {LAYERS} layers",
        how=(
            "activate_all() of plugins that are loaded, against the critical path: the hooks along the longest chain of "
            "dependencies, one after another on one thread. Each plugin needs three of the layer before it and sleeps 10 to "
            "50 ms, so that waiting for whole layers would take longer than the path."
        ),
        ours=_elapsed(
            "floe_core",
            lambda registry: _are_up(registry.activate_all()),
            before=lambda: registry_of(plugins),
            after=PluginRegistry.shutdown_all,
        ),
        yardstick=_elapsed("critical path of the hooks", along_the_path, before=lambda: plugins),
        peers=(
            _elapsed("graphlib and a thread pool", _started_by_graphlib, before=lambda: plugins),
            _elapsed("layer by layer, in a thread pool", _started_by_layer, before=lambda: plugins),
        ),
        budget=1.1,
        expected=_all_up(plugins),
        rounds=scale.pick(15, 1),
    )


@contextmanager
def health(scale: Scale) -> Generator[Comparison]:
    """Fifty plugins, ten of them hung, with the default deadline."""
    deadline = scale.seconds(5.0, 0.5)
    yield _with_hung_checks("health", deadline, budget=1.03, rounds=3)


@contextmanager
def health_soon(scale: Scale) -> Generator[Comparison]:
    """The same with a shorter deadline, where what it costs besides shows more."""
    deadline = scale.seconds(1.0, 0.3)
    yield _with_hung_checks("health_soon", deadline, budget=None, rounds=9)


@contextmanager
def health_answered(_scale: Scale) -> Generator[Comparison]:
    """Fifty plugins, all of which answer at once."""
    plugins = [CheckedPlugin(number, threading.Event(), 0.0) for number in range(PLUGINS)]
    registry = registry_of(plugins)
    healthy = {plugin.name: True for plugin in plugins}
    yield Comparison(
        name="health_answered",
        what=f"health check, {PLUGINS} plugins, all of which answer at once",
        how=(
            "health_check_all() against a ThreadPoolExecutor with a thread for each plugin, made for the round. Ours has "
            "a thread for each plugin too, and it is a daemon: that is what bounds a hung one."
        ),
        ours=_elapsed("floe_core", lambda deadline: _checked_by_us(registry, deadline), before=lambda: 5.0),
        yardstick=_elapsed(
            "ThreadPoolExecutor loop", lambda deadline: _checked_in_a_loop(plugins, deadline), before=lambda: 5.0
        ),
        expected=healthy,
        rounds=31,
    )


def _with_hung_checks(name: str, deadline: float, budget: float | None, rounds: int) -> Comparison:
    patience = 2 * deadline
    expected = {f"plugin-{number}": number not in HUNG for number in range(PLUGINS)}

    def plugins() -> list[CheckedPlugin]:
        release = threading.Event()
        return [CheckedPlugin(number, release, patience if number in HUNG else 0.0) for number in range(PLUGINS)]

    def release(checked: list[CheckedPlugin]) -> None:
        checked[0].release.set()

    return Comparison(
        name=name,
        what=f"health check, {PLUGINS} plugins, {len(HUNG)} of them hung, deadline {deadline:g} s",
        how=(
            "health_check_all() of a new registry each time, against the deadline. The hung checks would come back after "
            "twice the deadline, which a loop over futures of a ThreadPoolExecutor waits for, since leaving the pool "
            "joins its threads; concurrent.futures.wait() with shutdown(wait=False) keeps the deadline, and then keeps "
            "the interpreter from exiting."
        ),
        ours=_elapsed(
            "floe_core",
            lambda checked: _checked_by_us(registry_of(checked), deadline),
            before=plugins,
            after=release,
        ),
        yardstick=fixed("the deadline", deadline, expected),
        peers=(
            _elapsed(
                "ThreadPoolExecutor loop",
                lambda checked: _checked_in_a_loop(checked, deadline),
                before=plugins,
                after=release,
            ),
            _elapsed(
                "ThreadPoolExecutor and wait()",
                lambda checked: _checked_by_wait(checked, deadline),
                before=plugins,
                after=release,
            ),
        ),
        budget=budget,
        expected=expected,
        rounds=rounds,
    )


def _elapsed(
    name: str, work: Callable[[T], object], before: Callable[[], T], after: Callable[[T], object] | None = None
) -> Contestant:
    return calling(name, work, before=before, after=after, clock=time.perf_counter)


def _in_layers(number: int) -> SleepingPlugin:
    layer, place = divmod(number, IN_A_LAYER)
    below = [(layer - 1) * IN_A_LAYER + (place + step) % IN_A_LAYER for step in (0, 3, 7)] if layer else []
    return SleepingPlugin(number, below, pause=0.01 * (1 + (7 * number + 3 * layer) % 5))


def _needed(plugins: Plugins) -> dict[int, list[int]]:
    return {plugin.number: [int(needed.rpartition("-")[2]) for needed in plugin.dependencies] for plugin in plugins}


def _critical_path(plugins: Plugins) -> Plugins:
    """The chain of dependencies whose hooks take longest together, from its last plugin down."""
    needed = _needed(plugins)
    chains: dict[int, Plugins] = {}
    for number in TopologicalSorter(needed).static_order():
        chains[number] = [plugins[number], *max((chains[before] for before in needed[number]), key=_pause, default=[])]
    return max(chains.values(), key=_pause)


def _pause(chain: Plugins) -> float:
    return sum(plugin.pause for plugin in chain)


def _all_up(plugins: Plugins) -> Answers:
    return {plugin.name: True for plugin in plugins}


def _are_up(outcomes: dict[str, Exception | None]) -> Answers:
    return {key.partition(":")[2]: error is None for key, error in outcomes.items()}


def _started_by_graphlib(plugins: Plugins) -> Answers:
    up: Answers = {}
    sorter = TopologicalSorter(_needed(plugins))
    sorter.prepare()
    with ThreadPoolExecutor(len(plugins)) as pool:
        running: dict[Future[None], int] = {}
        while sorter.is_active():
            running |= {pool.submit(plugins[number].startup): number for number in sorter.get_ready()}
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number = running.pop(future)
                up[plugins[number].name] = future.exception() is None
                sorter.done(number)
    return up


def _started_by_layer(plugins: Plugins) -> Answers:
    up: Answers = {}
    with ThreadPoolExecutor(len(plugins)) as pool:
        for layer in range(LAYERS):
            members = plugins[layer * IN_A_LAYER : (layer + 1) * IN_A_LAYER]
            futures = {plugin.name: pool.submit(plugin.startup) for plugin in members}
            up |= {name: future.exception() is None for name, future in futures.items()}
    return up


def _checked_by_us(registry: PluginRegistry, deadline: float) -> Answers:
    statuses = registry.health_check_all(timeout=deadline)
    return {key.partition(":")[2]: status.state is HealthState.HEALTHY for key, status in statuses.items()}


def _checked_in_a_loop(plugins: Sequence[CheckedPlugin], deadline: float) -> Answers:
    answers: Answers = {}
    with ThreadPoolExecutor(len(plugins)) as pool:
        futures = {plugin.name: pool.submit(plugin.health_check) for plugin in plugins}
        ends = time.monotonic() + deadline
        for name, future in futures.items():
            try:
                answers[name] = future.result(timeout=max(0.0, ends - time.monotonic())).state is HealthState.HEALTHY
            except TimeoutError:
                answers[name] = False
    return answers


def _checked_by_wait(plugins: Sequence[CheckedPlugin], deadline: float) -> Answers:
    pool = ThreadPoolExecutor(len(plugins))
    futures = {pool.submit(plugin.health_check): plugin.name for plugin in plugins}
    done = wait(futures, timeout=deadline).done
    pool.shutdown(wait=False)
    return {name: future in done and future.exception() is None for future, name in futures.items()}
