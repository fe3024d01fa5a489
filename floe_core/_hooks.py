"""Calling a plugin's hooks so that none of them can hang the caller: each plugin's on a daemon thread of its own."""

from __future__ import annotations

import threading
from contextvars import copy_context
from queue import SimpleQueue
from time import perf_counter

from floe_core._places import place_of_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import PluginKey


class HookCall:
    """
    One call of one hook: made now, run once, with the context variables of whoever made it.

    ``error`` and ``result`` are set when ``finished`` is. Whatever the hook raises is kept, SystemExit included.
    """

    __slots__ = (
        "_context",
        "_hook",
        "_ident",
        "_on_finish",
        "_plugin",
        "began",
        "duration",
        "error",
        "finished",
        "result",
    )

    def __init__(self, plugin: PluginMetadata, hook: str, on_finish: Callable[[HookCall], None] | None = None) -> None:
        self._plugin = plugin
        self._hook = hook
        self.finished = threading.Event()
        self.began: float | None = None
        self.duration = 0.0
        self.result: object = None
        self.error: BaseException | None = None
        self._context = copy_context()
        self._on_finish = on_finish
        self._ident: int | None = None

    @property
    def name(self) -> str:
        return f"{self._hook}()"

    def run(self) -> None:
        self._ident = threading.get_ident()
        self.began = perf_counter()
        try:
            self.result = self._context.run(lambda: getattr(self._plugin, self._hook)())
        except BaseException as exc:  # a plugin's exit is its own, never the platform's
            self.error = exc
        self.duration = perf_counter() - self.began
        self.finished.set()
        if self._on_finish is not None:
            self._on_finish(self)

    @property
    def is_running_here(self) -> bool:
        """Whether the calling thread is the one that is inside this very hook."""
        return self._ident == threading.get_ident() and not self.finished.is_set()

    def place(self) -> str:
        """Where the hook stands, in words that end a sentence."""
        if self._ident is None:
            return "it has not begun, since another hook of this plugin is still running"
        place = place_of_thread(self._ident)
        return f"it stands at {place}" if place else "it has ended meanwhile"


class HookThread:
    """
    The thread on which one plugin's hooks run, one after another; started at the first.

    A daemon, so that a hook that never returns keeps neither a caller nor the interpreter from going on.
    """

    __slots__ = ("_calls", "_current", "_thread")

    def __init__(self, key: PluginKey) -> None:
        self._calls: SimpleQueue[HookCall | None] = SimpleQueue()
        self._current: HookCall | None = None
        self._thread = threading.Thread(target=self._work, name=f"floe {key}", daemon=True)

    @property
    def is_busy(self) -> bool:
        current = self._current
        return current is not None and not current.finished.is_set()

    def run(self, call: HookCall) -> None:
        """Run *call* after those before it; on the calling thread where no thread can be started any more."""
        if self._thread.ident is None:
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is going down
                call.run()
                return
        self._calls.put(call)

    def end(self) -> None:
        """Let the thread end once it has run what was asked of it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._current = call
            call.run()
            self._current = None
            del call
