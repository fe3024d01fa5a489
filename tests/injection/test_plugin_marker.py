"""What markers stand for, with dependency-injector's own ``inject`` and with ours."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import pytest
from dependency_injector import containers, providers
from pydantic import BaseModel

from floe_containers import PluginContainer, plugin, plugin_config, plugins
from floe_core.plugin_errors import (
    DuplicatePluginError,
    PluginNotFoundError,
    PluginStateError,
    PluginTypeError,
)
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin
from tests.conftest import InstallPlugin
from tests.injection.conftest import Wire, WriteModule, is_imported

pytestmark = pytest.mark.usefixtures("duckdb")

FORMS = """
@{inject}
def function(sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
    return compute

@{inject}
def keyword_only(sql, *, compute=plugin(PluginType.COMPUTE, "duckdb")):
    return compute

@{inject}
def annotated(sql, compute: Annotated[ComputePlugin, "a remark", plugin(PluginType.COMPUTE, "duckdb")]):
    return compute

@{inject}
async def coroutine(sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
    return compute

@{inject}
def generator(sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
    yield compute

@{inject}
async def async_generator(sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
    yield compute

class Service:
    @{inject}
    def __init__(self, compute=plugin(PluginType.COMPUTE, "duckdb")):
        self.compute = compute

    @{inject}
    def method(self, sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
        return compute

    @classmethod
    @{inject}
    def class_method(cls, sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
        return compute

    @staticmethod
    @{inject}
    def static_method(sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
        return compute

    @property
    @{inject}
    def a_property(self, compute=plugin(PluginType.COMPUTE, "duckdb")):
        return compute

    class Nested:
        @{inject}
        def method(self, sql, compute=plugin(PluginType.COMPUTE, "duckdb")):
            return compute

class Derived(Service):
    pass

bound = functools.partial(function, "select 1")
"""


async def _first(items: Any) -> Any:
    async for item in items:
        return item
    return None


# How each form is called, so that it gives the plugin.
CALLS: dict[str, Callable[[Any], Any]] = {
    "function": lambda jobs: jobs.function("select 1"),
    "keyword only": lambda jobs: jobs.keyword_only("select 1"),
    "annotated": lambda jobs: jobs.annotated("select 1"),
    "coroutine": lambda jobs: asyncio.run(jobs.coroutine("select 1")),
    "generator": lambda jobs: next(jobs.generator("select 1")),
    "async generator": lambda jobs: asyncio.run(_first(jobs.async_generator("select 1"))),
    "constructor": lambda jobs: jobs.Service().compute,
    "inherited constructor": lambda jobs: jobs.Derived().compute,
    "method": lambda jobs: jobs.Service().method("select 1"),
    "class method": lambda jobs: jobs.Service.class_method("select 1"),
    "static method": lambda jobs: jobs.Service.static_method("select 1"),
    "property": lambda jobs: jobs.Service().a_property,
    "method of a nested class": lambda jobs: jobs.Service.Nested().method("select 1"),
    "partial": lambda jobs: jobs.bound(),
}


@pytest.fixture(params=["stock_inject", "inject"])
def inject_name(request: pytest.FixtureRequest) -> str:
    """Dependency-injector's own ``inject``, and ours."""
    return str(request.param)


class TestForms:
    @pytest.mark.parametrize("form", CALLS)
    def test_gives_the_plugin(self, form: str, inject_name: str, write_module: WriteModule, wire: Wire) -> None:
        """A marker gives the registry's own plugin, whatever the kind of function that it stands in."""
        jobs = write_module(FORMS.format(inject=inject_name))
        container = wire(jobs)

        assert CALLS[form](jobs) is container.registry().get(PluginType.COMPUTE, "duckdb")

    @pytest.mark.parametrize("form", sorted(CALLS.keys() - {"annotated"}))
    def test_gives_the_plugin_where_annotations_are_text(
        self, form: str, inject_name: str, write_module: WriteModule, wire: Wire
    ) -> None:
        """``from __future__ import annotations`` changes nothing for markers that are defaults."""
        jobs = write_module(
            FORMS.format(inject=inject_name).replace("@stock_inject\ndef annotated", "def annotated"), future=True
        )
        container = wire(jobs)

        assert CALLS[form](jobs) is container.registry().get(PluginType.COMPUTE, "duckdb")

    def test_undecorated_functions_are_injected_when_wired(self, write_module: WriteModule, wire: Wire) -> None:
        """As dependency-injector has it, a function at the top of a wired module needs no decorator."""
        jobs = write_module('def nightly(compute=plugin(PluginType.COMPUTE, "duckdb")): return compute')
        container = wire(jobs)

        assert jobs.nightly() is container.registry().get(PluginType.COMPUTE, "duckdb")

    def test_attributes_get_the_plugin_at_wiring(self, write_module: WriteModule, container: PluginContainer) -> None:
        """Attributes of modules and classes are replaced at wire(), which loads the plugin, and put back at unwire()."""
        jobs = write_module("""
            compute = plugin(PluginType.COMPUTE, "duckdb")

            class Service:
                compute = plugin(PluginType.COMPUTE, "duckdb")
        """)
        container.wire(modules=[jobs])
        duckdb = container.registry().get(PluginType.COMPUTE, "duckdb")

        assert [jobs.compute, jobs.Service.compute] == [duckdb, duckdb]

        container.unwire()

        with pytest.raises(PluginStateError) as caught:
            print(jobs.Service.compute.name)
        assert str(caught.value).startswith(
            f"The plugin COMPUTE:duckdb was not injected in the module {jobs.__name__}."
        )


class TestWiring:
    def test_wiring_before_discovery(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """Wiring neither discovers nor loads; what is installed after it is found at the call."""
        jobs = write_module(f"@{inject_name}\ndef late(compute=plugin(PluginType.COMPUTE, 'late')): return compute")
        container = wire(jobs)

        assert not container.store().is_discovered
        install_plugin("acme_late", PluginType.COMPUTE, "late")
        assert not is_imported("acme_late")
        assert jobs.late() is container.registry().get(PluginType.COMPUTE, "late")

    def test_wiring_a_package_by_name(
        self, inject_name: str, write_module: WriteModule, container: PluginContainer
    ) -> None:
        """packages= wires what lies in the package, at any depth."""
        source = f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'duckdb')): return compute"
        package = f"pkg_{inject_name}"
        write_module("", f"{package}.__init__", imported=False)
        write_module("", f"{package}.deep.__init__", imported=False)
        inner = write_module(source, f"{package}.deep.jobs")
        container.wire(packages=[package])

        assert inner.run().name == "duckdb"

    def test_auto_wiring(self, inject_name: str, write_module: WriteModule, container: PluginContainer) -> None:
        """A module imported while the container is registered with dependency-injector's loader is wired by that."""
        wiring: Any = importlib.import_module("dependency_injector.wiring")
        wiring.register_loader_containers(container)
        try:
            jobs = write_module(
                f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'duckdb')): return compute"
            )
        finally:
            wiring.unregister_loader_containers(container)

        assert jobs.run() is container.registry().get(PluginType.COMPUTE, "duckdb")

    def test_wiring_twice_by_one_container(self, inject_name: str, write_module: WriteModule, wire: Wire) -> None:
        """The same container may wire a module again."""
        jobs = write_module(f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'duckdb')): return compute")
        wire(jobs)
        wire(jobs)

        assert jobs.run().name == "duckdb"

    @pytest.mark.parametrize("how", ["modules", "packages"])
    def test_wiring_twice_by_two_containers(self, how: str, inject_name: str, write_module: WriteModule) -> None:
        """A second container is refused, and the first one's injection goes on; after unwire() the second may."""
        package = f"twice_{how}_{inject_name}"
        jobs = write_module(
            f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'duckdb')): return compute",
            f"{package}.__init__",
        )
        jobs = importlib.import_module(package)
        first, second = PluginContainer(), PluginContainer()
        wired: Any = {how: [package]}
        first.wire(**wired)

        with pytest.raises(PluginStateError) as caught:
            second.wire(**wired)

        assert str(caught.value) == (
            f"The module {package} is wired already, by another container. "
            "Call unwire() on that container first, or wire modules of its own."
        )
        assert jobs.run() is first.registry().get(PluginType.COMPUTE, "duckdb")

        first.unwire()
        second.wire(**wired)
        assert jobs.run() is second.registry().get(PluginType.COMPUTE, "duckdb")

    def test_two_containers_that_wire_different_modules_stay_apart(
        self, inject_name: str, write_module: WriteModule
    ) -> None:
        """Each module gets the plugins of its own container, also when the other is unwired."""
        source = f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'duckdb')): return compute"
        ours, theirs = write_module(source), write_module(source)
        one, other = PluginContainer(), PluginContainer()
        one.wire(modules=[ours])
        other.wire(modules=[theirs])

        assert ours.run() is one.registry().get(PluginType.COMPUTE, "duckdb")
        assert theirs.run() is other.registry().get(PluginType.COMPUTE, "duckdb")

        other.unwire()
        assert ours.run() is one.registry().get(PluginType.COMPUTE, "duckdb")

    def test_a_container_without_plugins_may_wire_the_module_too(
        self, inject_name: str, write_module: WriteModule, wire: Wire, site: object
    ) -> None:
        """It resolves its own markers and leaves those of plugins to the container that has them."""
        jobs = write_module(f"""
            @{inject_name}
            def run(compute=plugin(PluginType.COMPUTE, "duckdb"), greeting=Provide["greeting"]):
                return compute.name, greeting
        """)
        other: Any = containers.DynamicContainer()
        other.greeting = providers.Object("hello")
        wire(jobs)
        other.wire(modules=[jobs])

        assert jobs.run() == ("duckdb", "hello")


