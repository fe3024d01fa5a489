"""What an author gets from the base class without writing it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from floe_core.plugin_metadata import HealthState, HealthStatus, PluginMetadata


class Config(BaseModel):
    threads: int = 4


class Minimal(PluginMetadata):
    """The three properties that have to be there, and no constructor call."""

    def __init__(self) -> None:
        """Does not call the base class, as plugins in the wild do not."""

    @property
    def name(self) -> str:
        return "minimal"

    @property
    def version(self) -> str:
        return "1.2.3"

    @property
    def floe_api_version(self) -> str:
        return "1.0"


class TestAbstractProperties:
    @pytest.mark.parametrize("missing", ["name", "version", "floe_api_version"])
    def test_each_of_the_three_is_required(self, missing: str) -> None:
        """A class that leaves one out cannot be made an instance of."""
        given = {name: "1.0" for name in ("name", "version", "floe_api_version") if name != missing}
        incomplete: Any = type("Incomplete", (PluginMetadata,), given)

        with pytest.raises(TypeError, match=f"abstract method '?{missing}'?"):
            incomplete()

        complete: Any = type("Complete", (PluginMetadata,), {**given, missing: "1.0"})
        assert isinstance(complete(), PluginMetadata)

    def test_nothing_else_is_abstract(self) -> None:
        """Three properties make a plugin."""
        assert {"name", "version", "floe_api_version"} == PluginMetadata.__abstractmethods__


class TestDefaults:
    def test_describes_itself_by_nothing(self) -> None:
        """No description, no dependencies, no type, no schema, no configuration."""
        plugin = Minimal()

        assert "" == plugin.description
        assert [] == plugin.dependencies
        assert plugin.plugin_type is None
        assert plugin.get_config_schema() is None
        assert plugin.config is None
        assert not plugin.is_configured

    def test_each_plugin_has_its_own_list_of_dependencies(self) -> None:
        """Appending to one does not add to another."""
        one, other = Minimal(), Minimal()

        one.dependencies.append("polaris")

        assert [] == other.dependencies

    def test_is_healthy(self) -> None:
        """Without a check of its own."""
        assert HealthStatus(state=HealthState.HEALTHY) == Minimal().health_check()

    def test_the_hooks_do_nothing(self) -> None:
        """They can be called, and leave the plugin as it was."""
        plugin = Minimal()

        plugin.startup()
        plugin.shutdown()

        assert {} == vars(plugin)


class TestConfigure:
    def test_keeps_the_configuration(self) -> None:
        """The very object, and is_configured tells."""
        plugin, config = Minimal(), Config(threads=8)

        plugin.configure(config)

        assert config is plugin.config
        assert plugin.is_configured

    def test_configures_the_instance_alone(self) -> None:
        """Another instance of the class has none."""
        Minimal().configure(Config())

        assert not Minimal().is_configured


class TestHealthStatus:
    def test_states_are_the_three_of_the_contract(self) -> None:
        """By name and value."""
        assert {"HEALTHY": "healthy", "DEGRADED": "degraded", "UNHEALTHY": "unhealthy"} == {
            state.name: state.value for state in HealthState
        }

    def test_message_and_details_are_empty_by_default(self) -> None:
        """And the details are nobody else's."""
        one, other = HealthStatus(HealthState.HEALTHY), HealthStatus(HealthState.HEALTHY)

        one.details["latency_ms"] = 3

        assert "" == one.message
        assert {} == other.details

    def test_compares_by_value(self) -> None:
        """It is plain data."""
        assert HealthStatus(HealthState.DEGRADED, "slow", {"ms": 3}) == HealthStatus(
            state=HealthState.DEGRADED, message="slow", details={"ms": 3}
        )
