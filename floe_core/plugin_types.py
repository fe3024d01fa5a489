"""The eleven kinds of plugin, and the key under which the platform knows one plugin."""

from __future__ import annotations

from collections import namedtuple
from enum import Enum

TYPE_CHECKING = False  # typing itself is never imported at run time: it would be a tenth of the import
if TYPE_CHECKING:
    from typing import NamedTuple

__all__ = ["Origin", "PluginKey", "PluginState", "PluginType"]


class PluginType(Enum):
    """
    What a plugin does for the platform. The value is the entry-point group in which such plugins announce themselves.
    """

    COMPUTE = "floe.computes"
    ORCHESTRATOR = "floe.orchestrators"
    CATALOG = "floe.catalogs"
    STORAGE = "floe.storage"
    TELEMETRY_BACKEND = "floe.telemetry_backends"
    LINEAGE_BACKEND = "floe.lineage_backends"
    DBT = "floe.dbt"
    SEMANTIC_LAYER = "floe.semantic_layers"
    INGESTION = "floe.ingestion"
    SECRETS = "floe.secrets"
    IDENTITY = "floe.identity"

    # Members are singletons. Enum's own hash is a Python function, and the most expensive part of a look-up by key.
    __hash__ = object.__hash__

    @property
    def entry_point_group(self) -> str:
        """The entry-point group, such as ``floe.computes``."""
        return self.value

    @property
    def group(self) -> str:
        """The group without its prefix, such as ``computes``: the word used in settings and on the container."""
        return self.value.removeprefix("floe.")

    @classmethod
    def of_group(cls, group: str) -> PluginType:
        """
        The type whose short group name is *group*, such as ``computes``.

        Raises:
            ValueError: No type has this group; the message lists the eleven that exist.

        """
        for plugin_type in cls:
            if plugin_type.group == group:
                return plugin_type
        known = ", ".join(plugin_type.group for plugin_type in cls)
        raise ValueError(f"there is no plugin group {group!r}; the groups are {known}")


class PluginState(Enum):
    """How far a plugin has come, or what keeps it from being used."""

    DISCOVERED = "discovered"
    """Found on disk, not imported yet."""
    LOADED = "loaded"
    """Imported and constructed, or registered by hand."""
    ACTIVE = "active"
    """Started."""
    DISABLED = "disabled"
    """The operator's policy leaves it out."""
    CONFLICTING = "conflicting"
    """Two distributions claim its key."""
    UNAVAILABLE = "unavailable"
    """The last load failed because a module of another distribution is not installed."""
    INCOMPATIBLE = "incompatible"
    """The last load failed because it is written for another plugin API."""
    FAILED = "failed"
    """The last load failed in another way."""


if TYPE_CHECKING:

    class _KeyFields(NamedTuple):
        plugin_type: PluginType
        name: str

    class _OriginFields(NamedTuple):
        distribution: str
        version: str | None
        path: str
        entry_point: str

else:
    _KeyFields = namedtuple("_KeyFields", ("plugin_type", "name"))
    _OriginFields = namedtuple("_OriginFields", ("distribution", "version", "path", "entry_point"))


class PluginKey(_KeyFields):
    """
    Names one plugin: its type and its name, compared exactly, case included.

    A tuple, so ``(PluginType.COMPUTE, "duckdb")`` is equal to the key and finds the same entry of a dictionary. Written
    ``COMPUTE:duckdb``, which ``parse`` reads back. Pickles, and holds nothing but its two fields.

    Raises:
        TypeError: *plugin_type* is no ``PluginType``, or *name* no string.
        ValueError: *name* is empty.

    """

    __slots__ = ()

    def __new__(cls, plugin_type: PluginType, name: str) -> PluginKey:
        if not isinstance(plugin_type, PluginType):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise TypeError(f"a plugin type is a member of PluginType, not {type(plugin_type).__name__}")
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
            raise TypeError(f"a plugin name is a string, not {type(name).__name__}")
        if not name:
            raise ValueError("a plugin name is not empty")
        return super().__new__(cls, plugin_type, name)

    @classmethod
    def parse(cls, text: str) -> PluginKey:
        """
        Read ``TYPE:name`` back; the name may hold anything, colons included.

        Raises:
            ValueError: There is no colon, no type of this name, or no name after the colon.

        """
        type_name, colon, name = text.partition(":")
        if not colon or not name or type_name not in PluginType.__members__:
            types = ", ".join(PluginType.__members__)
            raise ValueError(f"{text!r} is no plugin key; write TYPE:name, where TYPE is one of {types}")
        return cls(PluginType[type_name], name)

    def __str__(self) -> str:
        return f"{self.plugin_type.name}:{self.name}"

    def __repr__(self) -> str:
        return f"PluginKey({str(self)!r})"


class Origin(_OriginFields):
    """
    Where a plugin comes from: distribution, its version (None where its metadata has none), the folder that holds that
    metadata, and the entry point's value, such as ``acme_duck:DuckPlugin`` (empty where a whole file is meant).
    """

    __slots__ = ()

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        entry_point = f"entry point {self.entry_point!r}, " if self.entry_point else ""
        return f"{self.distribution}{version} ({entry_point}{self.path})"
