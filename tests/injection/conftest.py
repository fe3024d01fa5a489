"""Modules on disk for containers to wire, each with a name of its own: dependency-injector remembers names for ever."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dependency_injector import containers, providers

from floe_containers import PluginContainer
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin
from tests.conftest import InstallPlugin

WriteModule = Callable[..., Any]
Wire = Callable[..., Any]

_numbers = itertools.count()

PRELUDE = """
import contextlib
import functools
from typing import Annotated

from dependency_injector.wiring import Closing, Provide
from dependency_injector.wiring import inject as stock_inject

from floe_containers import inject, plugin, plugin_config, plugins
from floe_core.plugin_types import PluginType
from floe_core.plugins import CatalogPlugin, ComputePlugin, StoragePlugin

"""


@pytest.fixture
def write_module(site: Path) -> WriteModule:
    """``write_module(source)`` writes a module that has the names of the prelude, and imports it."""

    def write(source: str, name: str | None = None, *, future: bool = False, imported: bool = True) -> Any:
        name = name or f"jobs_{next(_numbers)}"
        head = "from __future__ import annotations\n" if future else ""
        file = site.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + PRELUDE + textwrap.dedent(source), encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(name) if imported else name

    return write


@pytest.fixture
def wire(container: PluginContainer) -> Iterator[Wire]:
    """``wire(module)`` wires modules from the container of the test, until the test ends."""

    def wire_modules(*modules: ModuleType) -> PluginContainer:
        container.wire(modules=modules)
        return container

    yield wire_modules
    container.unwire()


@pytest.fixture
def duckdb(install_plugin: InstallPlugin) -> str:
    """The compute plugin ``duckdb`` is installed, in this module."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int = 4")
    return "acme_duck"


class Application(containers.DeclarativeContainer):
    """A container as applications write them."""

    config = providers.Configuration()
    plugins = providers.Container(PluginContainer)


@pytest.fixture
def application(site: Path) -> Iterator[Any]:
    app: Any = Application()
    yield app
    app.unwire()


class Fake(ComputePlugin):
    """Takes the place of a plugin."""

    @property
    def name(self) -> str:
        return "fake"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def floe_api_version(self) -> str:
        return "1.0"


def is_imported(module: str) -> bool:
    return module in sys.modules
