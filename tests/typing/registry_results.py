"""Read by the type checkers, run by nobody: what the registry's verbs give, seen from an application."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol, assert_type

from pydantic import BaseModel

from floe_core.plugin_metadata import HealthStatus, PluginMetadata
from floe_core.plugin_registry import PluginRegistry, get_registry
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin


class Engine(ComputePlugin):
    """Abstract: what the application needs of any engine."""

    @abstractmethod
    def query(self, sql: str) -> list[str]: ...


class Queries(Protocol):
    """The same as a protocol."""

    def query(self, sql: str) -> list[str]: ...


class Duck(Engine):
    """One that can be made."""

    @property
    def name(self) -> str:
        return "duckdb"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    def query(self, sql: str) -> list[str]:
        return [sql]


registry = get_registry()
assert_type(registry, PluginRegistry)
assert_type(registry.get(PluginType.COMPUTE, "duckdb"), PluginMetadata)
assert_type(registry.get(PluginType.COMPUTE, "duckdb", expect=ComputePlugin), ComputePlugin)
assert_type(registry.get(PluginType.COMPUTE, "duckdb", expect=Engine), Engine)
assert_type(registry.get(PluginType.COMPUTE, "duckdb", expect=Queries), Queries)
assert_type(registry.get(PluginType.COMPUTE, "duckdb", expect=Duck), Duck)
assert_type(registry.get_default(PluginType.COMPUTE), PluginMetadata)
assert_type(registry.get_default(PluginType.COMPUTE, expect=Engine), Engine)
assert_type(registry.get_all(PluginType.COMPUTE), list[PluginMetadata])
assert_type(registry.get_all(PluginType.COMPUTE, expect=Queries), list[Queries])
assert_type(registry.create(PluginType.COMPUTE, "duckdb", {"threads": 8}), PluginMetadata)
assert_type(registry.create(PluginType.COMPUTE, "duckdb", expect=Duck), Duck)
assert_type(registry.list(PluginType.COMPUTE), list[PluginMetadata])
assert_type(registry.list_all(), dict[PluginType, list[str]])
assert_type(registry.configure(PluginType.COMPUTE, "duckdb", {}), BaseModel)
assert_type(registry.get_config(PluginType.COMPUTE, "duckdb"), BaseModel | None)
assert_type(registry.health_check_all(), dict[str, HealthStatus])
assert_type(registry.resolve_dependencies(), list[PluginMetadata])
assert_type(registry.activate_all(), dict[str, Exception | None])
with registry.running() as running:
    assert_type(running, PluginRegistry)
with registry.override(PluginType.COMPUTE, "duckdb", Duck()) as override:
    assert_type(override, PluginMetadata)

registry.get("COMPUTE", "duckdb")  # expect: call-overload, reportArgumentType
registry.get(PluginType.COMPUTE)  # expect: call-overload, reportCallIssue
registry.get(PluginType.COMPUTE, "duckdb").query("select 1")  # expect: attr-defined, reportAttributeAccessIssue, reportUnknownMemberType
registry.get(PluginType.COMPUTE, "duckdb", expect=Engine).query(7)  # expect: arg-type, reportArgumentType
_ = registry.get(PluginType.COMPUTE, "duckdb", expect=Queries).name  # expect: attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType
registry.register(Duck)  # expect: arg-type, reportArgumentType
registry.discover()  # expect: attr-defined, reportAttributeAccessIssue, reportUnknownMemberType
Engine()  # expect: abstract, reportAbstractUsage
