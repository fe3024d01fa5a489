"""The eleven plugin types and their entry-point groups."""

from __future__ import annotations

from enum import Enum

import pytest

from floe_core.plugin_types import PluginType

GROUPS = {
    "COMPUTE": "floe.computes",
    "ORCHESTRATOR": "floe.orchestrators",
    "CATALOG": "floe.catalogs",
    "STORAGE": "floe.storage",
    "TELEMETRY_BACKEND": "floe.telemetry_backends",
    "LINEAGE_BACKEND": "floe.lineage_backends",
    "DBT": "floe.dbt",
    "SEMANTIC_LAYER": "floe.semantic_layers",
    "INGESTION": "floe.ingestion",
    "SECRETS": "floe.secrets",
    "IDENTITY": "floe.identity",
}


class TestPluginType:
    def test_has_eleven_members_with_their_groups_as_values(self) -> None:
        """Names, values and order are fixed."""
        assert list(GROUPS.items()) == [(member.name, member.value) for member in PluginType]

    @pytest.mark.parametrize("plugin_type", PluginType)
    def test_entry_point_group_is_the_value(self, plugin_type: PluginType) -> None:
        """The group under which plugins of the type announce themselves."""
        assert GROUPS[plugin_type.name] == plugin_type.entry_point_group

    def test_is_an_enumeration(self) -> None:
        """Members are singletons that a value leads to."""
        assert issubclass(PluginType, Enum)
        assert PluginType.COMPUTE is PluginType("floe.computes")
