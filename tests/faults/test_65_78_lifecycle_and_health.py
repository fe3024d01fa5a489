"""Hooks that raise, hang, exit or come back late: each in its own bounds, and everybody else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import pytest

from floe_core.plugin_errors import (
    MissingDependencyError,
    PluginError,
    PluginErrorGroup,
    PluginShutdownError,
    PluginStartupError,
    PluginStateError,
)
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_types import PluginKey, PluginType
from tests.faults.conftest import BAD, CATALOG, COMPUTE, GOOD, SECRET, Bench
from tests.processes import run_script
from tests.threads import Threads, wait_for

TAKES_TOKEN = "token: str = ''"
SIGNALS = "import signals\n"
LOGS = (
    "def startup(self): signals.calls.append('+' + self.name)\n"
    "def shutdown(self): signals.calls.append('-' + self.name)\n"
)
HANGS = "signals.hanging.append(1); signals.hang.wait(120)"
DEADLINE = 2.0
"""Seconds: enough for a hook that does nothing, on a machine that has other things to do."""
BOUND = 20.0
"""Seconds within which a call with DEADLINE comes back there."""


@pytest.fixture(autouse=True)
def hang(bench: Bench) -> Iterator[threading.Event]:
    """What hanging hooks wait for; set when the test is over, so that their threads end."""
    event = threading.Event()
    bench.signals.__dict__.update(hang=event, hanging=[])
    yield event
    event.set()


def _within(seconds: float) -> _Within:
    return _Within(seconds)


class _Within:
    """The block ends in less than so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(self, *_: object) -> None:
        assert perf_counter() - self._begun < self._seconds


def _becomes(condition: Callable[[], bool]) -> None:
    """What happens on another thread happens in the end; looked at again and again, since nothing announces it."""
    deadline = perf_counter() + 60
    pause = threading.Event()
    while not condition():
        assert perf_counter() < deadline, "what the test waits for does not happen"
        pause.wait(0.01)


def _install_bad(bench: Bench, body: str, **options: Any) -> None:
    bench.install_bad(prologue=SIGNALS, schema=TAKES_TOKEN, body=body, **options)


IS_NO_PLAIN_FUNCTION = {
    "async def {hook}(self): signals.calls.append('ran')": "{hook}() returned an object of type coroutine, and none of",
    "def {hook}(self): yield signals.calls.append('ran')": "{hook}() returned an object of type generator, and none of",
    "async def {hook}(self): yield signals.calls.append('ran')": "{hook}() returned an object of type async_generator",
    "def {hook}(self, urgency): signals.calls.append('ran')": "{hook}() cannot be called as the registry calls it",
    "{hook} = None": "{hook}() cannot be called as the registry calls it",
}


@pytest.mark.parametrize(
    ("raised", "timeout"),
    [
        *(("RuntimeError", timeout) for timeout in (30.0, None)),
        *(("TypeError", timeout) for timeout in (30.0, None)),  # inside, which is no wrong call of the hook
        *(("SystemExit", timeout) for timeout in (30.0, None)),
        *(("GeneratorExit", timeout) for timeout in (30.0, None)),
        ("KeyboardInterrupt", 30.0),  # without a bound it is raised on the calling thread, and is the user's
    ],
)
def test_65_startup_raises(bench: Bench, raised: str, timeout: float | None) -> None:
    """The error has type and place, its cause the text; what depends on it is not started, all else is."""
    _install_bad(bench, f"def startup(self): raise {raised}(self.config.token)")
    above = PluginKey(CATALOG, "above")
    bench.install_plugin(above, dependencies=["COMPUTE:bad"], prologue=SIGNALS, body=LOGS)

    outcomes = bench.registry.activate_all([above, GOOD], timeout=timeout)

    error = outcomes[str(BAD)]
    assert isinstance(error, PluginStartupError)
    assert f"startup() raised {raised} at {bench.site}" in str(error)
    assert str(error.__cause__) == SECRET
    assert isinstance(outcomes[str(above)], MissingDependencyError)
    assert str(error) in str(outcomes[str(above)])
    assert outcomes[str(GOOD)] is None
    assert bench.signals.calls == []
    bench.errors += [error for error in outcomes.values() if error]
    bench.assert_reported("loaded", "startup() raised", raised)
    bench.assert_contained()


