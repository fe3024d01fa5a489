"""The composition root: the container that holds a registry's state, and the markers that inject its plugins."""

from __future__ import annotations

from importlib.util import find_spec

if any(map(find_spec, ("fastapi", "fast_depends", "pydantic_settings"))):  # dependency-injector imports what it finds
    from floe_core._pydantic_plugins import define_a_first_model

    define_a_first_model()

from floe_containers._container import PluginContainer
from floe_containers._injection import check_wiring, inject
from floe_containers._markers import plugin, plugin_config, plugins
from floe_containers._providers import plugin_provider

__all__ = ["PluginContainer", "check_wiring", "inject", "plugin", "plugin_config", "plugin_provider", "plugins"]
