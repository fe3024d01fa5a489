"""Functions with a plugin injected, in a module of its own: one module is wired by one container."""

from __future__ import annotations

from dependency_injector import wiring

from benchmarks.plugins import NumberedPlugin
from floe_containers import inject, plugin
from floe_core.plugin_types import PluginType


@wiring.inject
def take_by_stock_inject(
    numbered: NumberedPlugin = plugin(PluginType.COMPUTE, "plugin-0", expect=NumberedPlugin),  # a marker
) -> NumberedPlugin:
    """The marker, with dependency-injector's own inject."""
    return numbered


@wiring.inject
def take_untyped(
    numbered: NumberedPlugin = plugin(PluginType.COMPUTE, "plugin-0"),  # a marker
) -> NumberedPlugin:
    """The same without a type to check."""
    return numbered


@inject
def take_by_our_inject(
    numbered: NumberedPlugin = plugin(PluginType.COMPUTE, "plugin-0", expect=NumberedPlugin),  # a marker
) -> NumberedPlugin:
    """The marker, with the inject that has the holes closed."""
    return numbered


@inject
def take_untyped_by_our_inject(
    numbered: NumberedPlugin = plugin(PluginType.COMPUTE, "plugin-0"),  # a marker
) -> NumberedPlugin:
    """The same without a type to check."""
    return numbered
