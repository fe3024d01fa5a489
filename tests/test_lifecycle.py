"""Starting and stopping plugins: in order, in parallel, each once, on a thread of its own, within bounds."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from math import inf, nan
from pathlib import Path

import pytest

from floe_containers import PluginContainer
from floe_core._dependencies import blocked
from floe_core._exit import ShutdownAtExit
from floe_core._hooks import HookCall, HookThread
from floe_core._lifecycle import Lifecycle, _Walk
from floe_core._places import place_of_error, place_of_thread
from floe_core.plugin_errors import (
    MissingDependencyError,
    PluginError,
    PluginErrorGroup,
    PluginShutdownError,
    PluginStartupError,
    PluginStateError,
)
from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from tests.conftest import InstallPlugin
from tests.handmade import Hooked, in_turn
from tests.processes import run_script
from tests.threads import PATIENCE, Threads, wait_for

COMPUTE = PluginType.COMPUTE
SOON = 0.3
SETTLED = 0.05
"""Seconds after which a thread that is about to wait does wait: the interpreter sees a signal that comes just before only
when the wait is over, which is right, and slow."""
BOUND = 5.0
"""Seconds within which a call with a deadline of SOON comes back, on a machine that has other things to do."""


def key(name: str) -> PluginKey:
    return PluginKey(COMPUTE, name)


def is_up(registry: PluginRegistry, name: str) -> bool:
    return registry.state(COMPUTE, name) is PluginState.ACTIVE


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What hanging hooks wait for; set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def interrupts() -> Iterator[None]:
    """An interrupt raises, also where a shell started the tests in its background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Log:
    """Who was started and stopped, on which thread."""

    def __init__(self, registry: PluginRegistry) -> None:
        self.calls: list[str] = []
        self.threads: dict[str, int] = {}
        self._registry = registry

    def add(self, name: str, *dependencies: str) -> Hooked:
        made = Hooked(
            name,
            *dependencies,
            startup=lambda: self._note(f"+{name}"),
            shutdown=lambda: self._note(f"-{name}"),
            health_check=in_turn(lambda: self._note(f"?{name}"), lambda: HealthStatus(HealthState.HEALTHY)),
        )
        self._registry.register(made)
        return made

    def _note(self, call: str) -> None:
        self.threads[call] = threading.get_ident()
        self.calls.append(call)


@pytest.fixture
def log(registry: PluginRegistry) -> Log:
    return Log(registry)


