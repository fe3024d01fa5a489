"""Overriding: scopes that nest, end in any order and in any thread, and mix with the stock kind."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from dependency_injector import providers
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_core.plugin_errors import PluginNotFoundError
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE


@pytest.fixture
def real(registry: PluginRegistry) -> PluginMetadata:
    """The plugin that is there without an override."""
    plugin = MadeCompute("duckdb")
    registry.register(plugin)
    return plugin


class TestOneScope:
    def test_shows_everywhere_while_it_lasts(self, registry: PluginRegistry, real: PluginMetadata) -> None:
        """In get(), list(), get_default(), the container's group and its provider; afterwards nowhere."""
        fake = MadeCompute("fake")
        group = registry.container.computes
        provider = group["duckdb"]

        def seen() -> set[int]:
            return {
                id(plugin)
                for plugin in (
                    registry.get(COMPUTE, "duckdb"),
                    *registry.list(COMPUTE),
                    *registry.get_all(COMPUTE),
                    registry.get_default(COMPUTE),
                    group("duckdb"),
                    provider(),
                )
            }

        with registry.override(COMPUTE, "duckdb", fake) as entered:
            assert entered is fake
            assert {id(fake)} == seen()
        assert {id(real)} == seen()

    def test_works_for_keys_that_are_not_installed(self, registry: PluginRegistry) -> None:
        """They come, and they go."""
        with registry.override(COMPUTE, "phantom", MadeCompute("fake")):
            assert registry.list_all()[COMPUTE] == ["phantom"]
            assert registry.get(COMPUTE, "phantom").name == "fake"

        assert registry.list_all()[COMPUTE] == []
        with pytest.raises(PluginNotFoundError):
            registry.get(COMPUTE, "phantom")

    def test_loads_nothing(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """A broken plugin can be overridden, also as the first verb on a container's registry."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="raise AssertionError")
        registry.discover_all()

        with registry.override(COMPUTE, "duckdb", MadeCompute("fake")):
            assert registry.get(COMPUTE, "duckdb").name == "fake"

    def test_leaves_lifecycle_and_health_alone(self, registry: PluginRegistry, real: PluginMetadata) -> None:
        """They are about the real plugin."""
        registry.activate_plugin(COMPUTE, "duckdb")

        with registry.override(COMPUTE, "duckdb", MadeCompute("fake")):
            assert list(registry.health_check_all()) == ["COMPUTE:duckdb"]
            assert registry.shutdown_all() == {"COMPUTE:duckdb": None}

    def test_shows_in_all_threads(self, registry: PluginRegistry, real: PluginMetadata) -> None:
        """Those that run already, too."""
        entered, asked = threading.Event(), threading.Event()
        seen: list[PluginMetadata] = []

        def ask() -> None:
            seen.append(registry.get(COMPUTE, "duckdb"))
            asked.set()
            assert entered.wait(60)
            seen.append(registry.get(COMPUTE, "duckdb"))

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(60)
        fake = MadeCompute("fake")
        with registry.override(COMPUTE, "duckdb", fake):
            entered.set()
            thread.join(60)

        assert [real, fake] == seen

    def test_ends_with_an_exception(self, registry: PluginRegistry, real: PluginMetadata) -> None:
        """Which it lets pass."""
        with pytest.raises(ZeroDivisionError), registry.override(COMPUTE, "duckdb", MadeCompute("fake")):
            _ = 1 / 0

        assert real is registry.get(COMPUTE, "duckdb")


class TestManyScopes:
    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_end_in_any_order(self, data: st.DataObject) -> None:
        """After each step the plugin is that of the last scope that has not ended, whatever ended beneath or above it."""
        registry = PluginRegistry()
        real = MadeCompute("real")
        registry.register(real, plugin_type=COMPUTE)
        open_scopes: list[tuple[MadeCompute, ExitStack]] = []

        for step in range(data.draw(st.integers(1, 12), label="steps")):
            ends_one = data.draw(st.booleans(), label="end one")
            if open_scopes and ends_one:
                _, scope = open_scopes.pop(data.draw(st.integers(0, len(open_scopes) - 1), label="which"))
                scope.close()
            else:
                fake, scope = MadeCompute(f"fake{step}"), ExitStack()
                scope.enter_context(registry.override(COMPUTE, "real", fake))
                open_scopes.append((fake, scope))
            expected = open_scopes[-1][0] if open_scopes else real
            if data.draw(st.booleans(), label="look"):
                assert expected is registry.get(COMPUTE, "real")
                assert [expected] == registry.list(COMPUTE)

        for _, scope in open_scopes:
            scope.close()
        assert real is registry.get(COMPUTE, "real")
        assert registry.container.computes["real"].overridden == ()

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_mix_with_the_stock_kind(self, data: st.DataObject) -> None:
        """Stock overrides come off last in, first out; ours may have ended beneath them and go with them."""
        registry = PluginRegistry()
        real = MadeCompute("real")
        registry.register(real)
        provider = registry.container.computes["real"]
        layers: list[tuple[MadeCompute, ExitStack | None]] = []  # None: a stock one

        for step in range(data.draw(st.integers(1, 12), label="steps")):
            fake = MadeCompute(f"fake{step}")
            ours = [index for index, (_, scope) in enumerate(layers) if scope is not None]
            match data.draw(st.sampled_from(["ours", "stock", "end ours", "end stock"]), label="step"):
                case "ours":
                    scope = ExitStack()
                    scope.enter_context(registry.override(COMPUTE, "real", fake))
                    layers.append((fake, scope))
                case "stock":
                    provider.override(providers.Object(fake))
                    layers.append((fake, None))
                case "end ours" if ours:
                    _, ending = layers.pop(data.draw(st.sampled_from(ours), label="which"))
                    assert ending is not None
                    ending.close()
                case "end stock" if layers and layers[-1][1] is None:
                    layers.pop()
                    provider.reset_last_overriding()
                case _:
                    pass
            if data.draw(st.booleans(), label="look"):
                assert (layers[-1][0] if layers else real) is registry.get(COMPUTE, "real")
        assert (layers[-1][0] if layers else real) is registry.get(COMPUTE, "real")

    def test_one_that_ended_beneath_a_stock_one_is_not_what_comes_off_next(
        self, registry: PluginRegistry, real: PluginMetadata
    ) -> None:
        """Two stock overrides with two of ours between them: two resets take off the stock ones."""
        provider = registry.container.computes["duckdb"]
        provider.override(providers.Object(MadeCompute("below")))
        with (
            registry.override(COMPUTE, "duckdb", MadeCompute("one")),
            registry.override(COMPUTE, "duckdb", MadeCompute("two")),
        ):
            provider.override(providers.Object(MadeCompute("above")))

        provider.reset_last_overriding()
        provider.reset_last_overriding()

        assert provider.overridden == ()
        assert real is registry.get(COMPUTE, "duckdb")

    def test_in_several_threads(self, registry: PluginRegistry, real: PluginMetadata) -> None:
        """Eight threads enter and leave overlapping scopes while they look: each look is one of the plugins, none an error."""
        fakes = [MadeCompute(f"fake{number}") for number in range(8)]
        allowed = {id(plugin) for plugin in [real, *fakes]}
        barrier = threading.Barrier(8)
        errors: list[object] = []

        def work(fake: MadeCompute) -> None:
            barrier.wait(60)
            try:
                for _ in range(200):
                    with registry.override(COMPUTE, "duckdb", fake):
                        seen = id(registry.get(COMPUTE, "duckdb"))
                        if seen not in allowed:
                            errors.append(seen)
                    registry.list(COMPUTE)
            except BaseException as exc:
                errors.append(exc)

        threads = [threading.Thread(target=work, args=(fake,)) for fake in fakes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert errors == []
        assert real is registry.get(COMPUTE, "duckdb")
        assert registry.container.computes["duckdb"].overridden == ()

    def test_a_call_that_is_overtaken_by_the_end_of_its_scope(
        self, registry: PluginRegistry, real: PluginMetadata
    ) -> None:
        """It was handed the override's layer and uses it after the scope has ended: it gets what lies below."""
        below = MadeCompute("below")
        provider = registry.container.computes["duckdb"]
        with registry.override(COMPUTE, "duckdb", below):
            with registry.override(COMPUTE, "duckdb", MadeCompute("fake")):
                layer = provider.last_overriding
            assert layer is not None
            assert below is layer()

        assert real is layer()


class TestFailingOverrides:
    def test_listing_goes_on_without_one_that_fails(
        self, registry: PluginRegistry, real: PluginMetadata, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A stock override may be any provider; list() never raises."""

        def fail() -> None:
            raise RuntimeError

        registry.container.computes["duckdb"].override(providers.Callable(fail))

        assert [real] == registry.list(COMPUTE)
        assert "The provider that overrides COMPUTE:duckdb fails" in caplog.text


def test_a_scope_that_ended_beneath_another_lets_through_what_lies_below(registry: PluginRegistry) -> None:
    """The stock override above it is taken off last: then the plugin itself is back."""
    plugin, ours, stock = MadeCompute(), MadeCompute(), MadeCompute()
    registry.register(plugin, plugin_type=PluginType.COMPUTE)
    provider = registry.container.computes["duckdb"]
    scope = registry.override(PluginType.COMPUTE, "duckdb", ours)
    scope.__enter__()
    provider.override(stock)
    scope.__exit__(None, None, None)

    assert registry.get(PluginType.COMPUTE, "duckdb") is stock
    provider.reset_last_overriding()
    assert registry.get(PluginType.COMPUTE, "duckdb") is plugin