@pytest.mark.parametrize(("body", "words"), IS_NO_PLAIN_FUNCTION.items())
@pytest.mark.filterwarnings("error")
def test_65_startup_is_no_plain_function(bench: Bench, body: str, words: str) -> None:
    """Calling it does nothing, so the plugin did not start; the message says what to make of it."""
    _install_bad(bench, body.format(hook="startup"))

    outcomes = bench.registry.activate_all([BAD, GOOD])

    error = outcomes[str(BAD)]
    assert isinstance(error, PluginStartupError)
    assert words.format(hook="startup") in str(error)
    never_ran = "returned an object" in words
    assert never_ran == ("asyncio.run()" in str(error))
    assert never_ran == (error.__cause__ is None)
    assert outcomes[str(GOOD)] is None
    assert bench.signals.calls == []
    bench.errors.append(error)
    bench.assert_reported("loaded", "startup()")
    bench.assert_contained()


def test_66_startup_hangs(bench: Bench) -> None:
    """It is abandoned after its deadline, the place where it hangs is told, and activating it anew is refused."""
    _install_bad(bench, f"def startup(self):\n    {HANGS}")

    with _within(BOUND):
        outcomes = bench.registry.activate_all([BAD, GOOD], timeout=DEADLINE)

    error = outcomes[str(BAD)]
    assert isinstance(error, PluginStartupError)
    assert outcomes[str(GOOD)] is None
    for word in (f"{DEADLINE:g} s", "acme_broken.py", "in startup"):
        assert word in str(error)
    with bench.expects(PluginStateError) as caught, _within(BOUND):
        bench.registry.activate_plugin(*BAD)
    assert "acme_broken.py" in str(caught.value)
    assert bench.signals.hanging == [1]
    assert bench.registry.shutdown_all() == {str(GOOD): None}
    bench.assert_reported("loaded", "acme_broken.py")
    bench.assert_contained()


def test_67_two_threads_that_activate_at_once_start_it_once(bench: Bench) -> None:
    """Eight, in fact; each returns only when it is up."""
    _install_bad(bench, LOGS + "@property\ndef is_up(self): return '+bad' in signals.calls")
    registry = bench.registry

    def activate() -> bool:
        registry.activate_plugin(*BAD)
        return "+bad" in bench.signals.calls

    assert Threads(*[activate] * 8).values() == [True] * 8
    assert bench.signals.calls == ["+bad"]
    bench.assert_reported("active")
    bench.assert_contained()


def test_68_activating_during_shutdown_is_refused(bench: Bench, hang: threading.Event) -> None:
    """Until the shutdown has returned; what depends on it is not started on top of it either."""
    inside = threading.Event()
    bench.signals.__dict__["inside"] = inside
    _install_bad(bench, "def shutdown(self):\n    signals.inside.set()\n    signals.hang.wait(120)")
    above = PluginKey(CATALOG, "above")
    bench.install_plugin(above, dependencies=["COMPUTE:bad"])
    registry = bench.registry
    registry.activate_plugin(*BAD)

    stopping = Threads(lambda: registry.shutdown_plugin(*BAD))
    wait_for(inside)
    with bench.expects(PluginStateError) as caught, _within(BOUND):
        registry.activate_plugin(*BAD)
    with bench.expects(MissingDependencyError), _within(BOUND):
        registry.activate_plugin(*above)
    assert "being shut down" in str(caught.value)
    hang.set()
    stopping.values()

    registry.activate_plugin(*BAD)
    bench.assert_reported("active")
    bench.assert_contained()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("def shutdown(self): raise RuntimeError(self.config.token)", "RuntimeError"),
        ("def shutdown(self): raise SystemExit(self.config.token)", "SystemExit"),
        (f"def shutdown(self):\n    {HANGS}", f"{DEADLINE:g} s"),
    ],
)
def test_69_shutdown_raises_or_hangs(bench: Bench, body: str, word: str) -> None:
    """The rest is shut down all the same, in order: what depends on it before, what it depends on after."""
    below, above = PluginKey(CATALOG, "below"), PluginKey(CATALOG, "above")
    _install_bad(bench, body, dependencies=["below"])
    bench.install_plugin(below, prologue=SIGNALS, body=LOGS)
    bench.install_plugin(above, dependencies=["COMPUTE:bad"], prologue=SIGNALS, body=LOGS)
    bench.registry.activate_all([above, GOOD])

    with _within(BOUND):
        outcomes = bench.registry.shutdown_all(timeout=DEADLINE)

    assert bench.signals.calls == ["+below", "+above", "-above", "-below"]
    error = outcomes.pop(str(BAD))
    assert isinstance(error, PluginShutdownError)
    for part in (word, "acme_broken.py", "in shutdown"):
        assert part in str(error)
    assert {str(GOOD): None, str(below): None, str(above): None} == outcomes
    bench.errors.append(error)
    bench.assert_reported("loaded", word)
    bench.assert_contained()


