"""What a registry keeps in memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import entry_points

from benchmarks.measure import Comparison, Contestant, fixed
from benchmarks.worlds import Scale, names_in, site
from floe_core.plugin_registry import PluginRegistry

KIB = 1024


@contextmanager
def memory(scale: Scale) -> Generator[Comparison]:
    """500 discovered plugins on 1,500 distributions."""
    with site(scale.pick(1_500, 150), scale.pick(500, 50)) as large:
        plugins = len(large.plugins)
        yield Comparison(
            name="memory",
            what="memory per discovered plugin",
            how=(
                f"What tracemalloc counts after discover_all() of {plugins} plugins above what it counted before, garbage "
                "collected both times, divided by the number of plugins. So the part that does not grow with them is in "
                "it. importlib.metadata: the result of entry_points(), divided by all that it holds."
            ),
            ours=Contestant("floe_core", _discovered, lambda: kept(_discovered) / plugins / KIB, names_in),
            yardstick=fixed("1 KiB", 1.0, large.names),
            peers=(
                Contestant(
                    "importlib.metadata", lambda: large.names, lambda: kept(entry_points) / len(entry_points()) / KIB
                ),
            ),
            budget=1.1,
            expected=large.names,
            rounds=5,
            unit="KiB",
        )


def kept(make: Callable[[], object]) -> int:
    """How many bytes the result of *make* holds, and whatever else its making left behind."""
    make()  # what is imported or cached at the first time belongs to nobody
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = make()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return after - before


def _discovered() -> PluginRegistry:
    registry = PluginRegistry()
    registry.discover_all()
    return registry
