"""Asking all plugins how they fare, at once, within one deadline over all."""

from __future__ import annotations

import threading
from time import monotonic, perf_counter

from floe_core._forking import forget_in_children
from floe_core._hooks import HookCall, HookThread
from floe_core._places import place_of_error
from floe_core.plugin_metadata import HealthState, HealthStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import PluginKey


class HealthMonitor:
    """
    Runs health checks and remembers those that have not come back, so that none of them is ever run twice at a time.

    Safe from any number of threads; who asks while a check runs shares its answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _running; only dictionary work happens under it
        self._running: dict[PluginKey, HookCall] = {}
        forget_in_children(self)

    def check(
        self,
        plugins: Mapping[PluginKey, PluginMetadata],
        thread_of: Callable[[PluginKey], HookThread | None],
        timeout: float,
    ) -> dict[PluginKey, HealthStatus]:
        """
        Check *plugins* in parallel, and answer for each of them after *timeout* seconds at the latest.

        Args:
            thread_of: The thread of a plugin that is up; the others are checked on one that ends with the check.

        """
        asked = perf_counter()
        deadline = monotonic() + timeout
        calls = {key: self._call(key, plugin, thread_of(key)) for key, plugin in plugins.items()}
        for call in calls.values():
            if not call.is_running_here:
                call.finished.wait(max(0.0, deadline - monotonic()))
        return {key: _status(call, timeout, asked) for key, call in calls.items()}

    def forget_the_parent(self) -> None:
        """In a forked child: the threads that ran the checks are not there."""
        self._lock = threading.Lock()
        self._running = {}

    def _call(self, key: PluginKey, plugin: PluginMetadata, thread: HookThread | None) -> HookCall:
        with self._lock:
            running = self._running.get(key)
            if running is not None:
                return running
            call = self._running[key] = HookCall(plugin, "health_check", lambda _: self._finished(key))
        if thread is None:
            thread = HookThread(key)
            thread.run(call)
            thread.end()
        else:
            thread.run(call)
        return call

    def _finished(self, key: PluginKey) -> None:
        with self._lock:
            self._running.pop(key, None)


def _status(call: HookCall, timeout: float, asked: float) -> HealthStatus:
    if call.is_running_here:
        return _unhealthy("this health check asks for itself", 0.0)
    if not call.finished.is_set():
        duration = perf_counter() - (call.began or asked)
        return _unhealthy(f"health_check() has not answered within {timeout:g} s; {call.place()}", duration)
    if call.error is not None:
        reason = f"health_check() raised {type(call.error).__name__} at {place_of_error(call.error)}"
        return _unhealthy(reason, call.duration)
    answer = call.result
    if not isinstance(answer, HealthStatus):
        reason = f"health_check() returned an object of type {type(answer).__name__}; it returns a HealthStatus"
        return _unhealthy(reason, call.duration)
    state: object = answer.state
    details: object = answer.details
    if not isinstance(state, HealthState) or not isinstance(details, dict):
        reason = "health_check() returned a HealthStatus whose state is no HealthState, or whose details are no dict"
        return _unhealthy(reason, call.duration)
    return HealthStatus(state, str(answer.message), {**answer.details, "duration_s": call.duration})


def _unhealthy(message: str, duration: float) -> HealthStatus:
    return HealthStatus(HealthState.UNHEALTHY, message, {"duration_s": duration})
