"""Starting and stopping plugins: in order, in parallel, each once, and never beyond its deadline."""

from __future__ import annotations

import logging
import threading
from collections import deque
from enum import Enum
from queue import Empty, SimpleQueue
from time import monotonic
from weakref import WeakValueDictionary

from floe_core._dependencies import blocked
from floe_core._forking import forget_in_children
from floe_core._hooks import HookCall, HookThread, NothingRan
from floe_core._ordering import dependencies_first, dependents_of
from floe_core.plugin_errors import PluginError, PluginShutdownError, PluginStartupError, PluginStateError
from floe_core.plugin_types import PluginKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from floe_core.plugin_metadata import PluginMetadata

    Outcomes = dict[PluginKey, PluginError | None]
    Report = Callable[[PluginError | None], None]
    HookError = TypeVar("HookError", PluginStartupError, PluginShutdownError)

logger = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds to wait for a report that is known to be on its way; it takes microseconds unless something is broken."""
GLANCE = 1.0
"""Seconds after which a wait begins anew: an interrupt from just before it begins is noticed only when it ends."""


class Phase(Enum):
    STARTING = "starting"
    ACTIVE = "active"
    STOPPING = "stopping"
    ABANDONED = "abandoned"


class _Run:
    """One plugin from the call of its startup() to the end of its shutdown(). Changed under the lifecycle's lock."""

    __slots__ = ("call", "dependencies", "is_leaving", "key", "phase", "plugin", "started_in", "thread", "waiting")

    def __init__(
        self,
        key: PluginKey,
        plugin: PluginMetadata,
        dependencies: tuple[PluginKey, ...],
        thread: HookThread,
        on_start: Callable[[_Run, HookCall], None],
    ) -> None:
        self.key = key
        self.plugin = plugin
        self.dependencies = dependencies
        self.phase = Phase.STARTING
        self.is_leaving = False  # somebody is about to stop it: nothing may start on top of it any more
        self.thread = thread
        self.call = HookCall(key, plugin, "startup", lambda call: on_start(self, call))
        self.started_in = 0.0
        self.waiting: list[Report] = []


class _Claims:
    """The runs that one call to start has to do with: those it begins, and other calls' that it waits for."""

    __slots__ = ("awaited", "mine")

    def __init__(self) -> None:
        self.mine: dict[PluginKey, _Run] = {}
        self.awaited: dict[PluginKey, _Run] = {}


