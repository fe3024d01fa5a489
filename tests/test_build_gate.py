"""The gate: each plugin is built once, from any number of threads, and no wait goes on for ever."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floe_containers import PluginContainer
from floe_containers._build_gate import BuildGate
from floe_core.plugin_errors import CircularDependencyError, PluginError, PluginLoadError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from tests.conftest import InstallPlugin

T = TypeVar("T")
COMPUTE = PluginType.COMPUTE
LONG = 60.0
"""Seconds for which nothing waits unless something is wrong."""


def key(name: object) -> PluginKey:
    return PluginKey(COMPUTE, f"{name}")


def in_thread(function: Callable[..., T], *args: Any) -> Future[T]:
    """What *function* returns or raises in a thread of its own."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = function(*args)
        except BaseException as exc:  # carried over
            future.set_exception(exc)
        else:
            future.set_result(result)

    threading.Thread(target=run, daemon=True).start()
    return future


@contextmanager
def switching_often() -> Generator[None]:
    """Let threads overtake one another as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Graph:
    """Builds that need builds: each key's build asks the gate for what it needs, in order."""

    def __init__(self, needs: dict[int, list[int]]) -> None:
        self.needs = needs
        self.gate: BuildGate[int] = BuildGate()
        self.done: dict[int, int] = {}
        self.built: list[int] = []

    def get(self, node: int) -> int:
        if node not in self.done:
            self.gate.run(key(node), lambda: self._build(node), LONG)
        return self.done[node]

    def _build(self, node: int) -> int:
        if node in self.done:
            return self.done[node]
        for needed in self.needs[node]:
            self.get(needed)
        self.built.append(node)
        self.done[node] = node
        return node

    def reaches_circle(self, start: int) -> bool:
        """Whether building *start* runs into a circle sooner or later."""
        state: dict[int, bool] = {}

        def visit(node: int) -> bool:
            if node in state:
                return state[node]
            state[node] = True  # on the way: coming back here is a circle
            state[node] = any([visit(needed) for needed in self.needs[node]])  # noqa: C419  # all of them
            return state[node]

        return visit(start)


Acyclic = st.integers(2, 8).flatmap(
    lambda size: st.fixed_dictionaries(
        {
            node: st.lists(st.integers(0, node - 1), unique=True, max_size=3) if node else st.just(list[int]())
            for node in range(size)
        }
    )
)
Any_ = st.integers(2, 6).flatmap(
    lambda size: st.fixed_dictionaries(
        {node: st.lists(st.integers(0, size - 1), unique=True, max_size=2) for node in range(size)}
    )
)


