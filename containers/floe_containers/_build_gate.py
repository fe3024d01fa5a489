"""Each key is built once at a time, from any number of threads, and no wait for a build goes on for ever."""

from __future__ import annotations

import copy
import threading
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from floe_core._dependencies import names_of
from floe_core._places import place_of_thread
from floe_core.plugin_errors import CircularDependencyError, PluginError, PluginLoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from floe_core.plugin_types import PluginKey

T = TypeVar("T")


class _Build(Generic[T]):
    """A build under way: whose it is, and what came of it."""

    __slots__ = ("error", "finished", "owner", "result")

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.finished = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None


class BuildGate(Generic[T]):
    """
    Lets one thread build a key while the others that want it wait and share what comes of it, a failure included.

    Builds of different keys run in parallel. A wait that would close a circle of waits is refused at once; any other ends
    after a bound, since a build can also wait for a thread in ways that are not seen here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the two dictionaries; no build, and no wait, happens under it
        self._builds: dict[PluginKey, _Build[T]] = {}
        self._waits: dict[int, tuple[PluginKey, _Build[T]]] = {}

    def run(self, key: PluginKey, build: Callable[[], T], timeout: float) -> T:
        """
        What *build* returns, from this call or from one that is under way for *key*.

        Args:
            timeout: How many seconds to wait for another thread's build.

        Raises:
            CircularDependencyError: *key* is being built by this very thread, or by one that waits for it.
            PluginLoadError: The wait took longer than *timeout*.
            Exception: What *build* raised, here or in the thread that was waited for.

        """
        deadline = monotonic() + timeout
        me = threading.get_ident()
        while True:
            with self._lock:
                other = self._builds.get(key)
                if other is None:
                    mine = self._builds[key] = _Build(me)
                elif circle := self._circle(me, key):
                    raise CircularDependencyError(names_of(circle, circle), keys=circle)
                else:
                    self._waits[me] = key, other
            if other is None:
                return self._build(key, mine, build)
            try:
                in_time = other.finished.wait(max(0.0, deadline - monotonic()))
            finally:
                with self._lock:
                    self._waits.pop(me, None)
            if not in_time:
                raise _waited_too_long(key, timeout, other.owner)
            if other.error is None:
                return other.result  # type: ignore[return-value]  # set before it finished
            if isinstance(other.error, PluginError):
                raise _same(other.error)
            # The owner was interrupted, which is no verdict on the plugin: this thread tries itself.

    def forget_other_threads(self) -> None:
        """In a forked child: only the forking thread lives on, so nobody is building anything but it."""
        me = threading.get_ident()
        self._lock = threading.Lock()
        self._builds = {key: build for key, build in self._builds.items() if build.owner == me}
        self._waits = {}

    def _build(self, key: PluginKey, mine: _Build[T], build: Callable[[], T]) -> T:
        try:
            mine.result = build()
        except BaseException as exc:
            mine.error = exc
            raise
        else:
            return mine.result
        finally:
            with self._lock:
                if self._builds.get(key) is mine:
                    del self._builds[key]
            mine.finished.set()

    def _circle(self, me: int, key: PluginKey) -> list[PluginKey]:
        """The keys along the circle that waiting for *key* would close, *key* first and last; empty when it closes none."""
        path = [key]
        while (owner := self._builds[path[-1]].owner) != me:
            wanted, awaited = self._waits.get(owner, (None, None))
            if wanted is None or self._builds.get(wanted) is not awaited:  # it waits for nothing, or is just waking up
                return []
            path.extend(self._built_between(owner, path[-1], wanted))
        return [*path, *self._built_between(me, path[-1], key)]

    def _built_between(self, owner: int, outer: PluginKey, wanted: PluginKey) -> list[PluginKey]:
        """What *owner* began to build inside its build of *outer*, then what it wants now. Builds begin in their order."""
        mine = [key for key, build in self._builds.items() if build.owner == owner]
        return [*mine[mine.index(outer) + 1 :], wanted]


def _waited_too_long(key: PluginKey, timeout: float, owner: int) -> PluginLoadError:
    place = place_of_thread(owner) or "its end"
    reason = f"another thread has been loading it for more than {timeout:g} s; that thread is at {place}"
    return PluginLoadError(key, reason, advice="Mend that line, or raise load_timeout in the settings.")


def _same(error: PluginError) -> PluginError:
    """A copy to raise in another thread: one object raised in several would gather all their tracebacks."""
    twin = copy.copy(error)
    twin.__cause__ = error.__cause__
    return twin
