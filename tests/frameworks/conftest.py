"""Plugins for applications in frameworks, which note what happens to them."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from floe_core.plugin_types import PluginType
from tests.conftest import InstallPlugin

ENGINE = """
    journal = []

    def run(self, sql):
        return len(sql)

    def startup(self):
        self.journal.append("up")

    def shutdown(self):
        self.journal.append("down")

    def health_check(self):
        return HealthStatus(HealthState.HEALTHY if self.is_well else HealthState.UNHEALTHY)

    is_well = True
"""


@pytest.fixture(autouse=True)
def duckdb(install_plugin: InstallPlugin) -> None:
    """The compute plugin ``duckdb``, which runs statements."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=ENGINE)


def journal() -> list[str]:
    """What happened to ``duckdb`` so far; nothing while it is not imported."""
    module: Any = sys.modules.get("acme_duck")
    return module.Plugin.journal if module else []
