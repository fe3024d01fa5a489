"""The example that authors copy, built and installed as theirs will be, passes its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.testing.runs import Outcomes, run_pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "minimal_plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is in the example's wheel; installing a wheel of Python code alone is unpacking it."""
    pytest.importorskip("hatchling", reason="builds the example")
    folder = tmp_path_factory.mktemp("example")
    copy = folder / "copy"
    shutil.copytree(EXAMPLE, copy)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=copy,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def outcomes(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """The example's own tests, away from its sources, on what is installed."""
    folder = tmp_path_factory.mktemp("tests")
    shutil.copytree(EXAMPLE / "tests", folder / "tests")
    return run_pytest(folder, environment={"PYTHONPATH": os.pathsep.join([str(installed), *_python_path()])})


def _python_path() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def test_keeps_every_rule(outcomes: Outcomes) -> None:
    """Nothing fails, and no rule is skipped: it shows how each of them is kept."""
    results = outcomes.of("TestSqliteContract")

    assert len(results) > 20
    assert set(results.values()) == {"passed"}, outcomes.output


def test_passes_its_own_tests(outcomes: Outcomes) -> None:
    """What the example does is tested on floe's fixtures."""
    results = outcomes.of("test_plugin")

    assert len(results) == 4
    assert set(results.values()) == {"passed"}, outcomes.output
    assert outcomes.status == 0


def test_is_found_by_a_platform(installed: Path) -> None:
    """Once installed, the global registry knows it, runs it, and injects it by its name."""
    program = """
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType

registry = get_registry()
plugin = registry.get(PluginType.COMPUTE, "sqlite")
with registry.running([plugin]):
    print(plugin.query("SELECT 6 * 7"))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), *_python_path()])},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.stdout == "[(42,)]\n"
