"""The plugin keeps the rules that every platform relies on."""

from __future__ import annotations

from floe_core.testing import PluginContract


class TestSqliteContract(PluginContract):
    plugin = "COMPUTE:sqlite"
    config = {"busy_timeout": 0.5}
    invalid_configs = [{"busy_timeout": -1}, {"pathh": "misspelt.db"}]
