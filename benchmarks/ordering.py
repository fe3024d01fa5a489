"""Putting plugins into dependency order, beside bare graphlib."""

from __future__ import annotations

import random
import sys
from collections.abc import Generator
from contextlib import contextmanager
from graphlib import TopologicalSorter

from benchmarks.measure import Comparison, just_calling
from benchmarks.plugins import NumberedPlugin
from benchmarks.worlds import Scale, registry_of
from floe_core._ordering import dependencies_first
from floe_core.plugin_types import PluginKey, PluginType

RECURSION_LIMIT = 150
"""While ordering is measured. The frames of this program are some twenty."""


@contextmanager
def ordering(scale: Scale) -> Generator[Comparison]:
    """A chain of 10,000 keys, shuffled."""
    length = scale.pick(10_000, 1_000)
    chain = [PluginKey(PluginType.COMPUTE, f"plugin-{number}") for number in range(length)]
    edges = list(zip(chain, [(), *((key,) for key in chain)], strict=False))
    random.Random(0).shuffle(edges)
    graph = dict(edges)
    with _little_recursion():
        yield Comparison(
            name="ordering",
            what=f"ordering a chain of {length:,}, handed over shuffled",
            how=(
                "The function that orders keys, on the graph as a dictionary, against graphlib's TopologicalSorter and "
                "its static_order() on the same dictionary. Python's recursion limit is lowered to "
                f"{RECURSION_LIMIT} meanwhile, so that nothing can recurse along the chain."
            ),
            ours=just_calling("floe_core", lambda: dependencies_first(graph)),
            yardstick=just_calling("graphlib", lambda: [*TopologicalSorter(graph).static_order()]),
            budget=0.75,
            expected=chain,
            rounds=41,
        )


@contextmanager
def resolving(scale: Scale) -> Generator[Comparison]:
    """The same chain through the verb that users call."""
    length = scale.pick(10_000, 300)
    plugins = [NumberedPlugin(number, [number - 1] if number else []) for number in range(length)]
    random.Random(0).shuffle(plugins)
    registry = registry_of(plugins)
    graph = {f"COMPUTE:{plugin.name}": plugin.dependencies for plugin in plugins}
    with _little_recursion():
        yield Comparison(
            name="resolving",
            what=f"resolve_dependencies() of {length:,} loaded plugins in a chain",
            how=(
                "The public verb: it asks each plugin what it depends on, parses that, finds the plugins meant, and orders "
                "them. graphlib is handed strings that mean one another already: it only orders."
            ),
            ours=just_calling(
                "floe_core", registry.resolve_dependencies, lambda found: [f"COMPUTE:{plugin.name}" for plugin in found]
            ),
            yardstick=just_calling("graphlib", lambda: [*TopologicalSorter(graph).static_order()]),
            expected=[f"COMPUTE:plugin-{number}" for number in range(length)],
            rounds=9,
        )


@contextmanager
def _little_recursion() -> Generator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
