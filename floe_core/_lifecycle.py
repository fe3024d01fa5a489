"""Starting and stopping plugins: in order, in parallel, each once, and never beyond its deadline."""

from __future__ import annotations

import logging
import threading
from collections import deque
from enum import Enum
from queue import Empty, SimpleQueue
from time import monotonic

from floe_core._dependencies import blocked
from floe_core._forking import forget_in_children
from floe_core._hooks import HookCall, HookThread
from floe_core._ordering import dependencies_first, dependents_of
from floe_core._places import place_of_error
from floe_core.plugin_errors import PluginError, PluginShutdownError, PluginStartupError, PluginStateError
from floe_core.plugin_types import PluginKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from floe_core.plugin_metadata import PluginMetadata

    Outcomes = dict[PluginKey, PluginError | None]
    Report = Callable[[PluginError | None], None]

logger = logging.getLogger(__name__)


class Phase(Enum):
    STARTING = "starting"
    ACTIVE = "active"
    STOPPING = "stopping"
    ABANDONED = "abandoned"


class _Run:
    """One plugin from the call of its startup() to the end of its shutdown(). Changed under the lifecycle's lock."""

    __slots__ = ("call", "dependencies", "key", "phase", "plugin", "started_in", "thread", "waiting")

    def __init__(self, key: PluginKey, plugin: PluginMetadata, dependencies: tuple[PluginKey, ...]) -> None:
        self.key = key
        self.plugin = plugin
        self.dependencies = dependencies
        self.phase = Phase.STARTING
        self.thread = HookThread(key)
        self.call: HookCall | None = None
        self.started_in = 0.0
        self.waiting: list[Report] = []


