"""What a forked child has of its parent's plugins: those made by hand, and what was configured; the rest it builds anew."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginState, PluginType
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def in_a_child(function: Callable[[], Any]) -> Any:
    """What *function* returns in a forked child, or the text of what it raises there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = function()
        except BaseException as exc:
            answer = repr(exc)
        os.write(writing, pickle.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        answer = pickle.loads(answers.read())
    os.waitpid(child, 0)
    return answer


class TestForkedChild:
    def test_builds_plugins_anew(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """One build in the child, none of the parent's; the parent keeps its own."""
        install_plugin("acme_a", COMPUTE, "a", prologue="built = []\n", body="def __init__(self): built.append(self)")
        registry.discover_all()
        parents = registry.get(COMPUTE, "a")

        def ask() -> tuple[bool, bool, PluginState]:
            state = registry.state(COMPUTE, "a")
            return (
                registry.get(COMPUTE, "a") is parents,
                registry.get(COMPUTE, "a") is registry.get(COMPUTE, "a"),
                state,
            )

        assert (False, True, PluginState.DISCOVERED) == in_a_child(ask)
        assert parents is registry.get(COMPUTE, "a")

    @pytest.mark.parametrize("is_got", [True, False])
    def test_configures_them_as_the_parent_did(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, *, is_got: bool
    ) -> None:
        """By configure(), whether or not anybody asked for the plugin afterwards."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int = 4")
        registry.discover_all()
        registry.configure(COMPUTE, "a", {"threads": 8})
        if is_got:
            registry.get(COMPUTE, "a")

        def ask() -> tuple[bool, Any]:
            before = registry.get_config(COMPUTE, "a") is None
            config = registry.get(COMPUTE, "a").config
            return before, config.model_dump() if config else None

        assert (True, {"threads": 8}) == in_a_child(ask)

    def test_keeps_those_made_by_hand(self, registry: PluginRegistry) -> None:
        """There is no other way to have them."""
        registry.register(MadeCompute("a"))
        plugin = registry.get(COMPUTE, "a")

        assert in_a_child(lambda: registry.get(COMPUTE, "a") is plugin)

    def test_is_not_held_up_by_the_parents_locks(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Held at the fork by a thread that is not there any more: the store's, that of discovery, and the gate's."""
        install_plugin("acme_a", COMPUTE, "a")
        registry.discover_all()
        store = registry._store
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with store._lock, store._discovery_lock, store._gate._lock:
                held.set()
                go_on.wait(60)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(60)

        def ask() -> str:
            registry.refresh()
            return registry.get(COMPUTE, "a").name

        try:
            answer = in_a_child(ask)
        finally:
            go_on.set()
            thread.join(60)
        assert answer == "a"

    def test_forgets_all_that_was_built_and_nothing_else(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Plugins and configurations of installed ones go, those of hand-made ones stay."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int = 4")
        registry.discover_all()
        registry.register(MadeCompute("b"))
        for name in ("a", "b"):
            registry.configure(COMPUTE, name, {})
        store = registry._store

        store.forget_the_parent()

        assert ["b"] == [key.name for key in store.loaded] == [key.name for key in store.configs]
