"""Handles: plugins that are not loaded, seen without importing them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from floe_core.plugin_errors import PluginLoadError
from floe_core.plugin_handle import PluginHandle
from floe_core.plugin_metadata import HealthState, PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.testing import install_distribution, plugin_source
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
PROBES: list[Callable[[Any], object]] = [
    repr,
    str,
    hash,
    dir,
    lambda handle: handle == handle,  # noqa: PLR0124
    lambda handle: isinstance(handle, PluginMetadata),
    lambda handle: f"{handle}",
    lambda handle: getattr(handle, "_repr_html_", None),
    lambda handle: hasattr(handle, "__rich_repr__"),
    lambda handle: hasattr(handle, "_ipython_display_"),
    lambda handle: hasattr(handle, "_pytestfixturefunction"),
    lambda handle: hasattr(handle, "__wrapped__"),
    pickle.dumps,
]


@pytest.fixture
def handle(site: Path, registry: PluginRegistry) -> Any:
    """The handle of an installed plugin; the distribution's metadata differ from what the plugin says of itself."""
    source = plugin_source(COMPUTE, name="duck", version="9.9.9", dependencies=["polaris"], body="greeting = 'quack'")
    entry_points: dict[PluginType | str, dict[str, str]] = {COMPUTE: {"duckdb": "acme_duck:Plugin"}}
    install_distribution(
        site, "acme-duck", entry_points, version="1.2.3", summary="Runs queries", modules={"acme_duck": source}
    )
    registry.discover_all()
    (handle,) = registry.list(COMPUTE)
    return handle


def is_loaded() -> bool:
    return "acme_duck" in sys.modules


class TestWithoutLoading:
    @pytest.mark.parametrize(
        ("attribute", "expected"),
        [
            ("name", "duckdb"),
            ("version", "1.2.3"),
            ("description", "Runs queries"),
            ("distribution", "acme-duck"),
            ("key", PluginKey(COMPUTE, "duckdb")),
            ("state", PluginState.DISCOVERED),
        ],
    )
    def test_tells_what_the_distribution_tells(self, handle: Any, attribute: str, expected: object) -> None:
        """Nothing is imported for it."""
        assert expected == getattr(handle, attribute)
        assert not is_loaded()

    @pytest.mark.parametrize(
        "probe",
        PROBES,
    )
    def test_is_not_loaded_by_probes(self, handle: Any, probe: Any) -> None:
        """Of consoles, test runners and debuggers."""
        probe(handle)

        assert not is_loaded()

    def test_is_shown_by_its_key(self, handle: Any) -> None:
        """Short enough for a list."""
        assert repr(handle) == "<PluginHandle COMPUTE:duckdb>"


class TestLoading:
    @pytest.mark.parametrize(
        ("attribute", "expected"),
        [
            ("plugin_type", COMPUTE),
            ("floe_api_version", "1.0"),
            ("dependencies", ["polaris"]),
            ("config", None),
            ("is_configured", False),
            ("greeting", "quack"),
        ],
    )
    def test_any_other_public_name_is_the_plugins(self, handle: Any, attribute: str, expected: object) -> None:
        """And loads it."""
        assert expected == getattr(handle, attribute)
        assert is_loaded()

    @pytest.mark.parametrize("method", ["get_config_schema", "configure", "health_check", "startup", "shutdown"])
    def test_methods_are_the_plugins(self, handle: Any, registry: PluginRegistry, method: str) -> None:
        """Bound to it."""
        assert getattr(handle, method).__self__ is registry.get(COMPUTE, "duckdb")

    def test_calls_reach_the_plugin(self, handle: Any) -> None:
        """Their results too."""
        assert HealthState.HEALTHY is handle.health_check().state

    def test_load_gives_the_plugin(self, handle: Any, registry: PluginRegistry) -> None:
        """The same that get() gives; the handle's state follows."""
        assert handle.load() is registry.get(COMPUTE, "duckdb")
        assert PluginState.LOADED is handle.state
        assert (handle.name, handle.version) == ("duckdb", "1.2.3")  # as before

    def test_setting_an_attribute_sets_the_plugins(self, handle: Any, registry: PluginRegistry) -> None:
        """Instead of one that only the handle has."""
        handle.mood = "good"

        plugin: Any = registry.get(COMPUTE, "duckdb")
        assert plugin.mood == "good"

    def test_a_name_that_the_plugin_lacks(self, handle: Any) -> None:
        """Is an AttributeError, as on the plugin."""
        with pytest.raises(AttributeError, match="nonsense"):
            _ = handle.nonsense

    def test_a_plugin_that_cannot_be_loaded(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """The touch raises what get() raises, and no AttributeError, which would hide it."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="raise RuntimeError")
        registry.discover_all()
        (handle,) = registry.list(COMPUTE)

        with pytest.raises(PluginLoadError):
            handle.health_check()


class TestIdentity:
    def test_two_of_one_key_and_registry_are_equal(self, handle: Any, registry: PluginRegistry) -> None:
        """They stand for the same plugin."""
        (again,) = registry.list(COMPUTE)

        assert handle is not again
        assert {handle} == {again}

    def test_others_are_not(self, handle: Any) -> None:
        """Another registry's, another key's, or no handle at all."""
        other = PluginRegistry()
        other.discover_all()
        (of_other,) = other.list(COMPUTE)

        assert handle != of_other
        assert handle != PluginHandle(PluginKey(COMPUTE, "other"), None, None)
        assert handle != "duckdb"


class TestPickling:
    def test_pickles_by_key(self, handle: Any) -> None:
        """Whatever registry it came from, what arrives stands for that key; loaded or not, nothing else crosses over."""
        handle.load()

        again = pickle.loads(pickle.dumps(handle))

        assert type(again) is PluginHandle
        assert again.key == handle.key
        assert len(pickle.dumps(handle)) < 300

    def test_is_resolved_by_the_registry_of_where_it_arrives(
        self, handle: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When it is touched, not when it is unpickled."""
        import floe_core.plugin_registry as module

        asked: list[PluginRegistry] = []
        arrived_in = PluginRegistry()

        def get_registry() -> PluginRegistry:
            asked.append(arrived_in)
            return arrived_in

        monkeypatch.setattr(module, "get_registry", get_registry)
        again = pickle.loads(pickle.dumps(handle))
        elsewhere = pickle.loads(pickle.dumps(handle))
        assert asked == []

        assert (again.version, again.description, again.distribution) == ("", "", None)  # not installed there
        arrived_in.register(MadeCompute("duckdb"))
        assert again.load() is arrived_in.get(COMPUTE, "duckdb")
        assert elsewhere.load() is again.load()
        assert len(asked) == 2
