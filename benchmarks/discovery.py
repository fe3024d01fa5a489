"""Finding plugins, and loading them: the registry beside importlib.metadata, stevedore, pluggy and catalogue."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

import catalogue  # type: ignore[import-untyped]  # it has no types
import pluggy
import stevedore
from stevedore import _cache as stevedore_cache

from benchmarks.measure import Comparison, Contestant, calling, just_calling
from benchmarks.worlds import GROUPS, TYPES, Scale, names_in, site
from floe_core.plugin_registry import PluginRegistry

Names = frozenset[tuple[str, str]]


@contextmanager
def discovery(scale: Scale) -> Generator[Comparison]:
    """Finding 500 plugins on 1,500 distributions."""
    with tempfile.TemporaryDirectory() as cache, site(scale.pick(1_500, 150), scale.pick(500, 50)) as large:
        yield Comparison(
            name="discovery",
            what=f"discovery, {scale.pick(1_500, 150):,} distributions, {len(large.plugins)} plugins",
            how=(
                "discover_all() of a new PluginRegistry against one entry_points() call, which reads all groups there "
                "are. The files are warm in the cache of the operating system, and importlib.metadata keeps its listing "
                "of the folders from call to call, which favours it. Per group: one call for each of the eleven groups. "
                "stevedore: its layer for entry points, a new one each time as in a new process, with a cache file "
                "written before, and without one. catalogue calls entry_points() while it is imported, so it is imported "
                "again. Nobody imports a plugin; pluggy cannot find one without, and takes part in loading only."
            ),
            ours=calling("floe_core", _discovered, before=PluginRegistry, answer=names_in),
            yardstick=just_calling("importlib.metadata, once", entry_points, _names_of_all),
            peers=(
                just_calling("importlib.metadata, per group", _per_group, _names_of),
                just_calling("stevedore, cache file", lambda: _found_by_stevedore(cache, caches=True), _names_of),
                just_calling("stevedore, no cache file", lambda: _found_by_stevedore(cache, caches=False), _names_of),
                just_calling("catalogue", _found_by_catalogue, _names_of),
            ),
            budget=0.45,
            expected=large.names,
            rounds=31,
        )


@contextmanager
def loading(scale: Scale) -> Generator[Comparison]:
    """From nothing to every plugin in hand."""
    with tempfile.TemporaryDirectory() as cache, site(150, scale.pick(50, 33)) as small:

        def importing_anew(name: str, work: Callable[[], Names]) -> Contestant:
            return calling(name, lambda _: work(), before=small.forget_modules)

        yield Comparison(
            name="loading",
            what=f"discovery, and loading of all plugins: {len(small.plugins)} on 150 distributions",
            how=(
                "From nothing to every plugin in hand; the modules are imported anew each time. importlib.metadata: one "
                "call, then load() of every entry point of the eleven groups, and an instance of each class. stevedore: "
                "an ExtensionManager per group that makes instances. pluggy and catalogue: a manager, or a registry, per "
                "group; they load classes and make no instances. Ours makes instances, and checks what each says of "
                "itself."
            ),
            ours=importing_anew("floe_core", _loaded_by_registry),
            yardstick=importing_anew("importlib.metadata, once", _loaded_by_hand),
            peers=(
                importing_anew("stevedore, cache file", lambda: _loaded_by_stevedore(cache, caches=True)),
                importing_anew("stevedore, no cache file", lambda: _loaded_by_stevedore(cache, caches=False)),
                importing_anew("pluggy", _loaded_by_pluggy),
                importing_anew("catalogue", _loaded_by_catalogue),
            ),
            expected=small.names,
            rounds=15,
        )


def _discovered(registry: PluginRegistry) -> PluginRegistry:
    registry.discover_all()
    return registry


def _names_of_all(found: EntryPoints) -> Names:
    return frozenset((group, entry.name) for group in GROUPS for entry in found.select(group=group))


def _names_of(found: Iterable[EntryPoint]) -> Names:
    return frozenset((entry.group, entry.name) for entry in found)


def _per_group() -> list[EntryPoint]:
    return [entry for group in GROUPS for entry in entry_points(group=group)]


def _found_by_stevedore(folder: str, *, caches: bool) -> list[EntryPoint]:
    layer = stevedore_cache.Cache(folder if caches else f"{folder}/none")
    layer._disable_caching = not caches  # by itself it never caches for an interpreter in a temporary folder
    return [entry for group in GROUPS for entry in layer.get_group_all(group)]


def _found_by_catalogue() -> list[Any]:
    importlib.reload(catalogue)
    return [entry for group in GROUPS for entry in catalogue.create(group, entry_points=True)._get_entry_points()]


def _loaded_by_registry() -> Names:
    registry = PluginRegistry()
    registry.discover_all()
    return frozenset((kind.entry_point_group, plugin.name) for kind in TYPES for plugin in registry.get_all(kind))


def _loaded_by_hand() -> Names:
    found = entry_points()
    plugins = {group: [entry.load()() for entry in found.select(group=group)] for group in GROUPS}
    return frozenset((group, plugin.name) for group, members in plugins.items() for plugin in members)


def _loaded_by_stevedore(folder: str, *, caches: bool) -> Names:
    stevedore.ExtensionManager.ENTRY_POINT_CACHE.clear()
    layer = stevedore_cache._c
    layer._dir, layer._disable_caching = (folder if caches else f"{folder}/none"), not caches
    layer._internal.clear()
    managers = {group: stevedore.ExtensionManager[Any](group, invoke_on_load=True) for group in GROUPS}
    plugins: list[tuple[str, Any]] = [(group, one.obj) for group, manager in managers.items() for one in manager]
    return frozenset((group, plugin.name) for group, plugin in plugins)


def _loaded_by_pluggy() -> Names:
    managers = {group: pluggy.PluginManager(group) for group in GROUPS}
    for group, manager in managers.items():
        manager.load_setuptools_entrypoints(group)
    return frozenset((group, name) for group, manager in managers.items() for name, _ in manager.list_name_plugin())


def _loaded_by_catalogue() -> Names:
    importlib.reload(catalogue)
    registries = {group: catalogue.create(group, entry_points=True) for group in GROUPS}
    return frozenset((group, name) for group, registry in registries.items() for name in registry.get_all())