@pytest.mark.parametrize(("body", "words"), IS_NO_PLAIN_FUNCTION.items())
@pytest.mark.filterwarnings("error")
def test_69_shutdown_is_no_plain_function(bench: Bench, body: str, words: str) -> None:
    """It did nothing, and that is told."""
    _install_bad(bench, body.format(hook="shutdown"))
    bench.registry.activate_all([BAD, GOOD])

    error = bench.registry.shutdown_all()[str(BAD)]

    assert isinstance(error, PluginShutdownError)
    assert words.format(hook="shutdown") in str(error)
    assert bench.signals.calls == []
    bench.errors.append(error)
    bench.assert_reported("loaded", "shutdown()")
    bench.assert_contained()


def test_70_shutdown_twice_or_without_a_start_calls_nothing(bench: Bench) -> None:
    """Each call returns quietly."""
    _install_bad(bench, LOGS)
    registry = bench.registry

    registry.shutdown_plugin(*BAD)
    assert registry.shutdown_all() == {}
    registry.get(*BAD)
    registry.shutdown_plugin(*BAD)
    registry.activate_plugin(*BAD)
    registry.shutdown_plugin(*BAD)
    registry.shutdown_plugin(*BAD)
    assert registry.shutdown_all() == {}

    assert bench.signals.calls == ["+bad", "-bad"]
    bench.assert_reported("loaded")
    bench.assert_contained()


