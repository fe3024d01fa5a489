"""Plugins made by hand, for tests that need no distribution on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from floe_core.plugin_metadata import HealthState, HealthStatus, PluginMetadata
from floe_core.plugin_types import PluginType


class Made(PluginMetadata):
    """A plugin that says of itself what the test tells it to say, be that right or wrong."""

    def __init__(
        self,
        name: Any = "duckdb",
        version: Any = "1.0.0",
        floe_api_version: Any = "1.0",
        dependencies: Any = (),
    ) -> None:
        self._said: dict[str, Any] = {
            "name": name,
            "version": version,
            "floe_api_version": floe_api_version,
            "dependencies": [*dependencies] if type(dependencies) is tuple else dependencies,
        }

    def _say(self, what: str) -> Any:
        said = self._said[what]
        if isinstance(said, BaseException):
            raise said
        return said

    @property
    def name(self) -> str:
        return self._say("name")  # type: ignore[no-any-return]  # what the test says

    @property
    def version(self) -> str:
        return self._say("version")  # type: ignore[no-any-return]  # what the test says

    @property
    def floe_api_version(self) -> str:
        return self._say("floe_api_version")  # type: ignore[no-any-return]  # what the test says

    @property
    def dependencies(self) -> list[str]:
        return self._say("dependencies")  # type: ignore[no-any-return]  # what the test says


class MadeCompute(Made):
    """One that is a compute plugin."""

    plugin_type = PluginType.COMPUTE


class MadeCatalog(Made):
    """One that is a catalog plugin."""

    plugin_type = PluginType.CATALOG


def _nothing() -> None:
    pass


def _healthy() -> HealthStatus:
    return HealthStatus(HealthState.HEALTHY)


class Hooked(MadeCompute):
    """``COMPUTE:name``, with these dependencies, whose hooks are functions of the test."""

    def __init__(
        self,
        name: str,
        *dependencies: str,
        startup: Callable[[], object] = _nothing,
        shutdown: Callable[[], object] = _nothing,
        health_check: Callable[[], HealthStatus] = _healthy,
    ) -> None:
        super().__init__(name, dependencies=dependencies)
        self._startup = startup
        self._shutdown = shutdown
        self._health_check = health_check

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
