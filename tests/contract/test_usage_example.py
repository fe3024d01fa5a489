"""The example that shows how the registry is used runs as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.plugin_types import PluginType

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin
    from tests.contract.conftest import RunPython

EXAMPLE = """
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType

# Get registry (auto-discovers on first access)
registry = get_registry()

# List available compute plugins
compute_plugins = registry.list(PluginType.COMPUTE)
print([p.name for p in compute_plugins])  # ['duckdb', 'snowflake', ...]

# Get specific plugin
duckdb = registry.get(PluginType.COMPUTE, "duckdb")
print(duckdb.version)  # '1.0.0'

# Configure plugin
config = registry.configure(
    PluginType.COMPUTE,
    "duckdb",
    {"database_path": "/data/floe.duckdb", "threads": 8}
)

# Health check
statuses = registry.health_check_all()
for key, status in statuses.items():
    print(f"{key}: {status.state.value}")
"""


class TestUsageExample:
    def test_runs_on_installed_distributions(self, install_plugin: InstallPlugin, run_python: RunPython) -> None:
        """Two compute plugins are installed; the one that is asked for is used, configured and healthy."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="database_path: str\nthreads: int = 4")
        install_plugin("acme_snow", PluginType.COMPUTE, "snowflake")

        printed = run_python(EXAMPLE + "\nprint(config.model_dump(), duckdb.config == config)\n")

        assert printed.splitlines() == [
            "['duckdb', 'snowflake']",
            "1.0.0",
            "COMPUTE:duckdb: healthy",
            "{'database_path': '/data/floe.duckdb', 'threads': 8} True",
        ]
