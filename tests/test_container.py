"""The container: a registry and its plugins as providers."""

from __future__ import annotations

import copy
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from dependency_injector import containers, providers, wiring

from floe_containers import PluginContainer
from floe_containers._providers import PluginGroup
from floe_core.plugin_errors import PluginNotFoundError, PluginStateError, SettingsError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginState, PluginType
from floe_core.plugins import CatalogPlugin, ComputePlugin
from floe_core.settings import Settings
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
GROUPS = {
    "computes": PluginType.COMPUTE,
    "orchestrators": PluginType.ORCHESTRATOR,
    "catalogs": PluginType.CATALOG,
    "storage": PluginType.STORAGE,
    "telemetry_backends": PluginType.TELEMETRY_BACKEND,
    "lineage_backends": PluginType.LINEAGE_BACKEND,
    "dbt": PluginType.DBT,
    "semantic_layers": PluginType.SEMANTIC_LAYER,
    "ingestion": PluginType.INGESTION,
    "secrets": PluginType.SECRETS,
    "identity": PluginType.IDENTITY,
}


class TestRegistry:
    def test_is_held_by_a_thread_safe_singleton(self, container: PluginContainer) -> None:
        """The same registry each time, and it knows its container."""
        assert isinstance(container.registry, providers.ThreadSafeSingleton)
        assert container.registry() is container.registry()
        assert container.registry().container is container

    def test_every_container_has_its_own(self) -> None:
        """Nothing is shared between two."""
        one, other = PluginContainer(), PluginContainer()
        one.registry().register(MadeCompute("duckdb"))

        assert other.registry().list_all()[COMPUTE] == []

    def test_a_second_one_is_refused(self, container: PluginContainer) -> None:
        """It would not share the first one's plugins."""
        registry = PluginRegistry(container)

        assert registry is container.registry()
        with pytest.raises(PluginStateError, match=r"container\.registry\(\)"):
            PluginRegistry(container)

    def test_one_of_its_own_is_in_its_container_too(self) -> None:
        """PluginRegistry() makes itself a container."""
        registry = PluginRegistry()

        assert registry is registry.container.registry()

    def test_resetting_singletons_keeps_everything(self, container: PluginContainer) -> None:
        """A plugin that runs must not be forgotten; the call works as a context manager all the same."""
        registry = container.registry()
        registry.register(MadeCompute("duckdb"))
        registry.activate_plugin(COMPUTE, "duckdb")
        plugin = registry.get(COMPUTE, "duckdb")

        with container.reset_singletons():
            assert registry is container.registry()
        container.registry.reset()

        assert registry is container.registry()
        assert plugin is container.computes("duckdb")
        assert PluginState.ACTIVE is registry.state(COMPUTE, "duckdb")

    @pytest.mark.parametrize("by_hand", [True, False])
    def test_a_deep_copy_is_a_fresh_one(self, container: PluginContainer, *, by_hand: bool) -> None:
        """However the first one came by its registry: the copy has a registry of its own, with nothing in it."""
        registry = PluginRegistry(container) if by_hand else container.registry()
        registry.register(MadeCompute("duckdb"))

        copied = copy.deepcopy(container)

        assert copied.registry() is not registry
        assert copied.registry().container is copied
        assert copied.registry().list_all()[COMPUTE] == []
        assert copied.computes.providers == {}
        assert list(container.computes.providers) == ["duckdb"]


class TestGroups:
    @pytest.mark.parametrize(("name", "plugin_type"), GROUPS.items())
    def test_there_is_one_per_type(
        self, install_plugin: InstallPlugin, container: PluginContainer, name: str, plugin_type: PluginType
    ) -> None:
        """Named as its entry-point group; calling it with a name gives the plugin, without one the default."""
        install_plugin("acme_mine", plugin_type, "mine")
        group = getattr(container, name)

        assert name == plugin_type.group
        assert group("mine") is group() is container.registry().get(plugin_type, "mine")

    def test_loads_when_called(self, install_plugin: InstallPlugin, container: PluginContainer) -> None:
        """Neither the provider nor the list of providers imports anything."""
        install_plugin("acme_duck", COMPUTE, "duckdb")
        provider = container.computes["duckdb"]
        assert list(container.computes.providers) == list(container.computes.factories) == ["duckdb"]
        assert "acme_duck" not in sys.modules

        plugin = provider()

        assert "acme_duck" in sys.modules
        assert plugin is provider() is container.computes("duckdb")

    def test_each_plugin_has_a_singleton_and_a_factory(
        self, install_plugin: InstallPlugin, container: PluginContainer
    ) -> None:
        """The Singleton is behind get(), the Factory behind create(), and takes a configuration."""
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4")
        provider = container.computes.providers["duckdb"]
        factory = container.computes.factories["duckdb"]

        assert isinstance(provider, providers.Singleton)
        assert isinstance(factory, providers.Factory)
        assert provider is container.computes["duckdb"]
        assert factory is container.computes.factories["duckdb"]
        assert provider() is container.registry().get(COMPUTE, "duckdb")
        made: Any = factory({"threads": 9})
        assert made is not provider()
        assert made.config.threads == 9

    @pytest.mark.parametrize("name", ["override", "provided", "providers", "a b", "k8s.v2", "__name__", "get"])
    def test_takes_any_name(self, container: PluginContainer, name: str) -> None:
        """Names are arguments, so none of them collides with an attribute."""
        plugin = MadeCompute(name)
        container.registry().register(plugin)

        assert plugin is container.computes(name) is container.computes[name]()

    def test_a_provider_exists_before_its_plugin(
        self, install_plugin: InstallPlugin, container: PluginContainer
    ) -> None:
        """It says that there is none, until there is one."""
        provider = container.computes["duckdb"]
        with pytest.raises(PluginNotFoundError):
            provider()
        install_plugin("acme_duck", COMPUTE, "duckdb")

        container.registry().refresh()

        assert provider() is container.registry().get(COMPUTE, "duckdb")

    def test_passes_on_what_is_expected(self, container: PluginContainer) -> None:
        """As get() and get_default() take it."""
        plugin = MadeCompute("duckdb")
        container.registry().register(plugin)

        assert plugin is container.computes("duckdb", expect=MadeCompute) is container.computes(expect=MadeCompute)

    def test_the_registry_is_among_what_it_is_related_to(self, container: PluginContainer) -> None:
        """So that traversing a container finds it."""
        assert container.registry in [*container.computes.traverse([providers.Provider])]


