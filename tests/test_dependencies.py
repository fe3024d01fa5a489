"""What plugins say they depend on, and what becomes of them when that makes no sense or is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from floe_containers import PluginContainer
from floe_core._dependencies import DependencySpec
from floe_core.plugin_errors import (
    CircularDependencyError,
    DuplicatePluginError,
    MissingDependencyError,
    PluginError,
    PluginErrorGroup,
    PluginIncompatibleError,
    PluginLoadError,
    PluginNotFoundError,
)
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from tests.handmade import MadeCatalog, MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE, CATALOG = PluginType.COMPUTE, PluginType.CATALOG


def with_plugins(registry: PluginRegistry, **dependencies: Any) -> PluginRegistry:
    """The registry, with compute plugins registered under these names, which depend on these others."""
    for name, needed in dependencies.items():
        registry.register(MadeCompute(name, dependencies=needed))
    return registry


def resolved(registry: PluginRegistry, *names: str) -> list[str]:
    """The names in the order in which they resolve; without names, everything that is loaded."""
    keys = [(COMPUTE, name) for name in names] if names else None
    return [plugin.name for plugin in registry.resolve_dependencies(keys)]


class TestSpec:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("polaris", (None, "polaris", "")),
            ("CATALOG:polaris", (CATALOG, "polaris", "")),
            ("CATALOG:polaris>=1.2,<2", (CATALOG, "polaris", ">=1.2,<2")),
            (
                " CATALOG : polaris >= 1.2 ",
                (None, "CATALOG : polaris", ">= 1.2"),
            ),  # a key has no space before its colon
            (" CATALOG: polaris >= 1.2 ", (CATALOG, "polaris", ">= 1.2")),
            ("TELEMETRY_BACKEND:otel~=1.0", (PluginType.TELEMETRY_BACKEND, "otel", "~=1.0")),
            ("my plugin.v2==1.0", (None, "my plugin.v2", "==1.0")),
            ("catalog:polaris", (None, "catalog:polaris", "")),  # names may hold colons
        ],
    )
    def test_reads_name_type_and_specifier(self, text: str, expected: tuple[object, ...]) -> None:
        """As they are written in plugins."""
        assert expected == tuple(DependencySpec.parse(text))

    @pytest.mark.parametrize("text", ["", "  ", ">=1", "CATALOG:", None, 7, b"polaris", "POTATO:x", "polaris>=soon"])
    def test_refuses_anything_else(self, text: object) -> None:
        """And says what it is that makes no sense."""
        with pytest.raises(ValueError, match=r"is no dependency|names no plugin type|PEP 440"):
            DependencySpec.parse(text)

    @pytest.mark.parametrize(
        ("text", "version", "fits"),
        [
            ("a", "anything", True),  # nothing asked
            ("a>=1.2,<2", "1.2", True),
            ("a>=1.2,<2", "2.0", False),
            ("a>=1.2", "1.3rc1", True),  # a pre-release counts as what it is
            ("a>=1.2", "not a version", False),
        ],
    )
    def test_holds_versions_against_the_specifier(self, text: str, version: str, *, fits: bool) -> None:
        """By the rules of PEP 440."""
        assert fits is DependencySpec.parse(text).is_satisfied_by(version)


class TestResolution:
    def test_puts_dependencies_first(self, registry: PluginRegistry) -> None:
        """Of everything that is loaded, when nothing is named."""
        with_plugins(registry, a=["b"], b=["COMPUTE:c"], c=[])

        assert ["c", "b", "a"] == resolved(registry)

    def test_takes_in_what_is_discovered_but_not_loaded(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """It is loaded for it; what nobody needs is not."""
        install_plugin("acme_a", COMPUTE, "a", dependencies=["polaris"])
        install_plugin("acme_polaris", CATALOG, "polaris")
        install_plugin("acme_other", COMPUTE, "other", source="raise AssertionError")
        registry.discover_all()

        assert ["polaris", "a"] == resolved(registry, "a")

    def test_a_diamond(self, registry: PluginRegistry) -> None:
        """What two of them need stands once."""
        with_plugins(registry, a=["b", "c"], b=["d"], c=["d"], d=[])

        order = resolved(registry, "a")

        assert ["a", "b", "c", "d"] == sorted(order)
        assert (order[0], order[-1]) == ("d", "a")

    def test_a_name_listed_twice_counts_once(self, registry: PluginRegistry) -> None:
        """Written with its type and without."""
        with_plugins(registry, a=["b", "COMPUTE:b", "b"], b=[])

        assert ["b", "a"] == resolved(registry, "a", "a")

    def test_a_chain_of_ten_thousand(self, registry: PluginRegistry) -> None:
        """Nothing recurses."""
        for number in range(10_000):
            registry.register(MadeCompute(f"{number}", dependencies=[f"{number - 1}"] if number else []))

        assert [f"{number}" for number in range(10_000)] == resolved(registry, "9999")

    def test_a_specifier_that_is_satisfied(self, registry: PluginRegistry) -> None:
        """By the plugin's own version."""
        registry.register(MadeCatalog("polaris", version="1.4.0"))
        with_plugins(registry, a=["CATALOG:polaris>=1.2,<2"])

        assert ["polaris", "a"] == resolved(registry, "a")

    @pytest.mark.parametrize("written", [["b"], ("b",), {"b"}, frozenset({"b"})])
    def test_takes_any_collection_of_strings(self, registry: PluginRegistry, written: Any) -> None:
        """As authors write them."""

        class Plain(MadeCompute):
            @property
            def dependencies(self) -> list[str]:
                return written  # type: ignore[no-any-return]  # what the test says

        registry.register(Plain("a"))
        with_plugins(registry, b=[])

        assert ["b", "a"] == resolved(registry, "a")


