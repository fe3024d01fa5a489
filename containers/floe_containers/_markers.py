"""
What stands in a signature for a plugin, until wiring puts the plugin in its place.

A marker is resolved by dependency-injector like its own ``Provide``: at ``wire()`` it names a provider, and each call of
the function asks that provider. Providers exist for any name, so wiring before discovery is fine.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

from dependency_injector import providers, wiring

from floe_containers._container import PluginContainer
from floe_core._loading import config_of
from floe_core.plugin_errors import PluginNotFoundError, PluginStateError, PluginTypeError
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dependency_injector import containers
    from pydantic import BaseModel
    from typing_extensions import TypeForm

    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_registry import PluginRegistry

    class _Provide:
        """As it is at run time; the shipped stubs declare it as a variable, from which nothing can be derived."""

        def __init__(self, provider: str, modifier: object) -> None: ...

    M = TypeVar("M", bound=BaseModel)
else:
    _Provide = wiring.Provide

T = TypeVar("T")


class Wish(NamedTuple):
    """What a marker stands for."""

    what: str
    """In words, such as ``the plugin COMPUTE:duckdb``."""

    provider_in: Callable[[PluginRegistry], providers.Provider[Any]]
    """What gives it, whether or not it is there by now."""

    check: Callable[[PluginRegistry], None]
    """Raises what asking for it would raise, as far as that can be told without importing a plugin."""


class PluginMarker(_Provide):
    """
    Stands for a plugin, several, or a configuration, in one module.

    Used without having been replaced, it says so: the attribute, or the loop, that comes first raises.
    """

    def __init__(self, wish: Wish, module: str) -> None:
        super().__init__("__self__", self)  # "__self__" exists in every container
        self.wish = wish
        self._module = module
        self._wired_by: containers.Container | None = None

    def modify(self, provider: providers.Provider[Any], providers_map: object) -> providers.Provider[Any] | None:  # noqa: ARG002  # passed by name
        """
        Called by ``wire()`` with the provider of the container that is being wired.

        Returns:
            What gives the plugin. None from a container without plugins: it may wire the module for the sake of others.

        Raises:
            PluginStateError: Another container wires the module. The second would silently win, and its unwiring unwire
                the first.

        """
        container: containers.Container = provider()
        found = plugin_containers_in(container)
        if not found:
            return None
        if self._wired_by is not None and self._wired_by is not container and self.is_wired_by(self._wired_by):
            reason = f"the module {self._module} is wired already, by another container"
            advice = "Call unwire() on that container first, or wire modules of its own."
            raise PluginStateError(None, reason, advice=advice)
        resolved = self.wish.provider_in(the_only(found).registry())
        self._wired_by = container
        return resolved

    def is_wired_by(self, container: containers.Container) -> bool:
        """Whether *container* has wired this marker, and not unwired it since."""
        return self._wired_by is container and (
            any(_name_of(wired) == self._module for wired in container.wired_to_modules)
            or any(f"{self._module}.".startswith(f"{_name_of(wired)}.") for wired in container.wired_to_packages)
        )

    def _not_injected(self) -> PluginStateError:
        return PluginStateError(
            None,
            f"{self.wish.what} was not injected in the module {self._module}",
            advice=f"Decorate the function with @inject, and {how_to_wire(self._module)}.",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._not_injected()

    def __iter__(self) -> Iterator[Any]:
        raise self._not_injected()

    def __repr__(self) -> str:
        return f"<{self.wish.what}, to be injected>"


@overload
def plugin(plugin_type: PluginType, name: str | None = None, *, optional: bool = False) -> Any: ...
@overload
def plugin(
    plugin_type: PluginType, name: str | None = None, *, expect: TypeForm[T], optional: Literal[False] = False
) -> T: ...
@overload
def plugin(
    plugin_type: PluginType, name: str | None = None, *, expect: TypeForm[T], optional: Literal[True]
) -> T | None: ...
def plugin(
    plugin_type: PluginType, name: str | None = None, *, expect: TypeForm[Any] | None = None, optional: bool = False
) -> Any:
    """
    As a parameter's default in a function with ``@inject``: the plugin, resolved at each call.

    Args:
        name: Any entry-point name. None: the default plugin of the type.

        expect: The class or protocol that it must be an instance of; the static type of the parameter is held against it.
            Without it the static type is Any. What overrides the plugin in a test is not checked.

        optional: Give None when no such plugin is there, instead of raising.

    Raises:
        PluginStateError: At the first use of the parameter, when the function was called without having been wired.
    """
    what = f"the default {plugin_type.name} plugin" if name is None else f"the plugin {plugin_type.name}:{name}"
    check = _nothing_to_check if optional else partial(_check_plugin, plugin_type, name)
    wish = Wish(what, partial(_plugin_provider, plugin_type, name, expect, optional), check)
    return PluginMarker(wish, _caller())


@overload
def plugins(plugin_type: PluginType) -> list[PluginMetadata]: ...
@overload
def plugins(plugin_type: PluginType, *, expect: TypeForm[T]) -> list[T]: ...
def plugins(plugin_type: PluginType, *, expect: TypeForm[Any] | None = None) -> Any:
    """As ``plugin``, for a list of all plugins of a type that can be used, sorted by name; it may be empty."""

    def provider_in(registry: PluginRegistry) -> providers.Provider[Any]:
        return _called(registry.get_all, plugin_type, expect=expect)

    wish = Wish(f"the list of {plugin_type.name} plugins", provider_in, _nothing_to_check)
    return PluginMarker(wish, _caller())


def plugin_config(plugin_type: PluginType, name: str, model: type[M]) -> M:
    """
    As ``plugin``, for the configuration in force of a plugin, which is loaded for it. Looked up at each call.

    Raises:
        PluginStateError: At the call: the plugin has no configuration.
        PluginTypeError: At the call: its configuration is no *model*.
    """

    def provider_in(registry: PluginRegistry) -> providers.Provider[Any]:
        return _called(_config_in_force, registry, PluginKey(plugin_type, name), model)

    wish = Wish(
        f"the configuration of {plugin_type.name}:{name}", provider_in, partial(_check_plugin, plugin_type, name)
    )
    marker: Any = PluginMarker(wish, _caller())
    return marker  # type: ignore[no-any-return]  # stands for it until it is injected


def how_to_wire(module: str) -> str:
    """What makes the markers of *module* work, as half a sentence."""
    return f"wire the module from a container that is or nests a PluginContainer: container.wire(modules=[{module!r}])"


def plugin_containers_in(container: Any) -> list[Any]:
    """The plugin container that *container* is, or those that it nests at any depth."""
    declared = container.declarative_parent
    if declared is not None and issubclass(declared, PluginContainer):
        return [container]
    nested: list[Any] = [one for one in container.providers.values() if isinstance(one, providers.Container)]
    return [found for inner in nested for found in plugin_containers_in(inner.container)]


def the_only(found: list[Any]) -> Any:
    """
    The plugin container that markers mean.

    Raises:
        PluginStateError: There is none, or there are several.

    """
    if len(found) == 1:
        return found[0]
    reason = f"the wired container holds {'more than one' if found else 'no'} PluginContainer"
    advice = "Wire a PluginContainer, or nest one: plugins = providers.Container(PluginContainer, settings=...)."
    raise PluginStateError(None, reason, advice=advice)


def _plugin_provider(
    plugin_type: PluginType, name: str | None, expect: Any, optional: bool, registry: PluginRegistry
) -> providers.Provider[Any]:
    if optional:
        return _called(_plugin_or_none, registry, plugin_type, name, expect)
    if name is None:
        return _called(_plugin, registry, plugin_type, None, expect)
    provider = registry._store.provider(PluginKey(plugin_type, name))
    return provider if expect is None else _checked_once(registry, provider, PluginKey(plugin_type, name), expect)


def _checked_once(
    registry: PluginRegistry, provider: providers.Provider[Any], key: PluginKey, expect: Any
) -> providers.Provider[Any]:
    """A provider that holds the plugin against *expect* until that holds, and then gives way to the plain, fast one."""

    def check() -> Any:
        plugin = _plugin(registry, *key, expect)
        if registry._store.overriding(key) is None:
            checked.override(provider)
        return plugin

    checked = _called(check)
    return checked


def _plugin(registry: PluginRegistry, plugin_type: PluginType, name: str | None, expect: Any) -> Any:
    key = PluginKey(plugin_type, registry._default_name(plugin_type) if name is None else name)
    if expect is None or registry._store.overriding(key) is not None:
        return registry.get(*key)
    return registry.get(*key, expect=expect)


def _plugin_or_none(registry: PluginRegistry, plugin_type: PluginType, name: str | None, expect: Any) -> Any:
    try:
        return _plugin(registry, plugin_type, name, expect)
    except PluginNotFoundError:
        if name is None and registry._store.usable_names(plugin_type):  # there are several, and none is the default
            raise
        return None


def _config_in_force(registry: PluginRegistry, key: PluginKey, model: type[Any]) -> Any:
    plugin = registry.get(*key)
    config: object = registry.get_config(*key)
    if config is None:
        config = config_of(plugin)  # one that was made by hand may have brought its own
    if config is None:
        advice = f"Give it one: plugins.{key.plugin_type.group}.{key.name} in the settings, or configure()."
        raise PluginStateError(key, "it has no configuration", advice=advice)
    if not isinstance(config, model):
        reason = f"its configuration is a {type(config).__qualname__}, which is no {model.__qualname__}"
        raise PluginTypeError(key, reason, advice="Ask for the plugin's own model.")
    return config


def _check_plugin(plugin_type: PluginType, name: str | None, registry: PluginRegistry) -> None:
    """Raise what a look-up would raise, as far as that can be told without importing a plugin."""
    store = registry._store
    if name is None:
        name = store.settings.defaults.get(plugin_type.group) if store.settings else None
    if name is None:
        if not store.usable_names(plugin_type):
            raise PluginNotFoundError(plugin_type, "(default)")
    elif name not in store.usable_names(plugin_type):
        raise store.absence(PluginKey(plugin_type, name))


def _called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> providers.Callable[Any]:
    provider: providers.Callable[Any] = providers.Callable(partial(function, *args, **kwargs))
    provider.disable_async_mode()
    return provider


def _name_of(wired: Any) -> str:
    """``wire()`` takes modules, and their names."""
    return str(getattr(wired, "__name__", wired))


def _caller() -> str:
    name: str = sys._getframe(2).f_globals.get("__name__", "?")
    return name


def _nothing_to_check(_registry: PluginRegistry) -> None:
    pass
