"""Plugins that the benchmarks register by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import ComputePlugin


class NumberedPlugin(ComputePlugin):
    """
    Does nothing but say who it is.

    Args:
        number: Its name is ``plugin-`` and this number.

        dependencies: The numbers of those it needs.

    """

    def __init__(self, number: int, dependencies: Sequence[int] = ()) -> None:
        self.number = number
        self._dependencies = [f"COMPUTE:plugin-{needed}" for needed in dependencies]

    @property
    def name(self) -> str:
        return f"plugin-{self.number}"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def dependencies(self) -> list[str]:
        return self._dependencies


class SleepingPlugin(NumberedPlugin):
    """Its startup() takes *pause* seconds."""

    def __init__(self, number: int, dependencies: Sequence[int] = (), pause: float = 0.0) -> None:
        super().__init__(number, dependencies)
        self.pause = pause

    def startup(self) -> None:
        time.sleep(self.pause)


class CheckedPlugin(NumberedPlugin):
    """
    Its health check answers at once, or hangs until *release* is set, and for *patience* seconds at the most.
    """

    def __init__(self, number: int, release: threading.Event, patience: float) -> None:
        super().__init__(number)
        self.release = release
        self._patience = patience

    def health_check(self) -> HealthStatus:
        if self._patience:
            self.release.wait(self._patience)
        return HealthStatus(HealthState.HEALTHY)
