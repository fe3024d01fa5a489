"""One thin base class per plugin type. Each carries its type and nothing else."""

from __future__ import annotations

from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginType

__all__ = [
    "CatalogPlugin",
    "ComputePlugin",
    "DbtPlugin",
    "IdentityPlugin",
    "IngestionPlugin",
    "LineageBackendPlugin",
    "OrchestratorPlugin",
    "SecretsPlugin",
    "SemanticLayerPlugin",
    "StoragePlugin",
    "TelemetryBackendPlugin",
]


class ComputePlugin(PluginMetadata):
    """Runs queries and transformations over the platform's tables."""

    plugin_type = PluginType.COMPUTE


class OrchestratorPlugin(PluginMetadata):
    """Schedules and runs the platform's jobs."""

    plugin_type = PluginType.ORCHESTRATOR


class CatalogPlugin(PluginMetadata):
    """Knows which tables exist, where they lie and what they look like."""

    plugin_type = PluginType.CATALOG


class StoragePlugin(PluginMetadata):
    """Keeps files and objects."""

    plugin_type = PluginType.STORAGE


class TelemetryBackendPlugin(PluginMetadata):
    """Receives traces, metrics and logs."""

    plugin_type = PluginType.TELEMETRY_BACKEND


class LineageBackendPlugin(PluginMetadata):
    """Receives which run read and wrote which data."""

    plugin_type = PluginType.LINEAGE_BACKEND


class DbtPlugin(PluginMetadata):
    """Runs dbt projects."""

    plugin_type = PluginType.DBT


class SemanticLayerPlugin(PluginMetadata):
    """Answers questions in measures and dimensions."""

    plugin_type = PluginType.SEMANTIC_LAYER


class IngestionPlugin(PluginMetadata):
    """Brings data in from outside."""

    plugin_type = PluginType.INGESTION


class SecretsPlugin(PluginMetadata):
    """Hands out secrets."""

    plugin_type = PluginType.SECRETS


class IdentityPlugin(PluginMetadata):
    """Says who is asking, and what they may do."""

    plugin_type = PluginType.IDENTITY