class Lifecycle:
    """
    Which plugins are active, and the two verbs on them. Safe from any number of threads.

    No lock is held while a hook runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _runs and the runs in it; only dictionary work happens under it
        self._runs: dict[PluginKey, _Run] = {}
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

    def thread_of(self, key: PluginKey) -> HookThread | None:
        """The thread for the hooks of a plugin that is starting or up, unless a hook hangs on it."""
        run = self._runs.get(key)
        return run.thread if run is not None and run.phase in (Phase.STARTING, Phase.ACTIVE) else None

    def start(
        self,
        plugins: Mapping[PluginKey, PluginMetadata],
        edges: Mapping[PluginKey, tuple[PluginKey, ...]],
        timeout: float | None,
        limit: int,
    ) -> Outcomes:
        """
        Start every key of *edges* that is not up, each as soon as its dependencies are, and say what became of each.

        Args:
            edges: Each key with its dependencies, free of circles.

            timeout: Seconds for each hook, counted from its own call. None: one after another on this thread, unbounded.

            limit: How many may be starting at once.

        """
        if edges:
            self.before_start()
        if timeout is None:
            return self._start_here(plugins, edges)
        walk = _Walk(edges, timeout, limit)
        mine: set[PluginKey] = set()

        def begin(key: PluginKey, report: Report) -> None:
            if run := self._enter(key, plugins[key], edges[key], report):
                mine.add(key)
                run.call = HookCall(run.plugin, "startup", lambda call: self._started(run, call))
                run.thread.run(run.call)

        def expire(key: PluginKey) -> PluginError | None:
            return self._give_up_starting(key, timeout, mine=key in mine)

        try:
            return walk.go(begin, expire, blocked)
        except BaseException:
            for key in walk.under_way & mine:
                self._give_up_starting(key, timeout, mine=True)
            raise

    def stop(self, keys: Iterable[PluginKey] | None, timeout: float | None) -> Outcomes:
        """
        Stop *keys* (None: all) and whatever is up and depends on them, dependents first, the rest in parallel.

        A hook that fails or hangs does not keep the others from being called. Keys that are not up are no part of it.
        """
        runs = self._snapshot()
        dependents = dependents_of({key: run.dependencies for key, run in runs.items()})
        wanted = deque(runs if keys is None else [key for key in keys if key in runs])
        edges: dict[PluginKey, tuple[PluginKey, ...]] = {}
        while wanted:
            key = wanted.popleft()
            if key not in edges:
                edges[key] = tuple(dependents.get(key, ()))
                wanted.extend(edges[key])
        if timeout is None:
            return {key: self._stop_here(key) for key in dependencies_first(edges)}

        def begin(key: PluginKey, report: Report) -> None:
            self._leave(key, report)

        def expire(key: PluginKey) -> PluginError | None:
            return self._give_up_stopping(key, timeout)

        return _Walk(edges, timeout, len(edges)).go(begin, expire, _no_matter)

    def forget_the_parent(self) -> None:
        """In a forked child: nothing counts as active, and no hook is called for what the parent started."""
        self._lock = threading.Lock()
        self._runs = {}

    def _snapshot(self) -> dict[PluginKey, _Run]:
        with self._lock:
            return dict(self._runs)

    def _enter(
        self, key: PluginKey, plugin: PluginMetadata, dependencies: tuple[PluginKey, ...], report: Report
    ) -> _Run | None:
        """Take the right to start *key*; None when it is up, or when somebody else's start is to be awaited."""
        with self._lock:
            run = self._runs.get(key)
            if run is None:
                run = self._runs[key] = _Run(key, plugin, dependencies)
                run.waiting.append(report)
                return run
            if run.phase is Phase.STARTING:
                run.waiting.append(report)
                return None
            phase, call = run.phase, run.call
        report(None if phase is Phase.ACTIVE else _not_startable(key, phase, call))
        return None

    def _started(self, run: _Run, call: HookCall) -> None:
        """The end of a startup(), on the plugin's own thread."""
        error = None if call.error is None else _startup_error(run.key, call.error)
        with self._lock:
            is_late = run.phase is Phase.ABANDONED
            if not is_late:
                run.started_in = call.duration
                self._runs.pop(run.key, None)
                if error is None:
                    run.phase = Phase.ACTIVE
                    self._runs[run.key] = run  # at the end: the order of completion
            waiting, run.waiting = run.waiting, []
        if is_late:
            self._undo_late_start(run, succeeded=error is None)
        elif error is not None:
            run.thread.end()
        for report in waiting:
            report(error)

    def _undo_late_start(self, run: _Run, *, succeeded: bool) -> None:
        logger.warning(
            "Plugin %s finished its startup() after its deadline; %s",
            run.key,
            "it is shut down again" if succeeded else "it failed",
            extra={"floe_key": str(run.key)},
        )
        if succeeded:
            run.call = HookCall(run.plugin, "shutdown")
            run.call.run()
        self._drop(run)
        run.thread.end()

    def _give_up_starting(self, key: PluginKey, timeout: float, *, mine: bool) -> PluginError | None:
        """Abandon the startup of *key*, unless it has ended just now: then its report is on the way."""
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.phase is not Phase.STARTING:
                return None
            if not mine:
                return PluginStartupError(key, f"another call has been starting it for more than {timeout:g} s")
            run.phase = Phase.ABANDONED
            run.waiting.clear()
        where = run.call.place() if run.call else "it has not begun"
        return PluginStartupError(
            key,
            f"startup() did not return within {timeout:g} s; {where}",
            advice="It is left to itself, and shut down should it still finish. Mend that line, or give it more time.",
        )

    def _start_here(
        self, plugins: Mapping[PluginKey, PluginMetadata], edges: Mapping[PluginKey, tuple[PluginKey, ...]]
    ) -> Outcomes:
        outcomes: Outcomes = {}
        for key in dependencies_first(edges):
            failed = next((needed for needed in edges[key] if outcomes.get(needed)), None)
            if failed is not None and (cause := outcomes[failed]):
                outcomes[key] = blocked(key, failed, cause)
                continue
            answers: SimpleQueue[PluginError | None] = SimpleQueue()
            if run := self._enter(key, plugins[key], edges[key], answers.put):
                run.call = HookCall(run.plugin, "startup")
                run.call.run()
                self._started(run, run.call)
                if isinstance(run.call.error, KeyboardInterrupt):
                    raise run.call.error
            outcomes[key] = answers.get()
        return outcomes

    def _leave(self, key: PluginKey, report: Report) -> None:
        """Begin to stop *key*, once a start that is under way has ended."""
        with self._lock:
            run = self._runs.get(key)
            phase = run.phase if run else None
            if run is not None and phase is Phase.ACTIVE:
                run.phase = Phase.STOPPING
                run.waiting.append(report)
                run.call = HookCall(run.plugin, "shutdown", lambda call: self._stopped(run, call))
            elif run is not None and phase is Phase.STARTING:
                run.waiting.append(lambda _: self._leave(key, report))
                return
            elif run is not None and phase is Phase.STOPPING:
                run.waiting.append(report)
                return
        if run is None or phase is not Phase.ACTIVE or run.call is None:
            report(None)
            return
        if run.thread.is_busy:  # a health check hangs on it
            run.thread = HookThread(key)
        run.thread.run(run.call)

    def _stopped(self, run: _Run, call: HookCall) -> None:
        error = None if call.error is None else _shutdown_error(run.key, call.error)
        waiting = self._drop(run)
        run.thread.end()
        for report in waiting:
            report(error)

    def _give_up_stopping(self, key: PluginKey, timeout: float) -> PluginError | None:
        """Abandon what runs of *key*, unless it has ended just now: then its report is on the way."""
        with self._lock:
            run = self._runs.get(key)
            call = run.call if run else None
            if run is None or call is None or run.phase is Phase.ACTIVE:
                return None
            if run.phase is Phase.STOPPING:
                run.phase = Phase.ABANDONED
        where = call.place()
        return PluginShutdownError(
            key,
            f"{call.name} did not return within {timeout:g} s; {where}",
            advice="It is left to itself. Mend that line, or give it more time.",
        )

    def _stop_here(self, key: PluginKey) -> PluginError | None:
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.phase is not Phase.ACTIVE:
                return None
            run.phase = Phase.STOPPING
        run.call = HookCall(run.plugin, "shutdown")
        run.call.run()
        self._stopped(run, run.call)
        if isinstance(run.call.error, KeyboardInterrupt):
            raise run.call.error
        return None if run.call.error is None else _shutdown_error(key, run.call.error)

    def _drop(self, run: _Run) -> list[Report]:
        """Forget *run*; returns who waits for its end."""
        with self._lock:
            if self._runs.get(run.key) is run:
                del self._runs[run.key]
            waiting, run.waiting = run.waiting, []
        return waiting


