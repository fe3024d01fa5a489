"""Putting keys into dependency order. Pure functions over any hashable keys; nothing recurses."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping
    from typing import TypeVar

    K = TypeVar("K", bound=Hashable)


class Cycle(Exception):
    """The graph has a circle. ``path`` goes along it, from each key to one it depends on, and ends where it begins."""

    def __init__(self, path: list[object]) -> None:
        self.path = path
        super().__init__(path)


def dependencies_first(graph: Mapping[K, Collection[K]]) -> list[K]:
    """
    The keys of *graph*, each after all that it depends on; in the order given where that leaves a choice.

    Args:
        graph: Each key with its dependencies, each of them once and a key of the graph itself.

    Raises:
        Cycle: There is no such order.

    """
    missing = {key: len(needed) for key, needed in graph.items()}
    dependents = dependents_of(graph)
    order = [key for key, count in missing.items() if not count]
    for key in order:  # grows as it goes
        for dependent in dependents.get(key, ()):
            missing[dependent] -= 1
            if not missing[dependent]:
                order.append(dependent)
    if len(order) < len(missing):
        raise Cycle(_circle({key: graph[key] for key, count in missing.items() if count}))
    return order


def dependents_of(graph: Mapping[K, Collection[K]]) -> dict[K, list[K]]:
    """The same edges from the other end: who depends on each key. Keys on which nobody depends are left out."""
    dependents: dict[K, list[K]] = {}
    for key, needed in graph.items():
        for dependency in needed:
            if dependency in dependents:
                dependents[dependency].append(key)
            else:
                dependents[dependency] = [key]
    return dependents


def _circle(unplaced: Mapping[K, Collection[K]]) -> list[object]:
    """Every unplaced key depends on an unplaced one, so walking on must come back to a key passed before."""
    step: dict[K, int] = {}
    path: list[K] = []
    key = next(iter(unplaced))
    while key not in step:
        step[key] = len(path)
        path.append(key)
        key = next(dependency for dependency in unplaced[key] if dependency in unplaced)
    return [*path[step[key] :], key]