class TestActivation:
    def test_starts_dependencies_first_and_each_plugin_once(self, registry: PluginRegistry, log: Log) -> None:
        """Asking again starts nothing, and each result is told under the key."""
        for name, needs in (("a", ["b", "c"]), ("b", ["c"]), ("c", [])):
            log.add(name, *needs)

        assert registry.activate_all() == {"COMPUTE:c": None, "COMPUTE:b": None, "COMPUTE:a": None}
        assert registry.activate_all() == {"COMPUTE:c": None, "COMPUTE:b": None, "COMPUTE:a": None}
        registry.activate_plugin(COMPUTE, "a")

        assert log.calls == ["+c", "+b", "+a"]

    def test_starts_in_parallel_what_does_not_depend_on_one_another(self, registry: PluginRegistry) -> None:
        """Ten startups that wait for one another all come up."""
        barrier = threading.Barrier(10)
        for index in range(10):
            registry.register(Hooked(f"p{index}", startup=lambda: barrier.wait(PATIENCE)))

        assert {None} == {*registry.activate_all().values()}

    def test_starts_no_more_at_once_than_the_setting_says(self) -> None:
        """Two of six, here; all of them come up."""
        registry = PluginContainer(settings={"max_parallel_starts": 2}).registry()
        lock, now, most = threading.Lock(), 0, 0
        pause = threading.Event()

        def startup() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            pause.wait(0.01)
            with lock:
                now -= 1

        for index in range(6):
            registry.register(Hooked(f"p{index}", startup=startup))

        assert {None} == {*registry.activate_all().values()}
        assert most <= 2

    def test_waiting_for_others_does_not_count_against_a_deadline(self, registry: PluginRegistry) -> None:
        """Five in a row take longer together than each one may, and all come up."""
        pause = threading.Event()
        for index in range(5):
            needs = [f"p{index - 1}"] if index else []
            registry.register(Hooked(f"p{index}", *needs, startup=lambda: pause.wait(0.5)))

        assert {None} == {*registry.activate_all(timeout=2.4).values()}

    def test_hooks_run_on_one_daemon_thread_with_the_callers_context(self, registry: PluginRegistry, log: Log) -> None:
        """Startup, checks and shutdown on one thread, another than the caller's."""
        tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
        seen: list[tuple[str, bool]] = []

        def note() -> None:
            seen.append((tenant.get(), threading.current_thread().daemon))

        log.add("a")
        registry.register(Hooked("b", startup=note, shutdown=note))
        token = tenant.set("acme")
        registry.activate_all()
        registry.health_check_all()
        tenant.reset(token)
        registry.shutdown_all()

        assert log.calls == ["+a", "?a", "-a"]
        assert len({*log.threads.values()}) == 1
        assert threading.get_ident() not in log.threads.values()
        assert seen == [("acme", True), ("nobody", True)]

    def test_without_a_deadline_hooks_run_on_the_calling_thread(self, registry: PluginRegistry, log: Log) -> None:
        """One after another, dependencies first, and backwards."""
        log.add("a", "b")
        log.add("b")

        assert registry.activate_all(timeout=None) == {"COMPUTE:b": None, "COMPUTE:a": None}
        assert registry.shutdown_all(timeout=None) == {"COMPUTE:a": None, "COMPUTE:b": None}

        assert log.calls == ["+b", "+a", "-a", "-b"]
        assert {threading.get_ident()} == {*log.threads.values()}

    def test_what_was_started_without_a_deadline_can_be_stopped_with_one(
        self, registry: PluginRegistry, log: Log
    ) -> None:
        """And the other way round."""
        log.add("a")
        registry.activate_all(timeout=None)
        assert registry.shutdown_all(timeout=30) == {"COMPUTE:a": None}
        registry.activate_all(timeout=30)
        assert registry.shutdown_all(timeout=None) == {"COMPUTE:a": None}

        assert log.calls == ["+a", "-a", "+a", "-a"]

    def test_without_a_deadline_a_failure_keeps_dependents_down(self, registry: PluginRegistry, log: Log) -> None:
        """The rest comes up."""
        registry.register(Hooked("bad", startup=lambda: 1 / 0, shutdown=lambda: 1 / 0))
        log.add("above", "bad")
        log.add("at the top", "above")
        log.add("beside")

        outcomes = registry.activate_all(timeout=None)

        assert isinstance(outcomes["COMPUTE:bad"], PluginStartupError)
        assert isinstance(outcomes["COMPUTE:above"], MissingDependencyError)
        assert isinstance(outcomes["COMPUTE:at the top"], MissingDependencyError)
        assert log.calls == ["+beside"]

    def test_a_deadline_may_be_endless_or_nonsense(self, registry: PluginRegistry, log: Log) -> None:
        """Infinity is no bound; what is no number at all is over at once, or was in time."""
        log.add("a")

        assert registry.activate_all(timeout=inf) == {"COMPUTE:a": None}
        assert registry.shutdown_all(timeout=inf) == {"COMPUTE:a": None}
        assert {"COMPUTE:a"} == {*registry.activate_all(timeout=nan)}
        assert HealthState.HEALTHY is registry.health_check_all(timeout=inf)["COMPUTE:a"].state

    def test_two_calls_share_a_start_and_its_failure(self, registry: PluginRegistry, hang: threading.Event) -> None:
        """Who joins learns at once that the first has given up, whatever time it had itself."""
        inside = threading.Event()
        registry.register(Hooked("slow", startup=in_turn(inside.set, lambda: hang.wait(120))))
        first = Threads(lambda: registry.activate_all([key("slow")], timeout=SOON))
        wait_for(inside)
        joining = Threads(
            lambda: registry.activate_all([key("slow")], timeout=600),
            lambda: registry.activate_all([key("slow")], timeout=None),
        )

        for result in [*first.values(), *joining.values()]:
            assert result is not None
            assert isinstance(result["COMPUTE:slow"], PluginStartupError | PluginStateError)

    def test_who_joins_a_start_gives_up_after_its_own_deadline(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """The start goes on for the one who began it."""
        inside = threading.Event()
        registry.register(Hooked("slow", startup=in_turn(inside.set, lambda: hang.wait(120))))
        first = Threads(lambda: registry.activate_all([key("slow")], timeout=600))
        wait_for(inside)

        with pytest.raises(PluginStartupError, match=r"another call has been starting it for more than 0\.3 s"):
            registry.activate_plugin(COMPUTE, "slow", timeout=SOON)
        hang.set()

        assert first.values() == [{"COMPUTE:slow": None}]
        assert is_up(registry, "slow")

    @pytest.mark.parametrize("timeout", [30.0, None])
    @pytest.mark.parametrize("verb", ["activate_plugin", "shutdown_plugin"])
    def test_a_hook_that_asks_for_its_own_start_or_stop_is_refused_at_once(
        self, registry: PluginRegistry, verb: str, timeout: float | None
    ) -> None:
        """It would wait for itself; the plugin comes up all the same, and can be stopped."""
        refusals: list[Exception] = []

        def ask() -> None:
            try:
                getattr(registry, verb)(COMPUTE, "a", timeout=timeout)
            except (PluginStateError, PluginShutdownError) as exc:
                refusals.append(exc)

        registry.register(Hooked("a", startup=ask, shutdown=ask))
        begun = time.monotonic()

        registry.activate_plugin(COMPUTE, "a", timeout=timeout)
        assert is_up(registry, "a")
        registry.shutdown_plugin(COMPUTE, "a", timeout=timeout)

        assert ["would wait for itself" in str(error) for error in refusals] == [True, True]
        assert time.monotonic() - begun < 25

    @pytest.mark.usefixtures("interrupts")
    def test_an_interrupt_abandons_what_is_starting_and_leaves_what_is_up(
        self, registry: PluginRegistry, log: Log, hang: threading.Event
    ) -> None:
        """Ctrl-C while the platform starts: it is raised, and a plugin that comes up late is shut down again."""
        stopped = threading.Event()
        log.add("a")

        def interrupt() -> None:
            hang.wait(SETTLED)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            hang.wait(120)

        registry.register(Hooked("b", "a", startup=interrupt, shutdown=stopped.set))
        log.add("c", "b")

        with pytest.raises(KeyboardInterrupt):
            registry.activate_all()

        assert is_up(registry, "a")
        assert log.calls == ["+a"]
        with pytest.raises(PluginStateError, match="given up on and is still running"):
            registry.activate_plugin(COMPUTE, "b")
        hang.set()
        wait_for(stopped)

    def test_without_a_deadline_an_interrupt_of_the_hook_is_raised(self, registry: PluginRegistry) -> None:
        """By startup and by shutdown; the plugin then counts as down."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        registry.register(Hooked("a", startup=interrupt))
        registry.register(Hooked("b", shutdown=interrupt))

        with pytest.raises(KeyboardInterrupt):
            registry.activate_plugin(COMPUTE, "a", timeout=None)
        registry.activate_plugin(COMPUTE, "b", timeout=None)
        with pytest.raises(KeyboardInterrupt):
            registry.shutdown_plugin(COMPUTE, "b", timeout=None)

        assert [is_up(registry, "a"), is_up(registry, "b")] == [False, False]

    def test_a_start_that_had_to_wait_for_another_hook_is_called_off(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """It has not begun, so it never will, and can be asked for again when the other hook is back."""
        checking, starts = threading.Event(), list[int]()
        registry.register(
            Hooked(
                "a",
                startup=lambda: starts.append(1),
                health_check=in_turn(checking.set, lambda: hang.wait(120), lambda: HealthStatus(HealthState.HEALTHY)),
            )
        )
        check = Threads(lambda: registry.health_check_all(timeout=600))
        wait_for(checking)

        with pytest.raises(PluginStartupError, match="it was not begun"):
            registry.activate_plugin(COMPUTE, "a", timeout=SOON)
        hang.set()
        check.values()
        registry.activate_plugin(COMPUTE, "a")

        assert starts == [1]


class TestShutdown:
    def test_stops_dependents_first(self, registry: PluginRegistry, log: Log) -> None:
        """Those of one plugin when it is stopped alone, and all when all are."""
        for name, needs in (("a", ["b"]), ("b", ["c"]), ("c", []), ("d", [])):
            log.add(name, *needs)
        registry.activate_all()

        registry.shutdown_plugin(COMPUTE, "b")
        assert registry.shutdown_all() == {"COMPUTE:c": None, "COMPUTE:d": None}

        assert [call for call in log.calls if call[0] == "-"][:2] == ["-a", "-b"]

    def test_stops_a_plugin_when_its_dependents_are_down_and_not_before(self, registry: PluginRegistry) -> None:
        """However long they take."""
        calls, pause = list[str](), threading.Event()
        registry.register(Hooked("a", "b", shutdown=in_turn(lambda: pause.wait(0.3), lambda: calls.append("-a"))))
        registry.register(Hooked("b", shutdown=lambda: calls.append("-b")))
        registry.activate_all()

        registry.shutdown_all()

        assert ["-a", "-b"] == calls

    def test_several_failures_are_raised_as_a_group(self, registry: PluginRegistry) -> None:
        """One for each plugin that had to be stopped."""
        registry.register(Hooked("a", "b", shutdown=lambda: 1 / 0))
        registry.register(Hooked("b", shutdown=lambda: 1 / 0))
        registry.activate_all()

        with pytest.raises(PluginErrorGroup) as caught:
            registry.shutdown_plugin(COMPUTE, "b")

        assert len(caught.value.exceptions) == 2

    @pytest.mark.parametrize("timeout", [60.0, None])
    def test_waits_for_a_start_that_is_under_way(
        self, registry: PluginRegistry, log: Log, hang: threading.Event, timeout: float | None
    ) -> None:
        """Then it stops the plugin; what was to start on top of it is refused."""
        inside, stops = threading.Event(), list[int]()
        registry.register(
            Hooked("slow", startup=in_turn(inside.set, lambda: hang.wait(120)), shutdown=lambda: stops.append(1))
        )
        log.add("above", "slow")
        starting = Threads(lambda: registry.activate_all([key("above")], timeout=600))
        wait_for(inside)
        stopping = Threads(lambda: registry.shutdown_all(timeout=timeout))
        _becomes_leaving(registry, "slow")
        with pytest.raises(PluginStateError, match="being shut down"):
            registry.activate_plugin(COMPUTE, "slow")
        hang.set()

        assert stopping.values() == [{"COMPUTE:slow": None}]
        [outcomes] = starting.values()
        assert outcomes is not None
        assert isinstance(outcomes["COMPUTE:above"], MissingDependencyError)
        assert stops == [1]
        assert log.calls == []

    def test_waits_for_a_start_that_fails_and_calls_nothing(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """What never came up is not shut down."""
        inside, stops, threads = threading.Event(), list[int](), list[threading.Thread]()
        startup = in_turn(
            lambda: threads.append(threading.current_thread()), inside.set, lambda: hang.wait(120), lambda: 1 / 0
        )
        registry.register(Hooked("a", startup=startup, shutdown=lambda: stops.append(1)))
        starting = Threads(lambda: registry.activate_all(timeout=600))
        wait_for(inside)
        stopping = Threads(lambda: registry.shutdown_all(timeout=60))
        _becomes_leaving(registry, "a", waiting=2)
        hang.set()

        assert stopping.values() == [{"COMPUTE:a": None}]
        starting.join()
        threads[0].join(PATIENCE)
        assert [] == stops

    def test_that_is_refused_leaves_a_plugin_to_build_upon(self, registry: PluginRegistry) -> None:
        """A hook may not stop its own plugin, and that it asked has no consequence."""

        def ask() -> None:
            with pytest.raises((PluginShutdownError, PluginStateError)):
                registry.shutdown_plugin(COMPUTE, "a")

        registry.register(Hooked("a", startup=ask))
        registry.register(Hooked("b", "a"))

        assert {"COMPUTE:a": None, "COMPUTE:b": None} == registry.activate_all()

    def test_gives_up_on_a_start_that_does_not_end_and_stops_the_plugin_later(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """The error tells where the startup stands; whoever asked for it is told that it came up."""
        inside, stopped = threading.Event(), threading.Event()
        registry.register(Hooked("slow", startup=in_turn(inside.set, lambda: hang.wait(120)), shutdown=stopped.set))
        starting = Threads(lambda: registry.activate_all(timeout=600))
        wait_for(inside)

        [error] = registry.shutdown_all(timeout=SOON).values()

        assert isinstance(error, PluginShutdownError)
        assert "startup() did not return within 0.3 s; it stands at" in str(error)
        hang.set()
        assert starting.values() == [{"COMPUTE:slow": None}]
        wait_for(stopped)

    def test_learns_that_the_start_which_it_waits_for_was_abandoned(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """There is nothing to stop then, and it says why."""
        inside = threading.Event()
        registry.register(Hooked("slow", startup=in_turn(inside.set, lambda: hang.wait(120))))
        starting = Threads(lambda: registry.activate_all(timeout=SOON * 5))
        wait_for(inside)

        outcomes = registry.shutdown_all(timeout=600)

        starting.values()
        assert outcomes == {} or "given up on and is still running" in str(outcomes["COMPUTE:slow"])

    @pytest.mark.parametrize("timeout", [60.0, None])
    def test_two_calls_stop_a_plugin_once(
        self, registry: PluginRegistry, hang: threading.Event, timeout: float | None
    ) -> None:
        """Both return when it is down."""
        inside, stops = threading.Event(), list[int]()
        registry.register(Hooked("a", shutdown=in_turn(lambda: stops.append(1), inside.set, lambda: hang.wait(120))))
        registry.activate_all()
        first = Threads(lambda: registry.shutdown_all(timeout=600))
        wait_for(inside)
        second = Threads(lambda: registry.shutdown_all(timeout=timeout))
        hang.set()

        assert first.values() == [{"COMPUTE:a": None}]
        assert second.values() in ([{"COMPUTE:a": None}], [{}])  # it may have come when all was over
        assert stops == [1]

    @pytest.mark.usefixtures("interrupts")
    def test_an_interrupt_stops_no_more_than_was_begun(self, registry: PluginRegistry, hang: threading.Event) -> None:
        """What was not called yet stays up, and can be built upon."""
        down = threading.Event()

        def interrupt() -> None:
            hang.wait(SETTLED)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            hang.wait(120)
            down.set()

        registry.register(Hooked("below"))
        registry.register(Hooked("a", "below", shutdown=interrupt))
        registry.register(Hooked("later", "below"))
        registry.activate_all([key("a")])

        with pytest.raises(KeyboardInterrupt):
            registry.shutdown_all()

        assert is_up(registry, "below")
        registry.activate_plugin(COMPUTE, "later")
        hang.set()
        wait_for(down)

    def test_a_hung_health_check_does_not_keep_a_plugin_from_being_stopped(
        self, registry: PluginRegistry, hang: threading.Event
    ) -> None:
        """The check is passed by once it was given up on, even if shutdown was asked for before."""
        checking, stops = threading.Event(), list[int]()
        registry.register(
            Hooked(
                "a",
                health_check=in_turn(checking.set, lambda: hang.wait(120), lambda: HealthStatus(HealthState.HEALTHY)),
                shutdown=lambda: stops.append(1),
            )
        )
        registry.activate_all()
        check = Threads(lambda: registry.health_check_all(timeout=SOON))
        wait_for(checking)

        assert registry.shutdown_all(timeout=60) == {"COMPUTE:a": None}
        assert stops == [1]
        check.values()


class TestRunning:
    def test_stops_what_it_started_and_nothing_else(self, registry: PluginRegistry, log: Log) -> None:
        """Neither what was up before, nor what another call started meanwhile."""
        for name in ("before", "inside", "meanwhile"):
            log.add(name)
        registry.activate_plugin(COMPUTE, "before")

        with registry.running([key("before"), key("inside")]) as running:
            assert running is registry
            registry.activate_plugin(COMPUTE, "meanwhile")

        assert log.calls == ["+before", "+inside", "+meanwhile", "-inside"]

    def test_stops_when_its_block_raises_and_lets_the_error_through(self, registry: PluginRegistry, log: Log) -> None:
        """The block's own error is what the caller sees."""
        log.add("a")

        with pytest.raises(ZeroDivisionError), registry.running():
            _ = 1 / 0

        assert log.calls == ["+a", "-a"]

    def test_says_what_did_not_stop(self, registry: PluginRegistry) -> None:
        """When all else went well."""
        registry.register(Hooked("a", shutdown=lambda: 1 / 0))

        with pytest.raises(PluginErrorGroup, match="did not shut down cleanly"), registry.running():
            pass


def _becomes_leaving(registry: PluginRegistry, name: str, waiting: int = 0) -> None:
    """Shutdown has been asked for: nothing announces it, so it is looked at until it shows, and *waiting* calls wait."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    run = registry._lifecycle._runs[key(name)]
    while not run.is_leaving or len(run.waiting) < waiting:
        assert time.monotonic() < deadline
        pause.wait(0.01)


@pytest.fixture
def no_threads() -> Iterator[None]:
    """The system has no room for another thread: none has that much memory for its stack."""
    before = threading.stack_size(1 << 46)
    yield
    threading.stack_size(before)


class TestWithoutThreads:
    def test_hooks_run_where_they_are_asked_for(self, registry: PluginRegistry, log: Log, no_threads: None) -> None:
        """As at interpreter exit, where newer interpreters start no thread any more."""
        log.add("a")

        assert registry.activate_all() == {"COMPUTE:a": None}
        assert HealthState.HEALTHY is registry.health_check_all()["COMPUTE:a"].state
        assert registry.shutdown_all() == {"COMPUTE:a": None}

        assert log.calls == ["+a", "?a", "-a"]
        assert {threading.get_ident()} == {*log.threads.values()}

    def test_exit_is_not_guarded(self, no_threads: None) -> None:
        """It is too late for that, and no reason to fail."""
        ShutdownAtExit(lambda _: None).arm()


class TestOneAtATime:
    @pytest.mark.parametrize("verb", ["activate_all", "shutdown_all"])
    def test_without_a_deadline_a_hook_waits_for_the_one_that_runs(
        self, registry: PluginRegistry, hang: threading.Event, verb: str
    ) -> None:
        """The check comes first, then the hook."""
        checking, calls = threading.Event(), list[str]()
        registry.register(
            Hooked(
                "a",
                startup=lambda: calls.append("+"),
                shutdown=lambda: calls.append("-"),
                health_check=in_turn(
                    checking.set,
                    lambda: hang.wait(120),
                    lambda: calls.append("?"),
                    lambda: HealthStatus(HealthState.HEALTHY),
                ),
            )
        )
        if verb == "shutdown_all":
            registry.activate_all()
        check = Threads(lambda: registry.health_check_all(timeout=600))
        wait_for(checking)
        changing = Threads(lambda: getattr(registry, verb)(timeout=None))
        hang.set()

        check.values()
        assert changing.values() == [{"COMPUTE:a": None}]
        assert {"activate_all": ["?", "+"], "shutdown_all": ["+", "?", "-"]}[verb] == calls

    def test_a_late_startup_that_cannot_be_shut_down_is_told(
        self, registry: PluginRegistry, hang: threading.Event, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nobody waits for it any more, so the log says so."""
        begun = threading.Event()
        registry.register(Hooked("a", startup=lambda: hang.wait(120), shutdown=in_turn(begun.set, lambda: 1 / 0)))
        registry.activate_all(timeout=SOON)
        hang.set()
        wait_for(begun)
        deadline = time.monotonic() + PATIENCE
        while key("a") in registry._lifecycle._runs:
            assert time.monotonic() < deadline
            time.sleep(0.01)

        messages = [record.getMessage() for record in caplog.records]
        late = "Plugin COMPUTE:a finished its startup() after it was given up on; it is shut down again"
        assert late in messages
        assert any("shutdown() raised ZeroDivisionError" in message for message in messages)


class TestLeaving:
    def test_nothing_is_started_on_what_is_about_to_be_stopped(self, registry: PluginRegistry) -> None:
        """A dependency that was up when the start began, and waits for its turn to stop when it goes on."""
        starting, stopping, go_on, end = (threading.Event() for _ in range(4))
        registry.register(Hooked("a"))
        registry.register(Hooked("b", "a", shutdown=in_turn(stopping.set, lambda: end.wait(PATIENCE))))
        registry.register(Hooked("slow", startup=in_turn(starting.set, lambda: go_on.wait(PATIENCE))))
        registry.register(Hooked("c", "a", "slow"))
        registry.activate_plugin(COMPUTE, "b")

        starts = Threads(lambda: registry.activate_all([key("c")]))
        wait_for(starting)
        stops = Threads(lambda: registry.shutdown_plugin(COMPUTE, "a"))
        wait_for(stopping)
        go_on.set()
        [outcomes] = starts.values()
        assert outcomes is not None
        end.set()
        stops.values()

        assert "COMPUTE:a is not in the right state: it was shut down while others were being started" in str(
            outcomes["COMPUTE:c"]
        )
        assert outcomes["COMPUTE:slow"] is None


class TestBeforeStart:
    def test_is_called_once_something_is_to_start(self) -> None:
        """Not where there is nothing: no guard is needed then."""
        lifecycle, calls = Lifecycle(), list[str]()
        lifecycle.before_start = lambda: calls.append("called")

        lifecycle.start({}, {}, None, 1)
        assert [] == calls

        lifecycle.start({key("a"): Hooked("a", startup=lambda: calls.append("+a"))}, {key("a"): ()}, None, 1)
        assert ["called", "+a"] == calls


class TestActive:
    def test_is_what_is_up_in_the_order_in_which_it_came_up(self) -> None:
        """Neither what has been stopped, nor what has not come up."""
        lifecycle, below, above = Lifecycle(), key("below"), key("above")
        bad = Hooked("bad", startup=lambda: 1 / 0)
        plugins = {above: Hooked("above"), below: Hooked("below"), key("bad"): bad}
        assert [] == lifecycle.active

        lifecycle.start(plugins, {above: (below,), below: (), key("bad"): ()}, None, 1)
        assert [below, above] == lifecycle.active

        lifecycle.stop([above], None)
        assert [below] == lifecycle.active

    def test_plugins_alone_have_started_at_some_time(self) -> None:
        """Of one that is down, neither when nor how long is told."""
        lifecycle = Lifecycle()
        lifecycle.start({key("a"): Hooked("a")}, {key("a"): ()}, None, 1)

        assert (lifecycle.start_began(key("a")) or 0) <= time.perf_counter()
        assert [None, None] == [lifecycle.start_began(key("b")), lifecycle.started_in(key("b"))]


class TestHookThreads:
    def test_wait_for_calls_as_long_as_somebody_has_taken_them(self) -> None:
        """Started ahead, on one thread for all, which ends with the last of them."""
        hooks, ran = HookThread(key("ready")), list[int]()
        hooks.take()
        hooks.take()
        hooks.get_ready()
        [thread] = [thread for thread in threading.enumerate() if thread.name == "floe COMPUTE:ready"]

        hooks.end()
        call = HookCall(key("ready"), Hooked("ready", startup=lambda: ran.append(threading.get_ident())), "startup")
        hooks.run(call)
        wait_for(call.finished)
        hooks.end()
        thread.join(PATIENCE)

        assert [thread.ident] == ran
        assert not thread.is_alive()

    def test_are_started_ahead_while_there_is_nothing_else_to_do(self, registry: PluginRegistry) -> None:
        """So that what needs a slow plugin starts at once when that is up; they end with their plugins all the same."""
        names, pause = {"floe COMPUTE:ahead", "floe COMPUTE:beside"}, threading.Event()

        def started() -> list[threading.Thread]:
            return [thread for thread in threading.enumerate() if thread.name in names]

        def startup() -> None:
            deadline = time.monotonic() + PATIENCE
            while len(started()) < len(names):
                assert time.monotonic() < deadline
                pause.wait(0.01)

        registry.register(Hooked("slow", startup=startup))
        registry.register(Hooked("ahead", "slow"))
        registry.register(Hooked("beside", "slow"))

        assert {None} == {*registry.activate_all(timeout=2 * PATIENCE).values()}
        threads = started()
        registry.shutdown_all()
        for thread in threads:
            thread.join(PATIENCE)
        assert [] == started()

    @pytest.mark.parametrize("hook", ["startup", "shutdown"])
    def test_are_left_to_a_hook_that_was_given_up_on(
        self, registry: PluginRegistry, hang: threading.Event, hook: str
    ) -> None:
        """The next one goes to a fresh thread, and waits for nobody."""
        if hook == "startup":
            registry.register(Hooked("a", startup=lambda: hang.wait(120)))
            [error] = registry.activate_all(timeout=SOON).values()
        else:
            registry.register(Hooked("a", shutdown=lambda: hang.wait(120)))
            registry.activate_all()
            [error] = registry.shutdown_all(timeout=SOON).values()
        assert error is not None

        assert HealthState.HEALTHY is registry.health_check_all(timeout=PATIENCE)["COMPUTE:a"].state

    @pytest.mark.parametrize("last", [lambda: None, lambda: 1 / 0], ids=["comes up", "fails to start"])
    def test_end_when_the_plugin_is_down(self, registry: PluginRegistry, last: Callable[[], object]) -> None:
        """Whether it was stopped, or never came up."""
        threads = list[threading.Thread]()
        registry.register(Hooked("a", startup=in_turn(lambda: threads.append(threading.current_thread()), last)))

        registry.activate_all()
        registry.shutdown_all()
        [thread] = threads
        thread.join(PATIENCE)

        assert not thread.is_alive()


class TestPlaces:
    def test_a_hook_that_has_ended_stands_nowhere(self) -> None:
        """Though the thread on which it ran goes on."""
        call = HookCall(key("a"), Hooked("a"), "startup")
        call.run()

        assert "it has ended meanwhile" == call.place()

    def test_looking_for_one_does_not_stop_the_process(self, site: Path) -> None:
        """Not even while threads come and go, and garbage waits whose finalizer lets them."""
        done = run_script(
            site,
            """
            import gc, threading, time
            from floe_core._places import place_of_thread

            class Garbage:
                def __init__(self): self.me = self
                def __del__(self): time.sleep(0.0001)

            def come_and_go():
                while not over.is_set():
                    thread = threading.Thread(target=int)
                    thread.start()
                    thread.join()

            gc.set_threshold(30)
            over = threading.Event()
            for target in [over.wait] * 50 + [come_and_go] * 4:
                threading.Thread(target=target, daemon=True).start()
            for _ in range(2000):
                Garbage()
                place = place_of_thread(threading.get_ident())
            over.set()
            print(gc.isenabled(), bool(place))
            """,
        )

        assert done.lines == ["True True"]

    def test_an_error_that_was_never_raised_has_none(self) -> None:
        """Neither has a thread that is not there."""
        assert [place_of_error(ValueError()), place_of_thread(-1)] == ["", ""]


class TestJustInTime:
    """What ends at the very moment when its time is over, played through step by step."""

    def test_nobody_gives_up_on_what_has_ended(self) -> None:
        """Its report is on the way, or has been told."""
        lifecycle, plugin, told = Lifecycle(), Hooked("a"), list[object]()
        lifecycle.start({key("a"): plugin}, {key("a"): ()}, 30, 1)
        run = lifecycle._runs[key("a")]

        assert lifecycle._give_up_starting(run, "late") is None
        assert lifecycle._give_up_waiting(run, SOON) is None
        assert {key("a"): None} == lifecycle.stop(None, 30)
        assert lifecycle._give_up_stopping(run, SOON) is None
        assert not lifecycle._turns_to_stopping(run, HookCall(key("a"), plugin, "shutdown"), told.append)
        assert [None] == told

    def test_a_deadline_that_has_passed_costs_no_time(self) -> None:
        """Fifty one after another, each given up on at once."""
        edges: dict[PluginKey, tuple[PluginKey, ...]] = {key(f"p{number}"): () for number in range(50)}
        error = PluginStateError(None, "over")
        begun = time.monotonic()

        outcomes = _Walk(edges, 0.0, 1).go(lambda _key, _report: None, lambda _key: error, blocked)

        assert {error} == {*outcomes.values()}
        assert time.monotonic() - begun < 25

    def test_a_report_after_its_time_changes_nothing(self) -> None:
        """The error stands; a report that is said to be about to come is waited for."""
        reports: dict[PluginKey, Callable[[PluginError | None], None]] = {}
        error = PluginStateError(None, "over")

        def expire(which: PluginKey) -> PluginError | None:
            reports[which](None)
            return None if which == key("a") else error

        edges: dict[PluginKey, tuple[PluginKey, ...]] = {key("a"): (), key("b"): (), key("c"): ()}
        outcomes = _Walk(edges, 0.0, 3).go(reports.__setitem__, expire, lambda _key, _needed, _error: None)

        assert {key("a"): None, key("b"): error, key("c"): error} == outcomes

    def test_a_hook_that_goes_on_in_a_forked_child_belongs_to_nobody(self, registry: PluginRegistry) -> None:
        """The child has forgotten the run whose shutdown it is inside."""
        registry.register(Hooked("a", shutdown=registry._lifecycle.forget_the_parent))
        registry.activate_all()

        assert {"COMPUTE:a": None} == registry.shutdown_all()
        assert not is_up(registry, "a")


def test_an_end_that_is_not_reported_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a hook's thread break down where the hook ends, whoever walks still gets to the other side."""
    monkeypatch.setattr("floe_core._lifecycle.GRACE", 0.05)
    mute = key("mute")

    outcomes = _Walk({mute: ()}, 0.05, 1).go(lambda _key, _report: None, lambda _key: None, blocked)

    assert isinstance(outcomes[mute], PluginStateError)
    assert "its hook has ended, and the end was not reported" in str(outcomes[mute])


def test_an_error_says_where_its_plugin_comes_from(install_plugin: InstallPlugin, container: PluginContainer) -> None:
    """A startup's, and through the root cause those of the plugins that depend on it."""
    install_plugin("acme_slow", PluginType.COMPUTE, "slow", body="def startup(self): raise OSError")
    install_plugin("acme_top", PluginType.COMPUTE, "top", dependencies=["slow"])

    outcomes = container.registry().activate_all(plugin_types=[PluginType.COMPUTE])

    assert "It comes from acme-slow 1.0.0 (entry point 'acme_slow:Plugin'" in str(outcomes["COMPUTE:slow"])
    assert "It comes from acme-top 1.0.0" in str(outcomes["COMPUTE:top"])
    assert f"Root cause: {outcomes['COMPUTE:slow']}" in str(outcomes["COMPUTE:top"])
