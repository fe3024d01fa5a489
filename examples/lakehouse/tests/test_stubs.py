"""Each row of the table really runs: with its library stubbed out, its tests fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = {
    "TestIngestion": "dlt",
    "TestStorage": "fsspec",
    "TestCatalog": "pyiceberg",
    "TestCompute": "duckdb",
    "TestDbt": "dbt",
    "TestSemanticLayer": "boring_semantic_layer",
    "TestOrchestrator": "dagster",
    "TestTelemetry": "opentelemetry",
    "TestLineage": "openlineage",
    "TestSecrets": "keyrings",
    "TestIdentity": "joserfc",
}


@pytest.mark.parametrize(("tests", "library"), ROWS.items())
def test_a_stub_does_not_pass_for_the_library(tests: str, library: str) -> None:
    """The tests of the row are found, run, and do not pass."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "stub_out", "--maxfail=1", f"test_plugins.py::{tests}"],
        cwd=Path(__file__).parent,
        env={**os.environ, "STUB_OUT": library, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert 1 == done.returncode, done.stdout + done.stderr
    assert "test_plugins.py::" + tests in done.stdout