class _Walk:
    """Goes along a graph: begins each key once the keys that it needs are through, and waits for all of them."""

    def __init__(self, edges: Mapping[PluginKey, tuple[PluginKey, ...]], timeout: float, limit: int) -> None:
        self._edges = edges
        self._timeout = timeout
        self._limit = limit
        self._deadlines: dict[
            PluginKey, float
        ] = {}  # of what is under way; all wait equally long, so the first ends first

    @property
    def under_way(self) -> set[PluginKey]:
        return set(self._deadlines)

    def go(
        self,
        begin: Callable[[PluginKey, Report], None],
        expire: Callable[[PluginKey], PluginError | None],
        blocked_by: Callable[[PluginKey, PluginKey, PluginError], PluginError | None],
    ) -> Outcomes:
        """
        Args:
            begin: Begins a key; its report is called once, from any thread.

            expire: Gives up on a key whose time is over, and says so; None when its report is about to come.

            blocked_by: What a failed key means for one that needs it: an error, so that it is not begun, or None.

        """
        outcomes: Outcomes = {}
        reports: SimpleQueue[tuple[PluginKey, PluginError | None]] = SimpleQueue()
        missing = {key: len(needed) for key, needed in self._edges.items()}
        dependents = dependents_of(self._edges)
        hindered: Outcomes = {}
        ready = deque(key for key, count in missing.items() if not count)
        while ready or self._deadlines:
            if ready and len(self._deadlines) < self._limit:
                key = ready.popleft()
                if error := hindered.get(key):
                    settled = [(key, error)]
                else:
                    self._deadlines[key] = monotonic() + self._timeout
                    begin(key, lambda error, key=key: reports.put((key, error)))
                    continue
            else:
                settled = self._next(reports, expire)
            for key, error in settled:
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
    ) -> list[tuple[PluginKey, PluginError | None]]:
        first, deadline = next(iter(self._deadlines.items()))
        try:
            return [reports.get(timeout=max(0.0, deadline - monotonic()))]
        except Empty:
            error = expire(first)
            return [(first, error)] if error is not None else []


def _not_startable(key: PluginKey, phase: Phase, call: HookCall | None) -> PluginStateError:
    if phase is Phase.STOPPING:
        return PluginStateError(key, "it is being shut down", advice="Activate it again once that has returned.")
    where = f": {call.place()}" if call else ""
    hook = call.name if call else "a hook"
    reason = f"its {hook} was given up on and is still running{where}"
    return PluginStateError(key, reason, advice="Mend that line; until it returns, the plugin cannot be started anew.")


def _startup_error(key: PluginKey, cause: BaseException) -> PluginStartupError:
    error = PluginStartupError(key, f"startup() raised {_type_and_place(cause)}", advice="The cause tells more.")
    error.__cause__ = cause
    return error


def _shutdown_error(key: PluginKey, cause: BaseException) -> PluginShutdownError:
    error = PluginShutdownError(key, f"shutdown() raised {_type_and_place(cause)}", advice="The cause tells more.")
    error.__cause__ = cause
    return error


def _type_and_place(error: BaseException) -> str:
    return f"{type(error).__name__} at {place_of_error(error)}"


def _no_matter(_key: PluginKey, _dependency: PluginKey, _error: PluginError) -> None:
    """A plugin whose dependents did not stop is stopped all the same."""


def _nothing() -> None:
    pass
