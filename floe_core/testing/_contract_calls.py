"""Calling a plugin's hooks on threads that the test knows, each call bounded by the patience of whoever waits for it."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from floe_core._places import place_of_thread

if TYPE_CHECKING:
    from floe_core.plugin_metadata import PluginMetadata

PREFIX = "floe contract"
"""What the names of these threads begin with."""


class Call:
    """One call of one hook. ``result`` or ``error`` is set when ``finished`` is; the error may be an exit."""

    def __init__(self, plugin: PluginMetadata, hook: str) -> None:
        self.hook = hook
        self.finished = threading.Event()
        self.result: object = None
        self.error: BaseException | None = None
        self._plugin = plugin
        self._ident = 0

    def run(self) -> None:
        self._ident = threading.get_ident()
        try:
            self.result = getattr(self._plugin, self.hook)()
        except BaseException as exc:  # the author's code: whatever it raises is told
            self.error = exc
        self.finished.set()

    def place(self) -> str:
        """The line at which the hook stands."""
        return place_of_thread(self._ident)


class Line:
    """A daemon thread on which calls run one after another: one that hangs keeps neither pytest nor Python from ending."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        threading.Thread(target=self._work, name=PREFIX, daemon=True).start()

    def run(self, call: Call) -> None:
        self._calls.put(call)

    def end(self) -> None:
        """Let the thread end once it has run what was asked of it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
