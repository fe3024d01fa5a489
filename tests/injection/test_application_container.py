"""Applications nest a ``PluginContainer`` in a container of their own."""

from __future__ import annotations

from typing import Any

import pytest
from dependency_injector import containers, providers

from floe_containers import PluginContainer, check_wiring, plugin_provider
from floe_core.plugin_errors import PluginStateError, PluginTypeError
from floe_core.plugin_types import PluginType
from floe_core.plugins import CatalogPlugin, ComputePlugin
from tests.conftest import InstallPlugin
from tests.injection.conftest import Application, Fake, WriteModule

untyped_providers: Any = providers  # for those that the local stubs leave out

pytestmark = pytest.mark.usefixtures("duckdb")

RUN = '@inject\ndef run(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute'


class Reports:
    """A service."""

    def __init__(self, compute: ComputePlugin, backends: Any = None) -> None:
        self.compute = compute
        self.backends = backends


class Nested(containers.DeclarativeContainer):
    """An application with services."""

    settings = providers.Configuration()
    plugins = providers.Container(PluginContainer, settings=settings)
    compute = plugin_provider(plugins, PluginType.COMPUTE, "duckdb", expect=ComputePlugin)
    default = plugin_provider(plugins, PluginType.COMPUTE, expect=ComputePlugin)
    odd = plugin_provider(plugins, PluginType.CATALOG, "override")
    wrong = plugin_provider(plugins, PluginType.COMPUTE, "duckdb", expect=CatalogPlugin)
    reports = providers.Factory(Reports, compute=compute)
    one_report = providers.Singleton(Reports, compute=compute)


class Outer(containers.DeclarativeContainer):
    """One more level."""

    settings = providers.Configuration()
    inner = providers.Container(Nested, settings=settings)


class Part(containers.DeclarativeContainer):
    """A part of an application, which gets the plugins from the whole."""

    plugins = untyped_providers.DependenciesContainer()
    compute = plugin_provider(plugins, PluginType.COMPUTE, "duckdb", expect=ComputePlugin)
    reports = providers.Factory(Reports, compute=compute)


class Whole(containers.DeclarativeContainer):
    """An application in parts."""

    plugins = providers.Container(PluginContainer)
    part = providers.Container(Part, plugins=plugins)


class TestServices:
    def test_are_built_from_plugins(self, install_plugin: InstallPlugin) -> None:
        """A service gets the registry's own plugins, loaded when it is built; a default and any name included."""
        install_plugin("acme_override", PluginType.CATALOG, "override")
        app = Nested()
        registry = app.plugins.container.registry()
        duckdb = registry.get(PluginType.COMPUTE, "duckdb")

        assert app.reports().compute is duckdb
        assert app.default() is duckdb
        assert app.odd().name == "override"

    def test_expect(self) -> None:
        """What is not of the expected type is refused."""
        with pytest.raises(PluginTypeError, match="it is a Plugin, which is no CatalogPlugin"):
            Nested().wrong()

    def test_each_application_has_plugins_of_its_own(self) -> None:
        """Two instances share nothing."""
        one, other = Nested(), Nested()

        assert one.reports().compute is not other.reports().compute

    def test_see_overrides(self) -> None:
        """New services get what overrides the plugin."""
        app = Nested()
        registry = app.plugins.container.registry()
        fake = Fake()

        with registry.override(PluginType.COMPUTE, "duckdb", fake):
            assert app.compute() is fake
        assert app.compute() is registry.get(PluginType.COMPUTE, "duckdb")

    def test_in_a_part_of_an_application(self) -> None:
        """A part that declares plugins as a dependency gets those of the whole."""
        whole: Any = Whole()

        assert whole.part.reports().compute is whole.plugins().registry().get(PluginType.COMPUTE, "duckdb")

    def test_settings_flow_in(self, install_plugin: InstallPlugin) -> None:
        """The application's settings reach the registry through any number of containers."""
        install_plugin("acme_spark", PluginType.COMPUTE, "spark")
        app: Any = Outer()
        app.settings.from_dict({"defaults": {"computes": "spark"}, "plugins": {"computes": {"duckdb": {"threads": 7}}}})

        assert app.inner.default().name == "spark"
        assert app.inner.compute().config.threads == 7


class TestMarkers:
    @pytest.mark.parametrize("kind", [Application, Nested, Outer, Whole])
    def test_resolve_through_the_outer_container(self, kind: Any, write_module: WriteModule) -> None:
        """However deep the plugins lie; check_wiring finds them there too."""
        jobs = write_module(RUN)
        app = kind()
        app.wire(modules=[jobs])
        inner = app.inner if kind is Outer else app
        registry = inner.plugins().registry()

        assert jobs.run() is registry.get(PluginType.COMPUTE, "duckdb")
        check_wiring(app, [jobs])
        app.unwire()

    def test_wiring_configuration(self, write_module: WriteModule) -> None:
        """A container that wires by its own configuration, when it is made, does so for markers too."""
        jobs = write_module(RUN)

        class Configured(containers.DeclarativeContainer):
            wiring_config = containers.WiringConfiguration(modules=[jobs.__name__])
            plugins = providers.Container(PluginContainer)

        app: Any = Configured()

        assert jobs.run() is app.plugins().registry().get(PluginType.COMPUTE, "duckdb")
        app.unwire()

    def test_derived_plugin_container(self, write_module: WriteModule) -> None:
        """A class derived from PluginContainer counts as one."""

        class Derived(PluginContainer):
            more = providers.Object(1)

        jobs = write_module(RUN)
        app = Derived()
        app.wire(modules=[jobs])

        assert jobs.run() is app.registry().get(PluginType.COMPUTE, "duckdb")
        assert app.registry().container is app
        assert Derived().registry() is not app.registry()
        app.unwire()

    def test_two_plugin_containers_in_one(self, write_module: WriteModule) -> None:
        """Which of them is meant nobody can tell."""

        class Two(containers.DeclarativeContainer):
            one = providers.Container(PluginContainer)
            other = providers.Container(PluginContainer)

        jobs = write_module(RUN)
        with pytest.raises(PluginStateError) as caught:
            Two().wire(modules=[jobs])
        assert str(caught.value) == (
            "The wired container holds more than one PluginContainer. "
            "Wire a PluginContainer, or nest one: plugins = providers.Container(PluginContainer, settings=...)."
        )

    def test_two_applications_that_wire_one_module(self, write_module: WriteModule) -> None:
        """The second is refused."""
        jobs = write_module(RUN)
        one, other = Nested(), Nested()
        one.wire(modules=[jobs])

        with pytest.raises(PluginStateError, match=f"The module {jobs.__name__} is wired already"):
            other.wire(modules=[jobs])
        assert jobs.run() is one.compute()
        one.unwire()


class TestOverrides:
    def test_of_the_nested_container(self, write_module: WriteModule) -> None:
        """The container's own provider can be overridden, by dependency-injector's means."""
        jobs = write_module(RUN)
        app = Nested()
        app.wire(modules=[jobs])
        fake = Fake()

        with app.plugins.container.computes["duckdb"].override(providers.Object(fake)):
            assert jobs.run() is fake
            assert app.compute() is fake
        assert jobs.run() is app.compute()
        app.unwire()