class TestNames:
    # What dependency-injector would take for something of its own, or cannot take at all.
    @pytest.mark.parametrize(
        "name", ["aws.glue", "a-b", "override", "provided", "parent", "providers", "with space", "__self__", "class"]
    )
    def test_every_name_works(
        self, name: str, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """A plugin's name is only ever compared."""
        install_plugin("acme_odd", PluginType.CATALOG, name)
        jobs = write_module(f"@{inject_name}\ndef run(catalog=plugin(PluginType.CATALOG, {name!r})): return catalog")
        wire(jobs)

        assert jobs.run().name == name


class TestPassedByHand:
    def test_by_name(self, inject_name: str, write_module: WriteModule, wire: Wire, duckdb: str) -> None:
        """A value passed by name is used as it is, and nothing is loaded."""
        jobs = write_module(FORMS.format(inject=inject_name))
        wire(jobs)

        assert jobs.function("select 1", compute="mine") == "mine"
        assert not is_imported(duckdb)


class TestWhatMarkersStandFor:
    def test_the_default_plugin(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """Without a name it is the default plugin of the type; with several and no choice, a call says so."""
        jobs = write_module(f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE)): return compute.name")
        container = wire(jobs)

        assert jobs.run() == "duckdb"

        install_plugin("acme_spark", PluginType.COMPUTE, "spark")
        container.registry().refresh()
        with pytest.raises(PluginNotFoundError, match="duckdb, spark could be meant; name one in the settings"):
            jobs.run()

    def test_all_plugins(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """plugins() gives the usable ones, sorted by name, looked up at each call."""
        jobs = write_module(
            f"@{inject_name}\ndef names(all=plugins(PluginType.COMPUTE)): return [one.name for one in all]\n"
            f"@{inject_name}\ndef none(all=plugins(PluginType.SECRETS)): return all\n"
        )
        install_plugin("acme_broken", PluginType.COMPUTE, "broken", prologue="raise RuntimeError")
        container = wire(jobs)

        assert jobs.names() == ["duckdb"]
        assert jobs.none() == []

        install_plugin("acme_aurora", PluginType.COMPUTE, "aurora")
        container.registry().refresh()
        assert jobs.names() == ["aurora", "duckdb"]

    def test_optional(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """optional=True gives None where there is no such plugin, and the plugin once there is."""
        jobs = write_module(f"""
            @{inject_name}
            def named(one=plugin(PluginType.SECRETS, "vault", optional=True)): return one

            @{inject_name}
            def default(one=plugin(PluginType.SECRETS, optional=True)): return one
        """)
        container = wire(jobs)

        assert [jobs.named(), jobs.default()] == [None, None]

        install_plugin("acme_vault", PluginType.SECRETS, "vault")
        container.registry().refresh()
        vault = container.registry().get(PluginType.SECRETS, "vault")
        assert [jobs.named(), jobs.default()] == [vault, vault]

    def test_optional_does_not_hide_what_is_wrong(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """Two plugins without a choice, or two distributions for one, are not the same as none."""
        install_plugin("acme_one", PluginType.SECRETS, "one")
        install_plugin("acme_two", PluginType.SECRETS, "two")
        install_plugin("acme_glue", PluginType.CATALOG, "glue")
        install_plugin("evil_glue", PluginType.CATALOG, "glue")
        jobs = write_module(f"""
            @{inject_name}
            def default(one=plugin(PluginType.SECRETS, optional=True)): return one

            @{inject_name}
            def conflict(one=plugin(PluginType.CATALOG, "glue", optional=True)): return one
        """)
        wire(jobs)

        with pytest.raises(PluginNotFoundError, match="one, two could be meant"):
            jobs.default()
        with pytest.raises(DuplicatePluginError):
            jobs.conflict()

    def test_absent_plugin(self, inject_name: str, write_module: WriteModule, wire: Wire) -> None:
        """A call that needs a plugin which is not there fails as get() does."""
        jobs = write_module(f"@{inject_name}\ndef run(compute=plugin(PluginType.COMPUTE, 'ducdb')): return compute")
        wire(jobs)

        with pytest.raises(PluginNotFoundError) as caught:
            jobs.run()
        assert str(caught.value) == (
            "Plugin not found: COMPUTE:ducdb. Available COMPUTE plugins: duckdb. Did you mean 'duckdb'?"
        )

    def test_configuration_is_live(self, inject_name: str, write_module: WriteModule, wire: Wire) -> None:
        """plugin_config() gives what is in force at each call."""
        jobs = write_module(f"""
            from acme_duck import Config

            @{inject_name}
            def threads(config=plugin_config(PluginType.COMPUTE, "duckdb", Config)): return config.threads
        """)
        container = wire(jobs)
        registry = container.registry()
        registry.configure(PluginType.COMPUTE, "duckdb", {"threads": 8})

        assert jobs.threads() == 8

        registry.configure(PluginType.COMPUTE, "duckdb", {"threads": 16})
        assert jobs.threads() == 16

    def test_configuration_that_is_missing_or_of_another_model(
        self, inject_name: str, write_module: WriteModule, wire: Wire
    ) -> None:
        """Neither reaches the function."""
        jobs = write_module(f"""
            from acme_duck import Config
            from pydantic import BaseModel

            class Other(BaseModel): pass

            @{inject_name}
            def run(config=plugin_config(PluginType.COMPUTE, "duckdb", Config)): return config

            @{inject_name}
            def other(config=plugin_config(PluginType.COMPUTE, "duckdb", Other)): return config
        """)
        container = wire(jobs)

        with pytest.raises(PluginStateError) as missing:
            jobs.run()
        assert str(missing.value) == (
            "Plugin COMPUTE:duckdb is not in the right state: it has no configuration. "
            "Give it one: plugins.computes.duckdb in the settings, or configure()."
        )

        container.registry().configure(PluginType.COMPUTE, "duckdb", {})
        with pytest.raises(PluginTypeError, match="its configuration is a Config, which is no Other"):
            jobs.other()

    def test_configuration_of_a_plugin_made_by_hand(
        self, inject_name: str, write_module: WriteModule, wire: Wire
    ) -> None:
        """One that brought its configuration along has that."""
        jobs = write_module(f"""
            from pydantic import BaseModel

            class Config(BaseModel):
                threads: int

            class HandMade(ComputePlugin):
                name = "hand-made"
                version = "1.0.0"
                floe_api_version = "1.0"
                config = Config(threads=2)

            @{inject_name}
            def threads(config=plugin_config(PluginType.COMPUTE, "hand-made", Config)): return config.threads
        """)
        container = wire(jobs)
        container.registry().register(jobs.HandMade())

        assert jobs.threads() == 2


class TestExpect:
    def test_holds_the_plugin_against_the_type(
        self, inject_name: str, write_module: WriteModule, wire: Wire, install_plugin: InstallPlugin
    ) -> None:
        """What is no instance of expect= is refused at each call; what is one is given."""
        install_plugin("acme_metadata", PluginType.COMPUTE, "plain")
        jobs = write_module(f"""
            class Sql(ComputePlugin): pass

            @{inject_name}
            def good(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute

            @{inject_name}
            def bad(compute=plugin(PluginType.COMPUTE, "duckdb", expect=Sql)): return compute

            @{inject_name}
            def bad_optional(compute=plugin(PluginType.COMPUTE, "duckdb", expect=Sql, optional=True)): return compute

            @{inject_name}
            def bad_list(all=plugins(PluginType.COMPUTE, expect=Sql)): return all
        """)
        container = wire(jobs)
        duckdb = container.registry().get(PluginType.COMPUTE, "duckdb")

        assert [jobs.good(), jobs.good()] == [duckdb, duckdb]
        for function in (jobs.bad, jobs.bad, jobs.bad_optional, jobs.bad_list):
            with pytest.raises(
                PluginTypeError, match=r"COMPUTE:duckdb refuses the type: it is a Plugin, which is no Sql"
            ):
                function()

    def test_what_overrides_is_not_checked(self, inject_name: str, write_module: WriteModule, wire: Wire) -> None:
        """A test may put anything in the plugin's place, before and after the plugin itself was injected."""
        jobs = write_module(f"""
            @{inject_name}
            def named(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute

            @{inject_name}
            def default(compute=plugin(PluginType.COMPUTE, expect=ComputePlugin)): return compute
        """)
        registry = wire(jobs).registry()
        fake: Any = object()

        with registry.override(PluginType.COMPUTE, "duckdb", fake):
            assert [jobs.named(), jobs.default()] == [fake, fake]

        duckdb = registry.get(PluginType.COMPUTE, "duckdb")
        assert [jobs.named(), jobs.named(), jobs.default()] == [duckdb] * 3
        with registry.override(PluginType.COMPUTE, "duckdb", fake):
            assert [jobs.named(), jobs.default()] == [fake, fake]
        assert jobs.named() is duckdb


class TestNotInjected:
    def test_says_what_it_stands_for(self) -> None:
        """repr() of each kind of marker names what it waits for."""
        markers: list[Any] = [
            plugin(PluginType.COMPUTE, "duckdb"),
            plugin(PluginType.COMPUTE),
            plugins(PluginType.COMPUTE),
            plugin_config(PluginType.COMPUTE, "duckdb", BaseModel),
        ]

        assert [repr(marker) for marker in markers] == [
            "<the plugin COMPUTE:duckdb, to be injected>",
            "<the default COMPUTE plugin, to be injected>",
            "<the list of COMPUTE plugins, to be injected>",
            "<the configuration of COMPUTE:duckdb, to be injected>",
        ]

    def test_the_first_use_fails(self) -> None:
        """Used without having been replaced, a marker names the plugin, the module and what to do."""
        compute: Any = plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)
        expected = (
            f"The plugin COMPUTE:duckdb was not injected in the module {__name__}. Decorate the function with @inject, and "
            "wire the module from a container that is or nests a PluginContainer: "
            f"container.wire(modules=[{__name__!r}])."
        )

        with pytest.raises(PluginStateError) as attribute:
            compute.startup()
        with pytest.raises(PluginStateError) as loop:
            list(compute)

        assert [str(attribute.value), str(loop.value)] == [expected, expected]

    def test_probing_for_private_attributes_is_harmless(self) -> None:
        """Consoles and test runners look for underscored names."""
        assert not hasattr(plugin(PluginType.COMPUTE), "_repr_html_")
