"""What the tests of the public contract share: a Python process of its own that sees what the test installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[[str], str]


@pytest.fixture
def run_python(site: Path, tmp_path: Path) -> RunPython:
    """
    ``run_python(code)`` runs *code* in a fresh interpreter with *site* on its path and returns what it printed. Policy
    leaves out what the machine has installed elsewhere.
    """

    def run(code: str) -> str:
        script = tmp_path / "script.py"
        script.write_text(code, encoding="utf-8")
        allowed = ",".join(folder.name.split("-")[0] for folder in site.glob("*.dist-info"))
        environment = {**os.environ, "PYTHONPATH": str(site), "FLOE_PLUGINS_ALLOW": allowed}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        return done.stdout

    return run
