"""Calling a plugin's hooks so that none of them can hang the caller: each plugin's on a daemon thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextvars import copy_context
from time import perf_counter

from floe_core._places import place_of_error, place_of_thread, type_and_place
from floe_core._tracing import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import PluginKey

LET_IT_BE_PLAIN = "Let it be a plain function; asyncio.run() inside it runs what is asynchronous."

_SPANS = {"startup": "start", "shutdown": "stop", "health_check": "health"}


class NothingRan(Exception):
    """A hook is no plain function: calling it ran none of its code."""


def run_hook(hook: Callable[..., object], *arguments: object) -> object:
    """
    The answer of *hook*.

    Raises:
        NothingRan: It is a coroutine or a generator, with all of the hook's code still in it.

    """
    answer = hook(*arguments)
    kind = type(answer).__name__
    if isinstance(answer, (Coroutine, Generator)):
        answer.close()  # or Python warns of what nobody awaited
    elif not isinstance(answer, AsyncGenerator):
        return answer
    raise NothingRan(f"returned an object of type {kind}, and none of its code has run")


def was_not_called(error: BaseException) -> bool:
    """Whether a hook takes other arguments than it is given, so that *error* arose in the very call."""
    return isinstance(error, TypeError) and place_of_error(error).endswith(f" in {run_hook.__name__}")


class HookCall:
    """
    One call of one hook: made now, run once at most, with the context variables of whoever made it.

    ``error`` and ``result`` are set when ``finished`` is. Whatever the hook raises is kept, SystemExit included.

    Args:
        context: The context variables. None: a copy of those of the caller.

    """

    __slots__ = (
        "_claim",
        "_hook",
        "_ident",
        "_on_finish",
        "began",
        "context",
        "duration",
        "error",
        "finished",
        "is_given_up",
        "key",
        "plugin",
        "result",
    )

    def __init__(
        self,
        key: PluginKey,
        plugin: PluginMetadata,
        hook: str,
        on_finish: Callable[[HookCall], None] | None = None,
        context: Context | None = None,
    ) -> None:
        self.key = key
        self.plugin = plugin
        self.context = copy_context() if context is None else context
        self.finished = threading.Event()
        self.is_given_up = False
        self.began: float | None = None
        self.duration = 0.0
        self.result: object = None
        self.error: BaseException | None = None
        self._hook = hook
        self._on_finish = on_finish
        self._ident: int | None = None
        self._claim = threading.Lock()  # taken for good by whoever comes first: the run, or the one that calls it off

    @property
    def name(self) -> str:
        return f"{self._hook}()"

    @property
    def trouble(self) -> str:
        """What went wrong in a call that failed, in words that begin a sentence."""
        assert self.error is not None, "asked only of a call that failed"
        if isinstance(self.error, NothingRan):
            return f"{self.name} {self.error}"
        if was_not_called(self.error):
            return f"{self.name} cannot be called as the registry calls it, without arguments"
        return f"{self.name} raised {type_and_place(self.error)}"

    @property
    def advice(self) -> str:
        """What the author does about it."""
        return LET_IT_BE_PLAIN if isinstance(self.error, NothingRan) else "The cause tells more."

    @property
    def is_running_here(self) -> bool:
        """Whether the calling thread is the one that is inside this very hook."""
        return self._ident == threading.get_ident() and not self.finished.is_set()

    def run(self) -> None:
        if not self._claim.acquire(blocking=False):
            return
        self._ident = threading.get_ident()
        self.began = perf_counter()
        try:
            self.result = self.context.run(self._call_hook)
        except BaseException as exc:  # a plugin's exit is its own, never the platform's
            self.error = exc
        self.duration = perf_counter() - self.began
        self.finished.set()
        if self._on_finish is not None:
            self._on_finish(self)

    def _call_hook(self) -> object:
        with span(_SPANS[self._hook], self.key):
            return run_hook(getattr(self.plugin, self._hook))  # reading it may run the author's code too

    def call_off(self) -> bool:
        """Keep a call that has not begun from ever beginning; False when it has begun."""
        return self._claim.acquire(blocking=False)

    def place(self) -> str:
        """Where the hook stands, in words that end a sentence."""
        if self._ident is None:
            return "it has not begun, since another hook of this plugin is still running"
        place = place_of_thread(self._ident)
        return f"it stands at {place}" if place and not self.finished.is_set() else "it has ended meanwhile"


class HookThread:
    """
    The thread on which one plugin's hooks run, one after another; started at the first.

    A daemon, so that a hook that never returns keeps neither a caller nor the interpreter from going on. Once somebody
    gave up on the hook that runs, the next ones go to a fresh thread. Safe from any number of threads.
    """

    __slots__ = ("__weakref__", "_calls", "_changed", "_current", "_key", "_users", "_worker")

    def __init__(self, key: PluginKey) -> None:
        self._key = key
        self._changed = threading.Condition(threading.Lock())  # guards what follows; no hook runs under it
        self._calls: deque[HookCall] = deque()
        self._current: HookCall | None = None
        self._worker: threading.Thread | None = None
        self._users = 0

    def take(self) -> None:
        """Keep the thread waiting for calls until as many ``end`` as there were takes."""
        with self._changed:
            self._users += 1

    def get_ready(self) -> None:
        """Start the thread now, so that the next call finds it waiting. Only for who took it."""
        with self._changed:
            if self._worker is None:
                self._starts_worker()

    def end(self) -> None:
        """Let the thread end once it has run what was asked of it, unless somebody else took it."""
        with self._changed:
            self._users -= 1
            self._changed.notify_all()

    def run(self, call: HookCall) -> None:
        """Run *call* after those before it; on the calling thread where no thread can be started any more."""
        with self._changed:
            self._pass_by_what_was_given_up()
            self._calls.append(call)
            if self._worker is not None or self._starts_worker():
                self._changed.notify_all()
                return
            self._calls.pop()
        call.run()  # the interpreter is going down, or the system has no thread left

    def run_here(self, call: HookCall) -> None:
        """Run *call* on the calling thread, once what runs now and before it has ended or was given up on."""
        with self._changed:
            while self._calls or self._is_held_up:
                self._changed.wait()
            self._current = call
        try:
            call.run()
        finally:
            self._done(call)

    def give_up_on(self, call: HookCall) -> None:
        """Wait for *call* no longer: what comes after it goes on without it."""
        with self._changed:
            call.is_given_up = True
            if self._calls:
                self._pass_by_what_was_given_up()
                if self._worker is None:
                    self._starts_worker()
            self._changed.notify_all()

    @property
    def _is_held_up(self) -> bool:
        return self._current is not None and not self._current.is_given_up

    def _pass_by_what_was_given_up(self) -> None:
        if self._current is not None and self._current.is_given_up:
            self._current = self._worker = None

    def _starts_worker(self) -> bool:
        worker = threading.Thread(target=self._work, name=f"floe {self._key}", daemon=True)
        self._worker = worker
        try:
            worker.start()
        except RuntimeError:
            self._worker = None
            return False
        return True

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call.run()
            self._done(call)
            del call  # and with it the plugin, while the thread waits

    def _next(self) -> HookCall | None:
        """What to run now, waiting for it; None when this thread has to end."""
        me = threading.current_thread()
        with self._changed:
            while self._worker is me:
                if self._calls and not self._is_held_up:
                    self._current = self._calls.popleft()
                    return self._current
                if not self._calls and not self._users:
                    self._worker = None
                    break
                self._changed.wait()
        return None

    def _done(self, call: HookCall) -> None:
        with self._changed:
            if self._current is call:
                self._current = None
            self._changed.notify_all()
