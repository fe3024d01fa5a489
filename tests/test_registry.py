"""The registry's verbs beyond the contract: getting, listing, configuring, registering, refreshing."""

from __future__ import annotations

import gc
import logging
import pickle
import sys
import threading
from importlib import import_module
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pytest
from pydantic import BaseModel

from floe_containers import PluginContainer
from floe_core.plugin_errors import (
    DuplicatePluginError,
    PluginConfigurationError,
    PluginError,
    PluginErrorGroup,
    PluginLoadError,
    PluginNotFoundError,
    PluginShutdownError,
    PluginStartupError,
    PluginStateError,
    PluginTypeError,
    SettingsError,
)
from floe_core.plugin_handle import PluginHandle
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_registry import PluginRegistry, _TheRegistry
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.plugins import CatalogPlugin, ComputePlugin
from floe_core.settings import Settings
from floe_core.testing import install_distribution, plugin_source
from tests.handmade import Made, MadeCatalog, MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
TAKES_CONFIG = """
def __init__(self, config: Config) -> None:
    self.seen = config
"""
TAKES_CONFIG_OR_NOT = """
def __init__(self, config: Config | None = None) -> None:
    self.seen = config
"""
REFUSES_SEVEN = """
def configure(self, config):
    if config.threads == 7:
        raise RuntimeError("hunter2")
    super().configure(config)
"""


def registry_with(settings: dict[str, Any]) -> PluginRegistry:
    """The registry of a new container with these settings."""
    return PluginContainer(settings=settings).registry()


