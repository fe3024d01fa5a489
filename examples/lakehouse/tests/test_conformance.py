"""Every plugin keeps the rules that platforms rely on: floe-core's own suite, once for each of the eleven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.testing import PluginContract

HEAVY = 60.0
"""Seconds for importing a plugin whose library takes some, on a machine that may be busy with other things."""


class LakePlugin(PluginContract):
    """Plugins here import their library at the top of their module: the registry imports it when it is needed."""

    import_budget = HEAVY


class UrllibPlugin(LakePlugin):
    """Its library imports urllib3, which asks the machine for IPv6 by binding a local socket: no packet leaves."""

    def test_importing_leaves_the_network_alone(self) -> None:
        """Nothing but that binding happens."""
        try:
            super().test_importing_leaves_the_network_alone()
        except pytest.fail.Exception as exc:
            assert "importing it did socket.bind\n" in f"{exc}\n"  # noqa: PT017  # one of several, or another, is a failure


class TestIngestion(LakePlugin):
    plugin = "INGESTION:dlt"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"database": tmp_path / "lake.duckdb", "working_folder": tmp_path / "dlt"}


class TestStorage(LakePlugin):
    plugin = "STORAGE:local"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"root": tmp_path / "lake"}


class TestCatalog(LakePlugin):
    plugin = "CATALOG:sqlite"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"database": tmp_path / "catalog.db", "warehouse": tmp_path / "iceberg"}


class TestCompute(LakePlugin):
    plugin = "COMPUTE:duckdb"
    invalid_configs = ({"threads": 0}, {"memory_limit": "plenty"})


class TestDbt(UrllibPlugin):
    plugin = "DBT:dbt"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"database": tmp_path / "lake.duckdb", "target": tmp_path / "dbt"}


class TestSemanticLayer(LakePlugin):
    plugin = "SEMANTIC_LAYER:metrics"


class TestOrchestrator(LakePlugin):
    plugin = "ORCHESTRATOR:dagster"
    invalid_configs = ({"log_level": "LOUD"},)


class TestTelemetry(LakePlugin):
    plugin = "TELEMETRY_BACKEND:otel"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": tmp_path / "telemetry"}


class TestLineage(UrllibPlugin):
    plugin = "LINEAGE_BACKEND:openlineage"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": tmp_path / "lineage"}


class TestSecrets(LakePlugin):
    plugin = "SECRETS:keyring"

    @pytest.fixture
    def contract_config(self, tmp_path: Path) -> dict[str, Any]:
        return {"file": tmp_path / "secrets" / "keyring.cfg"}


class TestIdentity(LakePlugin):
    plugin = "IDENTITY:jwt"
    config = {"grants": {"ada": ["lake:read"]}}
    invalid_configs = ({"lifetime": 0},)
