"""The registry's seven methods, guarantee by guarantee, on distributions that are really installed."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from floe_core.plugin_errors import (
    DuplicatePluginError,
    PluginConfigurationError,
    PluginIncompatibleError,
    PluginNotFoundError,
)
from floe_core.plugin_metadata import HealthState, HealthStatus, PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import InstallPlugin


class Duck(MadeCompute):
    """A plugin made by hand."""


class TestSignatures:
    @pytest.mark.parametrize(
        ("method", "parameters"),
        [
            ("discover_all", []),
            ("register", ["plugin"]),
            ("get", ["plugin_type", "name"]),
            ("list", ["plugin_type"]),
            ("list_all", []),
            ("configure", ["plugin_type", "name", "config"]),
            ("health_check_all", []),
        ],
    )
    def test_what_a_method_requires_has_fixed_names_and_order(self, method: str, parameters: list[str]) -> None:
        """All that goes beyond it has a default, so these calls work by position and by name."""
        signature = inspect.signature(getattr(PluginRegistry, method))
        _, *required = [
            name for name, parameter in signature.parameters.items() if parameter.default is inspect.Parameter.empty
        ]

        assert parameters == required
        assert {inspect.Parameter.POSITIONAL_OR_KEYWORD} >= {signature.parameters[name].kind for name in parameters}

    def test_a_registry_is_made_without_arguments(self) -> None:
        """And then knows nothing yet."""
        assert {} == PluginRegistry()._discovered


class TestDiscoverAll:
    def test_scans_the_groups_of_all_eleven_types(self, site: Path, registry: PluginRegistry) -> None:
        """One entry point in each group, and each is found under its type."""
        groups: dict[PluginType | str, dict[str, str]] = {
            plugin_type: {f"mine-{plugin_type.group}": "acme_all:Plugin"} for plugin_type in PluginType
        }
        install_distribution(site, "acme-all", groups)

        registry.discover_all()

        expected = {(plugin_type, f"mine-{plugin_type.group}") for plugin_type in PluginType}
        assert expected <= set(registry._discovered)

    def test_populates_a_dict_by_type_and_name(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """What was found stands under the pair of both."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
        assert (PluginType.COMPUTE, "duckdb") not in registry._discovered

        registry.discover_all()

        assert isinstance(registry._discovered, dict)
        assert registry._discovered[PluginType.COMPUTE, "duckdb"].value == "acme_duck:Plugin"  # type: ignore[index]

    def test_does_not_load_plugin_classes(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Not even the plugin's module is imported."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        registry.discover_all()

        assert "acme_duck" not in sys.modules

    @pytest.mark.parametrize(
        "entry_points",
        [
            "[floe.computes]\nbroken = a/file.yaml\n",  # no module:attribute
            "[floe.computes]\nbroken\n",  # no value at all
            "[floe.computes]\nbroken = :x\n",  # no module
            b"[floe.computes]\nbroken = m\xff:x\n",  # not UTF-8
        ],
    )
    def test_logs_malformed_entry_points_as_errors_and_goes_on(
        self,
        site: Path,
        install_plugin: InstallPlugin,
        registry: PluginRegistry,
        caplog: pytest.LogCaptureFixture,
        entry_points: str | bytes,
    ) -> None:
        """A malformed one costs itself only: the error names its distribution, and the good one beside it is found."""
        install_distribution(site, "acme-broken", entry_points)
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        registry.discover_all()

        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert any("acme-broken" in message for message in errors)
        assert "duckdb" in registry.list_all()[PluginType.COMPUTE]
        assert "broken" not in registry.list_all()[PluginType.COMPUTE]

    def test_is_safe_to_call_again(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """The second call changes nothing: same finds, same plugin."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
        registry.discover_all()
        found, plugin = registry._discovered, registry.get(PluginType.COMPUTE, "duckdb")

        registry.discover_all()

        assert found == registry._discovered
        assert plugin is registry.get(PluginType.COMPUTE, "duckdb")


class TestRegister:
    def test_makes_the_plugin_available_at_once(self, registry: PluginRegistry) -> None:
        """Via get(), under its own name, as the very object."""
        plugin = Duck()

        registry.register(plugin)

        assert plugin is registry.get(PluginType.COMPUTE, "duckdb")

    def test_refuses_a_type_and_name_that_exist(self, registry: PluginRegistry) -> None:
        """The one that was there stays; type and name are on the error."""
        first = Duck()
        registry.register(first)

        with pytest.raises(DuplicatePluginError, match="Duplicate plugin: COMPUTE:duckdb") as caught:
            registry.register(Duck())

        assert (PluginType.COMPUTE, "duckdb") == (caught.value.plugin_type, caught.value.name)
        assert first is registry.get(PluginType.COMPUTE, "duckdb")

    def test_refuses_a_type_and_name_that_are_installed(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Whether or not that one is loaded."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
        registry.discover_all()

        with pytest.raises(DuplicatePluginError):
            registry.register(Duck())

        assert registry.get(PluginType.COMPUTE, "duckdb").__class__.__module__ == "acme_duck"

    @pytest.mark.parametrize("version", ["2.0", "0.9", "1.1"])
    def test_refuses_another_api_version(self, registry: PluginRegistry, version: str) -> None:
        """Before it is registered: afterwards there is no such plugin."""
        with pytest.raises(PluginIncompatibleError, match=f"requires API v{version}, but platform provides v1.0"):
            registry.register(Duck(floe_api_version=version))

        with pytest.raises(PluginNotFoundError):
            registry.get(PluginType.COMPUTE, "duckdb")


class TestGet:
    def test_imports_lazily_and_once(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Discovery imports nothing; get() imports the plugin; asking again yields the very same object."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
        registry.discover_all()

        assert "acme_duck" not in sys.modules

        plugin = registry.get(PluginType.COMPUTE, "duckdb")

        assert "acme_duck" in sys.modules
        assert isinstance(plugin, PluginMetadata)
        assert type(plugin) is sys.modules["acme_duck"].Plugin
        assert plugin is registry.get(PluginType.COMPUTE, "duckdb")

    def test_says_what_is_missing(self, registry: PluginRegistry) -> None:
        """Type and name are in the message and on the error."""
        registry.discover_all()

        with pytest.raises(PluginNotFoundError, match="Plugin not found: CATALOG:polaris") as caught:
            registry.get(PluginType.CATALOG, "polaris")

        assert (PluginType.CATALOG, "polaris") == (caught.value.plugin_type, caught.value.name)

    @pytest.mark.parametrize("version", ["2.0", "1.1"])
    def test_refuses_another_api_version_when_it_loads(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, version: str
    ) -> None:
        """Discovery takes it; loading finds out."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", api_version=version)
        registry.discover_all()

        with pytest.raises(PluginIncompatibleError) as caught:
            registry.get(PluginType.COMPUTE, "duckdb")

        assert (version, "1.0") == (caught.value.required_version, caught.value.platform_version)


class TestList:
    def test_is_a_list_that_may_be_empty(self, site: Path, registry: PluginRegistry) -> None:
        """Never None, before discovery and after it."""
        assert [] == registry.list(PluginType.IDENTITY)

    def test_loads_nothing(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Name, version and description of what is installed can be read without importing it."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", version="1.4.2")
        registry.discover_all()

        plugins = registry.list(PluginType.COMPUTE)

        (duck,) = [plugin for plugin in plugins if plugin.name == "duckdb"]
        assert all(isinstance(plugin, PluginMetadata) for plugin in plugins)
        assert ("1.4.2", "") == (duck.version, duck.description)
        assert "acme_duck" not in sys.modules

    def test_holds_all_of_the_type_and_no_others(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Installed ones and registered ones."""
        install_plugin("acme_snow", PluginType.COMPUTE, "snowflake")
        install_plugin("acme_cat", PluginType.CATALOG, "polaris")
        registry.discover_all()
        registry.register(Duck())

        names = [plugin.name for plugin in registry.list(PluginType.COMPUTE)]

        assert {"duckdb", "snowflake"} <= set(names)
        assert "polaris" not in names

    def test_does_not_raise_for_plugins_that_cannot_be_loaded(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """They stay listed, before they are tried and after."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", source="raise RuntimeError('broken')")
        registry.discover_all()
        before = [plugin.name for plugin in registry.list(PluginType.COMPUTE)]
        registry.get_all(PluginType.COMPUTE)

        assert "duckdb" in before
        assert before == [plugin.name for plugin in registry.list(PluginType.COMPUTE)]

    def test_has_the_same_order_each_time(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Before and after a plugin in it is loaded."""
        for name in ("b", "c", "a"):
            install_plugin(f"acme_{name}", PluginType.COMPUTE, name)
        registry.discover_all()
        before = [plugin.name for plugin in registry.list(PluginType.COMPUTE)]

        registry.get(PluginType.COMPUTE, "c")

        assert before == [plugin.name for plugin in registry.list(PluginType.COMPUTE)]


class TestListAll:
    def test_has_all_eleven_types_as_keys(self, registry: PluginRegistry) -> None:
        """Each with a list, which may be empty."""
        registered = registry.list_all()

        assert list(PluginType) == list(registered)
        assert {list} == {type(names) for names in registered.values()}

    def test_values_are_names(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Of what is installed and of what is registered; nothing is imported for it."""
        install_plugin("acme_snow", PluginType.COMPUTE, "snowflake")
        registry.discover_all()
        registry.register(Duck())

        assert {"duckdb", "snowflake"} <= set(registry.list_all()[PluginType.COMPUTE])
        assert "acme_snow" not in sys.modules


class TestConfigure:
    @pytest.fixture
    def registry(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> PluginRegistry:
        """With a plugin that can be configured, and one that has nothing to configure."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="path: str\nthreads: int = Field(4, gt=0)")
        registry.discover_all()
        return registry

    def test_returns_the_validated_model(self, registry: PluginRegistry) -> None:
        """An instance of the plugin's own schema, with the schema's defaults filled in."""
        config = registry.configure(PluginType.COMPUTE, "duckdb", {"path": "a.db"})

        assert isinstance(config, BaseModel)
        assert type(config) is sys.modules["acme_duck"].Config
        assert {"path": "a.db", "threads": 4} == config.model_dump()

    def test_loads_the_plugin(self, registry: PluginRegistry) -> None:
        """If that has not happened yet."""
        assert "acme_duck" not in sys.modules

        registry.configure(PluginType.COMPUTE, "duckdb", {"path": "a.db"})

        assert "acme_duck" in sys.modules

    def test_stores_the_configuration(self, registry: PluginRegistry) -> None:
        """It can be had again, from the registry and from the plugin."""
        config = registry.configure(PluginType.COMPUTE, "duckdb", {"path": "a.db"})

        assert config == registry.get_config(PluginType.COMPUTE, "duckdb")
        assert config == registry.get(PluginType.COMPUTE, "duckdb").config

    def test_says_what_is_wrong_with_each_field(self, registry: PluginRegistry) -> None:
        """The error names the plugin and holds an entry per field."""
        with pytest.raises(PluginConfigurationError, match="Configuration error for plugin 'duckdb'") as caught:
            registry.configure(PluginType.COMPUTE, "duckdb", {"threads": 0})

        assert caught.value.name == "duckdb"
        assert {"path", "threads"} == {fault["field"] for fault in caught.value.errors}
        assert {"field", "message", "type"} == {part for fault in caught.value.errors for part in fault}

    def test_says_when_there_is_no_such_plugin(self, registry: PluginRegistry) -> None:
        """As get() does."""
        with pytest.raises(PluginNotFoundError):
            registry.configure(PluginType.COMPUTE, "nobody", {})


class Hanging(Duck):
    """Its health check does not return before *free* is set."""

    def __init__(self) -> None:
        super().__init__(name="hanging")
        self.free = threading.Event()

    def health_check(self) -> HealthStatus:
        self.free.wait()
        return HealthStatus(HealthState.HEALTHY)


class Raising(Duck):
    """Its health check raises."""

    def health_check(self) -> HealthStatus:
        raise RuntimeError("no connection")


class TestHealthCheckAll:
    def test_the_timeout_is_five_seconds(self) -> None:
        """Unless the caller says otherwise."""
        assert inspect.signature(PluginRegistry.health_check_all).parameters["timeout"].default == 5.0

    def test_checks_loaded_plugins_only(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """What is discovered and not loaded is left alone."""
        install_plugin("acme_snow", PluginType.COMPUTE, "snowflake")
        install_plugin("acme_cat", PluginType.CATALOG, "polaris")
        registry.discover_all()
        registry.register(Duck())
        registry.get(PluginType.CATALOG, "polaris")

        statuses = registry.health_check_all()

        assert {"COMPUTE:duckdb", "CATALOG:polaris"} == set(statuses)
        assert {HealthState.HEALTHY} == {status.state for status in statuses.values()}
        assert "acme_snow" not in sys.modules

    def test_an_exception_is_an_unhealthy_status(self, registry: PluginRegistry) -> None:
        """It does not reach the caller, and the others are checked all the same."""
        registry.register(Raising(name="raising"))
        registry.register(Duck())

        statuses = registry.health_check_all()

        assert HealthState.UNHEALTHY is statuses["COMPUTE:raising"].state
        assert HealthState.HEALTHY is statuses["COMPUTE:duckdb"].state

    def test_a_check_that_hangs_is_given_five_seconds(self, registry: PluginRegistry) -> None:
        """Then it is unhealthy; the deadline holds in elapsed time."""
        hanging = Hanging()
        registry.register(hanging)
        begun = monotonic()

        try:
            statuses = registry.health_check_all()
            elapsed = monotonic() - begun
        finally:
            hanging.free.set()

        assert HealthState.UNHEALTHY is statuses["COMPUTE:hanging"].state
        assert 5.0 <= elapsed < 8.0

    def test_no_plugins_no_statuses(self, registry: PluginRegistry) -> None:
        """There is nothing to check."""
        assert {} == registry.health_check_all()
