"""Replacing a plugin for a while, in any thread, with scopes that may end in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dependency_injector import providers

if TYPE_CHECKING:
    from collections.abc import Callable

    from floe_core.plugin_metadata import PluginMetadata


class OverrideScope:
    """
    ``with OverrideScope(...)``: the provider gives *plugin*.

    A provider's stack of overrides only ever drops its top. So a scope that ends beneath another one stays in it and
    lets through what lies below, until it comes to the top. Whoever takes off the top then means what lies below.
    """

    def __init__(
        self, provider: providers.Singleton[Any], plugin: PluginMetadata, build: Callable[[], PluginMetadata]
    ) -> None:
        self.has_ended = False
        self._provider = provider
        self._plugin = plugin
        self._build = build
        self._layer = _Layer(self)
        self._layer.disable_async_mode()

    def __enter__(self) -> PluginMetadata:
        self._provider.override(self._layer)
        return self._plugin

    def __exit__(self, *_: object) -> None:
        self.has_ended = True
        drop_ended(self._provider)

    def __call__(self) -> PluginMetadata:
        """What the provider gives while this scope is its uppermost override."""
        if not self.has_ended:
            return self._plugin
        layers = self._provider.overridden
        if self._layer in layers:  # else it was taken off just now, with all that lay above it
            layers = layers[: layers.index(self._layer)]
        plugin: PluginMetadata = layers[-1]() if layers else self._build()
        return plugin


class _Layer(providers.Callable[Any]):
    """What a scope puts on the stack."""

    is_coming_off = False

    @property
    def has_ended(self) -> bool:
        return isinstance(self.provides, OverrideScope) and self.provides.has_ended

    def unregister_overrides(self, provider: providers.Provider[Any]) -> None:
        """Called while this is taken off, and still the top: if its scope has ended already, another one was meant."""
        super().unregister_overrides(provider)
        if self.has_ended and not self.is_coming_off:
            drop_ended(provider)


def drop_ended(provider: providers.Provider[Any]) -> None:
    """Take the scopes that have ended off the top of the provider's overrides."""
    with providers.Provider.overriding_lock:
        while isinstance(layer := provider.last_overriding, _Layer) and layer.has_ended:
            layer.is_coming_off = True
            provider.reset_last_overriding()
