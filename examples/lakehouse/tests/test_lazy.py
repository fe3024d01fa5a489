"""A library is imported when its plugin is needed, and not before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Lake

LIBRARIES = {
    "dlt",
    "fsspec",
    "pyiceberg",
    "duckdb",
    "dbt",
    "boring_semantic_layer",
    "ibis",
    "dagster",
    "opentelemetry.sdk",
    "openlineage",
    "keyring",
    "keyrings",
    "joserfc",
}

PROBE = """
import json, sys
from floe_lakehouse.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as exc:
    status = exc.code
print(json.dumps([status, sorted(sys.modules)]))
"""


def imported_by(*arguments: object) -> set[str]:
    """Which of the libraries the command line has imported when it has done what *arguments* say."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=True
    )
    status, modules = json.loads(done.stdout.splitlines()[-1])
    assert status in (0, None), done.stderr
    return LIBRARIES & set(modules)


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("plugins",)])
def test_help_and_listing_import_none(arguments: tuple[str, ...]) -> None:
    """What is on the disk is enough to say what there is."""
    assert set() == imported_by(*arguments)


def test_query_imports_only_what_it_needs(full_lake: Lake) -> None:
    """Identity with its secrets, and the semantic layer down to the files; nothing that ingests, builds or records."""
    expected = {"fsspec", "keyring", "keyrings", "joserfc", "pyiceberg", "duckdb", "boring_semantic_layer", "ibis"}

    assert expected == imported_by("--lake", full_lake.folder, "query", "flights")


def test_a_refused_run_imports_only_what_refuses(tmp_path: Path) -> None:
    """Identity comes before everything else."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "--lake", str(tmp_path / "lake"), "run", "--as", "bob"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    status, modules = json.loads(done.stdout.splitlines()[-1])

    assert 3 == status
    assert {"fsspec", "keyring", "keyrings", "joserfc"} == LIBRARIES & set(modules)
