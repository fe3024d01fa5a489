"""
Fixtures for tests with plugins. pytest loads this module by itself wherever floe-core is installed.

That is why nothing is imported here but pytest: a project that uses none of the fixtures pays nothing for them.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from floe_containers import PluginContainer
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_registry import PluginRegistry
    from floe_core.plugin_types import PluginType
    from floe_core.settings import Settings
    from floe_core.testing.distributions import InstalledDistribution
    from floe_core.testing.faults import Fault

ENVIRONMENT_AT_START = dict(os.environ)
"""The environment before any test module was imported: what a fresh process is given."""


@pytest.fixture
def floe_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the operator's settings: every ``FLOE_...`` variable is unset for the length of the test."""
    for variable in [name for name in os.environ if name.startswith("FLOE_")]:
        monkeypatch.delenv(variable)


@pytest.fixture
def floe_site(tmp_path: Path) -> Iterator[Path]:
    """
    An empty folder, first on ``sys.path``, to install plugins in.

    After the test ``sys.path`` is what it was before, and modules from the folder are forgotten.
    """
    from importlib import invalidate_caches

    folder = tmp_path / "floe_site"
    folder.mkdir()
    path = sys.path.copy()
    sys.path.insert(0, str(folder))
    invalidate_caches()
    yield folder
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
    invalidate_caches()


@pytest.fixture
def floe_path(floe_site: Path) -> list[str]:
    """
    The folders in which ``floe_registry`` looks for plugins: ``floe_site`` alone, so that nothing of the machine leaks in.

    Redefine it to let installed plugins in: ``return [str(floe_site), *sys.path]``.
    """
    return [str(floe_site)]


@pytest.fixture
def floe_settings() -> Settings | Mapping[str, Any] | None:
    """The settings of ``floe_registry``: none. Redefine it to give some."""
    return None


@pytest.fixture
def floe_container(
    floe_environment: None,  # noqa: ARG001  # asked for, so that it is set up before
    floe_path: list[str],
    floe_settings: Settings | Mapping[str, Any] | None,
) -> PluginContainer:
    """The container of ``floe_registry``, fresh for each test; wire it, or nest it in the application's."""
    from floe_core.testing.registries import isolated_container

    return isolated_container(floe_path, floe_settings)


@pytest.fixture
def floe_registry(floe_container: PluginContainer) -> Iterator[PluginRegistry]:
    """
    A registry of the test's own, which discovers at its first verb.

    After the test, what it left active is shut down, with 5 seconds for each plugin; one that hangs is left behind.
    """
    registry = floe_container.registry()
    yield registry
    registry.shutdown_all(timeout=5.0)


class InstallForTest:
    """``floe_install``: see ``__call__``."""

    def __init__(self, site: Path, path: list[str]) -> None:
        self.site = site
        self._path = path

    def __call__(
        self, plugin_type: PluginType, name: str = "example", *, fault: Fault | str | None = None, **options: Any
    ) -> InstalledDistribution:
        """
        Write a distribution with one plugin into ``floe_site``, the way an installer leaves it there.

        A registry that has looked already finds it after ``refresh()``.

        Args:
            name: The entry point's name.

            fault: What is wrong with it: a ``Fault``, or its name. None, the default: nothing. What a fault needs on the
                search path is put there, for the length of the test.

            options: As for ``install_plugin``.

        """
        from importlib import invalidate_caches

        from floe_core.testing import install_faulty_plugin, install_plugin

        if fault is None:
            installed = install_plugin(self.site, plugin_type, name, **options)
        else:
            installed = install_faulty_plugin(self.site, fault, plugin_type, name, **options)
            sys.path.extend(installed.path_entries)
            self._path.extend(installed.path_entries)
        invalidate_caches()
        return installed


@pytest.fixture
def floe_install(floe_site: Path, floe_path: list[str]) -> InstallForTest:
    """``floe_install(PluginType.COMPUTE, "duckdb")`` installs a plugin on disk; ``fault=Fault.IMPORT_RAISES`` a broken one."""
    return InstallForTest(floe_site, floe_path)


@pytest.fixture
def floe_global_registry(floe_registry: PluginRegistry) -> Iterator[PluginRegistry]:
    """``floe_registry``, and for the length of the test what ``get_registry()`` gives."""
    from floe_core.testing.registries import swapped_registry

    with swapped_registry(floe_registry):
        yield floe_registry


class OverrideForTest:
    """``floe_override``: see ``__call__``."""

    def __init__(self, registry: PluginRegistry, scopes: ExitStack) -> None:
        self._registry = registry
        self._scopes = scopes

    def __call__(
        self, plugin_type: PluginType, name: str, plugin: PluginMetadata, *, registry: PluginRegistry | None = None
    ) -> PluginMetadata:
        """
        Put *plugin* in the place of an installed or missing one until the test ends, and return it.

        Args:
            registry: The registry in which. None, the default: ``floe_registry``.

        """
        home = self._registry if registry is None else registry
        return self._scopes.enter_context(home.override(plugin_type, name, plugin))


@pytest.fixture
def floe_override(floe_registry: PluginRegistry) -> Iterator[OverrideForTest]:
    """``floe_override(PluginType.COMPUTE, "duckdb", fake)`` replaces a plugin until the test ends."""
    with ExitStack() as scopes:
        yield OverrideForTest(floe_registry, scopes)
