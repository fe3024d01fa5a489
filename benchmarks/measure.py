"""
Timing things side by side, so that a busy machine gives the same verdict twice.

The contestants of a comparison run in turns, round by round, and each ratio is taken within one round, where both sides
met the same conditions. What is reported is the median of these ratios; two medians taken at different times are never
divided by one another.

Work that one thread does without waiting is timed by the processor time that it takes: on an idle machine that is the
elapsed time, and on a busy one it leaves out what others take. Where threads wait for one another, or for a deadline, only
elapsed time means anything.
"""

from __future__ import annotations

import gc
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import thread_time
from typing import Any, TypeVar

T = TypeVar("T")

PEERS_EVERY = 10
"""Peers, which decide nothing, run in the first round and in every tenth one after it."""


def _as_it_is(result: Any) -> object:
    return result


class Expression:
    """Code for :mod:`timeit`, and the names in it."""

    __slots__ = ("code", "names")

    def __init__(self, code: str, /, **names: object) -> None:
        self.code = code
        self.names = names


@dataclass(frozen=True, slots=True)
class Contestant:
    """
    One way to do the work.

    Args:
        work: Does it once; for checking that it does what it is there for.

        cost: Does it, and says how many units (seconds, unless the comparison says otherwise) one time cost.

        answer: What of the result must equal the comparison's ``expected``.

    """

    name: str
    work: Callable[[], object]
    cost: Callable[[], float]
    answer: Callable[[Any], object] = _as_it_is


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Work that several do.

    Args:
        name: By which ``--only`` and the committed figures know it.

        what: The work, for the table.

        how: How it is measured, in words.

        yardstick: What ours is held against. ``ours / yardstick`` is the ratio, and ``budget`` its upper bound.

        expected: What each contestant has to answer.

        rounds: How many ratios are taken, at least.

        unit: ``s`` or ``KiB``.

    """

    name: str
    what: str
    how: str
    ours: Contestant
    yardstick: Contestant
    peers: tuple[Contestant, ...] = ()
    budget: float | None = None
    expected: object = None
    rounds: int = 25
    unit: str = "s"

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        return (self.ours, self.yardstick, *self.peers)


@dataclass(frozen=True, slots=True)
class PeerResult:
    """A peer: its median cost, and the median of ours by its."""

    name: str
    cost: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Result:
    """
    What came of a comparison. Half of the ratios lie between ``low`` and ``high``.
    """

    name: str
    what: str
    how: str
    unit: str
    ours: float
    yardstick: str
    yardstick_cost: float
    ratio: float
    low: float
    high: float
    rounds: int
    budget: float | None = None
    peers: list[PeerResult] = field(default_factory=list[PeerResult])

    @property
    def is_met(self) -> bool | None:
        """Whether the budget is met; None where there is none."""
        return None if self.budget is None else self.ratio <= self.budget


class WrongAnswer(Exception):
    """A contestant did not do the work that it is timed for."""


def calling(
    name: str,
    work: Callable[[T], object],
    *,
    before: Callable[[], T],
    after: Callable[[T], object] | None = None,
    answer: Callable[[Any], object] = _as_it_is,
    clock: Callable[[], float] = thread_time,
) -> Contestant:
    """
    Times one call of *work*, with what *before* prepared; neither *before* nor *after* counts.

    Args:
        clock: :func:`time.perf_counter` where the work waits, or is done in other threads.

    """

    def once() -> tuple[float, object]:
        prepared = before()
        try:
            begun = clock()
            result = work(prepared)
            return clock() - begun, result
        finally:
            if after is not None:
                after(prepared)

    return Contestant(name, lambda: once()[1], lambda: once()[0], answer)


def just_calling(name: str, work: Callable[[], object], answer: Callable[[Any], object] = _as_it_is) -> Contestant:
    """Times one call of *work*."""
    return calling(name, lambda _: work(), before=lambda: None, answer=answer)


def repeating(
    name: str,
    expression: Expression,
    *,
    number: int = 20_000,
    answer: Callable[[Any], object] = _as_it_is,
) -> Contestant:
    """
    Times *expression* as :mod:`timeit` does: in a compiled loop, by local names, so that no call of the measuring code is
    counted. The cost is that of one time out of *number*.
    """
    setup = "; ".join(f"{local} = _names[{local!r}]" for local in expression.names) or "pass"
    timer = timeit.Timer(expression.code, setup, timer=thread_time, globals={"_names": expression.names})
    return Contestant(
        name,
        lambda: eval(expression.code, dict(expression.names)),
        lambda: timer.timeit(number) / number,
        answer,
    )


def fixed(name: str, cost: float, expected: object = None) -> Contestant:
    """A yardstick that is a figure, such as a deadline."""
    return Contestant(name, lambda: expected, lambda: cost)


def check(comparison: Comparison) -> None:
    """
    Let each contestant do the work once, and hold its answer against what is expected.

    Raises:
        WrongAnswer: One of them found or returned something else.

    """
    for contestant in comparison.contestants:
        answer = contestant.answer(contestant.work())
        if answer != comparison.expected:
            expected, got = _shortened(comparison.expected), _shortened(answer)
            raise WrongAnswer(f"{comparison.name}: {contestant.name} answered {got}, not {expected}")


def measure(comparison: Comparison) -> Result:
    """
    Check, then time in turns. The check is the warm-up too: whatever is loaded or cached at the first time is then.

    While the budget lies between the quartiles of the ratios, the verdict could go either way; then as many rounds again
    are run, up to three times as many as asked for.
    """
    check(comparison)
    costs: dict[str, list[float]] = {contestant.name: [] for contestant in comparison.contestants}
    ratios: dict[str, list[float]] = {contestant.name: [] for contestant in comparison.contestants}
    gc.collect()
    gc.freeze()  # what the other benchmarks left behind is not searched for garbage at this one's cost
    try:
        rounds = 0
        while rounds < comparison.rounds or (
            rounds < 3 * comparison.rounds and _is_open(comparison, ratios[comparison.yardstick.name])
        ):
            for _ in range(comparison.rounds):
                _one_round(comparison, rounds, costs, ratios)
                rounds += 1
    finally:
        gc.unfreeze()
    low, middle, high = _quartiles(ratios[comparison.yardstick.name])
    return Result(
        name=comparison.name,
        what=comparison.what,
        how=comparison.how,
        unit=comparison.unit,
        ours=median(costs[comparison.ours.name]),
        yardstick=comparison.yardstick.name,
        yardstick_cost=median(costs[comparison.yardstick.name]),
        ratio=middle,
        low=low,
        high=high,
        rounds=rounds,
        budget=comparison.budget,
        peers=[PeerResult(peer.name, median(costs[peer.name]), median(ratios[peer.name])) for peer in comparison.peers],
    )


def _one_round(
    comparison: Comparison, number: int, costs: dict[str, list[float]], ratios: dict[str, list[float]]
) -> None:
    peers = comparison.peers if number % PEERS_EVERY == 0 else ()
    order = [comparison.ours, comparison.yardstick, *peers]
    if number % 2:
        order.reverse()  # who goes second profits from what the first left in the caches, so they take turns at that too
    this_round = {contestant.name: contestant.cost() for contestant in order}
    for name, cost in this_round.items():
        costs[name].append(cost)
        ratios[name].append(this_round[comparison.ours.name] / cost)


def _is_open(comparison: Comparison, ratios: list[float]) -> bool:
    low, _, high = _quartiles(ratios)
    return comparison.budget is not None and low < comparison.budget < high


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}..."
