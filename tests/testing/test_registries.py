"""Registries for tests: confined to some folders, or in the place of the process's own."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

from floe_core.plugin_handle import PluginHandle
from floe_core.plugin_registry import PluginRegistry, get_registry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing import install_plugin, isolated_container, swapped_registry


class TestIsolatedContainer:
    def test_finds_nothing_by_default(self, site: Path) -> None:
        """What is on sys.path does not count."""
        install_plugin(site, PluginType.COMPUTE, "duckdb")

        assert isolated_container().registry().list_all() == {kind: [] for kind in PluginType}

    def test_finds_what_is_in_its_folders(self, site: Path, tmp_path: Path) -> None:
        """Each folder counts, given as a string or as a path, and no other."""
        install_plugin(site, PluginType.COMPUTE, "duckdb")
        install_plugin(tmp_path / "more", PluginType.COMPUTE, "spark")

        container = isolated_container([site, str(tmp_path / "more")], {"defaults": {"computes": "duckdb"}})

        assert container.registry().list_all()[PluginType.COMPUTE] == ["duckdb", "spark"]
        assert container.computes() is container.registry().get(PluginType.COMPUTE, "duckdb")


class TestSwappedRegistry:
    def test_is_the_registry_of_every_thread(self, registry: PluginRegistry) -> None:
        """get_registry() gives it inside, and afterwards what it gave before."""
        before = get_registry()
        seen: list[PluginRegistry] = []

        with swapped_registry(registry) as swapped:
            thread = threading.Thread(target=lambda: seen.append(get_registry()))
            thread.start()
            thread.join()

        assert swapped is registry
        assert seen == [registry]
        assert get_registry() is before

    def test_nests(self, registry: PluginRegistry) -> None:
        """The inner one ends first and leaves the outer one in force, whatever is raised."""
        other = PluginRegistry()
        with swapped_registry(registry):
            try:
                with swapped_registry(other):
                    assert get_registry() is other
                    raise RuntimeError
            except RuntimeError:
                pass
            assert get_registry() is registry

    def test_resolves_unpickled_handles(self, site: Path, registry: PluginRegistry) -> None:
        """A handle that comes out of a pickle belongs to it."""
        install_plugin(site, PluginType.COMPUTE, "duckdb")
        registry.discover_all()
        handle = pickle.loads(pickle.dumps(PluginHandle(PluginKey(PluginType.COMPUTE, "duckdb"))))

        with swapped_registry(registry):
            assert handle.load() is registry.get(PluginType.COMPUTE, "duckdb")
