"""``check_wiring`` finds every marker that a call would fail on."""

from __future__ import annotations

from typing import Any

import pytest
from dependency_injector import containers

from floe_containers import PluginContainer, check_wiring
from floe_core.plugin_errors import PluginErrorGroup, PluginStateError
from floe_core.plugin_types import PluginType
from tests.conftest import InstallPlugin
from tests.injection.conftest import Wire, WriteModule, is_imported

pytestmark = pytest.mark.usefixtures("duckdb")

NOT_WIRED = (
    "{where}: the plugin COMPUTE:duckdb is not wired. Use floe_containers.inject, and wire the module from a container that "
    "is or nests a PluginContainer: container.wire(modules=[{module!r}])."
)


def _problems(container: Any, *modules: Any) -> list[str]:
    with pytest.raises(PluginErrorGroup) as caught:
        check_wiring(container, modules)
    assert caught.value.message == f"{len(caught.value.exceptions)} markers cannot be injected"
    return [str(error) for error in caught.value.exceptions]


class TestCheckWiring:
    def test_all_is_well(self, write_module: WriteModule, wire: Wire, duckdb: str) -> None:
        """Nothing is raised, and no plugin imported. Modules are given as such or by name."""
        jobs = write_module("""
            @inject
            def run(compute=plugin(PluginType.COMPUTE, "duckdb"), all=plugins(PluginType.SECRETS),
                    config=plugin_config(PluginType.COMPUTE, "duckdb", object), default=plugin(PluginType.COMPUTE),
                    maybe=plugin(PluginType.SECRETS, "vault", optional=True)): ...

            @stock_inject
            def stock(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

            def other(sql: str = "select 1"): ...

            class First:
                second = None

            class Second:
                first = First

            First.second = Second
            an_object = First()
        """)

        check_wiring(wire(jobs), [jobs, jobs.__name__])

        assert not is_imported(duckdb)

    def test_what_is_not_wired(self, write_module: WriteModule, container: PluginContainer) -> None:
        """In functions of every kind, wrapped or not, and in attributes; once each, whatever the number of its names."""
        jobs = write_module("""
            DUCKDB = plugin(PluginType.COMPUTE, "duckdb")

            @inject
            def ours(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

            @stock_inject
            def stock(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

            @functools.wraps(ours)
            def wrapped(*args): ...

            @functools.cache
            @inject
            def cached(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

            alias = ours
            part = functools.partial(ours)

            class Service:
                compute = plugin(PluginType.COMPUTE, "duckdb")

                @classmethod
                @inject
                def of_class(cls, compute=plugin(PluginType.COMPUTE, "duckdb")): ...

                @staticmethod
                @inject
                def static(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

                @property
                @inject
                def a_property(self, compute=plugin(PluginType.COMPUTE, "duckdb")): ...

                class Nested:
                    @inject
                    async def generate(self, compute=plugin(PluginType.COMPUTE, "duckdb")): yield
        """)
        module = jobs.__name__
        places = [
            f"The attribute {module}.DUCKDB",
            f"The parameter 'compute' of {module}.ours()",
            f"The parameter 'compute' of {module}.stock()",
            f"The parameter 'compute' of {module}.cached()",
            f"The attribute {module}.Service.compute",
            f"The parameter 'compute' of {module}.Service.of_class()",
            f"The parameter 'compute' of {module}.Service.static()",
            f"The parameter 'compute' of {module}.Service.a_property()",
            f"The parameter 'compute' of {module}.Service.Nested.generate()",
        ]

        assert [NOT_WIRED.format(where=where, module=module) for where in places] == _problems(container, jobs)

    def test_what_was_unwired_or_wired_by_another_container(
        self, write_module: WriteModule, container: PluginContainer
    ) -> None:
        """Only the container that was asked about counts, and only now."""
        jobs = write_module('@inject\ndef run(compute=plugin(PluginType.COMPUTE, "duckdb")): ...')
        expected = [NOT_WIRED.format(where=f"The parameter 'compute' of {jobs.__name__}.run()", module=jobs.__name__)]
        other = PluginContainer()
        other.wire(modules=[jobs])

        assert _problems(container, jobs) == expected
        check_wiring(other, [jobs])

        other.unwire()
        assert _problems(other, jobs) == expected

    def test_annotations_that_the_stock_inject_loses(self, write_module: WriteModule, wire: Wire) -> None:
        """A marker in an annotation that is text is found, and the advice is to use our inject."""
        jobs = write_module(
            """
            def run(compute: Annotated[ComputePlugin, plugin(PluginType.COMPUTE, "duckdb")]): ...

            def not_ours(path: Annotated[Path, "imported for type checkers only"]): ...
            """,
            future=True,
        )

        assert [
            NOT_WIRED.format(where=f"The parameter 'compute' of {jobs.__name__}.run()", module=jobs.__name__)
        ] == _problems(wire(jobs), jobs)

    def test_plugins_that_cannot_be_had(
        self, write_module: WriteModule, container: PluginContainer, install_plugin: InstallPlugin
    ) -> None:
        """Absent, left out, claimed twice, without a default: all of them are told at once, across modules."""
        install_plugin("acme_glue", PluginType.CATALOG, "glue")
        install_plugin("evil_glue", PluginType.CATALOG, "glue")
        container.settings.override({"defaults": {"storage": "s3"}, "policy": {"disable": ["COMPUTE:duckdb"]}})
        first = write_module("""
            @inject
            def absent(storage=plugin(PluginType.STORAGE, "nfs")): ...

            @inject
            def left_out(compute=plugin(PluginType.COMPUTE, "duckdb")): ...

            @inject
            def claimed_twice(catalog=plugin(PluginType.CATALOG, "glue")): ...
        """)
        second = write_module("""
            @inject
            def no_default(secrets=plugin(PluginType.SECRETS)): ...

            @inject
            def wrong_default(storage=plugin(PluginType.STORAGE)): ...

            @inject
            def no_config(config=plugin_config(PluginType.DBT, "dbt", object)): ...
        """)
        container.wire(modules=[first, second])
        problems = _problems(container, first, second)
        container.unwire()

        assert [problem.split(". ")[0] for problem in problems] == [
            f"The parameter 'storage' of {first.__name__}.absent(): the plugin STORAGE:nfs cannot be had",
            f"The parameter 'compute' of {first.__name__}.left_out(): the plugin COMPUTE:duckdb cannot be had",
            f"The parameter 'catalog' of {first.__name__}.claimed_twice(): the plugin CATALOG:glue cannot be had",
            f"The parameter 'secrets' of {second.__name__}.no_default(): the default SECRETS plugin cannot be had",
            f"The parameter 'storage' of {second.__name__}.wrong_default(): the default STORAGE plugin cannot be had",
            f"The parameter 'config' of {second.__name__}.no_config(): the configuration of DBT:dbt cannot be had",
        ]
        assert "Plugin not found: STORAGE:nfs. No STORAGE plugin is installed" in problems[0]
        assert "COMPUTE:duckdb" in problems[1].split("cannot be had. ")[1]
        assert "acme-glue" in problems[2]
        assert "evil-glue" in problems[2]

    def test_a_container_without_plugins(self, write_module: WriteModule, site: object) -> None:
        """There is nothing to check against."""
        with pytest.raises(PluginStateError) as caught:
            check_wiring(containers.DynamicContainer(), [write_module("")])
        assert str(caught.value) == (
            "The wired container holds no PluginContainer. "
            "Wire a PluginContainer, or nest one: plugins = providers.Container(PluginContainer, settings=...)."
        )
