"""A test replaces a plugin wherever the application gets it from: in threads, in workers of pytest-xdist, in singletons."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import containers, providers

from floe_containers import PluginContainer, plugin_provider
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin
from tests.injection.conftest import Fake, Wire, WriteModule, is_imported

pytestmark = pytest.mark.usefixtures("duckdb")

EVERYTHING = """
    @inject
    def ours(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute

    @stock_inject
    def stock(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute

    @inject
    def default(compute=plugin(PluginType.COMPUTE)): return compute

    @inject
    def optional(compute=plugin(PluginType.COMPUTE, "duckdb", optional=True)): return compute

    @inject
    def absent(compute=plugin(PluginType.COMPUTE, "absent", optional=True)): return compute

    @inject
    def all(compute=plugins(PluginType.COMPUTE)): return compute[0]
"""


class Reports:
    """A service."""

    def __init__(self, compute: ComputePlugin) -> None:
        self.compute = compute


class App(containers.DeclarativeContainer):
    """An application."""

    plugins = providers.Container(PluginContainer)
    compute = plugin_provider(plugins, PluginType.COMPUTE, "duckdb", expect=ComputePlugin)
    reports = providers.Singleton(Reports, compute=compute)


@contextmanager
def replaced(application: App, plugin_type: PluginType, name: str, plugin: ComputePlugin) -> Generator[ComputePlugin]:
    """The recipe of the documentation."""
    registry = application.plugins.container.registry()
    with registry.override(plugin_type, name, plugin), application.reset_singletons():
        yield plugin


class TestOverrides:
    def test_reach_every_marker(self, write_module: WriteModule, wire: Wire, duckdb: str) -> None:
        """Without importing the plugin whose place they take; afterwards everything is as before."""
        jobs = write_module(EVERYTHING)
        registry = wire(jobs).registry()
        functions: list[Callable[[], Any]] = [jobs.ours, jobs.stock, jobs.default, jobs.optional, jobs.all]

        with registry.override(PluginType.COMPUTE, "duckdb", Fake()) as fake:
            assert [function() for function in functions] == [fake] * 5
            assert not is_imported(duckdb)

        plugin = registry.get(PluginType.COMPUTE, "duckdb")
        assert [function() for function in functions] == [plugin] * 5

    def test_of_a_plugin_that_is_not_installed(self, write_module: WriteModule, wire: Wire) -> None:
        """It is there while the scope lasts."""
        jobs = write_module(EVERYTHING)
        registry = wire(jobs).registry()

        with registry.override(PluginType.COMPUTE, "absent", Fake()) as fake:
            assert jobs.absent() is fake
        assert jobs.absent() is None

    def test_that_end_in_another_order(self, write_module: WriteModule, wire: Wire) -> None:
        """What is injected is what was put there last and has not ended."""
        jobs = write_module(EVERYTHING)
        registry = wire(jobs).registry()
        plugin = jobs.ours()
        lower, upper = Fake(), Fake()
        first = registry.override(PluginType.COMPUTE, "duckdb", lower)
        second = registry.override(PluginType.COMPUTE, "duckdb", upper)

        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert jobs.ours() is upper
        second.__exit__(None, None, None)
        assert jobs.ours() is plugin

    def test_in_threads(self, write_module: WriteModule, wire: Wire) -> None:
        """Every thread sees the override while it lasts, those that ran before included."""
        jobs = write_module(EVERYTHING)
        registry = wire(jobs).registry()
        plugin = registry.get(PluginType.COMPUTE, "duckdb")
        turn = threading.Barrier(9)

        def work() -> list[Any]:
            seen: list[Any] = []
            for _ in range(3):
                turn.wait(30)
                seen.append(jobs.ours())
                turn.wait(30)
            return seen

        with ThreadPoolExecutor(8) as pool:
            results = [pool.submit(work) for _ in range(8)]
            turn.wait(30)
            turn.wait(30)
            with registry.override(PluginType.COMPUTE, "duckdb", Fake()) as fake:
                turn.wait(30)
                turn.wait(30)
            turn.wait(30)
            turn.wait(30)

        assert [result.result() for result in results] == [[plugin, fake, plugin]] * 8


class TestSingletons:
    def test_that_were_built_before(self) -> None:
        """With the recipe they are built anew inside the scope, and again after it; plugins are not forgotten."""
        app = App()
        before = app.reports()

        with replaced(app, PluginType.COMPUTE, "duckdb", Fake()) as fake:
            assert app.reports().compute is fake

        assert app.reports().compute is before.compute
        assert app.reports() is not before

    def test_keep_their_plugin_without_the_recipe(self) -> None:
        """Which is why there is one."""
        app = App()
        before = app.reports()

        with app.plugins.container.registry().override(PluginType.COMPUTE, "duckdb", Fake()):
            assert app.reports() is before


SUITE = """
    import pytest
    from floe_containers import inject, plugin
    from floe_core.plugin_registry import get_registry
    from floe_core.plugin_types import PluginType
    from floe_core.plugins import ComputePlugin

    class Fake(ComputePlugin):
        version = "1.0.0"
        floe_api_version = "1.0"
        name = ""

    @inject
    def run(compute=plugin(PluginType.COMPUTE, "duckdb", expect=ComputePlugin)): return compute.name

    @pytest.fixture(scope="module", autouse=True)
    def wired():
        get_registry().container.wire(modules=[__name__])

    @pytest.mark.parametrize("number", range(20))
    def test_override(number):
        fake = Fake()
        fake.name = f"fake {number}"
        with get_registry().override(PluginType.COMPUTE, "duckdb", fake):
            assert run() == f"fake {number}"
        assert run() == "duckdb"
"""


class TestUnderXdist:
    def test_workers_do_not_see_each_other(self, tmp_path: Path, site: Path) -> None:
        """Each worker overrides the same plugin of the process's registry, at the same time as the other."""
        pytest.importorskip("xdist")
        tests = tmp_path / "suite"
        tests.mkdir()
        (tests / "test_suite.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-c", os.devnull, "."],
            cwd=tests,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "20 passed" in done.stdout
