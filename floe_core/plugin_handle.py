"""Stands for a plugin that is not loaded, and becomes it at the first touch."""

from __future__ import annotations

from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core._discovery import Candidate
    from floe_core.plugin_registry import PluginRegistry

__all__ = ["PluginHandle"]


def _of_the_plugin(name: str) -> Any:
    def read(handle: PluginHandle) -> Any:
        return getattr(handle.load(), name)

    return property(read, doc=f"The plugin's ``{name}``; loads it.")


class PluginHandle(PluginMetadata):
    """
    A discovered plugin, seen without importing it.

    ``name``, ``version``, ``description``, ``key``, ``state`` and ``distribution`` come from what is installed. Any other
    public attribute loads the plugin and is the plugin's own; so does ``load``. Underscored attributes never load:
    consoles and test runners probe them. Pickles as its key; where it is unpickled, ``get_registry()`` resolves it.
    """

    __slots__ = ("_candidate", "_registry", "key")

    key: PluginKey
    _candidate: Candidate | None
    _registry: PluginRegistry | None

    def __init__(
        self, key: PluginKey, candidate: Candidate | None = None, registry: PluginRegistry | None = None
    ) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_registry", registry)

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def version(self) -> str:
        """The distribution's version; empty when its metadata has none, or when it is not installed here."""
        candidate = self._found()
        return (candidate.distribution.version if candidate else None) or ""

    @property
    def description(self) -> str:
        """The distribution's summary."""
        candidate = self._found()
        return candidate.distribution.header().get("summary", "") if candidate else ""

    @property
    def distribution(self) -> str | None:
        """The distribution's name, or None when it is not installed here, or claimed by several."""
        candidate = self._found()
        return candidate.distribution.name if candidate else None

    @property
    def state(self) -> PluginState:
        """How far the plugin has come in the handle's registry."""
        return self._home().state(self.key.plugin_type, self.key.name)

    def load(self) -> PluginMetadata:
        """
        The plugin itself, imported and constructed at the first call.

        Raises:
            PluginError: As ``get``.

        """
        return self._home().get(self.key.plugin_type, self.key.name)

    plugin_type = _of_the_plugin("plugin_type")
    floe_api_version = _of_the_plugin("floe_api_version")  # pyright: ignore[reportIncompatibleMethodOverride]  # one too
    dependencies = _of_the_plugin("dependencies")  # pyright: ignore[reportIncompatibleMethodOverride]  # one too
    config = _of_the_plugin("config")
    is_configured = _of_the_plugin("is_configured")  # pyright: ignore[reportIncompatibleMethodOverride]  # one too
    get_config_schema = _of_the_plugin("get_config_schema")
    configure = _of_the_plugin("configure")
    health_check = _of_the_plugin("health_check")
    startup = _of_the_plugin("startup")
    shutdown = _of_the_plugin("shutdown")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a handle has no attribute {name!r}, and does not load the plugin for it")
        return getattr(self.load(), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.load(), name, value)

    def __repr__(self) -> str:
        return f"<PluginHandle {self.key}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PluginHandle):
            return NotImplemented
        return self.key == other.key and self._registry is other._registry

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[type[PluginHandle], tuple[PluginKey]]:
        return PluginHandle, (self.key,)

    def _home(self) -> PluginRegistry:
        registry = self._registry
        if registry is None:
            from floe_core.plugin_registry import get_registry

            registry = get_registry()
            object.__setattr__(self, "_candidate", registry._candidate(self.key))
            object.__setattr__(self, "_registry", registry)
        return registry

    def _found(self) -> Candidate | None:
        self._home()
        return self._candidate
