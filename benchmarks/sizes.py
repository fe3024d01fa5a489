"""Cost against size: from 10 plugins to 10,000."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from statistics import median
from time import process_time, thread_time

from benchmarks.measure import WrongAnswer
from benchmarks.memory import kept
from benchmarks.plugins import NumberedPlugin
from benchmarks.worlds import TYPES, Scale, Site, names_in, registry_of, site
from floe_containers import PluginContainer
from floe_core._ordering import dependencies_first
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType

SIZES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
SIZES_QUICK = (10, 50)
SAMPLE = 50
"""Of how many plugins the first get() is timed."""
ROUNDS = 20
"""How often each is got: the first round finds the processor's caches swept by the search for garbage before it."""
GROWTH_FROM = 100
"""Below this size, what each call costs whatever the size hides how it grows."""
ROOM = 0.15
"""By how much a fitted exponent may exceed that of the work before it is said to grow faster."""

HOW = (
    "Every distribution carries one plugin. Each figure is the median of five runs, or three from 3,000 plugins on, in "
    "processor time; start-up at 10,000, which has as many threads, runs once. Registering and starting use plugins made by "
    "hand whose hooks do nothing. The exponent is that of the power of "
    "the size that fits the figures from 100 plugins on: 1 is proportional, 0 independent of the size."
)


@dataclass(frozen=True, slots=True)
class Curve:
    """
    What something costs at each size.

    Args:
        unit: ``s`` or ``B``.

        work: The exponent with which the work itself grows: 1 where it is done for each plugin, 0 where once.

        points: Size and cost.

    """

    name: str
    unit: str
    work: int
    points: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])

    @property
    def growth(self) -> float | None:
        """The exponent fitted to the points from 100 plugins on; None where there are fewer than two."""
        logs = [(math.log(size), math.log(cost)) for size, cost in self.points if size >= GROWTH_FROM and cost > 0]
        if len(logs) < 2:
            return None
        mean_x = sum(x for x, _ in logs) / len(logs)
        mean_y = sum(y for _, y in logs) / len(logs)
        return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)

    @property
    def grows_faster(self) -> bool:
        """Whether the cost grows faster than the work."""
        return self.growth is not None and self.growth > self.work + ROOM


def measure_sizes(scale: Scale) -> list[Curve]:
    """
    Everything at every size.

    Raises:
        WrongAnswer: Something was not found, not loaded, or not started.

    """
    curves: dict[str, Curve] = {}
    gc.collect()
    gc.freeze()  # what the other benchmarks left behind is not searched for garbage here
    for size in SIZES_QUICK if scale.is_quick else SIZES:
        for name, unit, work, cost in _costs(size):
            curves.setdefault(name, Curve(name, unit, work)).points.append((size, cost))
    gc.unfreeze()
    return list(curves.values())


def _costs(size: int) -> Iterator[tuple[str, str, int, float]]:
    repeats = 5 if size < 3_000 else 3
    with site(size, size, count_all=False) as place:
        yield "importlib.metadata.entry_points()", "s", 1, _typical(repeats, entry_points)
        yield "discovery", "s", 1, _typical(repeats, PluginRegistry.discover_all, PluginRegistry)
        registry = _discovered()
        _insist(names_in(registry) == place.names, f"discovery at {size}")
        yield "list_all()", "s", 1, _typical(repeats, registry.list_all)
        yield "list() of each type", "s", 1, _typical(repeats, lambda: [registry.list(kind) for kind in TYPES])
        yield "first get(), each", "s", 0, _first_get(registry, place)
        yield "later get(), each", "s", 0, _later_get(registry, place)
        yield "memory", "B", 1, float(kept(_discovered))
        yield "new container", "s", 0, _typical(25, lambda: PluginContainer().registry())
    yield "ordering a shuffled chain", "s", 1, _ordering(size, repeats)
    plugins = [NumberedPlugin(number) for number in range(size)]
    yield "register()", "s", 1, _typical(repeats, lambda: registry_of(plugins))
    yield "start-up", "s", 1, _startup(plugins, 1 if size > 3_000 else repeats)


def _discovered() -> PluginRegistry:
    registry = PluginRegistry()
    registry.discover_all()
    return registry


def _typical(repeats: int, work: Callable[..., object], *prepare: Callable[[], object]) -> float:
    """The median time of *work*, which takes what each of *prepare* gives; the first run is not counted."""
    times: list[float] = []
    for _ in range(repeats + 1):
        prepared = [made() for made in prepare]
        gc.collect()
        begun = thread_time()
        work(*prepared)
        times.append(thread_time() - begun)
    return median(times[1:])


def _first_get(registry: PluginRegistry, place: Site) -> float:
    times: list[float] = []
    for plugin in random.Random(0).sample(place.plugins, min(SAMPLE, len(place.plugins))):
        begun = thread_time()
        loaded = registry.get(plugin.plugin_type, plugin.name)
        times.append(thread_time() - begun)
        _insist(loaded.name == plugin.name, f"get() of {plugin.name}")
    return median(times)


def _later_get(registry: PluginRegistry, place: Site) -> float:
    keys = [(plugin.plugin_type, plugin.name) for plugin in place.plugins[: 10 * SAMPLE]]
    for key in keys:
        registry.get(*key)

    def all_of_them() -> None:
        for _ in range(ROUNDS):
            for key in keys:
                registry.get(*key)

    return _typical(5, all_of_them) / (ROUNDS * len(keys))


def _ordering(size: int, repeats: int) -> float:
    chain = [PluginKey(PluginType.COMPUTE, f"plugin-{number}") for number in range(size)]
    edges = list(zip(chain, [(), *((key,) for key in chain)], strict=False))
    random.Random(0).shuffle(edges)
    graph = dict(edges)
    _insist(dependencies_first(graph) == chain, f"ordering at {size}")
    return _typical(repeats, lambda: dependencies_first(graph))


def _startup(plugins: list[NumberedPlugin], repeats: int) -> float:
    times: list[float] = []
    for _ in range(repeats):
        registry = registry_of(plugins)
        begun = process_time()
        outcomes = registry.activate_all()
        times.append(process_time() - begun)
        registry.shutdown_all()
        _insist(list(outcomes.values()) == [None] * len(plugins), f"start-up at {len(plugins)}")
    return median(times)


def _insist(is_right: bool, what: str) -> None:
    if not is_right:
        raise WrongAnswer(f"{what} gave a wrong result")