class Lifecycle:
    """
    Which plugins are active, and the two verbs on them. Safe from any number of threads.

    No lock is held while a hook runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows and the runs in it; no foreign code runs under it
        self._runs: dict[PluginKey, _Run] = {}
        self._threads: WeakValueDictionary[PluginKey, HookThread] = WeakValueDictionary()
        self._failures: dict[PluginKey, PluginError] = {}
        self.before_start: Callable[[], None] = _nothing
        forget_in_children(self)

    @property
    def active(self) -> list[PluginKey]:
        """The keys that are up, in the order in which they came up."""
        return [key for key, run in self._snapshot().items() if run.phase is Phase.ACTIVE]

    def is_active(self, key: PluginKey) -> bool:
        run = self._runs.get(key)
        return run is not None and run.phase is Phase.ACTIVE

    def started_in(self, key: PluginKey) -> float | None:
        """How many seconds the startup of an active plugin took."""
        run = self._runs.get(key)
        return run.started_in if run is not None and run.phase is Phase.ACTIVE else None

    def start_began(self, key: PluginKey) -> float | None:
        """When the startup of an active plugin began, on the clock of ``time.perf_counter``."""
        run = self._runs.get(key)
        return run.call.began if run is not None and run.phase is Phase.ACTIVE else None

    def failure(self, key: PluginKey) -> PluginError | None:
        """Why the last attempt to start or stop *key* failed; None when it did not."""
        return self._failures.get(key)

    def thread_of(self, key: PluginKey) -> HookThread:
        """The thread for the hooks of *key*, taken: whoever asks for it ends it."""
        with self._lock:
            thread = self._thread(key)
            thread.take()
        return thread

    def start(
        self,
        plugins: Mapping[PluginKey, PluginMetadata],
        edges: Mapping[PluginKey, tuple[PluginKey, ...]],
        timeout: float | None,
        limit: int,
        begun: set[PluginKey] | None = None,
    ) -> Outcomes:
        """
        Start every key of *edges* that is not up, each as soon as its dependencies are, and say what became of each.

        Args:
            edges: Each key with its dependencies, free of circles.

            timeout: Seconds for each hook, counted from its own call. None: one after another on this thread, unbounded.

            limit: How many may be starting at once.

            begun: Is filled with the keys that this very call started, even if it is interrupted.

        """
        if edges:
            self.before_start()
        claims = _Claims()
        ready: list[HookThread] = []

        def get_ready(key: PluginKey) -> None:
            if key not in self._runs:
                ready.append(self.thread_of(key))
                ready[-1].get_ready()

        def enter(key: PluginKey, report: Report) -> _Run | None:
            run = self._enter(key, plugins[key], edges[key], report, claims)
            if run is not None and begun is not None:
                begun.add(key)
            return run

        def begin(key: PluginKey, report: Report) -> None:
            if run := enter(key, report):
                run.thread.run(run.call)

        def expire(key: PluginKey) -> PluginError | None:
            assert timeout is not None, "only a bounded walk has deadlines"
            if key in claims.mine:
                return self._give_up_starting(claims.mine[key], f"startup() did not return within {timeout:g} s")
            return self._give_up_waiting(claims.awaited[key], timeout) if key in claims.awaited else None

        try:
            if timeout is None:
                outcomes = self._start_here(edges, enter)
            else:
                outcomes = _Walk(edges, timeout, limit).go(begin, expire, blocked, get_ready)
        except BaseException:
            for run in claims.mine.values():
                self._give_up_starting(run, "the call that started it was interrupted")
            raise
        finally:
            for thread in ready:
                thread.end()
        self.note(outcomes)
        return outcomes

    def stop(self, keys: Iterable[PluginKey] | None, timeout: float | None) -> Outcomes:
        """
        Stop *keys* (None: all) and whatever is up and depends on them, dependents first, the rest in parallel.

        A hook that fails or hangs does not keep the others from being called. Keys that are not up are no part of it.
        """
        runs, edges = self._about_to_leave(keys)

        def begin(key: PluginKey, report: Report) -> None:
            run = runs[key]
            call = HookCall(run.key, run.plugin, "shutdown", lambda call: self._stopped(run, call))
            self._leave(run, call, report)

        def expire(key: PluginKey) -> PluginError | None:
            assert timeout is not None, "only a bounded walk has deadlines"
            return self._give_up_stopping(runs[key], timeout)

        try:
            if timeout is None:
                outcomes = {key: self._stop_here(runs[key]) for key in dependencies_first(edges)}
            else:
                outcomes = _Walk(edges, timeout, len(edges)).go(begin, expire, _no_matter)
        except BaseException:
            self._stay([runs[key] for key in edges])
            raise
        self.note(outcomes)
        return outcomes

    def note(self, outcomes: Mapping[PluginKey, PluginError | None]) -> None:
        """Remember why plugins did not start or stop, for ``failure``, until they start the next time."""
        with self._lock:
            self._failures.update({key: error for key, error in outcomes.items() if error is not None})

    def forget_the_parent(self) -> None:
        """In a forked child: nothing counts as active, and no hook is called for what the parent started."""
        self._lock = threading.Lock()
        self._runs = {}
        self._threads = WeakValueDictionary()
        self._failures = {}

    def _snapshot(self) -> dict[PluginKey, _Run]:
        with self._lock:
            return dict(self._runs)

    def _thread(self, key: PluginKey) -> HookThread:
        thread = self._threads.get(key)
        if thread is None:
            thread = self._threads[key] = HookThread(key)
        return thread

    # Starting

    def _enter(
        self,
        key: PluginKey,
        plugin: PluginMetadata,
        dependencies: tuple[PluginKey, ...],
        report: Report,
        claims: _Claims,
    ) -> _Run | None:
        """Take the right to start *key*; None when *report* is told without, now or once another call's start has ended."""
        with self._lock:
            run = self._runs.get(key)
            error: PluginError | None = None
            if run is not None:
                if run.phase is Phase.STARTING and not run.is_leaving and not run.call.is_running_here:
                    claims.awaited[key] = run
                    run.waiting.append(report)
                    return None
                if run.phase is not Phase.ACTIVE or run.is_leaving:
                    error = _not_startable(run)
            elif (leaving := self._not_up(dependencies)) is None:
                run = claims.mine[key] = _Run(key, plugin, dependencies, self._thread(key), self._started)
                run.waiting.append(report)
                run.thread.take()
                self._runs[key] = run  # last: where an interrupt comes in between, nothing is left behind
                return run
            else:
                error = blocked(key, leaving, _stopped_meanwhile(leaving))
        report(error)
        return None

    def _not_up(self, dependencies: Iterable[PluginKey]) -> PluginKey | None:
        """The dependency that somebody stopped, or is about to stop, since it was up."""
        for key in dependencies:
            run = self._runs.get(key)
            if run is None or run.phase is not Phase.ACTIVE or run.is_leaving:
                return key
        return None

    def _started(self, run: _Run, call: HookCall) -> None:
        """The end of a startup(), on the thread where it ran."""
        error = None if call.error is None else _failed(PluginStartupError, call)
        with self._lock:
            is_late = run.phase is Phase.ABANDONED
            if not is_late:
                run.started_in = call.duration
                self._runs.pop(run.key, None)
                if error is None:
                    run.phase = Phase.ACTIVE
                    self._failures.pop(run.key, None)
                    self._runs[run.key] = run  # at the end: the order of completion
            waiting, run.waiting = run.waiting, []
        if is_late:
            self._undo_late_start(run, succeeded=error is None)
        elif error is not None:
            run.thread.end()
        _tell(waiting, error)

    def _undo_late_start(self, run: _Run, *, succeeded: bool) -> None:
        logger.warning(
            "Plugin %s finished its startup() after it was given up on; %s",
            run.key,
            "it is shut down again" if succeeded else "it failed",
            extra=_fields(run.key),
        )
        if succeeded:
            call = run.call = HookCall(run.key, run.plugin, "shutdown", context=run.call.context)
            call.run()
            if call.error is not None:
                logger.warning("%s", _failed(PluginShutdownError, call), extra=_fields(run.key))
        with self._lock:
            self._drop(run)

    def _give_up_starting(self, run: _Run, reason: str) -> PluginError | None:
        """Abandon a startup, unless it has ended just now: then its report is on the way."""
        with self._lock:
            if self._runs.get(run.key) is not run or run.phase is not Phase.STARTING:
                return None
            is_running = not run.call.call_off()
            if is_running:
                run.phase = Phase.ABANDONED
                where = run.call.place()
                advice = (
                    "It is left to itself, and shut down should it still finish. Mend that line, or give it more time."
                )
            else:
                del self._runs[run.key]
                where = "it was not begun"
                advice = "Another hook of this plugin was still running. Activate it again once that has returned."
            error = PluginStartupError(run.key, f"{reason}; {where}", advice=advice)
            waiting, run.waiting = run.waiting, []
        if is_running:
            run.thread.give_up_on(run.call)
        run.thread.end()
        _tell(waiting, error)
        return error

    def _give_up_waiting(self, run: _Run, timeout: float) -> PluginError | None:
        with self._lock:
            if self._runs.get(run.key) is not run or run.phase is not Phase.STARTING:
                return None
        reason = f"another call has been starting it for more than {timeout:g} s; {run.call.place()}"
        return PluginStartupError(run.key, reason, advice="Mend that line, or give it more time.")

    def _start_here(
        self,
        edges: Mapping[PluginKey, tuple[PluginKey, ...]],
        enter: Callable[[PluginKey, Report], _Run | None],
    ) -> Outcomes:
        outcomes: Outcomes = {}
        for key in dependencies_first(edges):
            hindrance = next(((needed, error) for needed in edges[key] if (error := outcomes[needed])), None)
            if hindrance is not None:
                outcomes[key] = blocked(key, *hindrance)
                continue
            answers: SimpleQueue[PluginError | None] = SimpleQueue()
            if run := enter(key, answers.put):
                run.thread.run_here(run.call)
                if isinstance(run.call.error, KeyboardInterrupt):
                    raise run.call.error
            outcomes[key] = answers.get()
        return outcomes

    # Stopping

    def _about_to_leave(
        self, keys: Iterable[PluginKey] | None
    ) -> tuple[dict[PluginKey, _Run], dict[PluginKey, tuple[PluginKey, ...]]]:
        """
        What has to be stopped for *keys*, each with its dependents; from here on nothing more starts on top of them.
        """
        with self._lock:
            runs = {key: run for key, run in self._runs.items() if run.phase is not Phase.ABANDONED}
            dependents = dependents_of({key: run.dependencies for key, run in runs.items()})
            wanted = deque(runs if keys is None else [key for key in keys if key in runs])
            edges: dict[PluginKey, tuple[PluginKey, ...]] = {}
            while wanted:
                key = wanted.popleft()
                if key not in edges:
                    runs[key].is_leaving = True
                    edges[key] = tuple(dependents.get(key, ()))
                    wanted.extend(edges[key])
        return runs, edges

    def _stay(self, runs: Iterable[_Run]) -> None:
        """An interrupted call stops no more of them than it has begun to stop."""
        with self._lock:
            for run in runs:
                run.is_leaving = False

    def _leave(self, run: _Run, call: HookCall, report: Report) -> None:
        """Begin to stop *run*, once a start that is under way has ended."""
        if self._turns_to_stopping(run, call, report):
            run.thread.run(call)

    def _turns_to_stopping(self, run: _Run, call: HookCall, report: Report) -> bool:
        """Take the right to stop *run*; False when *report* is told without, now or once what is under way has ended."""
        error: PluginError | None = None
        with self._lock:
            if self._runs.get(run.key) is run:
                if run.phase is Phase.ACTIVE:
                    run.phase = Phase.STOPPING
                    run.call = call
                    run.waiting.append(report)
                    return True
                if run.call.is_running_here:
                    run.is_leaving = False
                    error = _calls_itself(run)
                elif run.phase is Phase.STARTING:
                    run.waiting.append(lambda _: self._leave(run, call, report))
                    return False
                elif run.phase is Phase.STOPPING:
                    run.waiting.append(report)
                    return False
                else:
                    error = PluginShutdownError(run.key, _still_running(run), advice=_LEFT_TO_ITSELF)
        report(error)
        return False

    def _stopped(self, run: _Run, call: HookCall) -> None:
        """The end of a shutdown(), on the thread where it ran."""
        error = None if call.error is None else _failed(PluginShutdownError, call)
        with self._lock:
            was_given_up = run.phase is Phase.ABANDONED
            waiting = self._drop(run)
        if not was_given_up:
            run.thread.end()
        _tell(waiting, error)

    def _give_up_stopping(self, run: _Run, timeout: float) -> PluginError | None:
        """Abandon what runs of a plugin, unless it has ended just now: then its report is on the way."""
        with self._lock:
            if self._runs.get(run.key) is not run or run.phase is Phase.ACTIVE:
                return None
            gives_up = run.phase is Phase.STOPPING
            if gives_up:
                run.phase = Phase.ABANDONED
            call = run.call
            reason = f"{call.name} did not return within {timeout:g} s; {call.place()}"
        error = PluginShutdownError(run.key, reason, advice=_LEFT_TO_ITSELF)
        if gives_up:
            run.thread.give_up_on(call)
            run.thread.end()
        return error

    def _stop_here(self, run: _Run) -> PluginError | None:
        while True:
            answers: SimpleQueue[PluginError | None] = SimpleQueue()
            call = HookCall(run.key, run.plugin, "shutdown", lambda call: self._stopped(run, call))
            with self._lock:
                is_starting = run.phase is Phase.STARTING and not run.call.is_running_here
                if is_starting:
                    run.waiting.append(answers.put)
            if is_starting:
                answers.get()
                continue
            if self._turns_to_stopping(run, call, answers.put):
                run.thread.run_here(call)
                if isinstance(call.error, KeyboardInterrupt):
                    raise call.error
            return answers.get()

    def _drop(self, run: _Run) -> list[Report]:
        """Forget *run*; returns who waits for its end. Called under the lock."""
        if self._runs.get(run.key) is run:
            del self._runs[run.key]
        waiting, run.waiting = run.waiting, []
        return waiting


