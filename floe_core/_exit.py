"""What is still active when the interpreter exits is shut down, within one deadline over all."""

from __future__ import annotations

import atexit
import os
import threading

from floe_core._forking import forget_in_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class ShutdownAtExit:
    """
    Runs *shutdown* at interpreter exit, on a daemon thread started long before: at exit none can be started any more.

    Args:
        shutdown: What to run; it is given *deadline* as its own bound.

        deadline: Seconds for the whole. Exit goes on afterwards, whatever hangs.

    """

    def __init__(self, shutdown: Callable[[float], object], deadline: float = 30.0) -> None:
        self._shutdown = shutdown
        self._deadline = deadline
        self._lock = threading.Lock()  # guards the step from not armed to armed
        self._armed_in: int | None = None
        forget_in_children(self)

    def arm(self) -> None:
        """From now on, exit shuts down. Once per process; a forked child is not armed by its parent."""
        with self._lock:
            if self._armed_in == os.getpid():
                return
            self._armed_in = os.getpid()
        exiting, done = threading.Event(), threading.Event()

        def wait_for_exit() -> None:
            exiting.wait()
            try:
                self._shutdown(self._deadline)
            finally:
                done.set()

        def at_exit(process: int = os.getpid()) -> None:
            if os.getpid() == process:
                exiting.set()
                done.wait(self._deadline)

        try:
            threading.Thread(target=wait_for_exit, name="floe shutdown at exit", daemon=True).start()
        except RuntimeError:  # activated while the interpreter goes down: it is too late for a guard
            return
        atexit.register(at_exit)

    def forget_the_parent(self) -> None:
        """In a forked child: the parent's lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
