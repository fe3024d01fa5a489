"""Plugins made by hand, whose hooks are functions of the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_core.plugins import ComputePlugin


def _nothing() -> None:
    pass


def _healthy() -> HealthStatus:
    return HealthStatus(HealthState.HEALTHY)


class Made(ComputePlugin):
    """``COMPUTE:name``, with these dependencies and hooks."""

    def __init__(
        self,
        name: str,
        *dependencies: str,
        startup: Callable[[], object] = _nothing,
        shutdown: Callable[[], object] = _nothing,
        health_check: Callable[[], HealthStatus] = _healthy,
    ) -> None:
        self._name = name
        self._dependencies = [*dependencies]
        self._startup = startup
        self._shutdown = shutdown
        self._health_check = health_check

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def dependencies(self) -> list[str]:
        return self._dependencies

    def startup(self) -> None:
        self._startup()

    def shutdown(self) -> None:
        self._shutdown()

    def health_check(self) -> HealthStatus:
        return self._health_check()


def in_turn(*calls: Callable[[], Any]) -> Callable[[], Any]:
    """A hook that makes these calls one after another, and returns what the last one does."""

    def hook() -> Any:
        return [call() for call in calls][-1]

    return hook