@pytest.mark.parametrize("rollback", ["works", "raises", "hangs"])
def test_71_the_last_of_ten_fails_and_the_others_are_rolled_back(bench: Bench, rollback: str) -> None:
    """running() stops what it started, in order, also when one of them cannot be stopped; what was up before stays up."""
    faults = {"raises": "raise OSError('no')", "hangs": HANGS}
    keys = [PluginKey(PluginType.STORAGE, f"s{index}") for index in range(9)]
    for index, key in enumerate(keys):
        body = LOGS
        if rollback in faults and index == 4:
            body = f"def shutdown(self):\n    signals.calls.append('-s4')\n    {faults[rollback]}"
        needed = [f"s{index - 1}"] if index else []
        bench.install_plugin(key, dependencies=needed, prologue=SIGNALS, body=body)
    _install_bad(bench, "def startup(self): raise RuntimeError(self.config.token)", dependencies=["s8"])
    registry = bench.registry
    registry.activate_plugin(*GOOD)

    with _within(BOUND), bench.expects(PluginErrorGroup) as caught:
        registry.running([BAD], timeout=DEADLINE).__enter__()

    assert [f"-s{index}" for index in range(8, -1, -1)] == [call for call in bench.signals.calls if call[0] == "-"]
    kinds: list[type] = [type(error) for error in caught.value.exceptions]
    assert kinds == ([PluginStartupError] if rollback == "works" else [PluginStartupError, PluginShutdownError])
    assert bench.report(GOOD).state == "active"
    assert {"loaded"} == {bench.report(key).state for key in keys}
    bench.assert_reported("loaded", "RuntimeError")
    bench.assert_contained()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise RuntimeError(self.config.token)", "raised RuntimeError at"),
        ("raise SystemExit(2)", "raised SystemExit at"),
        (HANGS, f"has not answered within {DEADLINE:g} s; it stands at"),
        ("return None", "type NoneType"),
        ("return True", "type bool"),
        ("return HealthStatus('healthy')", "no HealthState"),
        ("return HealthStatus(HealthState.HEALTHY, details=None)", "no dict"),
        ("return Odd(HealthState.HEALTHY, Odd.__new__(Odd))", "raised ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("is_up", [True, False])
def test_72_a_health_check_that_raises_hangs_or_answers_nonsense(
    bench: Bench, body: str, message: str, is_up: bool
) -> None:
    """It is unhealthy, the message helps, and the time it took is told; nothing is raised."""
    bench.install_bad(
        prologue=SIGNALS
        + "from floe_core.plugin_metadata import HealthState, HealthStatus\n"
        + "class Odd(HealthStatus):\n    def __str__(self): return str(1 / 0)\n",
        schema=TAKES_TOKEN,
        body=f"def health_check(self):\n    {body}",
    )
    registry = bench.registry
    if is_up:
        registry.activate_all([BAD, GOOD])
    registry.get(*BAD)
    registry.get(*GOOD)

    with _within(BOUND):
        statuses = registry.health_check_all(timeout=DEADLINE)

    assert HealthState.UNHEALTHY is statuses[str(BAD)].state
    assert message in statuses[str(BAD)].message
    assert SECRET not in repr(statuses)
    assert 0 <= statuses[str(BAD)].details["duration_s"] < BOUND
    assert HealthState.HEALTHY is statuses[str(GOOD)].state
    bench.assert_reported("active" if is_up else "loaded")
    bench.assert_contained()


@pytest.mark.parametrize(("body", "words"), IS_NO_PLAIN_FUNCTION.items())
@pytest.mark.filterwarnings("error")
def test_72_a_health_check_that_is_no_plain_function(bench: Bench, body: str, words: str) -> None:
    """Unhealthy, since nobody knows."""
    _install_bad(bench, body.format(hook="health_check"))
    bench.registry.get(*BAD)

    status = bench.registry.health_check_all()[str(BAD)]

    assert status.state is HealthState.UNHEALTHY
    assert words.format(hook="health_check") in status.message
    assert bench.signals.calls == []
    bench.assert_reported("loaded")
    bench.assert_contained()


def test_73_ten_hung_checks_of_fifty_take_one_deadline_together(bench: Bench, hang: threading.Event) -> None:
    """The next round starts no second thread for them; once they come back, they are asked again."""
    keys = [PluginKey(PluginType.STORAGE, f"s{index}") for index in range(49)]
    for index, key in enumerate(keys):
        body = f"def health_check(self):\n    {HANGS}\n    return HealthStatus(HealthState.HEALTHY)"
        bench.install_plugin(key, prologue=SIGNALS, body=body if index < 9 else "")
    _install_bad(bench, f"def health_check(self):\n    {HANGS}\n    return HealthStatus(HealthState.DEGRADED)")
    registry = bench.registry
    for key in [*keys, BAD]:
        registry.get(*key)
    hung = {str(key) for key in [*keys[:9], BAD]}

    with _within(DEADLINE + BOUND):
        first = registry.health_check_all(timeout=DEADLINE)
    _becomes(lambda: len(bench.signals.hanging) == 10)
    threads = threading.active_count()
    with _within(DEADLINE + BOUND):
        second = registry.health_check_all(timeout=DEADLINE)

    assert hung == {key for key, status in first.items() if status.state is HealthState.UNHEALTHY}
    assert hung == {key for key, status in second.items() if status.state is HealthState.UNHEALTHY}
    assert 50 == len(first) == len(second)
    assert threads >= threading.active_count()
    assert len(bench.signals.hanging) == 10
    hang.set()
    _becomes(lambda: HealthState.DEGRADED is registry.health_check_all()[str(BAD)].state)
    bench.assert_contained()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("signals.registry.register(signals.made)", ""),
        ("signals.registry.get(PluginType.CATALOG, 'other')", ""),
        (
            "assert signals.registry.health_check_all(0.3)['COMPUTE:bad'].message == 'this health check asks for itself'",
            "",
        ),
    ],
    ids=["registers", "gets", "checks"],
)
def test_74_a_health_check_that_uses_the_registry(bench: Bench, body: str, message: str) -> None:
    """It may register and get; where it checks health itself, its own answer says so, and nobody waits for ever."""
    from floe_core.testing.distributions import plugin_source

    namespace: dict[str, type] = {}
    exec(plugin_source(CATALOG, name="made"), namespace)
    bench.install_plugin(PluginKey(CATALOG, "other"))
    _install_bad(
        bench,
        f"def health_check(self):\n    from floe_core.plugin_types import PluginType\n    {body}\n"
        "    return HealthStatus(HealthState.HEALTHY)",
    )
    bench.signals.__dict__.update(registry=bench.registry, made=namespace["Plugin"]())
    registry = bench.registry
    registry.activate_all([BAD, GOOD])

    with _within(30 + BOUND):
        statuses = registry.health_check_all(timeout=30)

    assert (HealthState.HEALTHY, message) == (statuses[str(BAD)].state, statuses[str(BAD)].message)
    bench.assert_contained()


