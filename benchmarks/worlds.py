"""Folders full of distributions, and what else the benchmarks take place in."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution, plugin_source

TYPES = tuple(PluginType)
GROUPS = tuple(plugin_type.entry_point_group for plugin_type in TYPES)

# Of the size and kind that packages have: a dozen fields and a page of text.
_METADATA = (
    "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\nSummary: {name}\nLicense: MIT\n"
    + "Classifier: Programming Language :: Python\n" * 8
    + "Requires-Dist: packaging>=20\n" * 4
    + "\n"
    + "A line of the description, such as a README has many of.\n" * 30
)
_SCRIPTS = "[console_scripts]\n{module} = {module}:main\n"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is: the full one, or one that only sees whether everything does what it should."""

    is_quick: bool

    def pick(self, full: int, quick: int) -> int:
        return quick if self.is_quick else full

    def seconds(self, full: float, quick: float) -> float:
        return quick if self.is_quick else full


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One of the plugins of a site."""

    plugin_type: PluginType
    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Site:
    """A folder on ``sys.path`` with distributions, some of which carry one plugin each."""

    folder: Path
    plugins: tuple[InstalledPlugin, ...]

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """Group and name of every plugin."""
        return frozenset((plugin.plugin_type.entry_point_group, plugin.name) for plugin in self.plugins)

    def forget_modules(self) -> None:
        """Let the next import of each plugin be the first."""
        for plugin in self.plugins:
            sys.modules.pop(plugin.module, None)


@contextmanager
def site(distributions: int, plugins: int, *, prologue: str = "", count_all: bool = True) -> Generator[Site]:
    """
    A site on ``sys.path``, and gone afterwards.

    Args:
        distributions: How many there are.

        plugins: How many of these carry a plugin, spread over the eleven types. A third of the others have scripts.

        prologue: Code that each plugin's module runs when it is imported.

        count_all: Whether the distributions that are on the path already count among *distributions*.

    """
    with tempfile.TemporaryDirectory() as temporary:
        present = len({found.name for found in importlib.metadata.distributions()}) if count_all else 0
        written = write_site(Path(temporary), max(distributions - present, plugins), plugins, prologue=prologue)
        sys.path.append(temporary)
        importlib.invalidate_caches()
        try:
            yield written
        finally:
            sys.path.remove(temporary)
            written.forget_modules()
            importlib.invalidate_caches()


def write_site(folder: Path, distributions: int, plugins: int, *, prologue: str = "") -> Site:
    """Write the distributions into *folder*, the ones with plugins evenly among the others."""
    installed: list[InstalledPlugin] = []
    for number in range(distributions):
        module = f"acme_{number:05}"
        name = module.replace("_", "-")
        metadata = _METADATA.format(name=name)
        if (number + 1) * plugins // distributions > number * plugins // distributions:
            plugin = InstalledPlugin(TYPES[len(installed) % len(TYPES)], f"plugin-{number}", module)
            installed.append(plugin)
            code = plugin_source(plugin.plugin_type, name=plugin.name, prologue=prologue)
            entry_points: dict[PluginType | str, dict[str, str]] = {
                plugin.plugin_type: {plugin.name: f"{module}:Plugin"}
            }
            install_distribution(folder, name, entry_points, modules={module: code}, metadata=metadata)
        else:
            scripts = _SCRIPTS.format(module=module) if number % 3 == 0 else None
            install_distribution(folder, name, scripts, metadata=metadata)
    return Site(folder, tuple(installed))


@contextmanager
def no_operator_settings() -> Generator[None]:
    """What this machine's operator chose has no part in any figure."""
    chosen = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("FLOE_")}
    try:
        yield
    finally:
        os.environ.update(chosen)


def names_in(registry: PluginRegistry) -> frozenset[tuple[str, str]]:
    """Group and name of everything that *registry* lists."""
    listed = registry.list_all().items()
    return frozenset((plugin_type.entry_point_group, name) for plugin_type, names in listed for name in names)


def registry_of(plugins: Iterable[PluginMetadata]) -> PluginRegistry:
    """A registry with these plugins, registered by hand, and none from the disk."""
    registry = PluginRegistry()
    for plugin in plugins:
        registry.register(plugin)
    return registry
