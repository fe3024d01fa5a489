"""Plugins made by hand, for tests that need no distribution on disk."""

from __future__ import annotations

from typing import Any

from floe_core.plugin_metadata import PluginMetadata
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
