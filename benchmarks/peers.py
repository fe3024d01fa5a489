"""The containers of other libraries, each with the same in it: two plugins, and a service made of them."""

# Without `from __future__ import annotations`: some of these libraries take annotations as they stand.

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dishka
import injector
import svcs
import that_depends
import that_depends.providers
import wireup
from dependency_injector import containers, providers, wiring
from dishka.integrations.base import wrap_injection

from benchmarks.measure import Expression


class Duck:
    """A plugin."""


class Bear:
    """Another one."""


class Service:
    """Made anew for each request, of both."""

    def __init__(self, duck: Duck, bear: Bear) -> None:
        self.duck = duck
        self.bear = bear


@dataclass(frozen=True, slots=True)
class Peer:
    """
    What one library does.

    Args:
        get: Gives its one Duck.

        make: Gives a new Service, made of its one Duck and its one Bear.

        call: Calls a function that returns the Duck injected into it. None: the library injects into no functions.

        replaced: Lets another Duck take the place of its own, asks for a Duck, and puts its own back.

    """

    name: str
    get: Expression
    make: Expression
    call: Expression | None
    replaced: Callable[[Duck], Duck]


def all_peers() -> list[Peer]:
    """One of each library, ready to be asked."""
    return [_dependency_injector(), _svcs(), _dishka(), _wireup(), _that_depends(), _injector()]


class StockContainer(containers.DeclarativeContainer):
    """Bare dependency-injector."""

    duck = providers.Singleton(Duck)
    bear = providers.Singleton(Bear)
    service = providers.Factory(Service, duck=duck, bear=bear)


@wiring.inject
def take_from_stock(duck: Duck = wiring.Provide[StockContainer.duck]) -> Duck:
    """Gives what a StockContainer injects, once this module is wired to one."""
    return duck


def _dependency_injector() -> Peer:
    container = StockContainer()
    container.wire(modules=[__name__])

    def replaced(duck: Duck) -> Duck:
        with container.duck.override(providers.Object(duck)):
            return container.duck()

    return Peer(
        "dependency-injector",
        get=Expression("duck()", duck=container.duck),
        make=Expression("service()", service=container.service),
        call=Expression("take()", take=take_from_stock),
        replaced=replaced,
    )


def _make_with_svcs(svcs_container: svcs.Container) -> Service:
    return Service(*svcs_container.get(Duck, Bear))


def _svcs() -> Peer:
    registry: Any = svcs.Registry()
    registry.register_value(Duck, Duck())
    registry.register_value(Bear, Bear())
    registry.register_factory(Service, _make_with_svcs)

    def make() -> Service:
        with svcs.Container(registry) as request:
            return request.get(Service)

    def replaced(duck: Duck) -> Duck:
        request: Any = svcs.Container(registry)
        with request:
            request.register_local_value(Duck, duck)
            other: Duck = request.get(Duck)
            return other

    return Peer(
        "svcs",
        get=Expression("services.get(Duck)", services=svcs.Container(registry), Duck=Duck),
        make=Expression("make()", make=make),
        call=None,
        replaced=replaced,
    )


def _take_from_dishka(duck: dishka.FromDishka[Duck]) -> Duck:
    return duck


def _dishka() -> Peer:
    provider = dishka.Provider(scope=dishka.Scope.APP)
    provider.provide(Duck)
    provider.provide(Bear)
    provider.provide(Service, scope=dishka.Scope.REQUEST)
    container = dishka.make_container(provider)
    take = wrap_injection(func=_take_from_dishka, container_getter=lambda _args, _kwargs: container)

    def make() -> Service:
        with container() as request:
            return request.get(Service)

    def replaced(duck: Duck) -> Duck:
        other = dishka.Provider(scope=dishka.Scope.APP)
        other.provide(lambda: duck, provides=Duck)
        return dishka.make_container(provider, other).get(Duck)

    return Peer(
        "dishka",
        get=Expression("container.get(Duck)", container=container, Duck=Duck),
        make=Expression("make()", make=make),
        call=Expression("take()", take=take),
        replaced=replaced,
    )


def _take_from_wireup(duck: wireup.Injected[Duck]) -> Duck:
    return duck


def _wireup() -> Peer:
    container = wireup.create_sync_container(
        injectables=[
            wireup.injectable(Duck),
            wireup.injectable(Bear),
            wireup.injectable(lifetime="scoped")(Service),
        ]
    )
    take = wireup.inject_from_container(container)(_take_from_wireup)

    def make() -> Service:
        with container.enter_scope() as request:
            return request.get(Service)

    def replaced(duck: Duck) -> Duck:
        with container.override.injectable(Duck, duck):
            return container.get(Duck)

    return Peer(
        "wireup",
        get=Expression("container.get(Duck)", container=container, Duck=Duck),
        make=Expression("make()", make=make),
        call=Expression("take()", take=take),
        replaced=replaced,
    )


class _ThatContainer(that_depends.BaseContainer):
    alias = "benchmarks"
    duck = that_depends.providers.Singleton(Duck)
    bear = that_depends.providers.Singleton(Bear)
    service = that_depends.providers.Factory(Service, duck=duck.cast, bear=bear.cast)


@that_depends.inject
def _take_from_that_depends(duck: Duck = that_depends.Provide[_ThatContainer.duck]) -> Duck:
    return duck


def _that_depends() -> Peer:
    def replaced(duck: Duck) -> Duck:
        with _ThatContainer.duck.override_context_sync(duck):
            return _ThatContainer.duck.resolve_sync()

    return Peer(
        "that-depends",
        get=Expression("duck.resolve_sync()", duck=_ThatContainer.duck),
        make=Expression("service.resolve_sync()", service=_ThatContainer.service),
        call=Expression("take()", take=_take_from_that_depends),
        replaced=replaced,
    )


@injector.inject
def _take_from_injector(duck: Duck) -> Duck:
    return duck


def _bind(binder: injector.Binder) -> None:
    binder.bind(Duck, scope=injector.singleton)
    binder.bind(Bear, scope=injector.singleton)
    binder.bind(Service, to=injector.inject(Service))


def _injector() -> Peer:
    container = injector.Injector([_bind], auto_bind=False)

    def replaced(duck: Duck) -> Duck:
        def bind(binder: injector.Binder) -> None:
            binder.bind(Duck, to=duck)

        return container.create_child_injector(bind).get(Duck)

    return Peer(
        "injector",
        get=Expression("container.get(Duck)", container=container, Duck=Duck),
        make=Expression("container.get(Service)", container=container, Service=Service),
        call=Expression("container.call_with_injection(take)", container=container, take=_take_from_injector),
        replaced=replaced,
    )