class TestRegister:
    def test_takes_the_type_from_the_base_class(self, registry: PluginRegistry) -> None:
        """No keyword is needed where the base class carries one."""
        registry.register(MadeCatalog("polaris"))

        assert registry.get(PluginType.CATALOG, "polaris").name == "polaris"

    def test_takes_the_type_from_the_keyword(self, registry: PluginRegistry) -> None:
        """For a plugin that derives from PluginMetadata alone."""
        plugin = Made("vault")

        registry.register(plugin, plugin_type=PluginType.SECRETS)

        assert plugin is registry.get(PluginType.SECRETS, "vault")

    def test_refuses_a_plugin_without_type(self, registry: PluginRegistry) -> None:
        """And says how to give it one."""
        with pytest.raises(PluginTypeError, match="plugin_type="):
            registry.register(Made())

    def test_refuses_another_type_than_that_of_the_base_class(self, registry: PluginRegistry) -> None:
        """A catalog is no compute."""
        with pytest.raises(PluginLoadError, match="is a CATALOG plugin, announced as COMPUTE"):
            registry.register(MadeCatalog(), plugin_type=COMPUTE)

    def test_refuses_what_is_no_plugin(self, registry: PluginRegistry) -> None:
        """Such as a class instead of an instance."""
        with pytest.raises(PluginTypeError, match="no PluginMetadata"):
            registry.register(MadeCompute)  # type: ignore[arg-type]  # what is tested

    @pytest.mark.parametrize("name", [None, 7, "", RuntimeError("hunter2")])
    def test_refuses_a_plugin_that_does_not_say_its_name(self, registry: PluginRegistry, name: object) -> None:
        """No string, an empty one, or an error; whose text is not repeated."""
        with pytest.raises(PluginLoadError, match="name") as caught:
            registry.register(MadeCompute(name))

        assert "hunter2" not in str(caught.value)

    def test_policy_does_not_apply(self) -> None:
        """A key that is disabled, and one that no allowed distribution has, can be registered."""
        registry = registry_with({"policy": {"allow": ["nobody"], "disable": ["COMPUTE:duckdb"]}})

        registry.register(MadeCompute("duckdb"))

        assert [plugin.name for plugin in registry.list(COMPUTE)] == ["duckdb"]

    def test_refuses_a_key_in_conflict(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Neither of the two distributions gives way; the error names both."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        install_plugin("other_duck", COMPUTE, "duckdb")
        registry.discover_all()

        with pytest.raises(DuplicatePluginError, match=r"policy\.disable") as caught:
            registry.register(MadeCompute("duckdb"))

        assert sorted(origin.distribution for origin in caught.value.origins) == ["acme-duck", "other-duck"]

    def test_names_the_distribution_that_holds_the_key(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And does not advise to unregister what is installed."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()

        with pytest.raises(DuplicatePluginError, match="acme-duck") as caught:
            registry.register(MadeCompute("duckdb"))

        assert "nregister" not in str(caught.value)

    def test_ten_thousand_take_linear_time(self) -> None:
        """Ten times as many take about ten times as long, to register and to list."""

        def seconds_for(count: int) -> float:
            registry = PluginRegistry()
            plugins = [MadeCompute(f"plugin{number:05}") for number in range(count)]
            gc.collect()
            begun = thread_time()  # of this thread alone, whatever else the machine does
            for plugin in plugins:
                registry.register(plugin)
            assert count == len(registry.list(COMPUTE)) == len(registry.list_all()[COMPUTE])
            return thread_time() - begun

        few, many = (min(seconds_for(count) for _ in range(3)) for count in (1_000, 10_000))

        assert many < 40 * few  # quadratic would be 100

    def test_a_registered_plugin_under_an_override_is_there_afterwards(self, registry: PluginRegistry) -> None:
        """What stands in for the key while it is registered does not take its place."""
        plugin, stand_in = MadeCompute("duckdb"), MadeCompute("stand-in")

        with registry.override(COMPUTE, "duckdb", stand_in):
            registry.register(plugin)
            assert stand_in is registry.get(COMPUTE, "duckdb")

        assert plugin is registry.get(COMPUTE, "duckdb")


class TestUnregister:
    def test_forgets_the_plugin(self, registry: PluginRegistry) -> None:
        """Its key is free again, for another one."""
        registry.register(MadeCompute("duckdb"))
        registry.get(COMPUTE, "duckdb")

        registry.unregister(COMPUTE, "duckdb")

        with pytest.raises(PluginNotFoundError):
            registry.get(COMPUTE, "duckdb")
        second = MadeCompute("duckdb")
        registry.register(second)
        assert second is registry.get(COMPUTE, "duckdb")

    def test_shuts_it_down_first_if_it_is_active(self, registry: PluginRegistry) -> None:
        """Once."""
        calls: list[str] = []

        class Recording(MadeCompute):
            def shutdown(self) -> None:
                calls.append("shutdown")

        registry.register(Recording("duckdb"))
        registry.activate_plugin(COMPUTE, "duckdb")

        registry.unregister(COMPUTE, "duckdb")

        assert calls == ["shutdown"]
        assert registry.list(COMPUTE) == []

    def test_removes_it_even_if_it_does_not_shut_down_cleanly(self, registry: PluginRegistry) -> None:
        """And tells of the error."""

        class Stubborn(MadeCompute):
            def shutdown(self) -> None:
                raise RuntimeError

        registry.register(Stubborn("duckdb"))
        registry.activate_plugin(COMPUTE, "duckdb")

        with pytest.raises(PluginShutdownError):
            registry.unregister(COMPUTE, "duckdb")

        assert registry.list(COMPUTE) == []

    def test_refuses_an_unknown_name(self, registry: PluginRegistry) -> None:
        """There is nothing to remove."""
        with pytest.raises(PluginNotFoundError):
            registry.unregister(COMPUTE, "nobody")

    @pytest.mark.parametrize("is_loaded", [True, False])
    def test_refuses_an_installed_plugin(self, install_plugin: InstallPlugin, *, is_loaded: bool) -> None:
        """Loaded or not, even as the first verb; the error says what to do instead."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry = PluginContainer().registry()
        if is_loaded:
            registry.get(COMPUTE, "duckdb")

        with pytest.raises(PluginStateError, match=r"policy\.disable"):
            registry.unregister(COMPUTE, "duckdb")

    def test_refuses_a_key_in_conflict(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Both claimants are installed."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        install_plugin("other_duck", COMPUTE, "duckdb")
        registry.discover_all()

        with pytest.raises(PluginStateError, match="it is installed"):
            registry.unregister(COMPUTE, "duckdb")


@runtime_checkable
class Named(Protocol):
    @property
    def name(self) -> str: ...


class Unchecked(Protocol):
    @property
    def name(self) -> str: ...


class TestExpect:
    @pytest.mark.parametrize("expect", [PluginMetadata, ComputePlugin, Named])
    def test_gives_a_plugin_that_fits(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, expect: Any
    ) -> None:
        """An abstract class, the base class of its type, or a protocol that can be checked at run time."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()

        plugin = registry.get(COMPUTE, "duckdb", expect=expect)

        assert plugin is registry.get(COMPUTE, "duckdb")
        assert registry.get_all(COMPUTE, expect=expect)
        assert type(plugin) is type(registry.create(COMPUTE, "duckdb", expect=expect))

    def test_refuses_one_that_does_not(self, registry: PluginRegistry) -> None:
        """The error names both types."""
        registry.register(MadeCompute("duckdb"))

        for call in (
            lambda: registry.get(COMPUTE, "duckdb", expect=CatalogPlugin),
            lambda: registry.get_default(COMPUTE, expect=CatalogPlugin),
            lambda: registry.get_all(COMPUTE, expect=CatalogPlugin),
            lambda: registry.create(COMPUTE, "duckdb", expect=CatalogPlugin),
        ):
            with pytest.raises(PluginTypeError, match="MadeCompute, which is no CatalogPlugin"):
                call()

    @pytest.mark.parametrize("expect", [list[int], Unchecked])
    def test_refuses_what_cannot_be_checked(self, registry: PluginRegistry, expect: Any) -> None:
        """And says which kinds of types can."""
        registry.register(MadeCompute("duckdb"))

        with pytest.raises(PluginTypeError, match="runtime_checkable"):
            registry.get(COMPUTE, "duckdb", expect=expect)

    def test_refuses_what_raises_when_it_is_checked(self, registry: PluginRegistry) -> None:
        """The class that is expected may have a metaclass with a mind of its own."""

        class Fussy(type):
            def __instancecheck__(cls, instance: object) -> bool:
                raise RuntimeError("hunter2")

        class Expected(metaclass=Fussy): ...

        registry.register(MadeCompute("duckdb"))

        with pytest.raises(PluginTypeError, match=r"raised RuntimeError at .*test_registry\.py") as caught:
            registry.get(COMPUTE, "duckdb", expect=Expected)
        assert "hunter2" not in str(caught.value)


class TestGetDefault:
    def test_is_the_one_that_the_settings_name(self, install_plugin: InstallPlugin) -> None:
        """Whatever else is there."""
        for name in ("a", "b"):
            install_plugin(f"acme_{name}", COMPUTE, name)

        registry = registry_with({"defaults": {"computes": "b"}})

        assert registry.get_default(COMPUTE) is registry.get(COMPUTE, "b")

    def test_is_the_only_one_that_policy_and_conflicts_leave(self, install_plugin: InstallPlugin) -> None:
        """One is disabled, one in conflict, one is left; the others are not tried."""
        install_plugin("acme_a", COMPUTE, "a", source="raise AssertionError")
        install_plugin("acme_b", COMPUTE, "b", source="raise AssertionError")
        install_plugin("other_b", COMPUTE, "b", source="raise AssertionError")
        install_plugin("acme_c", COMPUTE, "c")

        registry = registry_with({"policy": {"disable": ["COMPUTE:a"]}})

        assert registry.get_default(COMPUTE) is registry.get(COMPUTE, "c")

    def test_is_the_only_one_that_loads(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """When two are left and one of them is broken."""
        install_plugin("acme_a", COMPUTE, "a", source="import acme_nowhere")
        install_plugin("acme_b", COMPUTE, "b")
        registry.discover_all()

        assert registry.get_default(COMPUTE, expect=ComputePlugin).name == "b"

    def test_names_those_that_could_be_meant(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """And the setting that decides."""
        for name in ("a", "b"):
            install_plugin(f"acme_{name}", COMPUTE, name)
        registry.discover_all()

        with pytest.raises(PluginNotFoundError, match=r"a, b could be meant.*defaults\.computes"):
            registry.get_default(COMPUTE)

    def test_names_all_of_them_when_none_loads(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """None is better than the others then."""
        for name in ("a", "b"):
            install_plugin(f"acme_{name}", COMPUTE, name, source="import acme_nowhere")
        registry.discover_all()

        with pytest.raises(PluginNotFoundError, match="a, b could be meant"):
            registry.get_default(COMPUTE)

    def test_says_that_none_is_installed(self, registry: PluginRegistry) -> None:
        """And in which group one would announce itself."""
        with pytest.raises(PluginNotFoundError, match=r"No COMPUTE plugin is installed.*floe\.computes"):
            registry.get_default(COMPUTE)

    def test_says_why_those_that_are_installed_do_not_count(self, install_plugin: InstallPlugin) -> None:
        """One is disabled, the other in conflict: neither is passed over in silence."""
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b")
        install_plugin("other_b", COMPUTE, "b")
        registry = registry_with({"policy": {"disable": ["COMPUTE:a"]}})

        with pytest.raises(PluginNotFoundError) as caught:
            registry.get_default(COMPUTE)

        assert "disable" in str(caught.value)
        assert "prefer" in str(caught.value)
        assert "No COMPUTE plugin is installed" not in str(caught.value)


class TestGetAll:
    def test_loads_every_usable_one_and_logs_the_others(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Sorted by name; the broken one and the one in conflict are left out."""
        install_plugin("acme_c", COMPUTE, "c")
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b", source="raise RuntimeError('hunter2')")
        install_plugin("acme_d", COMPUTE, "d")
        install_plugin("other_d", COMPUTE, "d")
        registry.discover_all()

        plugins = registry.get_all(COMPUTE)

        assert [registry.get(COMPUTE, "a"), registry.get(COMPUTE, "c")] == plugins
        assert "COMPUTE:b is left out" in caplog.text
        assert "hunter2" not in caplog.text

    def test_is_empty_where_nothing_is(self, registry: PluginRegistry) -> None:
        """And no error."""
        assert registry.get_all(COMPUTE) == []


class TestCreate:
    def test_gives_a_new_instance_each_time(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Of the installed class; the registry keeps none of them."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()

        one, other = registry.create(COMPUTE, "duckdb"), registry.create(COMPUTE, "duckdb")

        assert type(one) is type(other) is sys.modules["acme_duck"].Plugin
        assert one is not other
        assert registry.health_check_all() == {}
        assert one is not registry.get(COMPUTE, "duckdb")
        assert type(one) is type(registry.create(COMPUTE, "duckdb"))

    @pytest.mark.parametrize("body", ["", TAKES_CONFIG])
    def test_each_has_its_own_configuration(self, install_plugin: InstallPlugin, body: str) -> None:
        """The one given; else that of the settings; ``{}`` means the schema's defaults. That of get() is not touched."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry = registry_with({"plugins": {"computes": {"duckdb": {"threads": 5}}}})
        registry.get(COMPUTE, "duckdb")

        threads = [
            plugin.config.model_dump()["threads"]
            for plugin in (
                registry.create(COMPUTE, "duckdb", {"threads": 9}),
                registry.create(COMPUTE, "duckdb"),
                registry.create(COMPUTE, "duckdb", {}),
                registry.get(COMPUTE, "duckdb"),
            )
            if plugin.config is not None
        ]

        assert threads == [9, 5, 4, 5]

    def test_refuses_a_configuration_that_does_not_fit(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """As configure() does."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4")
        registry.discover_all()

        with pytest.raises(PluginConfigurationError):
            registry.create(COMPUTE, "duckdb", {"threads": "many"})

    def test_refuses_an_unknown_name(self, registry: PluginRegistry) -> None:
        """As get() does."""
        with pytest.raises(PluginNotFoundError):
            registry.create(COMPUTE, "nobody")


class TestListing:
    def test_is_sorted_by_name(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Handles, loaded plugins and registered ones together."""
        for name in ("c", "a"):
            install_plugin(f"acme_{name}", COMPUTE, name)
        registry.discover_all()
        registry.register(MadeCompute("b"))
        loaded = registry.get(COMPUTE, "c")

        a, b, c = registry.list(COMPUTE)

        assert isinstance(a, PluginHandle)
        assert isinstance(b, MadeCompute)
        assert c is loaded
        assert registry.list_all()[COMPUTE] == ["a", "b", "c"]

    def test_shows_the_name_of_a_key_in_conflict(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """It can be asked for, and the error says what to do; both distributions are named."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        install_plugin("other_duck", COMPUTE, "duckdb")
        registry.discover_all()

        assert registry.list_all()[COMPUTE] == ["duckdb"]
        (handle,) = registry.list(COMPUTE)
        assert handle.version == handle.description == ""
        with pytest.raises(DuplicatePluginError, match=r"acme-duck.*other-duck.*FLOE_PLUGINS_PREFER"):
            registry.get(COMPUTE, "duckdb")
        assert len(registry._discovered[PluginKey(COMPUTE, "duckdb")]) == 2

    def test_leaves_out_what_policy_leaves_out(self, install_plugin: InstallPlugin) -> None:
        """And get() says which setting it was."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry = registry_with({"policy": {"deny": ["Acme.Duck"]}})

        assert registry.list(COMPUTE) == []
        with pytest.raises(PluginNotFoundError, match="deny"):
            registry.get(COMPUTE, "duckdb")

    def test_list_logs_a_malformed_policy_instead_of_raising(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, site: Path
    ) -> None:
        """Which every other verb refuses before discovery."""
        monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "duckdb")
        registry = PluginContainer().registry()

        assert registry.list(COMPUTE) == []
        assert "FLOE_PLUGINS_DISABLE" in caplog.text
        with pytest.raises(SettingsError):
            registry.list_all()

    def test_a_malformed_entry_point_is_told_to_who_asks_for_it(self, site: Path, registry: PluginRegistry) -> None:
        """get() says that one was found, where, and what is wrong with it."""
        entry_points = "[floe.computes]\nother = a/file.yaml\nduckdb = a/file.yaml\n"
        install_distribution(site, "acme-broken", entry_points)
        registry.discover_all()

        with pytest.raises(PluginNotFoundError, match=r"cannot be used.*acme-broken"):
            registry.get(COMPUTE, "duckdb")


class TestState:
    def test_goes_from_discovered_over_loaded_to_active(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And back to loaded when it is shut down."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()
        states = [registry.state(COMPUTE, "duckdb")]
        for step in (registry.get, registry.activate_plugin, registry.shutdown_plugin):
            step(COMPUTE, "duckdb")
            states.append(registry.state(COMPUTE, "duckdb"))

        assert states == [PluginState.DISCOVERED, PluginState.LOADED, PluginState.ACTIVE, PluginState.LOADED]

    @pytest.mark.parametrize(
        ("source", "state"),
        [
            ("import acme_nowhere", PluginState.UNAVAILABLE),  # another distribution's module
            ("import acme_duck.inner", PluginState.FAILED),  # its own
            ("raise RuntimeError", PluginState.FAILED),
            (plugin_source(COMPUTE, api_version="2.0"), PluginState.INCOMPATIBLE),
        ],
    )
    def test_remembers_how_the_last_load_failed(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, source: str, state: PluginState
    ) -> None:
        """For the report only: it stays listed, and the next get() tries again."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)
        registry.discover_all()

        with pytest.raises(PluginError):
            registry.get(COMPUTE, "duckdb")

        assert state is registry.state(COMPUTE, "duckdb")
        assert [plugin.name for plugin in registry.list(COMPUTE)] == ["duckdb"]

    def test_of_keys_that_are_kept_from_being_used(self, install_plugin: InstallPlugin) -> None:
        """Disabled by policy, or in conflict."""
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b")
        install_plugin("other_b", COMPUTE, "b")
        registry = registry_with({"policy": {"disable": ["COMPUTE:a"]}})

        assert PluginState.DISABLED is registry.state(COMPUTE, "a")
        assert PluginState.CONFLICTING is registry.state(COMPUTE, "b")

    def test_of_an_unknown_name_is_an_error(self, registry: PluginRegistry) -> None:
        """As get() raises it."""
        with pytest.raises(PluginNotFoundError):
            registry.state(COMPUTE, "nobody")


class TestRefresh:
    def test_adds_what_is_new_and_keeps_what_is_loaded(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The new one can be imported at once."""
        install_plugin("acme_a", COMPUTE, "a")
        registry.discover_all()
        loaded = registry.get(COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b")
        assert registry.list_all()[COMPUTE] == ["a"]

        registry.refresh()

        assert registry.list_all()[COMPUTE] == ["a", "b"]
        assert registry.get(COMPUTE, "b").name == "b"
        assert loaded is registry.get(COMPUTE, "a")

    def test_drops_what_was_removed_unless_it_is_loaded(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The loaded one works on, and the report tells of it."""
        metadata = [install_plugin(f"acme_{name}", COMPUTE, name).metadata for name in ("a", "b")]
        registry.discover_all()
        loaded = registry.get(COMPUTE, "a")
        for folder in metadata:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()

        registry.refresh()

        assert registry.list_all()[COMPUTE] == ["a"]
        assert loaded is registry.get(COMPUTE, "a")
        (plugin,) = registry.report().plugins
        assert any("removed" in remark for remark in plugin.remarks)

    def test_tells_of_an_upgrade(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """The report names both versions; the loaded one stays until a restart."""
        old = install_plugin("acme_a", COMPUTE, "a", version="1.0.0").metadata
        registry.discover_all()
        loaded = registry.get(COMPUTE, "a")
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
        install_plugin("acme_a", COMPUTE, "a", version="2.0.0")

        registry.refresh()

        assert loaded is registry.get(COMPUTE, "a")
        (plugin,) = registry.report().plugins
        assert ("1.0.0", ["version 2.0.0 was installed since 1.0.0 was loaded; restart to use it"]) == (
            plugin.version,
            [*plugin.remarks],
        )

    def test_forgets_earlier_failures(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """What failed before may have been mended."""
        install_plugin("acme_a", COMPUTE, "a", source="raise RuntimeError")
        registry.discover_all()
        with pytest.raises(PluginLoadError):
            registry.get(COMPUTE, "a")

        registry.refresh()

        assert PluginState.DISCOVERED is registry.state(COMPUTE, "a")


class TestContainersRegistry:
    def test_discovers_at_the_first_verb(self, install_plugin: InstallPlugin) -> None:
        """Not when it is made."""
        registry = PluginContainer().registry()
        install_plugin("acme_duck", COMPUTE, "duckdb")

        assert registry.get(COMPUTE, "duckdb").name == "duckdb"

    def test_one_of_its_own_is_empty_until_told(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """PluginRegistry() discovers when discover_all() is called, and not by itself."""
        install_plugin("acme_duck", COMPUTE, "duckdb")

        assert registry.list(COMPUTE) == []
        with pytest.raises(PluginNotFoundError):
            registry.get(COMPUTE, "duckdb")

        registry.discover_all()

        assert [plugin.name for plugin in registry.list(COMPUTE)] == ["duckdb"]


class TestConfigure:
    @pytest.mark.parametrize("body", ["", TAKES_CONFIG, TAKES_CONFIG_OR_NOT])
    def test_before_the_first_load_the_plugin_is_built_with_it(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, body: str
    ) -> None:
        """In the constructor if that takes it, else by the plugin's configure(); and it is that plugin that get() gives."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int", body=body)
        registry.discover_all()

        config = registry.configure(COMPUTE, "duckdb", {"threads": 8})

        plugin: Any = registry.get(COMPUTE, "duckdb")
        assert {"threads": 8} == config.model_dump()
        assert config is plugin.config is registry.get_config(COMPUTE, "duckdb")
        if body:
            assert plugin.seen is config

    def test_wins_over_the_settings(self, install_plugin: InstallPlugin) -> None:
        """The settings' one is not even looked at: here it would not fit."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int", body=TAKES_CONFIG)
        registry = registry_with({"plugins": {"computes": {"duckdb": {"threads": "hunter2"}}}})

        registry.configure(COMPUTE, "duckdb", {"threads": 8})

        config = registry.get(COMPUTE, "duckdb").config
        assert config is not None
        assert config.model_dump() == {"threads": 8}

    def test_settings_are_bound_when_the_plugin_is_built(self, install_plugin: InstallPlugin) -> None:
        """Not before; and a mistake in them costs that plugin only."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int")
        install_plugin("acme_b", COMPUTE, "b", schema="threads: int")
        registry = registry_with({"plugins": {"computes": {"a": {"threads": 8}, "b": {"threads": "hunter2"}}}})

        assert registry.get_config(COMPUTE, "a") is None
        config = registry.get(COMPUTE, "a").config
        assert config is not None
        assert config.model_dump() == {"threads": 8}
        with pytest.raises(PluginConfigurationError, match=r"plugins\.computes\.b") as caught:
            registry.get(COMPUTE, "b")
        assert "hunter2" not in str(caught.value)

    def test_the_callers_mapping_is_copied(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """What the caller changes afterwards, deep inside, changes nothing: not even for instances made later."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="hosts: dict[str, list[str]]")
        registry.discover_all()
        given = {"hosts": {"eu": ["a"]}}
        registry.configure(COMPUTE, "duckdb", given)

        given["hosts"]["eu"].append("b")
        given["hosts"]["us"] = []

        expected = {"hosts": {"eu": ["a"]}}
        for config in (registry.get_config(COMPUTE, "duckdb"), registry.create(COMPUTE, "duckdb").config):
            assert config is not None
            assert expected == config.model_dump()

    @pytest.mark.parametrize("config", [None, 7, [], "text", {7: 8}])
    @pytest.mark.parametrize("is_loaded", [True, False])
    def test_refuses_what_is_no_mapping_of_names(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, config: Any, *, is_loaded: bool
    ) -> None:
        """Whether or not the plugin is loaded."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4")
        registry.discover_all()
        if is_loaded:
            registry.get(COMPUTE, "duckdb")

        with pytest.raises(PluginConfigurationError):
            registry.configure(COMPUTE, "duckdb", config)

    @pytest.mark.parametrize("body", ["", TAKES_CONFIG_OR_NOT])
    def test_a_mistake_before_the_first_load_is_the_callers(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, body: str
    ) -> None:
        """The plugin has not failed: its state says so, and get() gives it."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()

        with pytest.raises(PluginConfigurationError):
            registry.configure(COMPUTE, "duckdb", {"threads": "many"})

        assert PluginState.DISCOVERED is registry.state(COMPUTE, "duckdb")
        assert registry.get(COMPUTE, "duckdb").config is None

    def test_a_rejected_one_leaves_the_one_before(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Rejected by the schema, or by the plugin; on the plugin and in the registry."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=REFUSES_SEVEN)
        registry.discover_all()
        before = registry.configure(COMPUTE, "duckdb", {"threads": 8})

        for rejected in ({"threads": "many"}, {"threads": 7}):
            with pytest.raises(PluginConfigurationError) as caught:
                registry.configure(COMPUTE, "duckdb", rejected)
            assert "hunter2" not in str(caught.value)

        assert before is registry.get_config(COMPUTE, "duckdb") is registry.get(COMPUTE, "duckdb").config

    def test_a_plugin_built_with_one_refuses_another(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The same one again is fine; for a different one there is create()."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=TAKES_CONFIG)
        registry.discover_all()
        before = registry.configure(COMPUTE, "duckdb", {"threads": 8})

        assert before == registry.configure(COMPUTE, "duckdb", {"threads": 8})
        with pytest.raises(PluginStateError, match=r"create\(\)"):
            registry.configure(COMPUTE, "duckdb", {"threads": 9})
        assert before is registry.get_config(COMPUTE, "duckdb")

    def test_a_plugin_built_with_one_takes_another_by_its_own_configure(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Where the author wrote one."""
        body = TAKES_CONFIG + "\n\ndef configure(self, config):\n    self.seen = self.config = config\n"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()
        registry.configure(COMPUTE, "duckdb", {"threads": 8})

        config = registry.configure(COMPUTE, "duckdb", {"threads": 9})

        plugin: Any = registry.get(COMPUTE, "duckdb")
        assert config is plugin.seen is registry.get_config(COMPUTE, "duckdb")

    def test_a_plugin_without_schema_takes_an_empty_one_only(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """For which an empty model comes back."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()

        config = registry.configure(COMPUTE, "duckdb", {})

        assert isinstance(config, BaseModel)
        assert config.model_dump() == {}
        with pytest.raises(PluginConfigurationError, match="takes no configuration"):
            registry.configure(COMPUTE, "duckdb", {"threads": 8})

    def test_a_registered_plugin_can_be_configured(self, registry: PluginRegistry) -> None:
        """Its schema may be an ordinary method; unregistering forgets the configuration."""

        class Config(BaseModel):
            threads: int = 4

        class Configurable(MadeCompute):
            def get_config_schema(self) -> type[BaseModel] | None:
                return Config

        plugin = Configurable("duckdb")
        registry.register(plugin)

        assert Config(threads=8) == registry.configure(COMPUTE, "duckdb", {"threads": 8}) == plugin.config
        registry.unregister(COMPUTE, "duckdb")
        assert registry.get_config(COMPUTE, "duckdb") is None

    def test_a_race_with_a_load_does_not_lose_it(self, install_plugin: InstallPlugin) -> None:
        """Another thread is building the plugin without it: it is applied as soon as that is done."""
        prologue = "import threading\nat_import, go_on = threading.Event(), threading.Event()\n"
        body = "def __init__(self):\n    at_import.set()\n    assert go_on.wait(60)\n"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", prologue=prologue, body=body)
        registry = registry_with({"plugins": {"computes": {"duckdb": {"threads": 5}}}})
        module = import_module("acme_duck")
        getting = threading.Thread(target=registry.get, args=(COMPUTE, "duckdb"))
        configuring = threading.Thread(target=registry.configure, args=(COMPUTE, "duckdb", {"threads": 8}))

        getting.start()
        assert module.at_import.wait(60)
        configuring.start()
        module.go_on.set()
        getting.join(60)
        configuring.join(60)

        config = registry.get(COMPUTE, "duckdb").config
        assert config is not None
        assert config.model_dump() == {"threads": 8}
        assert config is registry.get_config(COMPUTE, "duckdb")

    def test_a_thread_that_waits_does_not_share_the_callers_mistake(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """A get() that waits for a configure() which fails builds the plugin itself."""
        prologue = "import threading\nchecking, go_on = threading.Event(), threading.Event()\n"
        schema = (
            "threads: int = 4\n"
            "@field_validator('threads', mode='before')\n"
            "@classmethod\n"
            "def check(cls, value):\n"
            "    checking.set()\n"
            "    assert go_on.wait(60)\n"
            "    return value\n"
        )
        install_plugin("acme_duck", COMPUTE, "duckdb", schema=schema, prologue=prologue)
        registry.discover_all()
        module = import_module("acme_duck")
        got: list[PluginMetadata] = []

        def configure() -> None:
            with pytest.raises(PluginConfigurationError):
                registry.configure(COMPUTE, "duckdb", {"threads": "many"})

        configuring = threading.Thread(target=configure)
        getting = threading.Thread(target=lambda: got.append(registry.get(COMPUTE, "duckdb")))
        configuring.start()
        assert module.checking.wait(60)
        getting.start()
        module.go_on.set()
        configuring.join(60)
        getting.join(60)

        assert [registry.get(COMPUTE, "duckdb")] == got

    def test_threads_that_configure_at_once_agree_with_the_plugin(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """One call at a time reaches the plugin, so what it was told last is what the registry says."""
        prologue = "active = []\noverlaps = []\n"
        body = """
        def configure(self, config):
            active.append(config)
            if len(active) > 1:
                overlaps.append(config)
            self.config = config
            active.pop()
        """
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", prologue=prologue, body=body)
        registry.discover_all()
        barrier = threading.Barrier(8)

        def configure(number: int) -> None:
            barrier.wait()
            for step in range(25):
                config = registry.configure(COMPUTE, "duckdb", {"threads": 100 * number + step})
                assert config.model_dump() == {"threads": 100 * number + step}

        threads = [threading.Thread(target=configure, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert registry.get(COMPUTE, "duckdb").config is registry.get_config(COMPUTE, "duckdb")
        assert sys.modules["acme_duck"].overlaps == []


class TestConfigureAll:
    @pytest.fixture
    def registry(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> PluginRegistry:
        """With three plugins: one takes its configuration later and refuses seven, one in the constructor, one takes any."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int = 4")
        install_plugin("acme_b", COMPUTE, "b", schema="threads: int = 4", body=TAKES_CONFIG_OR_NOT)
        install_plugin("acme_c", COMPUTE, "c", schema="threads: int = 4", body=REFUSES_SEVEN)
        registry.discover_all()
        return registry

    @staticmethod
    def threads(registry: PluginRegistry) -> dict[str, int | None]:
        """What is in force."""
        configs = {name: registry.get_config(COMPUTE, name) for name in "abc"}
        return {name: config.model_dump()["threads"] if config else None for name, config in configs.items()}

    def test_configures_each(self, registry: PluginRegistry) -> None:
        """By group and name, loaded or not."""
        registry.get(COMPUTE, "a")

        registry.configure_all({"computes": {"a": {"threads": 1}, "b": {"threads": 2}, "c": {"threads": 3}}})

        assert {"a": 1, "b": 2, "c": 3} == self.threads(registry)
        assert registry.get(COMPUTE, "b").config is registry.get_config(COMPUTE, "b")

    def test_applies_none_when_one_does_not_fit(self, registry: PluginRegistry) -> None:
        """The one error is raised itself."""
        with pytest.raises(PluginConfigurationError, match="'b'"):
            registry.configure_all({"computes": {"a": {"threads": 1}, "b": {"threads": "many"}}})

        assert {"a": None, "b": None, "c": None} == self.threads(registry)

    def test_reports_every_error_at_once(self, registry: PluginRegistry) -> None:
        """Bad configurations, groups and plugins that do not exist, tables that are none, names that are none."""
        wanted: Any = {
            "computes": {"a": {"threads": "many"}, "b": None, "nobody": {}, "": {}, 7: {}},
            "no_such_group": {},
            "catalogs": "text",
        }

        with pytest.raises(PluginErrorGroup) as caught:
            registry.configure_all(wanted)

        kinds = [type(error) for error in caught.value.exceptions]
        assert [
            PluginConfigurationError,
            PluginConfigurationError,
            PluginNotFoundError,
            SettingsError,
            SettingsError,
            SettingsError,
            SettingsError,
        ] == kinds

    def test_puts_back_what_was_in_force_when_a_plugin_turns_its_own_down(self, registry: PluginRegistry) -> None:
        """Both the earlier configuration and what later instances are made with."""
        registry.configure_all({"computes": {"a": {"threads": 1}, "c": {"threads": 3}}})

        with pytest.raises(PluginConfigurationError) as caught:
            registry.configure_all({"computes": {"a": {"threads": 5}, "c": {"threads": 7}}})

        assert {"a": 1, "b": None, "c": 3} == self.threads(registry)
        again = registry.create(COMPUTE, "a").config
        assert again is not None
        assert again.model_dump() == {"threads": 1}
        assert "stayed" not in str(caught.value)

    def test_names_what_stayed_changed(self, registry: PluginRegistry) -> None:
        """There was no earlier configuration to put back."""
        with pytest.raises(PluginConfigurationError, match="stayed changed: COMPUTE:a, COMPUTE:b"):
            registry.configure_all({"computes": {"a": {"threads": 5}, "b": {"threads": 6}, "c": {"threads": 7}}})

        assert {"a": 5, "b": 6, "c": None} == self.threads(registry)

    def test_names_what_would_not_be_put_back(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """A plugin that refuses its own earlier configuration."""
        body = "def configure(self, config):\n    assert self.config is None or config.threads > self.config.threads\n    self.config = config\n"
        install_plugin("acme_0", COMPUTE, "0", schema="threads: int = 4", body=body)
        registry.refresh()
        registry.configure(COMPUTE, "0", {"threads": 1})

        with pytest.raises(PluginConfigurationError, match="stayed changed: COMPUTE:0"):
            registry.configure_all({"computes": {"0": {"threads": 2}, "c": {"threads": 7}}})

        assert registry.get_config(COMPUTE, "0") is registry.get(COMPUTE, "0").config

    def test_names_it_too_when_a_plugin_vanishes_meanwhile(self, registry: PluginRegistry) -> None:
        """One plugin's configure() unregisters another one that is to be configured next."""

        class Config(BaseModel):
            threads: int = 4

        class Removing(MadeCompute):
            def get_config_schema(self) -> type[BaseModel] | None:
                return Config

            def configure(self, config: BaseModel) -> None:
                registry.unregister(COMPUTE, "victim")
                super().configure(config)

        registry.register(Removing("culprit"))
        registry.register(MadeCompute("victim"))

        with pytest.raises(PluginNotFoundError, match=r"Available COMPUTE plugins: .*stayed changed: COMPUTE:culprit"):
            registry.configure_all({"computes": {"culprit": {"threads": 1}, "victim": {}}})


class TestKeys:
    def test_plugins_can_be_named_by_key_by_pair_by_handle_and_by_themselves(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Wherever plugins are taken."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        registry.discover_all()
        (handle,) = registry.list(COMPUTE)
        plugin = registry.get(COMPUTE, "duckdb")

        for named in (PluginKey(COMPUTE, "duckdb"), (COMPUTE, "duckdb"), handle, plugin):
            assert [plugin] == registry.resolve_dependencies([named])

    def test_a_stranger_is_refused(self, registry: PluginRegistry) -> None:
        """A plugin of another registry, or of none."""
        with pytest.raises(PluginStateError, match="MadeCompute"):
            registry.resolve_dependencies([MadeCompute()])

    def test_a_plugin_whose_comparison_raises_is_found(self, registry: PluginRegistry) -> None:
        """Plugins are told apart by identity: what they define as equality, hash and text is not asked."""

        class Odd(MadeCompute):
            def __eq__(self, other: object) -> bool:
                raise RuntimeError

            def __hash__(self) -> int:
                raise RuntimeError

            def __repr__(self) -> str:
                raise RuntimeError

        plugin = Odd("odd")
        registry.register(plugin)
        registry.register(MadeCompute("even"))

        (even, _) = registry.list(COMPUTE)
        assert registry.resolve_dependencies([even]) == [even]
        (resolved,) = registry.resolve_dependencies([plugin])
        assert resolved is plugin
        assert registry.get(COMPUTE, "odd") is plugin
        assert registry.activate_all() == {"COMPUTE:odd": None, "COMPUTE:even": None}
        assert len(registry.list(COMPUTE)) == len(registry.get_all(COMPUTE)) == 2
        assert set(registry.health_check_all()) == {"COMPUTE:odd", "COMPUTE:even"}
        assert registry.shutdown_all() == {"COMPUTE:odd": None, "COMPUTE:even": None}
        assert registry.report().plugins


class TestErrors:
    def test_a_load_error_crosses_a_process_border(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """With key, origin and text; the cause, which may be anything, stays behind."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="raise RuntimeError")
        registry.discover_all()
        with pytest.raises(PluginLoadError) as caught:
            registry.get(COMPUTE, "duckdb")

        again = pickle.loads(pickle.dumps(caught.value))

        assert (str(caught.value), caught.value.key, caught.value.origin) == (str(again), again.key, again.origin)

    def test_a_failure_is_logged_once(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A caller that tries again and again does not flood the log."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="raise RuntimeError")
        registry.discover_all()
        caplog.set_level(logging.WARNING)
        for _ in range(3):
            with pytest.raises(PluginLoadError):
                registry.get(COMPUTE, "duckdb")

        assert caplog.text.count("could not be loaded") == 1

    def test_a_traceback_begins_with_what_went_wrong(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And not with how the registry found out that it had not looked for the plugin before."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="1 / 0")
        registry.discover_all()
        with pytest.raises(PluginLoadError) as caught:
            registry.get(COMPUTE, "duckdb")
        with pytest.raises(PluginNotFoundError) as absent:
            registry.get(COMPUTE, "nothing")

        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert caught.value.__cause__.__context__ is None
        assert absent.value.__context__ is None


class TestSettings:
    def test_are_taken_as_settings_or_as_a_mapping(self, install_plugin: InstallPlugin) -> None:
        """Both configure the same."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4")
        mapping = {"plugins": {"computes": {"duckdb": {"threads": 8}}}}

        for settings in (mapping, Settings.from_mapping(mapping)):
            config = PluginContainer(settings=settings).registry().get(COMPUTE, "duckdb").config
            assert config is not None
            assert config.model_dump() == {"threads": 8}


class Unwilling(MadeCompute):
    """Its hooks raise where they are told to."""

    def __init__(self, name: str, *hooks: str, needs: tuple[str, ...] = ()) -> None:
        super().__init__(name, dependencies=needs)
        self.calls: list[str] = []
        self._hooks = hooks

    def _call(self, hook: str) -> None:
        self.calls.append(hook)
        if hook in self._hooks:
            raise RuntimeError(hook)

    def startup(self) -> None:
        self._call("startup")

    def shutdown(self) -> None:
        self._call("shutdown")


class TestRunning:
    def test_starts_and_stops_what_was_not_up_before(self, registry: PluginRegistry) -> None:
        """What was active already stays active."""
        plugins = [Unwilling("a"), Unwilling("b")]
        for plugin in plugins:
            registry.register(plugin)
        registry.activate_plugin(COMPUTE, "a")

        with registry.running(plugin_types=[COMPUTE]) as running:
            assert running is registry
            assert PluginState.ACTIVE is registry.state(COMPUTE, "b")

        assert [["startup"], ["startup", "shutdown"]] == [plugin.calls for plugin in plugins]

    def test_is_all_or_nothing(self, registry: PluginRegistry) -> None:
        """One does not start: the others are stopped, and the group tells of a failing stop, too."""
        registry.register(Unwilling("a", "shutdown"))
        registry.register(Unwilling("b", "startup", needs=("a",)))

        with pytest.raises(PluginErrorGroup) as caught, registry.running():
            pytest.fail("the body must not run")

        assert [PluginStartupError, PluginShutdownError] == [type(error) for error in caught.value.exceptions]
        assert registry.shutdown_all() == {}

    def test_passes_on_what_the_body_raises(self, registry: PluginRegistry) -> None:
        """After stopping everything."""
        plugin = Unwilling("a")
        registry.register(plugin)

        with pytest.raises(ZeroDivisionError), registry.running():
            _ = 1 / 0

        assert plugin.calls == ["startup", "shutdown"]

    def test_tells_what_did_not_stop_cleanly(self, registry: PluginRegistry) -> None:
        """As a group."""
        registry.register(Unwilling("a", "shutdown"))

        with pytest.raises(PluginErrorGroup, match="did not shut down cleanly"), registry.running():
            pass

    def test_activate_plugin_raises_its_error(self, registry: PluginRegistry) -> None:
        """Where activate_all() would return it."""
        registry.register(Unwilling("a", "startup"))

        with pytest.raises(PluginStartupError):
            registry.activate_plugin(COMPUTE, "a")

    def test_stopping_one_tells_of_all_that_failed(self, registry: PluginRegistry) -> None:
        """Its dependents are stopped first; both errors come as a group."""
        registry.register(Unwilling("a", "shutdown"))
        registry.register(Unwilling("b", "shutdown", needs=("a",)))
        registry.activate_all()

        with pytest.raises(PluginErrorGroup) as caught:
            registry.shutdown_plugin(COMPUTE, "a")

        assert len(caught.value.exceptions) == 2


class TestTheRegistryOfTheProcess:
    def test_takes_its_settings_from_the_file_that_the_environment_names(
        self, site: Path, monkeypatch: pytest.MonkeyPatch, install_plugin: InstallPlugin
    ) -> None:
        """FLOE_SETTINGS; a mistake in it is told, and the next call tries again."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int = 4")
        file = site / "platform.toml"
        monkeypatch.setenv("FLOE_SETTINGS", str(file))
        the = _TheRegistry()
        file.write_text("potatoes = 7")
        with pytest.raises(SettingsError, match=r"platform\.toml.*potatoes"):
            the.get()

        file.write_text("[plugins.computes.a]\nthreads = 8\n")

        config = the.get().get(COMPUTE, "a").config
        assert config is not None
        assert config.model_dump() == {"threads": 8}

    def test_a_forked_child_has_its_parents_registry_and_a_lock_of_its_own(
        self, site: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which a thread of the parent may have held at the fork."""
        the = _TheRegistry()
        lock = the._lock
        lock.acquire()

        the.forget_the_parent()

        assert the.get() is the.get()

    def test_a_thread_that_comes_second_takes_what_the_first_one_made(self, site: Path) -> None:
        """It saw none, and waited for its turn to make one."""
        the, made = _TheRegistry(), PluginRegistry()

        class Overtaken:
            def __enter__(self) -> None:
                the.registry = made

            def __exit__(self, *_: object) -> None:
                pass

        the._lock = Overtaken()  # type: ignore[assignment]  # a lock that another thread had before

        assert made is the.get()


class TestPluginsAsArguments:
    """Verbs take plugins as well as keys."""

    def test_an_installed_one_is_known_whatever_it_calls_itself(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """By being the very object that was loaded."""
        source = plugin_source(PluginType.COMPUTE, name="quack")
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", source=source)
        registry.register(MadeCompute("another"))
        registry.discover_all()
        plugin = registry.get(PluginType.COMPUTE, "duckdb")

        assert {"COMPUTE:duckdb": None} == registry.activate_all([plugin])
        assert {"COMPUTE:duckdb": None} == registry.shutdown_all()

    def test_one_whose_name_raises_by_now_is_known_too(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        source = plugin_source(PluginType.COMPUTE) + "    fails = False\n"
        source += "    @property\n    def name(self):\n        return 1 / 0 if self.fails else 'duckdb'\n"
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", source=source)
        registry.discover_all()
        plugin: Any = registry.get(PluginType.COMPUTE, "duckdb")
        plugin.fails = True

        assert [plugin] == registry.resolve_dependencies([plugin])
