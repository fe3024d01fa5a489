"""The two kinds of provider that the container adds to those of dependency-injector."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from dependency_injector import providers

from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dependency_injector.providers import Factory, Provider, Singleton
    from typing_extensions import TypeForm

    from floe_core.plugin_registry import PluginRegistry

T = TypeVar("T")


class Lasting(providers.ThreadSafeSingleton[T]):
    """
    A thread-safe singleton that ``reset_singletons()`` leaves alone: a plugin that runs must not be forgotten.

    It shares a lock with its like, and not with every thread-safe singleton of the process as the stock ones do.
    """

    storage_lock = threading.RLock()  # guards the construction of containers' parts, which runs no foreign code

    def reset(self) -> providers.SingletonResetContext[T]:
        """Does nothing, and returns the context manager that the stock method returns."""
        return providers.SingletonResetContext(self)

    def keep(self, instance: T) -> None:
        """Give *instance* from now on. Copies of the provider make one of their own all the same."""
        with self.storage_lock:
            makes = self.provides
            self.set_provides(lambda *_: instance)
            try:
                self()
            finally:
                self.set_provides(makes)


class PluginGroup(providers.Provider[PluginMetadata]):
    """
    The plugins of one type: ``group("duckdb")`` is that plugin, ``group()`` the default one.

    Takes any name, since names are arguments here and never attributes.

    Args:
        plugin_type: The type.

        registry: The provider of the registry.

    """

    __IS_DELEGATED__ = True  # as an argument of another provider it is handed over itself, like an Aggregate

    def __init__(self, plugin_type: PluginType, registry: providers.Provider[PluginRegistry]) -> None:
        self.plugin_type = plugin_type
        self._registry = registry
        super().__init__()

    def __deepcopy__(self, memo: dict[int, Any] | None) -> PluginGroup:
        copied = PluginGroup(self.plugin_type, providers.deepcopy(self._registry, memo))
        self._copy_overridings(copied, memo)
        return copied

    def __getitem__(self, name: str) -> Singleton[PluginMetadata]:
        """The provider of one name, whether or not such a plugin is there by now."""
        return self._registry()._store.provider(PluginKey(self.plugin_type, name))

    @property
    def providers(self) -> dict[str, Singleton[PluginMetadata]]:
        """A provider for each plugin that is there now, by name."""
        return {name: self[name] for name in self._registry()._store.names(self.plugin_type)}

    @property
    def factories(self) -> dict[str, Factory[PluginMetadata]]:
        """A provider of new instances for each plugin that is there now, by name; it takes a configuration."""
        store = self._registry()._store
        return {name: store.factory(PluginKey(self.plugin_type, name)) for name in store.names(self.plugin_type)}

    @property
    def related(self) -> Iterator[Provider[Any]]:
        yield self._registry

    def _provide(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PluginMetadata:
        registry = self._registry()
        get = (
            partial(registry.get, self.plugin_type, *args) if args else partial(registry.get_default, self.plugin_type)
        )
        plugin: PluginMetadata = get(**kwargs)
        return plugin


if TYPE_CHECKING:

    @overload
    def plugin_provider(plugins: Any, plugin_type: PluginType, name: str | None = None) -> providers.Provider[Any]: ...
    @overload
    def plugin_provider(
        plugins: Any, plugin_type: PluginType, name: str | None = None, *, expect: TypeForm[T]
    ) -> providers.Provider[T]: ...


def plugin_provider(
    plugins: Any, plugin_type: PluginType, name: str | None = None, *, expect: TypeForm[Any] | None = None
) -> providers.Provider[Any]:
    """
    For an application's own container: the provider of a plugin, to be handed to the providers of its services.

    ``compute = plugin_provider(plugins, PluginType.COMPUTE, "duckdb", expect=ComputePlugin)``. It follows the container
    that it is declared in through copies, and sees overrides.

    Args:
        plugins: The nested container: ``plugins = providers.Container(PluginContainer, settings=...)``.

        name: Any entry-point name. None: the default plugin of the type.

        expect: What the plugin must be an instance of; the static type of what the provider gives. Any without it.
    """
    group = getattr(plugins, plugin_type.group)
    arguments = () if name is None else (name,)
    provider: providers.Callable[Any] = providers.Callable(group, *arguments, expect=expect)
    provider.disable_async_mode()
    return provider


# Both are held for moments only, so a fork can wait for them.
for lock in (Lasting.storage_lock, providers.Provider.overriding_lock) if hasattr(os, "register_at_fork") else ():
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
