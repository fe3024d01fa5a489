"""Calling a function into which a plugin is injected, beside the same with a stock provider and other libraries."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from benchmarks import wired
from benchmarks.measure import Comparison, Contestant, Expression, repeating
from benchmarks.peers import Duck, all_peers
from benchmarks.plugins import NumberedPlugin
from benchmarks.worlds import Scale
from floe_containers import PluginContainer

_HOW = (
    "A function with one parameter, which returns it, called without arguments in timeit's loop: the marker "
    "plugin(...) against `Provide[Container.duck]` under dependency-injector's own inject, with a stock Singleton. The "
    "other libraries inject the one object of a class with their own decorator; injector calls a function through its "
    "container. svcs injects into no functions."
)


@contextmanager
def inject(_scale: Scale) -> Generator[Comparison]:
    """The marker under the stock inject."""
    with _wired():
        yield _comparison(
            "inject",
            "a stock @inject call with plugin(...)",
            wired.take_untyped,
            also=_repeating("the same with expect=", _call(wired.take_by_stock_inject)),
            budget=1.1,
        )


@contextmanager
def inject_checked(_scale: Scale) -> Generator[Comparison]:
    """The marker under our own inject."""
    with _wired():
        yield _comparison(
            "inject_checked",
            "the same through floe_containers.inject",
            wired.take_untyped_by_our_inject,
            also=_repeating("the same with expect=", _call(wired.take_by_our_inject)),
            budget=2.0,
        )


@contextmanager
def _wired() -> Generator[None]:
    container = PluginContainer()
    container.registry().register(NumberedPlugin(0))
    container.wire(modules=[wired])
    try:
        yield
    finally:
        container.unwire()


def _comparison(name: str, what: str, ours: Callable[[], object], also: Contestant, budget: float) -> Comparison:
    stock, *others = [_repeating(peer.name, peer.call) for peer in all_peers() if peer.call]
    return Comparison(
        name=name,
        what=what,
        how=_HOW,
        ours=_repeating("floe_core", _call(ours)),
        yardstick=stock,
        peers=(also, *others),
        budget=budget,
        expected=True,
        rounds=41,
    )


def _repeating(name: str, expression: Expression) -> Contestant:
    return repeating(name, expression, number=3_000, answer=_is_right)


def _call(function: Callable[[], object]) -> Expression:
    return Expression("take()", take=function)


def _is_right(result: object) -> bool:
    return isinstance(result, (Duck, NumberedPlugin))
