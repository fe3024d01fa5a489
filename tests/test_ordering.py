"""Order: dependencies first, for any graph that has such an order, and a circle named where there is none."""

from __future__ import annotations

import random
import sys
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_core._ordering import Cycle, dependencies_first, dependents_of

Graphs = st.integers(0, 12).flatmap(
    lambda size: st.fixed_dictionaries(
        {node: st.lists(st.integers(0, size - 1), unique=True, max_size=4) for node in range(size)}
    )
)


class TestDependenciesFirst:
    @given(Graphs)
    def test_agrees_with_graphlib(self, graph: dict[int, list[int]]) -> None:
        """It orders what graphlib can order, each key after all that it needs; else both find a circle."""
        try:
            TopologicalSorter(graph).prepare()
        except CycleError:
            with pytest.raises(Cycle) as caught:
                dependencies_first(graph)
            path = caught.value.path
            assert path[0] == path[-1]
            assert len(path) == len(set(path)) + 1
            for key, needed in pairwise(path):
                assert isinstance(key, int)
                assert needed in graph[key]
        else:
            order = dependencies_first(graph)
            assert sorted(graph) == sorted(order)
            place = {key: position for position, key in enumerate(order)}
            assert all(place[needed] < place[key] for key in graph for needed in graph[key])

    def test_keeps_the_given_order_where_it_may(self) -> None:
        """Keys that need nothing stay as they were handed over."""
        assert ["c", "a", "b"] == dependencies_first({"c": [], "a": [], "b": []})

    def test_of_nothing_is_nothing(self) -> None:
        """There is nothing to order."""
        assert [] == dependencies_first({})

    def test_a_diamond(self) -> None:
        """What two need stands once, before both."""
        assert ["d", "b", "c", "a"] == dependencies_first({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})

    def test_a_chain_of_ten_thousand_does_not_recurse(self) -> None:
        """Handed over shuffled, it comes back in order; recursion would end after some thousand."""
        numbers = list(range(10_000))
        random.Random(0).shuffle(numbers)
        chain = {number: [number - 1] if number else [] for number in numbers}
        assert len(chain) > sys.getrecursionlimit()

        assert list(range(10_000)) == dependencies_first(chain)

    @pytest.mark.parametrize("length", [1, 2, 3, 1_000])
    def test_names_the_whole_circle(self, length: int) -> None:
        """From key to dependency, closed; what merely leads into it is no part of it."""
        circle: dict[object, list[object]] = {number: [(number + 1) % length] for number in range(length)}

        with pytest.raises(Cycle) as caught:
            dependencies_first({"leads into it": [0], **circle, "alone": []})

        assert [*range(length), 0] == caught.value.path


class TestDependentsOf:
    def test_turns_the_edges_round(self) -> None:
        """Keys on which nobody depends are left out."""
        assert {"b": ["a", "c"], "d": ["c"]} == dependents_of({"a": ["b"], "b": [], "c": ["b", "d"], "d": []})
