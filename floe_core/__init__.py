"""The plugin registry of a data platform. Start at :mod:`floe_core.plugin_registry`."""