class TestCircles:
    @pytest.mark.parametrize("length", [1, 2, 3, 1_000])
    def test_are_named_along_the_way(self, registry: PluginRegistry, length: int) -> None:
        """The first name again at the end; a plugin that depends on itself is one, too."""
        for number in range(length):
            registry.register(MadeCompute(f"{number}", dependencies=[f"{(number + 1) % length}"]))

        with pytest.raises(CircularDependencyError) as caught:
            resolved(registry, "0")

        assert [*(f"{number}" for number in range(length)), "0"] == caught.value.cycle

    def test_names_are_qualified_where_two_types_share_one(self, registry: PluginRegistry) -> None:
        """The others stay bare."""
        registry.register(MadeCompute("k8s", dependencies=["CATALOG:k8s"]))
        registry.register(MadeCatalog("k8s", dependencies=["polaris"]))
        registry.register(MadeCatalog("polaris", dependencies=["COMPUTE:k8s"]))

        with pytest.raises(CircularDependencyError) as caught:
            resolved(registry, "k8s")

        assert ["COMPUTE:k8s", "CATALOG:k8s", "polaris", "COMPUTE:k8s"] == caught.value.cycle

    def test_each_of_two_is_reported(self, registry: PluginRegistry) -> None:
        """Once, however many plugins are in it or need it."""
        with_plugins(registry, a=["b"], b=["a"], c=["d"], d=["c"], e=["a"])

        with pytest.raises(PluginErrorGroup) as caught:
            resolved(registry)

        cycles = [error.cycle for error in caught.value.exceptions if isinstance(error, CircularDependencyError)]
        assert [["a", "b", "a"], ["c", "d", "c"]] == cycles
        assert len(caught.value.exceptions) == 2


