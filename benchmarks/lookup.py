"""Asking for a plugin that is loaded: the registry beside other registries of plugins, and beside other containers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

import catalogue  # type: ignore[import-untyped]  # it has no types
import pluggy
import stevedore
from dependency_injector import providers
from stevedore import _cache as stevedore_cache

from benchmarks.measure import Comparison, Contestant, Expression, repeating
from benchmarks.peers import Bear, Duck, Service, all_peers
from benchmarks.plugins import NumberedPlugin
from benchmarks.worlds import Scale, registry_of, site
from floe_containers import PluginContainer
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType

FEW = 200
"""How often to repeat what takes many microseconds."""


@contextmanager
def get(_scale: Scale) -> Generator[Comparison]:
    """Asking again for a plugin that is loaded."""
    with site(150, 50) as small:
        wanted = small.plugins[0]
        kind, name, group = wanted.plugin_type, wanted.name, wanted.plugin_type.entry_point_group
        registry = PluginRegistry()
        registry.discover_all()
        plugin = registry.get(kind, name)
        cls = type(plugin)
        managers = _managers_of(group)

        def is_right(result: object) -> bool:
            return result is plugin or result is cls or type(result) in (cls, Duck)

        table = {(kind, name): providers.Singleton(cls)}
        yield Comparison(
            name="get",
            what="get() of a loaded plugin",
            how=(
                "registry.get(type, name) against what it cannot do without: a dictionary of providers, looked up by "
                "(PluginType, name), and the call of what was found, a stock Singleton. All in timeit's loop, by local "
                "names. importlib.metadata, stevedore, pluggy and catalogue give a loaded class by its name, for which "
                "importlib.metadata and catalogue call load() each time. The containers give the one object of a class, "
                "by that class or by its provider."
            ),
            ours=repeating(
                "floe_core",
                Expression("registry.get(kind, name)", registry=registry, kind=kind, name=name),
                answer=is_right,
            ),
            yardstick=repeating(
                "dict look-up and Singleton()",
                Expression("table[kind, name]()", table=table, kind=kind, name=name),
                answer=is_right,
            ),
            peers=(
                repeating(
                    "importlib.metadata",
                    Expression(
                        "found.select(group=group, name=name)[name].load()",
                        found=entry_points(),
                        group=group,
                        name=name,
                    ),
                    number=FEW,
                    answer=is_right,
                ),
                repeating(
                    "stevedore", Expression("manager[name].plugin", manager=managers[0], name=name), answer=is_right
                ),
                repeating(
                    "pluggy", Expression("manager.get_plugin(name)", manager=managers[1], name=name), answer=is_right
                ),
                repeating(
                    "catalogue",
                    Expression("functions.get(name)", functions=managers[2], name=name),
                    number=FEW,
                    answer=is_right,
                ),
                *(repeating(peer.name, peer.get, answer=is_right) for peer in all_peers()),
            ),
            budget=1.5,
            expected=True,
            rounds=31,
        )


@contextmanager
def resolution(_scale: Scale) -> Generator[Comparison]:
    """A service made of two plugins."""
    with site(150, 50) as small:
        duck, bear = small.plugins[:2]
        container = PluginContainer()
        duck_provider = _group(container, duck.plugin_type)[duck.name]
        bear_provider = _group(container, bear.plugin_type)[bear.name]
        service = providers.Factory(Service, duck=duck_provider, bear=bear_provider)
        expected = (duck_provider(), bear_provider())

        def is_whole(result: Any) -> bool:
            parts = (result.duck, result.bear)
            return parts == expected or tuple(map(type, parts)) == (Duck, Bear)

        yardstick, *others = all_peers()
        yield Comparison(
            name="resolution",
            what="a new service made of two loaded plugins",
            how=(
                "A Factory that takes the providers of two plugins, against one that takes two stock Singletons. The "
                "other libraries make the service in a scope, or a container, opened for the request, where they have "
                "such a thing."
            ),
            ours=repeating("floe_core", Expression("service()", service=service), answer=is_whole),
            yardstick=repeating(yardstick.name, yardstick.make, answer=is_whole),
            peers=tuple(repeating(peer.name, peer.make, number=2_000, answer=is_whole) for peer in others),
            expected=True,
            rounds=21,
        )


@contextmanager
def overriding(_scale: Scale) -> Generator[Comparison]:
    """Replacing a plugin, asking for it, and putting it back."""
    plugin, other, duck = NumberedPlugin(0), NumberedPlugin(1), Duck()
    registry = registry_of([plugin])

    def replaced_by_us(other: NumberedPlugin) -> object:
        with registry.override(PluginType.COMPUTE, plugin.name, other):
            return registry.get(PluginType.COMPUTE, plugin.name)

    def replacing(name: str, replaced: Callable[..., object], new: object) -> Contestant:
        expression = Expression("replaced(new)", replaced=replaced, new=new)
        return repeating(name, expression, number=FEW, answer=lambda result: result is new)

    yardstick, *others = all_peers()
    yield Comparison(
        name="overriding",
        what="replacing a plugin, getting it, putting the first one back",
        how=(
            "registry.override() as a context manager with one get() inside, against provider.override() of a stock "
            "Singleton with one call inside, which puts the wrong one back when scopes overlap. svcs: a container with a "
            "local value. dishka: a new container with a provider that goes before. injector: a child injector. wireup "
            "and that-depends: their context managers."
        ),
        ours=replacing("floe_core", replaced_by_us, other),
        yardstick=replacing(yardstick.name, yardstick.replaced, duck),
        peers=tuple(replacing(peer.name, peer.replaced, duck) for peer in others),
        expected=True,
        rounds=21,
    )


def _group(container: PluginContainer, plugin_type: PluginType) -> Any:
    return getattr(container, plugin_type.group)


def _managers_of(group: str) -> tuple[object, object, object]:
    """A manager by stevedore, one by pluggy and a registry by catalogue, all of them with the plugins of *group* loaded."""
    stevedore.ExtensionManager.ENTRY_POINT_CACHE.clear()
    stevedore_cache._c._disable_caching = True  # its file would stay behind in the user's cache folder
    stevedore_cache._c._internal.clear()
    hooks = pluggy.PluginManager(group)
    hooks.load_setuptools_entrypoints(group)
    importlib.reload(catalogue)  # it reads the entry points when it is imported
    return stevedore.ExtensionManager[type](group), hooks, catalogue.create(group, entry_points=True)
