"""The one registry of a process, each statement in a process of its own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin
    from tests.contract.conftest import RunPython


class TestGetRegistry:
    def test_takes_no_arguments(self) -> None:
        """There is nothing to choose."""
        assert {} == dict(inspect.signature(get_registry).parameters)

    def test_always_returns_the_same_registry(self, run_python: RunPython) -> None:
        """A PluginRegistry, and the very same object each time."""
        printed = run_python("""
from floe_core.plugin_registry import PluginRegistry, get_registry
print(type(get_registry()) is PluginRegistry, get_registry() is get_registry())
""")

        assert printed == "True True\n"

    def test_the_registry_is_discovered(self, install_plugin: InstallPlugin, run_python: RunPython) -> None:
        """What is installed is known at the first access, without a call of discover_all()."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        printed = run_python("""
import sys
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
print(sorted(name for _, name in get_registry()._discovered if name == "duckdb"))
print("acme_duck" in sys.modules)
""")

        assert printed == "['duckdb']\nFalse\n"

    def test_many_threads_get_one_registry(self, install_plugin: InstallPlugin, run_python: RunPython) -> None:
        """Threads that are all let loose at once get one object, and each of them a discovered one."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        printed = run_python("""
import threading
import sys
sys.setswitchinterval(1e-6)
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType

COUNT = 50
barrier = threading.Barrier(COUNT)
found = []

def ask():
    barrier.wait()
    registry = get_registry()
    found.append((id(registry), (PluginType.COMPUTE, "duckdb") in registry._discovered))

threads = [threading.Thread(target=ask) for _ in range(COUNT)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(found), len({ident for ident, _ in found}), {discovered for _, discovered in found})
""")

        assert printed == "50 1 {True}\n"