class TestSettings:
    @pytest.mark.parametrize("as_settings", [True, False])
    def test_may_be_settings_or_a_mapping(self, install_plugin: InstallPlugin, *, as_settings: bool) -> None:
        """The default plugin, its configuration, the policy."""
        for name in ("a", "b", "c"):
            install_plugin(f"acme_{name}", COMPUTE, name, schema="threads: int = 4")
        mapping = {
            "defaults": {"computes": "b"},
            "plugins": {"computes": {"b": {"threads": 8}}},
            "policy": {"disable": ["COMPUTE:c"]},
        }
        container = PluginContainer(settings=Settings.from_mapping(mapping) if as_settings else mapping)

        config = container.computes().config

        assert config is not None
        assert config.model_dump() == {"threads": 8}
        assert list(container.computes.providers) == ["a", "b"]

    def test_are_looked_at_by_the_first_verb(self) -> None:
        """Making the container and its registry does not fail for them."""
        registry = PluginContainer(settings={"plugins": {"potatoes": {}}}).registry()

        with pytest.raises(SettingsError, match="potatoes"):
            registry.list_all()

    def test_may_come_from_a_provider(self, install_plugin: InstallPlugin) -> None:
        """Which is called late."""
        install_plugin("acme_a", COMPUTE, "a")
        calls: list[int] = []

        def make() -> Settings:
            calls.append(1)
            return Settings.from_mapping({"policy": {"disable": ["COMPUTE:a"]}})

        container = PluginContainer(settings=providers.Callable(make))
        assert calls == []

        assert container.registry().list(COMPUTE) == []
        assert calls == [1]


class Service:
    """What an application is made of."""

    def __init__(self, compute: ComputePlugin, catalog: CatalogPlugin | None = None) -> None:
        self.compute = compute
        self.catalog = catalog


class Application(containers.DeclarativeContainer):
    """An application's container that nests the plugins'."""

    config: providers.Provider[Any] = providers.Object(None)
    plugins = providers.Container(PluginContainer, settings=config)
    service = providers.Factory(Service, compute=plugins.computes.provider)


class TestNesting:
    def test_a_nested_one_is_a_container_like_any(self, install_plugin: InstallPlugin) -> None:
        """With the application's settings, and one registry per application."""
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b")
        one = Application(config={"defaults": {"computes": "b"}})
        other = Application(config={"defaults": {"computes": "a"}})

        assert (one.plugins.computes().name, other.plugins.computes().name) == ("b", "a")
        assert one.plugins.registry() is one.plugins.registry()
        assert one.plugins.registry() is not other.plugins.registry()

    def test_services_get_the_group_or_its_plugins(self, install_plugin: InstallPlugin) -> None:
        """The group itself, as a provider to be called with a name."""
        install_plugin("acme_a", COMPUTE, "a")
        application = Application()

        group: Any = application.service().compute

        assert group("a") is application.plugins.registry().get(COMPUTE, "a")


class TestWiring:
    def test_a_container_with_a_filled_group_can_be_wired(self, container: PluginContainer) -> None:
        """Registry and group resolve in wired functions."""
        plugin = MadeCompute("duckdb")
        container.registry().register(plugin)
        container.computes("duckdb")
        module: Any = types.ModuleType("acme_wired")
        sys.modules["acme_wired"] = module

        @wiring.inject
        def function(registry: PluginRegistry = wiring.Provide[PluginContainer.registry]) -> PluginRegistry:
            return registry

        module.function = function
        try:
            container.wire(modules=[module])
            assert container.registry() is module.function()
            container.unwire()
        finally:
            del sys.modules["acme_wired"]

    def test_a_provider_can_be_overridden_by_the_stock_means(self, container: PluginContainer) -> None:
        """For the length of a with statement."""
        real, fake = MadeCompute("duckdb"), MadeCompute("fake")
        container.registry().register(real)

        with container.computes["duckdb"].override(providers.Object(fake)):
            assert fake is container.registry().get(COMPUTE, "duckdb")

        assert real is container.registry().get(COMPUTE, "duckdb")

    def test_an_override_of_the_class_is_seen_in_its_containers(self) -> None:
        """As with stock providers: it is copied into containers made meanwhile."""
        fake = MadeCompute("fake")

        class Special(PluginContainer):
            computes = PluginGroup(COMPUTE, PluginContainer.registry)

        with Special.computes.override(providers.Object(fake)):
            container = Special()

        assert fake is container.computes("anything")
