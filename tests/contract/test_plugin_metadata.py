"""What a plugin is: three required properties, the rest with defaults; and the answer of a health check."""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC
from enum import Enum

import pytest

from floe_core.plugin_metadata import HealthState, HealthStatus, PluginMetadata

REQUIRED = {"name": "duckdb", "version": "1.2.3", "floe_api_version": "1.0"}


def plugin_class(**members: object) -> type[PluginMetadata]:
    """A plugin class with these members."""
    return type("Example", (PluginMetadata,), members)


class TestRequiredProperties:
    def test_it_is_an_abstract_base_class(self) -> None:
        """Name, version and API version are abstract; nothing else is."""
        assert issubclass(PluginMetadata, ABC)
        assert set(REQUIRED) == set(PluginMetadata.__abstractmethods__)

    @pytest.mark.parametrize("missing", REQUIRED)
    def test_a_plugin_without_one_cannot_be_made(self, missing: str) -> None:
        """Each of the three is required; the error names the one that is missing."""
        incomplete = plugin_class(**{name: value for name, value in REQUIRED.items() if name != missing})

        with pytest.raises(TypeError, match=missing):
            incomplete()

    @pytest.mark.parametrize("name", [*REQUIRED, "description", "dependencies"])
    def test_it_is_a_property(self, name: str) -> None:
        """Authors write properties."""
        assert isinstance(inspect.getattr_static(PluginMetadata, name), property)


class TestDefaults:
    @pytest.fixture
    def plugin(self) -> PluginMetadata:
        return plugin_class(**REQUIRED)()

    def test_the_description_is_empty(self, plugin: PluginMetadata) -> None:
        """A plugin need not describe itself."""
        assert plugin.description == ""

    def test_there_are_no_dependencies(self, plugin: PluginMetadata) -> None:
        """A new empty list each time, so that nobody changes another plugin's."""
        assert [] == plugin.dependencies
        assert plugin.dependencies is not plugin.dependencies

    def test_there_is_no_schema(self, plugin: PluginMetadata) -> None:
        """A plugin without configuration returns None."""
        assert plugin.get_config_schema() is None

    def test_it_is_healthy(self, plugin: PluginMetadata) -> None:
        """Unless its author says otherwise."""
        assert HealthStatus(state=HealthState.HEALTHY) == plugin.health_check()

    def test_starting_and_stopping_do_nothing(self, plugin: PluginMetadata) -> None:
        """Both hooks exist, take nothing and return nothing."""
        before = dict(vars(plugin))

        plugin.startup()
        plugin.shutdown()

        assert before == vars(plugin)

    @pytest.mark.parametrize("method", ["get_config_schema", "health_check", "startup", "shutdown"])
    def test_the_methods_take_nothing_but_self(self, method: str) -> None:
        """Their signatures are part of the contract."""
        assert ["self"] == list(inspect.signature(getattr(PluginMetadata, method)).parameters)


class TestHealth:
    def test_there_are_three_states(self) -> None:
        """With lower-case values."""
        assert issubclass(HealthState, Enum)
        expected = {"HEALTHY": "healthy", "DEGRADED": "degraded", "UNHEALTHY": "unhealthy"}
        assert expected == {state.name: state.value for state in HealthState}

    def test_a_status_is_a_dataclass_of_state_message_and_details(self) -> None:
        """In this order, so that they can be passed by position."""
        assert ["state", "message", "details"] == [field.name for field in dataclasses.fields(HealthStatus)]
        status = HealthStatus(HealthState.DEGRADED, "slow", {"ms": 900})
        assert (HealthState.DEGRADED, "slow", {"ms": 900}) == (status.state, status.message, status.details)

    def test_message_and_details_are_empty_by_default(self) -> None:
        """Each status has details of its own."""
        one, other = HealthStatus(HealthState.HEALTHY), HealthStatus(HealthState.HEALTHY)

        assert ("", {}) == (one.message, one.details)
        assert one.details is not other.details

    def test_a_status_needs_a_state(self) -> None:
        """There is no default for it."""
        with pytest.raises(TypeError, match="state"):
            HealthStatus()  # type: ignore[call-arg]  # what is tested

    def test_a_status_can_be_changed(self) -> None:
        """It is a plain dataclass: neither frozen nor without equality."""
        status = HealthStatus(HealthState.HEALTHY)
        status.message = "changed"

        assert HealthStatus(HealthState.HEALTHY, "changed") == status