@pytest.mark.parametrize("hook", ["startup", "shutdown", "health_check"])
def test_75_the_interpreter_exits_although_a_hook_hangs(bench: Bench, hook: str) -> None:
    """The abandoned hook's thread does not hold it up, and the good plugin is shut down on the way out."""
    _install_bad(bench, f"def {hook}(self):\n    __import__('threading').Event().wait()")
    bench.install_plugin(PluginKey(CATALOG, "tidy"), body="def shutdown(self): print('tidied up', flush=True)")

    done = run_script(
        bench.site,
        """
        import sys
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginType
        sys.modules["signals"] = sys
        registry = get_registry()
        keys = [(PluginType.COMPUTE, "bad"), (PluginType.CATALOG, "tidy")]
        for key, error in registry.activate_all(keys, timeout=0.5).items():
            print(key, type(error).__name__)
        if "health_check" in sys.argv:
            print(registry.health_check_all(0.3)["COMPUTE:bad"].state.value)
        if "shutdown" in sys.argv:
            print(type(registry.shutdown_all(0.3)["COMPUTE:bad"]).__name__)
        print("end", flush=True)
        """,
        hook,
    )

    assert "end" in done.lines
    assert done.lines.count("tidied up") == 1
    assert done.elapsed < 60
    expected = {
        "startup": "COMPUTE:bad PluginStartupError",
        "shutdown": "PluginShutdownError",
        "health_check": "unhealthy",
    }
    assert expected[hook] in done.lines


FORKS = """
import os, sys, threading, types
signals = sys.modules["signals"] = types.ModuleType("signals")
signals.calls, signals.inside, signals.go_on = [], threading.Event(), threading.Event()
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
registry = get_registry()

def in_a_child(check):
    pid = os.fork()
    if not pid:
        code = 1
        try:
            check()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
"""


def test_76_a_fork_while_plugins_are_active(bench: Bench) -> None:
    """In the child nothing is active and no hook of the parent's is called; get() builds a fresh plugin, which starts."""
    _install_bad(bench, LOGS)

    done = run_script(
        bench.site,
        FORKS
        + """
plugin = registry.get(PluginType.COMPUTE, "bad")
registry.activate_all([plugin])

def check():
    assert registry.state(PluginType.COMPUTE, "bad").value == "discovered"
    assert registry.shutdown_all() == {}
    assert signals.calls == ["+bad"]
    fresh = registry.get(PluginType.COMPUTE, "bad")
    assert fresh is not plugin
    registry.activate_plugin(PluginType.COMPUTE, "bad")
    assert registry.health_check_all()["COMPUTE:bad"].state.value == "healthy"
    assert registry.shutdown_all() == {"COMPUTE:bad": None}
    print(signals.calls)

in_a_child(check)
assert registry.get(PluginType.COMPUTE, "bad") is plugin
assert registry.state(PluginType.COMPUTE, "bad").value == "active"
print(signals.calls)
""",
    )

    assert done.lines == ["['+bad', '+bad', '-bad']", "['+bad']"]


