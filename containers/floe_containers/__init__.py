"""The composition root: the container that holds a registry's state, and the markers that inject its plugins."""

from __future__ import annotations

from floe_containers._container import PluginContainer

__all__ = ["PluginContainer"]
