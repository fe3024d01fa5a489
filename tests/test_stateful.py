"""Verbs in any order, from several threads, against a model that a person can read: what is there, configured and up."""

from __future__ import annotations

import importlib
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from floe_containers import PluginContainer
from floe_core.plugin_errors import (
    DuplicatePluginError,
    PluginConfigurationError,
    PluginError,
    PluginNotFoundError,
    PluginStateError,
)
from floe_core.plugin_metadata import HealthState, PluginMetadata
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.testing.distributions import install_distribution, plugin_source
from tests.handmade import Hooked
from tests.threads import Threads

COMPUTE = PluginType.COMPUTE
INSTALLED: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("a", "b"), "broken": ()}
LATER = "later"
BY_HAND = ("x", "y")
EMPTY: tuple[str, ...] = ()
NAMES = (*INSTALLED, LATER, *BY_HAND)
names = st.sampled_from(NAMES)
threads = st.integers(1, 3)

HOOKS = """
def startup(self):
    assert not getattr(self, 'is_up', False), 'started twice'
    self.is_up = True
def shutdown(self):
    assert self.is_up, 'stopped without a start'
    self.is_up = False
"""


class Verbs(RuleBasedStateMachine):
    """
    Each rule calls one verb from one to three threads at once, and holds the outcome against the model.

    The model knows which names can be had, which plugin each gave first, which configuration is in force, what is up, and
    which overrides are open.
    """

    @initialize()
    def a_registry_on_a_folder_of_its_own(self) -> None:
        self.threads_of_others = {*threading.enumerate()}  # other tests leave plugins active
        self.folder = tempfile.TemporaryDirectory()
        self.site = Path(self.folder.name)
        self.serial = f"m{id(self)}"
        for name, needs in INSTALLED.items():
            self._install(name, needs)
        sys.path.insert(0, str(self.site))
        importlib.invalidate_caches()
        self.registry = PluginContainer().registry()
        self.registry.discover_all()
        self.present = {*INSTALLED}
        self.needs: dict[str, tuple[str, ...]] = {**INSTALLED, LATER: (), **dict.fromkeys(BY_HAND, EMPTY)}
        self.instances: dict[str, PluginMetadata] = {}
        self.threads_of: dict[str, int] = {}
        self.active: set[str] = set()
        self.overrides: list[tuple[str, PluginMetadata, AbstractContextManager[PluginMetadata]]] = []

    def _install(self, name: str, needs: tuple[str, ...] = ()) -> None:
        module = f"{self.serial}_{name}"
        code = plugin_source(COMPUTE, name=name, dependencies=needs, schema="threads: int = 1", body=HOOKS)
        if name == "broken":
            code = "raise OSError"
        install_distribution(self.site, module, {COMPUTE: {name: f"{module}:Plugin"}}, modules={module: code})

    def _all_at_once(self, count: int, call: Callable[[], Any]) -> list[Any]:
        """What the call returned or raised, in each of the threads."""
        done = Threads(*[call] * count).join()
        return [error or result for error, result in zip(done.errors, done.results, strict=True)]

    def _shown(self, name: str) -> PluginMetadata | None:
        """What get() gives: the innermost override, else the instance."""
        for overridden, plugin, _ in reversed(self.overrides):
            if overridden == name:
                return plugin
        return self.instances.get(name)

    def _can_load(self, name: str) -> bool:
        return name in self.present and name != "broken"

    def _load(self, name: str) -> None:
        """The model's part of a load: remember the real instance, whatever overrides it."""
        if name not in self.instances:
            self.instances[name] = self.registry._store.loaded[PluginKey(COMPUTE, name)].plugin

    @rule(name=names, count=threads)
    def get(self, name: str, count: int) -> None:
        results = self._all_at_once(count, lambda: self.registry.get(COMPUTE, name))

        if (shown := self._shown(name)) is not None:
            assert all(result is shown for result in results)
        elif self._can_load(name):
            assert len({id(result) for result in results}) == 1
            self.instances[name] = results[0]
        else:
            assert all(isinstance(result, PluginError) for result in results)

    @rule(name=names, value=st.integers(0, 9))
    def create(self, name: str, value: int) -> None:
        try:
            plugin = self.registry.create(COMPUTE, name, {"threads": value} if name not in BY_HAND else None)
        except PluginError:
            assert not self._can_load(name) or name in BY_HAND  # whose constructor wants a name
        else:
            assert plugin is not self._shown(name)
            assert value == plugin.config.threads  # type: ignore[union-attr]  # Config of the test's plugins

    @rule(name=names, value=st.one_of(st.integers(0, 9), st.just("no number")))
    def configure(self, name: str, value: int | str) -> None:
        before = self.registry.get_config(COMPUTE, name)
        try:
            config = self.registry.configure(COMPUTE, name, {"threads": value})
        except PluginConfigurationError:
            assert value == "no number" or name in BY_HAND
            assert before is self.registry.get_config(COMPUTE, name)
        except PluginError:
            assert not self._can_load(name)
            return
        else:
            assert value == config.threads  # type: ignore[attr-defined]  # Config of the test's plugins
            assert config is self.registry.get_config(COMPUTE, name)
        if PluginKey(COMPUTE, name) in self.registry._store.loaded:
            self._load(name)

    @rule(name=names, count=threads)
    def activate(self, name: str, count: int) -> None:
        results = self._all_at_once(count, lambda: self.registry.activate_plugin(COMPUTE, name))

        if self._can_load(name):
            assert [None] * count == results
            self.active |= {name, *self.needs[name]}
            for started in self.active:
                self._load(started)
        else:
            assert all(isinstance(result, PluginError) for result in results)

    @rule(count=threads)
    def activate_all(self, count: int) -> None:
        loaded = {key.name for key in self.registry._store.loaded}
        results = self._all_at_once(count, self.registry.activate_all)

        for outcomes in results:
            assert {None} >= {*outcomes.values()}
        self.active |= {needed for name in loaded for needed in (name, *self.needs[name])}
        for started in self.active:
            self._load(started)

    @rule(name=names, count=threads)
    def shutdown(self, name: str, count: int) -> None:
        assert [None] * count == self._all_at_once(count, lambda: self.registry.shutdown_plugin(COMPUTE, name))

        if name in self.active:
            self.active -= {name, *(above for above in self.active if name in self.needs[above])}

    @rule(count=threads)
    def shutdown_all(self, count: int) -> None:
        for outcomes in self._all_at_once(count, self.registry.shutdown_all):
            assert {None} >= {*outcomes.values()}
        self.active.clear()

    @rule(name=st.sampled_from(BY_HAND), count=threads)
    def register(self, name: str, count: int) -> None:
        made = [Hooked(name) for _ in range(count)]
        offered = iter(made)
        results = self._all_at_once(count, lambda: self.registry.register(next(offered)))

        refused = [result for result in results if result is not None]
        assert all(isinstance(result, DuplicatePluginError) for result in refused)
        assert (count if name in self.present else count - 1) == len(refused)
        self.present.add(name)
        self._load(name)

    @rule(name=names)
    def unregister(self, name: str) -> None:
        try:
            self.registry.unregister(COMPUTE, name)
        except PluginNotFoundError:
            assert name not in self.present
        except PluginStateError:
            assert name not in BY_HAND
        else:
            assert name in BY_HAND
            self.present.discard(name)
            self.active.discard(name)
            del self.instances[name]

    @rule(name=names)
    def override(self, name: str) -> None:
        plugin = Hooked(name)
        scope = self.registry.override(COMPUTE, name, plugin)
        assert plugin is scope.__enter__()
        self.overrides.append((name, plugin, scope))

    @precondition(lambda self: self.overrides)
    @rule(data=st.data())
    def end_an_override(self, data: st.DataObject) -> None:
        """Any of them, not the last one only."""
        _, _, scope = self.overrides.pop(data.draw(st.integers(0, len(self.overrides) - 1)))
        scope.__exit__(None, None, None)

    @precondition(lambda self: LATER not in self.present)
    @rule(count=threads)
    def install_and_refresh(self, count: int) -> None:
        self._install(LATER)
        assert [None] * count == self._all_at_once(count, self.registry.refresh)
        self.present.add(LATER)

    @rule()
    def health(self) -> None:
        statuses = self.registry.health_check_all()
        assert {str(key) for key in self.registry._store.loaded} == {*statuses}
        assert {HealthState.HEALTHY} >= {status.state for status in statuses.values()}

    @invariant()
    def shows_what_the_model_knows(self) -> None:
        if not hasattr(self, "registry"):
            return
        shown = self.present | {name for name, _, _ in self.overrides}
        assert sorted(shown) == self.registry.list_all()[COMPUTE]
        assert sorted(shown) == [plugin.name for plugin in self.registry.list(COMPUTE)]
        for name in self.present:
            assert (name in self.active) is (self.registry.state(COMPUTE, name) is PluginState.ACTIVE)
        for name, plugin in self.instances.items():
            if not isinstance(plugin, Hooked):
                assert getattr(plugin, "is_up", False) is (name in self.active)

    def teardown(self) -> None:
        if not hasattr(self, "registry"):
            return
        for _, _, scope in self.overrides:
            scope.__exit__(None, None, None)
        self.registry.shutdown_all()
        sys.path.remove(str(self.site))
        for module in [module for module in sys.modules if module.startswith(self.serial)]:
            del sys.modules[module]
        self.folder.cleanup()
        left = [thread for thread in threading.enumerate() if thread not in self.threads_of_others]
        assert len([thread for thread in left if thread.name.startswith("floe COMPUTE")]) < 50


TestVerbs: Any = Verbs.TestCase  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # untyped upstream
TestVerbs.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