class TestMissing:
    @pytest.mark.parametrize(
        ("needed", "told"),
        [
            ("nobody", "it depends on 'nobody', and no plugin of any type has this name"),
            ("CATALOG:nobody", "CATALOG:nobody cannot be used"),
            ("shared", "it depends on 'shared', which COMPUTE:shared and CATALOG:shared share"),
            ("COMPUTE:shared>=2", "it needs COMPUTE:shared >=2, and 1.0.0 is installed"),
            ("COMPUTE:shared>=soon", "does not end in a version specifier"),
            (7, "7 is no dependency"),
        ],
    )
    def test_says_what_is_wrong(self, registry: PluginRegistry, needed: object, told: str) -> None:
        """The error is about the plugin that needs it, and names what it needs."""
        with_plugins(registry, a=[needed], shared=[])
        registry.register(MadeCatalog("shared"))

        with pytest.raises(MissingDependencyError, match="Plugin COMPUTE:a lacks a dependency") as caught:
            resolved(registry, "a")

        assert told in str(caught.value)
        assert PluginKey(COMPUTE, "a") == caught.value.key

    @pytest.mark.parametrize("written", ["polaris", None, 7, {"polaris": 1}])
    def test_dependencies_that_are_no_list(self, registry: PluginRegistry, written: object) -> None:
        """A string is not taken for a list of letters."""
        with_plugins(registry, a=written)

        with pytest.raises(MissingDependencyError, match=f"of type {type(written).__name__}.*Return a list of strings"):
            resolved(registry, "a")

    def test_dependencies_that_raise(self, registry: PluginRegistry) -> None:
        """Type and place are told, the text is not; the original is the cause."""
        original = RuntimeError("hunter2")
        with_plugins(registry, a=original)

        with pytest.raises(MissingDependencyError, match=r"raised RuntimeError at .*handmade\.py") as caught:
            resolved(registry, "a")

        assert original is caught.value.__cause__
        assert "hunter2" not in str(caught.value)

    def test_an_interrupt_passes_through(self, registry: PluginRegistry) -> None:
        """It is meant for the program, not for the plugin."""
        with_plugins(registry, a=KeyboardInterrupt())

        with pytest.raises(KeyboardInterrupt):
            resolved(registry, "a")

    def test_the_chain_of_causes_is_told(self, registry: PluginRegistry) -> None:
        """From the plugin that was asked for down to the root."""
        with_plugins(registry, a=["b"], b=["c"], c=["CATALOG:nobody"])

        with pytest.raises(MissingDependencyError) as caught:
            resolved(registry, "a")

        assert "Plugin COMPUTE:a" in str(caught.value)
        assert "COMPUTE:b -> COMPUTE:c -> CATALOG:nobody cannot be used" in str(caught.value)
        assert "Root cause: Plugin not found: CATALOG:nobody" in str(caught.value)
        expected = (PluginKey(COMPUTE, "b"), PluginKey(COMPUTE, "c"), PluginKey(CATALOG, "nobody"))
        assert expected == caught.value.chain

    def test_one_cause_is_one_error(self, registry: PluginRegistry) -> None:
        """However many plugins it keeps from being resolved."""
        with_plugins(registry, a=["z"], b=["z"], z=["CATALOG:nobody"])

        with pytest.raises(MissingDependencyError):
            resolved(registry)

    def test_several_causes_are_a_group(self, registry: PluginRegistry) -> None:
        """With one error each."""
        with_plugins(registry, a=["CATALOG:nobody"], b=["nothing"], c=[])

        with pytest.raises(PluginErrorGroup) as caught:
            resolved(registry)

        assert ["COMPUTE:a", "COMPUTE:b"] == [
            str(error.key) for error in caught.value.exceptions if isinstance(error, MissingDependencyError)
        ]

    @pytest.mark.parametrize(
        ("kind", "root"),
        [
            ("failed", PluginLoadError),
            ("incompatible", PluginIncompatibleError),
            ("disabled", PluginNotFoundError),
            ("conflicting", DuplicatePluginError),
        ],
    )
    def test_a_dependency_that_is_not_usable(
        self, install_plugin: InstallPlugin, kind: str, root: type[PluginError]
    ) -> None:
        """The error names the plugin, its dependency, and why that one cannot be used; so does activation."""
        install_plugin("acme_a", COMPUTE, "a", dependencies=["CATALOG:polaris"])
        if kind == "failed":
            install_plugin("acme_polaris", CATALOG, "polaris", source="raise RuntimeError")
        else:
            install_plugin("acme_polaris", CATALOG, "polaris", api_version="2.0" if kind == "incompatible" else "1.0")
        if kind == "conflicting":
            install_plugin("other_polaris", CATALOG, "polaris")
        policy = {"disable": ["CATALOG:polaris"]} if kind == "disabled" else {}
        registry = PluginContainer(settings={"policy": policy}).registry()

        with pytest.raises(MissingDependencyError, match="CATALOG:polaris cannot be used") as caught:
            resolved(registry, "a")

        assert isinstance(caught.value.__cause__, root)
        assert str(caught.value.__cause__) in str(caught.value)
        outcomes = registry.activate_all([PluginKey(COMPUTE, "a")])
        assert str(caught.value) == str(outcomes["COMPUTE:a"])

    def test_a_bare_name_finds_a_key_in_conflict(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """It says that two distributions claim it, not that there is none."""
        install_plugin("acme_a", COMPUTE, "a", dependencies=["polaris"])
        install_plugin("acme_polaris", CATALOG, "polaris")
        install_plugin("other_polaris", CATALOG, "polaris")
        registry.discover_all()

        with pytest.raises(MissingDependencyError, match="Duplicate plugin: CATALOG:polaris"):
            resolved(registry, "a")

    def test_a_bare_name_finds_a_key_that_policy_leaves_out(self, install_plugin: InstallPlugin) -> None:
        """It says which setting leaves it out; a usable plugin of that name in another type goes before it."""
        install_plugin("acme_a", COMPUTE, "a", dependencies=["polaris"])
        install_plugin("acme_polaris", CATALOG, "polaris")
        registry = PluginContainer(settings={"policy": {"disable": ["CATALOG:polaris"]}}).registry()

        with pytest.raises(MissingDependencyError, match="disable"):
            resolved(registry, "a")

        registry.register(MadeCompute("polaris"))
        assert ["polaris", "a"] == resolved(registry, "a")
