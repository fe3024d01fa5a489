"""Asking all plugins how they fare, at once, within one deadline over all."""

from __future__ import annotations

import threading
from time import monotonic, perf_counter

from floe_core._forking import forget_in_children
from floe_core._hooks import HookCall
from floe_core._places import type_and_place
from floe_core.plugin_metadata import HealthState, HealthStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from floe_core._hooks import HookThread
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import PluginKey


class HealthMonitor:
    """
    Runs health checks and remembers those that have not come back, so that none of them is ever run twice at a time.

    Safe from any number of threads; who asks while a check runs shares its answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _running; only dictionary work happens under it
        self._running: dict[PluginKey, tuple[HookCall, HookThread]] = {}
        forget_in_children(self)

    def check(
        self,
        plugins: Mapping[PluginKey, PluginMetadata],
        thread_of: Callable[[PluginKey], HookThread],
        timeout: float,
    ) -> dict[PluginKey, HealthStatus]:
        """
        Check *plugins* in parallel, and answer for each of them after *timeout* seconds at the latest.

        Args:
            thread_of: The thread for the hooks of a plugin, taken; it is ended with the check.

        """
        asked = perf_counter()
        deadline = monotonic() + timeout
        calls = {key: self._call(key, plugin, thread_of) for key, plugin in plugins.items()}
        for call, thread in calls.values():
            if call.is_running_here:
                continue
            left = min(deadline - monotonic(), threading.TIMEOUT_MAX)
            if not call.finished.wait(max(0.0, left)):
                thread.give_up_on(call)
        return {key: _status(call, timeout, asked) for key, (call, _) in calls.items()}

    def forget_the_parent(self) -> None:
        """In a forked child: the threads that ran the checks are not there."""
        self._lock = threading.Lock()
        self._running = {}

    def _call(
        self, key: PluginKey, plugin: PluginMetadata, thread_of: Callable[[PluginKey], HookThread]
    ) -> tuple[HookCall, HookThread]:
        """The check of *plugin* that is under way, or a new one. A plugin that took over the key is asked itself."""
        with self._lock:
            running = self._running.get(key)
            if running is not None and running[0].plugin is plugin:
                return running
            thread = thread_of(key)
            call = HookCall(key, plugin, "health_check", lambda call: self._finished(key, call))
            self._running[key] = call, thread
        thread.run(call)
        thread.end()
        return call, thread

    def _finished(self, key: PluginKey, call: HookCall) -> None:
        with self._lock:
            if key in self._running and self._running[key][0] is call:
                del self._running[key]


def _status(call: HookCall, timeout: float, asked: float) -> HealthStatus:
    if call.is_running_here:
        return _unhealthy("this health check asks for itself", 0.0)
    if not call.finished.is_set():
        duration = perf_counter() - (call.began or asked)
        return _unhealthy(f"health_check() has not answered within {timeout:g} s; {call.place()}", duration)
    if call.error is not None:
        return _unhealthy(call.trouble, call.duration)
    try:
        return _checked(call.result, call.duration)
    except Exception as exc:  # the parts of an answer are the author's, and may be properties
        return _unhealthy(f"reading the answer of health_check() raised {type_and_place(exc)}", call.duration)


def _checked(answer: object, duration: float) -> HealthStatus:
    if not isinstance(answer, HealthStatus):
        reason = f"health_check() returned an object of type {type(answer).__name__}; it returns a HealthStatus"
        return _unhealthy(reason, duration)
    if not _is_sound(answer.state, answer.details):
        reason = "health_check() returned a HealthStatus whose state is no HealthState, or whose details are no dict"
        return _unhealthy(reason, duration)
    return HealthStatus(answer.state, str(answer.message), {**answer.details, "duration_s": duration})


def _is_sound(state: object, details: object) -> bool:
    return isinstance(state, HealthState) and isinstance(details, dict)


def _unhealthy(message: str, duration: float) -> HealthStatus:
    return HealthStatus(HealthState.UNHEALTHY, message, {"duration_s": duration})