class TestManyThreads:
    @settings(max_examples=30, deadline=None)
    @given(needs=Acyclic, seed=st.integers(0, 1_000))
    def test_each_key_of_a_graph_without_circles_is_built_once(self, needs: dict[int, list[int]], seed: int) -> None:
        """Eight threads ask for all keys, each in an order of its own."""
        graph = Graph(needs)
        barrier = threading.Barrier(8)

        def ask(number: int) -> list[int]:
            order = list(needs)
            random.Random(seed + number).shuffle(order)
            barrier.wait(LONG)
            return [graph.get(node) for node in order]

        with switching_often():
            futures = [in_thread(ask, number) for number in range(8)]
            answers = [sorted(future.result(LONG)) for future in futures]

        assert [sorted(needs)] * 8 == answers
        assert sorted(needs) == sorted(graph.built)

    @settings(max_examples=30, deadline=None)
    @given(needs=Any_, starts=st.lists(st.integers(0, 5), min_size=4, max_size=4))
    def test_each_thread_that_needs_a_circle_gets_the_error(
        self, needs: dict[int, list[int]], starts: list[int]
    ) -> None:
        """At once, and the others get their plugin; nothing is built twice."""
        graph = Graph(needs)
        starts = [start % len(needs) for start in starts]
        barrier = threading.Barrier(len(starts))

        def ask(start: int) -> int:
            barrier.wait(LONG)
            return graph.get(start)

        begun = monotonic()
        with switching_often():
            futures = [in_thread(ask, start) for start in starts]
            errors = [future.exception(LONG) for future in futures]

        assert [graph.reaches_circle(start) for start in starts] == [error is not None for error in errors]
        assert {CircularDependencyError} >= {type(error) for error in errors if error}
        assert sorted(set(graph.built)) == sorted(graph.built)
        assert monotonic() - begun < LONG / 2

    @pytest.mark.parametrize("length", [1, 2, 3, 5])
    def test_a_circle_over_as_many_threads_is_named(self, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Each thread owns one key and then wants the next: all of them are told the whole circle, at once, and not when
        somebody looks again at what the others wait for.
        """
        monkeypatch.setattr("floe_containers._build_gate.GLANCE", 2 * LONG)
        gate: BuildGate[None] = BuildGate()
        barrier = threading.Barrier(length)

        def build(number: int) -> None:
            barrier.wait(LONG)
            gate.run(key((number + 1) % length), lambda: None, LONG)

        futures = [in_thread(gate.run, key(number), partial(build, number), LONG) for number in range(length)]
        errors = [future.exception(LONG) for future in futures]

        assert {CircularDependencyError} == {type(error) for error in errors}
        for error in errors:
            assert isinstance(error, CircularDependencyError)
            assert error.cycle[0] == error.cycle[-1]
            assert sorted(error.cycle[1:]) == [f"{number}" for number in range(length)]
            numbers = [int(name) for name in error.cycle]
            assert [(number + 1) % length for number in numbers[:-1]] == numbers[1:]

    def test_different_keys_are_built_in_parallel(self) -> None:
        """Two builds that can only end together do end."""
        gate: BuildGate[int] = BuildGate()
        barrier = threading.Barrier(2)
        futures = [in_thread(gate.run, key(name), lambda: barrier.wait(LONG), LONG) for name in ("a", "b")]

        assert [0, 1] == sorted(future.result(LONG) for future in futures)


class Waiter:
    """A key that one thread is building, and a second thread that waits for it."""

    def __init__(self, *, alone: bool = False, timeout: float = LONG) -> None:
        self.gate: BuildGate[str] = BuildGate()
        self.outcome: Future[str] = Future()
        self.begun = threading.Event()
        self.owner = in_thread(lambda: self.gate.run(key("a"), self._build, LONG, alone=alone))
        assert self.begun.wait(LONG)
        self.second = in_thread(lambda: self.gate.run(key("a"), lambda: "second", timeout))
        while not self.gate._waits and not self.second.done():  # until it really waits
            threading.Event().wait(0.001)

    def _build(self) -> str:
        self.begun.set()
        return self.outcome.result(LONG)


class TestSharing:
    def test_who_waits_gets_the_result(self) -> None:
        """And does not build."""
        waiter = Waiter()
        waiter.outcome.set_result("first")

        assert ("first", "first") == (waiter.owner.result(LONG), waiter.second.result(LONG))

    def test_who_waits_gets_the_error_as_an_object_of_its_own(self) -> None:
        """With the same text and cause; tracebacks of several threads do not pile up on one."""
        waiter = Waiter()
        error = PluginLoadError(key("a"), "it is broken")
        error.__cause__ = RuntimeError()
        waiter.outcome.set_exception(error)

        second = waiter.second.exception(LONG)

        assert error is waiter.owner.exception(LONG)
        assert isinstance(second, PluginLoadError)
        assert second is not error
        assert (str(error), error.__cause__) == (str(second), second.__cause__)

    def test_a_failure_is_not_remembered(self) -> None:
        """The next call builds again."""
        gate: BuildGate[str] = BuildGate()

        def fail() -> str:
            raise PluginLoadError(key("a"), "it is broken")

        with pytest.raises(PluginLoadError):
            gate.run(key("a"), fail, LONG)

        assert gate.run(key("a"), lambda: "mended", LONG) == "mended"

    def test_an_interrupt_is_no_verdict(self) -> None:
        """Who waited for the interrupted build tries itself."""
        waiter = Waiter()
        waiter.outcome.set_exception(KeyboardInterrupt())

        assert isinstance(waiter.owner.exception(LONG), KeyboardInterrupt)
        assert waiter.second.result(LONG) == "second"

    def test_a_failure_of_who_builds_alone_is_its_own_affair(self) -> None:
        """Who waited for it tries itself; a result is shared as ever."""
        failing, succeeding = Waiter(alone=True), Waiter(alone=True)
        failing.outcome.set_exception(PluginLoadError(key("a"), "it is broken"))
        succeeding.outcome.set_result("first")

        assert isinstance(failing.owner.exception(LONG), PluginLoadError)
        assert failing.second.result(LONG) == "second"
        assert succeeding.second.result(LONG) == "first"

    def test_who_builds_alone_does_so_after_the_others(self) -> None:
        """It takes nobody's result."""
        gate: BuildGate[str] = BuildGate()
        begun, go_on = threading.Event(), threading.Event()

        def first() -> str:
            begun.set()
            assert go_on.wait(LONG)
            return "first"

        owner = in_thread(lambda: gate.run(key("a"), first, LONG))
        assert begun.wait(LONG)
        second = in_thread(lambda: gate.run(key("a"), lambda: "second", LONG, alone=True))
        assert not second.done()
        go_on.set()

        assert ("first", "second") == (owner.result(LONG), second.result(LONG))

    def test_a_wait_ends_after_its_bound(self) -> None:
        """In an error that tells where the owner is; the owner is not disturbed."""
        begun = monotonic()
        waiter = Waiter(timeout=0.3)
        error = waiter.second.exception(LONG)
        elapsed = monotonic() - begun
        waiter.outcome.set_result("first")

        assert isinstance(error, PluginLoadError)
        assert "for more than 0.3 s" in str(error)
        assert "test_build_gate.py" in str(error)
        assert "in _build" in str(error)
        assert 0.3 <= elapsed < 10
        assert waiter.owner.result(LONG) == "first"

    def test_a_forked_child_forgets_what_other_threads_build(self) -> None:
        """What the forking thread itself is building, it goes on building."""
        waiter = Waiter()

        def build() -> str:
            waiter.gate.forget_other_threads()
            assert [key("mine")] == list(waiter.gate._builds)
            return waiter.gate.run(key("a"), lambda: "anew", LONG)

        assert waiter.gate.run(key("mine"), build, LONG) == "anew"
        waiter.outcome.set_result("first")
        assert waiter.owner.result(LONG) == "first"


def constructor(*lines: str) -> str:
    """The body of a plugin whose constructor runs these lines."""
    return "def __init__(self):\n" + "".join(f"    {line}\n" for line in lines)


PROLOGUE = """
import threading
from floe_core.plugin_types import PluginType
meeting = threading.Barrier(2)
built = []
registry = None
def get(name):
    return registry.get(PluginType.COMPUTE, name)
"""


class TestPlugins:
    @pytest.fixture
    def registry(self) -> PluginRegistry:
        """One that waits half a second at most for another thread's load."""
        return PluginContainer(settings={"load_timeout": 0.5}).registry()

    @pytest.fixture
    def patient(self) -> PluginRegistry:
        """One that waits for longer than the tests allow."""
        return PluginContainer(settings={"load_timeout": 10 * LONG}).registry()

    @pytest.fixture
    def shared(self, site: Any, patient: PluginRegistry) -> Any:
        """A module that the plugins of a test share, where they find the registry."""
        (site / "acme_shared.py").write_text(PROLOGUE)
        module: Any = import_module("acme_shared")
        module.registry = patient
        return module

    def test_a_constructor_that_gets_its_own_plugin(self, install_plugin: InstallPlugin, shared: Any) -> None:
        """It needs itself."""
        install_plugin(
            "acme_a", COMPUTE, "a", prologue="import acme_shared\n", body=constructor("acme_shared.get('a')")
        )

        with pytest.raises(CircularDependencyError, match="a -> a"):
            shared.get("a")

    def test_two_constructors_that_get_each_other_in_one_thread(
        self, install_plugin: InstallPlugin, shared: Any
    ) -> None:
        """The circle is named, and can be asked for again."""
        for mine, other in ("ab", "ba"):
            body = constructor(f"acme_shared.get('{other}')")
            install_plugin(f"acme_{mine}", COMPUTE, mine, prologue="import acme_shared\n", body=body)

        for _ in range(2):
            with pytest.raises(CircularDependencyError, match="a -> b -> a"):
                shared.get("a")

    def test_two_constructors_that_get_each_other_from_two_threads(
        self, install_plugin: InstallPlugin, shared: Any
    ) -> None:
        """Both have begun before either asks; both threads get the error, soon."""
        for mine, other in ("ab", "ba"):
            body = constructor("acme_shared.meeting.wait(60)", f"acme_shared.get('{other}')")
            install_plugin(f"acme_{mine}", COMPUTE, mine, prologue="import acme_shared\n", body=body)

        futures = [in_thread(shared.get, name) for name in "ab"]

        assert {CircularDependencyError} == {type(future.exception(LONG)) for future in futures}

    def test_a_constructor_that_waits_for_a_thread_that_gets_another(
        self, install_plugin: InstallPlugin, shared: Any
    ) -> None:
        """Which is no circle: both are built."""
        body = constructor(
            "thread = acme_shared.threading.Thread(target=acme_shared.get, args=('b',))",
            "thread.start()",
            "thread.join(60)",
            "assert not thread.is_alive()",
        )
        install_plugin("acme_a", COMPUTE, "a", prologue="import acme_shared\n", body=body)
        install_plugin("acme_b", COMPUTE, "b")

        assert ["a", "b"] == [shared.get(name).name for name in "ab"]

    def test_eight_threads_and_one_slow_plugin(self, install_plugin: InstallPlugin, shared: Any) -> None:
        """It is built once; all eight get that instance."""
        body = constructor("acme_shared.built.append(self)", "acme_shared.meeting.wait(60)")
        install_plugin("acme_a", COMPUTE, "a", prologue="import acme_shared\n", body=body)

        futures = [in_thread(lambda: shared.get("a")) for _ in range(8)]
        shared.meeting.wait(LONG)
        plugins = [future.result(LONG) for future in futures]

        assert len(shared.built) == 1
        assert [True] * 8 == [plugin is shared.built[0] for plugin in plugins]

    def test_a_constructor_that_joins_a_thread_that_gets_the_same(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, shared: Any
    ) -> None:
        """Which no gate can see: the wait ends after its bound, and then the constructor does."""
        shared.registry = registry
        body = constructor(
            "def ask():",
            "    try:",
            "        acme_shared.get('a')",
            "    except Exception as exc:",
            "        acme_shared.built.append(exc)",
            "thread = acme_shared.threading.Thread(target=ask)",
            "thread.start()",
            "thread.join(60)",
        )
        install_plugin("acme_a", COMPUTE, "a", prologue="import acme_shared\n", body=body)

        begun = monotonic()
        plugin = shared.get("a")

        assert 0.5 <= monotonic() - begun < 20
        (error,) = shared.built
        assert isinstance(error, PluginLoadError)
        assert "acme_a.py" in str(error)
        assert plugin is shared.get("a")

    def import_deadlock(self, install_plugin: InstallPlugin, shared: Any) -> list[BaseException | None]:
        """A's import gets B while B's import imports A's module, in two threads that have both begun."""
        install_plugin(
            "acme_a", COMPUTE, "a", prologue="import acme_shared\nacme_shared.meet()\nacme_shared.get('b')\n"
        )
        install_plugin("acme_b", COMPUTE, "b", prologue="import acme_shared\nacme_shared.meet()\nimport acme_a\n")
        met: set[int] = set()

        def meet() -> None:
            if threading.get_ident() not in met:  # whoever imports a module anew does not wait again
                met.add(threading.get_ident())
                shared.meeting.wait(LONG)

        shared.meet = meet
        futures = [in_thread(shared.get, name) for name in "ab"]
        return [future.exception(LONG) for future in futures]

    def test_an_import_that_gets_what_imports_it(self, install_plugin: InstallPlugin, shared: Any) -> None:
        """
        Both threads end long before their bound of ten minutes, the one that would have closed the circle in its error.
        What the other one gets is up to Python, which may hand out the module whose import failed.
        """
        begun = monotonic()

        errors = self.import_deadlock(install_plugin, shared)

        assert monotonic() - begun < LONG / 2
        assert isinstance(errors[1], PluginError | None)
        assert isinstance(errors[0], CircularDependencyError)
        assert errors[0].cycle == ["b", "a", "b"]

    def test_the_same_where_python_does_not_tell_who_imports(
        self,
        install_plugin: InstallPlugin,
        registry: PluginRegistry,
        shared: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Then the bound ends it."""
        import floe_containers._build_gate as module

        monkeypatch.setattr(module, "_frozen_importlib", object())
        shared.registry = registry
        begun = monotonic()

        errors = self.import_deadlock(install_plugin, shared)

        assert 0.5 <= monotonic() - begun < 20
        assert isinstance(errors[0], PluginLoadError)
