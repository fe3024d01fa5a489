"""Fixtures for tests on real distributions: a folder on ``sys.path``, and what gets installed there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from floe_containers import PluginContainer
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.testing import InstalledDistribution, install_distribution, plugin_source

InstallPlugin = Callable[..., InstalledDistribution]


@pytest.fixture(autouse=True)
def no_operator_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings do not reach into a test."""
    for variable in ("ALLOW", "DENY", "DISABLE", "PREFER"):
        monkeypatch.delenv(f"FLOE_PLUGINS_{variable}", raising=False)
    monkeypatch.delenv("FLOE_SETTINGS", raising=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, first on ``sys.path``; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)  # pyright: ignore[reportUnknownMemberType]  # pytest leaves its type open
    yield folder
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def install_plugin(site: Path) -> InstallPlugin:
    """
    ``install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", ...)`` installs a distribution with one plugin: module
    ``acme_duck``, class ``Plugin``. More keywords go to :func:`plugin_source`; ``source=`` replaces the module.
    """

    def install(
        module: str,
        plugin_type: PluginType,
        name: str,
        *,
        version: str = "1.0.0",
        source: str | None = None,
        **options: Any,
    ) -> InstalledDistribution:
        code = plugin_source(plugin_type, name=name, version=version, **options) if source is None else source
        entry_points = {plugin_type: {name: f"{module}:Plugin"}}
        distribution = install_distribution(
            site, module.replace("_", "-"), entry_points, version=version, modules={module: code}
        )
        importlib.invalidate_caches()
        return distribution

    return install


@pytest.fixture
def registry(site: Path) -> PluginRegistry:
    """A registry of its own, which has discovered nothing yet."""
    return PluginRegistry()


@pytest.fixture
def container(site: Path) -> PluginContainer:
    """A container of its own, whose registry discovers at its first verb."""
    return PluginContainer()
