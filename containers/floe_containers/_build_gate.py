"""Each key is built once at a time, from any number of threads, and no wait for a build goes on for ever."""

from __future__ import annotations

import _frozen_importlib
import copy
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from floe_core._dependencies import names_of
from floe_core._places import place_of_thread
from floe_core.plugin_errors import CircularDependencyError, PluginError, PluginLoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from floe_core.plugin_types import PluginKey

T = TypeVar("T")

GLANCE: Final = 0.05
"""Seconds between two looks at what the owner of an awaited build waits for; a wait that ends is not delayed by it."""


class _Build(Generic[T]):
    """A build under way: whose it is, and what came of it."""

    __slots__ = ("alone", "error", "finished", "owner", "result")

    def __init__(self, owner: int, *, alone: bool) -> None:
        self.owner = owner
        self.alone = alone
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

    def run(self, key: PluginKey, build: Callable[[], T], timeout: float, *, alone: bool = False) -> T:
        """
        What *build* returns, from this call or from one that is under way for *key*.

        Args:
            timeout: How many seconds to wait for other threads' builds, altogether.

            alone: Call *build* in any case, once nobody else builds *key*. Should it fail, then for this caller only.

        Raises:
            CircularDependencyError: *key* is being built by this very thread, or by one that waits for it.
            PluginLoadError: The wait took longer than *timeout*.
            Exception: What *build* raised, here or in the thread that was waited for.

        """
        deadline = monotonic() + timeout
        me = threading.get_ident()
        while True:
            mine = _Build[T](me, alone=alone)
            with self._lock:
                other = self._builds.get(key)
                if other is None:
                    self._builds[key] = mine
                elif circle := self._circle(me, key):
                    raise _circular(circle)
                else:
                    self._waits[me] = key, other
            if other is None:
                return self._build(key, mine, build)
            try:
                in_time = self._wait(me, key, other.finished, deadline)
            finally:
                with self._lock:
                    self._waits.pop(me, None)
            if not in_time:
                raise _waited_too_long(key, timeout, other.owner)
            if alone:
                continue
            if other.error is None:
                return other.result  # type: ignore[return-value]  # set before it finished
            if isinstance(other.error, PluginError) and not other.alone:
                raise _same(other.error)
            # The owner was interrupted, or failed in what was its own affair; neither is a verdict on the plugin.

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

    def _wait(self, me: int, key: PluginKey, finished: threading.Event, deadline: float) -> bool:
        """
        Whether *finished* came before *deadline*.

        An owner that waits for a module which this thread is importing never finishes. Locks of imports are read while
        they change, so a circle through them counts when two looks in a row see the same one.
        """
        seen: list[PluginKey] = []
        while not finished.wait(max(0.0, min(GLANCE, deadline - monotonic()))):
            if monotonic() >= deadline:
                return False
            with self._lock:
                circle = self._circle(me, key, through_imports=True)
            if circle and circle == seen:
                raise _circular(circle)
            seen = circle
        return True

    def _circle(self, me: int, key: PluginKey, *, through_imports: bool = False) -> list[PluginKey]:
        """The keys along the circle that waiting for *key* would close, *key* first and last; empty when it closes none."""
        path = [key]
        build = self._builds.get(key)
        owner = build.owner if build else None
        passed: set[int] = set()
        while owner is not None and owner not in passed:
            wanted, awaited = self._waits.get(owner, (None, None))
            if owner == me:
                return [*path, *self._built_after(path[-1], me), key]
            passed.add(owner)
            if wanted is not None and awaited is not None and self._builds.get(wanted) is awaited:
                path += [*self._built_after(path[-1], owner), wanted]
                owner = awaited.owner
            else:  # it waits for nothing that is seen here, or is just waking up
                owner = _importer_awaited_by(owner) if through_imports else None
        return []

    def _built_after(self, outer: PluginKey, owner: int) -> list[PluginKey]:
        """What *owner* began to build inside its build of *outer*; all that it builds, when *outer* is another's."""
        mine = [key for key, build in self._builds.items() if build.owner == owner]  # in the order of their beginning
        return mine[mine.index(outer) + 1 :] if outer in mine else mine


def _importer_awaited_by(thread: int) -> int | None:
    """
    Which thread is importing the module that *thread* waits for, or None.

    CPython keeps that for its own search for deadlocks, in another shape with 3.12, and promises neither: where it looks
    different, a wait is ended by its bound alone.
    """
    awaited: Any = getattr(_frozen_importlib, "_blocking_on", {})
    found = awaited.get(thread)
    module_locks: list[Any] = [None, *found] if isinstance(found, list) else [found]
    return getattr(module_locks[-1], "owner", None)


def _circular(circle: list[PluginKey]) -> CircularDependencyError:
    return CircularDependencyError(names_of(circle, circle), keys=circle)


def _waited_too_long(key: PluginKey, timeout: float, owner: int) -> PluginLoadError:
    place = place_of_thread(owner) or "its end"
    reason = f"another thread has been loading it for more than {timeout:g} s; that thread is at {place}"
    return PluginLoadError(key, reason, advice="Mend that line, or raise load_timeout in the settings.")


def _same(error: PluginError) -> PluginError:
    """A copy to raise in another thread: one object raised in several would gather all their tracebacks."""
    twin = copy.copy(error)
    twin.__cause__ = error.__cause__
    return twin