class _Walk:
    """Goes along a graph: begins each key once the keys that it needs are through, and waits for all of them."""

    def __init__(self, edges: Mapping[PluginKey, tuple[PluginKey, ...]], timeout: float, limit: int) -> None:
        self._edges = edges
        self._timeout = min(timeout, threading.TIMEOUT_MAX)
        self._limit = limit
        # Of what is under way. All of it may take equally long, so the first is the first to be over.
        self._deadlines: dict[PluginKey, float] = {}

    def go(
        self,
        begin: Callable[[PluginKey, Report], None],
        expire: Callable[[PluginKey], PluginError | None],
        blocked_by: Callable[[PluginKey, PluginKey, PluginError], PluginError | None],
        get_ready: Callable[[PluginKey], None] | None = None,
    ) -> Outcomes:
        """
        Args:
            begin: Begins a key; its report is called once, from any thread.

            expire: Gives up on a key whose time is over, and says so; None when its report is about to come.

            blocked_by: What a failed key means for one that needs it: an error, so that it is not begun, or None.

            get_ready: Is called for each key that has to wait, as long as there is nothing else to do.

        """
        outcomes: Outcomes = {}
        reports: SimpleQueue[tuple[PluginKey, PluginError | None]] = SimpleQueue()
        missing = {key: len(needed) for key, needed in self._edges.items()}
        dependents = dependents_of(self._edges)
        hindered: Outcomes = {}
        ready = deque(key for key, count in missing.items() if not count)
        idle_work = deque(key for key, count in missing.items() if count and get_ready)

        def report_of(key: PluginKey) -> Report:
            return lambda error: reports.put((key, error))

        while ready or self._deadlines:
            if ready and len(self._deadlines) < self._limit:
                key = ready.popleft()
                error = hindered.get(key)
                if error is None:
                    self._deadlines[key] = monotonic() + self._timeout
                    begin(key, report_of(key))
                    continue
            else:
                while idle_work and get_ready and reports.empty():
                    get_ready(idle_work.popleft())
                key, error = self._next(reports, expire)
            if key in outcomes:
                continue  # a report that came after its time was up
            self._deadlines.pop(key, None)
            outcomes[key] = error
            for dependent in dependents.get(key, ()):
                if error is not None and dependent not in hindered:
                    hindered[dependent] = blocked_by(dependent, key, error)
                missing[dependent] -= 1
                if not missing[dependent]:
                    ready.append(dependent)
        return outcomes

    def _next(
        self,
        reports: SimpleQueue[tuple[PluginKey, PluginError | None]],
        expire: Callable[[PluginKey], PluginError | None],
    ) -> tuple[PluginKey, PluginError | None]:
        key, deadline = next(iter(self._deadlines.items()))
        while deadline - monotonic() > GLANCE:
            try:
                return reports.get(timeout=GLANCE)
            except Empty:
                continue
        try:
            return reports.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            if error := expire(key):
                return key, error
        try:
            return reports.get(timeout=GRACE)
        except Empty:
            reason = "its hook has ended, and the end was not reported"
            return key, PluginStateError(key, reason, advice="Look in the log for what a handler or a span raised.")


