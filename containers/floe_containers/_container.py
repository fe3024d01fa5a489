"""The container: everything that a registry is made of, declared in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers

from floe_containers._plugin_store import PluginStore
from floe_containers._providers import Lasting, PluginGroup
from floe_core._health import HealthMonitor
from floe_core._lifecycle import Lifecycle
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType

if TYPE_CHECKING:
    from floe_core.settings import Settings

    _Meta = type
else:
    _Meta = type(containers.DeclarativeContainer)


class _SharesItsSelf(_Meta):
    """Hands ``__self__`` on to derived classes, since the registry that they inherit is made with it."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> _SharesItsSelf:
        for base in bases:
            if isinstance(base, _SharesItsSelf):
                attributes.setdefault("__self__", vars(base)["__self__"])
        return super().__new__(cls, name, bases, attributes)


class PluginContainer(containers.DeclarativeContainer, metaclass=_SharesItsSelf):
    """
    A registry and its plugins, as providers.

    ``container.registry()`` is the registry; it reads what is installed at the first verb called on it.
    ``container.computes("duckdb")`` is a plugin, ``container.computes()`` the default one, and
    ``container.computes["duckdb"]`` its provider, there to be injected and overridden. A group that is given to another
    provider is handed over as the group; ``plugin_provider`` makes a provider of one plugin.

    Args:
        settings: ``Settings``, or a mapping that makes them. None, the default: no settings.

    """

    __self__ = providers.Self()
    settings: providers.Provider[Settings | Mapping[str, Any] | None] = providers.Object(None)

    store = Lasting(PluginStore, settings.provider)
    lifecycle = Lasting(Lifecycle)
    health = Lasting(HealthMonitor)
    registry = Lasting(PluginRegistry, __self__)

    computes = PluginGroup(PluginType.COMPUTE, registry)
    orchestrators = PluginGroup(PluginType.ORCHESTRATOR, registry)
    catalogs = PluginGroup(PluginType.CATALOG, registry)
    storage = PluginGroup(PluginType.STORAGE, registry)
    telemetry_backends = PluginGroup(PluginType.TELEMETRY_BACKEND, registry)
    lineage_backends = PluginGroup(PluginType.LINEAGE_BACKEND, registry)
    dbt = PluginGroup(PluginType.DBT, registry)
    semantic_layers = PluginGroup(PluginType.SEMANTIC_LAYER, registry)
    ingestion = PluginGroup(PluginType.INGESTION, registry)
    secrets = PluginGroup(PluginType.SECRETS, registry)
    identity = PluginGroup(PluginType.IDENTITY, registry)