def test_76_a_fork_while_another_thread_is_loading(bench: Bench) -> None:
    """In the child everything works that nobody was importing or building; the parent's load goes on."""
    _install_bad(bench, "def __init__(self):\n    signals.inside.set()\n    signals.go_on.wait(120)")

    done = run_script(
        bench.site,
        FORKS
        + """
import honest
thread = threading.Thread(target=registry.get, args=(PluginType.COMPUTE, "bad"))
thread.start()
assert signals.inside.wait(60)

def check():
    registry.activate_plugin(PluginType.CATALOG, "good")
    assert registry.state(PluginType.CATALOG, "good").value == "active"
    signals.go_on = threading.Event()
    signals.go_on.set()
    print(registry.get(PluginType.COMPUTE, "bad").name)

in_a_child(check)
signals.go_on.set()
thread.join(60)
print(registry.state(PluginType.COMPUTE, "bad").value)
""",
    )

    assert done.lines == ["bad", "loaded"]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_77_keys_handles_and_errors_travel_to_worker_processes_and_back(bench: Bench, method: str) -> None:
    """The worker resolves keys and handles in its own registry; every exception raised there arrives as it was."""
    bench.install_bad(schema=TAKES_TOKEN, body="def __init__(self): raise RuntimeError('no')")

    done = run_script(
        bench.site,
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        from floe_core.plugin_errors import PluginLoadError, PluginNotFoundError
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginKey, PluginType

        def by_key(key): return get_registry().get(*key).name
        def by_handle(handle): return handle.load().name

        if __name__ == "__main__":
            handle, bad = get_registry().list(PluginType.CATALOG)[0], get_registry().list(PluginType.COMPUTE)[0]
            context = multiprocessing.get_context(sys.argv[1])
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                print(pool.submit(by_key, PluginKey(PluginType.CATALOG, "good")).result(60))
                print(pool.submit(by_handle, handle).result(60))
                for call, argument in ((by_handle, bad), (by_key, PluginKey(PluginType.COMPUTE, "nobody"))):
                    try:
                        pool.submit(call, argument).result(60)
                    except (PluginLoadError, PluginNotFoundError) as exc:
                        print(type(exc).__name__, exc)
                print(pool.submit(by_handle, handle).result(60))
        """,
        method,
    )

    assert done.lines[:2] == ["good", "good"]
    assert done.lines[2].startswith(
        "PluginLoadError Plugin COMPUTE:bad could not be loaded: constructing Plugin raised"
    )
    assert "acme-broken 2.3.4" in done.lines[2]
    assert done.lines[3].startswith("PluginNotFoundError Plugin not found: COMPUTE:nobody")
    assert done.lines[4:] == ["good"]


@pytest.mark.parametrize("end", ["succeeds", "fails", "fails to shut down"])
def test_78_a_startup_that_finishes_after_its_deadline(bench: Bench, hang: threading.Event, end: str) -> None:
    """A plugin that came up late is shut down again, on the same thread; after that it can be activated anew."""
    _install_bad(
        bench,
        """
        def startup(self):
            signals.calls.append('+')
            if len(signals.calls) == 1:
                signals.hang.wait(120)
                if signals.end == 'fails': raise OSError(self.config.token)
        def shutdown(self):
            signals.calls.append('-')
            if signals.end == 'fails to shut down': raise OSError(self.config.token)
        """,
    )
    bench.signals.__dict__["end"] = end
    registry = bench.registry
    with bench.expects(PluginStartupError):
        registry.activate_plugin(*BAD, timeout=DEADLINE)
    assert bench.report().state != "active"

    hang.set()
    _becomes(lambda: _starts(bench))

    assert (["+", "+"] if end == "fails" else ["+", "-", "+"]) == bench.signals.calls
    told = [record.getMessage() for record in bench.caplog.records if "after it was given up on" in record.getMessage()]
    assert len(told) == 1
    bench.assert_reported("active")
    bench.assert_contained()


def _starts(bench: Bench) -> bool:
    try:
        bench.registry.activate_plugin(*BAD)
    except PluginStateError:
        return False
    return True


def test_78_a_shutdown_that_finishes_after_its_deadline(bench: Bench, hang: threading.Event) -> None:
    """Until then the plugin cannot be activated; then it can."""
    _install_bad(bench, LOGS + f"def shutdown(self):\n    {HANGS}")
    registry = bench.registry
    registry.activate_plugin(*BAD)
    with bench.expects(PluginShutdownError), _within(BOUND):
        registry.shutdown_plugin(*BAD, timeout=DEADLINE)
    with bench.expects(PluginStateError) as caught:
        registry.activate_plugin(*BAD)
    assert "its shutdown() was given up on and is still running" in str(caught.value)

    hang.set()
    _becomes(lambda: _starts(bench))

    assert bench.signals.calls == ["+bad", "+bad"]
    bench.assert_contained()


def test_78_a_health_check_that_finishes_after_its_deadline(bench: Bench, hang: threading.Event) -> None:
    """Its late answer is nobody's; the next round asks anew."""
    _install_bad(
        bench,
        "def health_check(self):\n    signals.calls.append(1)\n    signals.hang.wait(120)\n"
        "    return HealthStatus(HealthState.DEGRADED, str(len(signals.calls)))",
    )
    registry = bench.registry
    registry.get(*BAD)
    assert HealthState.UNHEALTHY is registry.health_check_all(DEADLINE)[str(BAD)].state

    hang.set()
    _becomes(lambda: registry.health_check_all()[str(BAD)].message == "2")
    bench.assert_contained()
    assert issubclass(PluginStateError, PluginError)
    assert COMPUTE is BAD.plugin_type