def _tell(waiting: Iterable[Report], error: PluginError | None) -> None:
    for report in waiting:
        report(error)


def _not_startable(run: _Run) -> PluginStateError:
    if run.call.is_running_here:
        return _calls_itself(run)
    if run.phase is Phase.ABANDONED:
        advice = "Mend that line; until it returns, the plugin cannot be started anew."
        return PluginStateError(run.key, _still_running(run), advice=advice)
    return PluginStateError(run.key, "it is being shut down", advice="Activate it again once that has returned.")


def _still_running(run: _Run) -> str:
    return f"its {run.call.name} was given up on and is still running: {run.call.place()}"


def _calls_itself(run: _Run) -> PluginStateError:
    reason = f"its own {run.call.name} asks for it to be started or stopped, and would wait for itself"
    return PluginStateError(run.key, reason, advice="Leave that to whoever activates the plugin.")


def _stopped_meanwhile(key: PluginKey) -> PluginStateError:
    advice = "Activate it again once that has returned."
    return PluginStateError(key, "it was shut down while others were being started on top of it", advice=advice)


def _failed(kind: type[HookError], call: HookCall) -> HookError:
    error = kind(call.key, call.trouble, advice=call.advice)
    if not isinstance(call.error, NothingRan):  # which is ours, and told in full
        error.__cause__ = call.error
    return error


def _fields(key: PluginKey) -> dict[str, str]:
    return {"floe_key": str(key)}


def _no_matter(_key: PluginKey, _dependency: PluginKey, _error: PluginError) -> None:
    """A plugin whose dependents did not stop is stopped all the same."""


def _nothing() -> None:
    pass


_LEFT_TO_ITSELF = "It is left to itself. Mend that line, or give it more time."
