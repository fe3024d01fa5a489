"""
What stands in a signature for a plugin, until wiring puts the plugin in its place.

A marker is resolved by dependency-injector like its own ``Provide``: at ``wire()`` it names a provider, and each call of
the function asks that provider. Providers exist for any name, so wiring before discovery is fine.
"""

from __future__ import annotations

import sys
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from dependency_injector import containers, providers, wiring

from floe_core.plugin_errors import PluginNotFoundError, PluginStateError, PluginTypeError
from floe_core.plugin_types import PluginKey, PluginType

from floe_containers._container import PluginContainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


class PluginMarker(_Provide):
    """
    Stands for a plugin, several, or a configuration.

    Used without having been replaced, it says so: the attribute, or the loop, that comes first raises.
    """

    def __init__(self, wanted: str, provider_in: Callable[[PluginRegistry], providers.Provider[Any]], module: str) -> None:
        super().__init__("__self__", self)  # "__self__" exists in every container
        self.wanted = wanted
        self._provider_in = provider_in
        self._module = module
        self._wired_by: weakref.ref[containers.DynamicContainer] | None = None
        self.check: Callable[[PluginRegistry], None] = _no_problem
        """Raises what using the marker would raise, as far as that can be told without importing a plugin."""

    def modify(self, provider: providers.Provider[Any], providers_map: object) -> providers.Provider[Any] | None:
        """
        Called by ``wire()`` with the provider of the container that is being wired.

        Returns:
            What gives the plugin. None from a container without plugins: it may wire the module for the sake of others.
        """
        container: containers.DynamicContainer = provider()
        if next(_plugin_containers(container), None) is None:
            return None
        self._refuse_a_second(container)
        resolved = self._provider_in(plugin_container_in(container).registry())
        self._wired_by = weakref.ref(container)
        return resolved

    @property
    def is_wired(self) -> bool:
        return self._wired_by is not None and self._wired_by() is not None

    def _refuse_a_second(self, container: containers.DynamicContainer) -> None:
        """Two containers cannot wire one module: the second would silently win, and its unwiring unwire the first."""
        other = self._wired_by() if self._wired_by else None
        if other is None or other is container or not _still_wires(other, self._module):
            return
        reason = f"the module {self._module} is wired already, by another container"
        raise PluginStateError(None, reason, advice="Call unwire() on that container first, or wire modules of its own.")

    def _not_injected(self) -> PluginStateError:
        return PluginStateError(
            None,
            f"{self.wanted} was not injected in the module {self._module}",
            advice=f"Decorate the function with @inject, and {how_to_wire(self._module)}.",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._not_injected()

    def __iter__(self) -> Iterator[Any]:
        raise self._not_injected()

    def __repr__(self) -> str:
        return f"<{self.wanted}, to be injected>"


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
    wanted = f"the plugin {plugin_type.name}:{name}" if name else f"the default {plugin_type.name} plugin"
    marker = PluginMarker(wanted, partial(_plugin_provider, plugin_type, name, expect, optional), _caller())
    if not optional:
        marker.check = partial(_check_plugin, plugin_type, name)
    return marker


@overload
def plugins(plugin_type: PluginType) -> list[PluginMetadata]: ...
@overload
def plugins(plugin_type: PluginType, *, expect: TypeForm[T]) -> list[T]: ...
def plugins(plugin_type: PluginType, *, expect: TypeForm[Any] | None = None) -> Any:
    """As :func:`plugin`, for a list of all plugins of a type that can be used, sorted by name; it may be empty."""

    def provider_in(registry: PluginRegistry) -> providers.Provider[Any]:
        return _called(registry.get_all, plugin_type, expect=expect)

    return PluginMarker(f"the list of {plugin_type.name} plugins", provider_in, _caller())


def plugin_config(plugin_type: PluginType, name: str, model: type[M]) -> M:
    """
    As :func:`plugin`, for the configuration in force of a plugin, which is loaded for it. Looked up at each call.

    Raises:
        PluginStateError: At the call: the plugin has no configuration.
        PluginTypeError: At the call: its configuration is no *model*.
    """

    def provider_in(registry: PluginRegistry) -> providers.Provider[Any]:
        return _called(_config_in_force, registry, PluginKey(plugin_type, name), model)

    marker: Any = PluginMarker(f"the configuration of {plugin_type.name}:{name}", provider_in, _caller())
    marker.check = partial(_check_plugin, plugin_type, name)
    return marker  # type: ignore[no-any-return]  # stands for it until it is injected


def how_to_wire(module: str) -> str:
    """What makes the markers of *module* work, as half a sentence."""
    return f"wire the module from a container that is or nests a PluginContainer: container.wire(modules=[{module!r}])"


def plugin_container_in(container: containers.DynamicContainer) -> Any:
    """
    The plugin container that *container* is, or the one that it nests.

    Raises:
        PluginStateError: There is none, or there are several.
    """
    found = list(_plugin_containers(container))
    if len(found) == 1:
        return found[0]
    reason = f"the wired container holds {'no' if not found else 'more than one'} PluginContainer"
    advice = "Wire a PluginContainer, or nest one: plugins = providers.Container(PluginContainer, settings=...)."
    raise PluginStateError(None, reason, advice=advice)


def _plugin_containers(container: Any) -> Iterator[Any]:
    declared = container.declarative_parent
    if declared is not None and issubclass(declared, PluginContainer):
        yield container
        return
    for provider in container.providers.values():
        if isinstance(provider, providers.Container):
            yield from _plugin_containers(provider.container)


def _plugin_provider(
    plugin_type: PluginType, name: str | None, expect: Any, optional: bool, registry: PluginRegistry
) -> providers.Provider[Any]:
    if optional:
        return _called(_plugin_or_none, registry, plugin_type, name, expect)
    if name is None:
        return _called(registry.get_default, plugin_type, expect=expect)
    provider = registry._store.provider(PluginKey(plugin_type, name))
    return provider if expect is None else _checked_once(registry, provider, PluginKey(plugin_type, name), expect)


def _checked_once(
    registry: PluginRegistry, provider: providers.Provider[Any], key: PluginKey, expect: Any
) -> providers.Provider[Any]:
    """A provider that holds the plugin against *expect* until that holds; from then on it is the plain provider's shadow."""

    def check() -> Any:
        if provider.last_overriding is not None:
            return provider()
        plugin = registry.get(*key, expect=expect)
        checked.override(provider)
        return plugin

    checked = _called(check)
    return checked


def _plugin_or_none(registry: PluginRegistry, plugin_type: PluginType, name: str | None, expect: Any) -> Any:
    try:
        return registry.get_default(plugin_type, expect=expect) if name is None else registry.get(plugin_type, name, expect=expect)
    except PluginNotFoundError:
        return None


def _config_in_force(registry: PluginRegistry, key: PluginKey, model: type[Any]) -> Any:
    registry.get(*key)
    config = registry.get_config(*key)
    if config is None:
        advice = f"Give it one: plugins.{key.plugin_type.group}.{key.name} in the settings, or configure()."
        raise PluginStateError(key, "it has no configuration", advice=advice)
    if not isinstance(config, model):
        reason = f"its configuration is a {type(config).__qualname__}, which is no {model.__qualname__}"
        raise PluginTypeError(key, reason, advice="Ask for the plugin's own model.")
    return config


def _check_plugin(plugin_type: PluginType, name: str | None, registry: PluginRegistry) -> None:
    """Raise what a look-up would raise, as far as that can be told without importing a plugin."""
    names = registry.list_all()[plugin_type]
    if name is None:
        if not names:
            raise PluginNotFoundError(plugin_type, "(default)")
    elif name not in names or PluginKey(plugin_type, name) in registry._store.conflicting:
        raise registry._store.absence(PluginKey(plugin_type, name))


def _called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> providers.Callable[Any]:
    provider: providers.Callable[Any] = providers.Callable(partial(function, *args, **kwargs))
    provider.disable_async_mode()
    return provider


def _still_wires(container: containers.DynamicContainer, module: str) -> bool:
    names = [getattr(wired, "__name__", wired) for wired in (*container.wired_to_modules, *container.wired_to_packages)]
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _caller() -> str:
    name: str = sys._getframe(2).f_globals.get("__name__", "?")
    return name


def _no_problem(_registry: PluginRegistry) -> None:
    pass
