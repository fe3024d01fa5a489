"""Running a script in an interpreter of its own, for what cannot be tried in the one that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

PATIENCE = 120.0
"""Seconds after which a script is taken to hang for good. Generous, since the machine may be busy."""


@dataclass(frozen=True)
class Outcome:
    """What a script wrote, how it ended, and how many seconds it took."""

    lines: list[str]
    errors: str
    code: int
    elapsed: float


def run_script(site: Path, source: str, *arguments: str, code: int = 0, patience: float = PATIENCE) -> Outcome:
    """
    Run *source* as a main module with *site* on its path, and check that it exits with *code*.

    The script is a file, so that multiprocessing can import it again.
    """
    file = site.parent / "script.py"
    file.write_text(textwrap.dedent(source), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOE_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment["PYTHONUTF8"] = "1"
    begun = perf_counter()
    done = subprocess.run(
        [sys.executable, str(file), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=patience,
        check=False,
    )
    elapsed = perf_counter() - begun
    assert code == done.returncode, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return Outcome(done.stdout.splitlines(), done.stderr, done.returncode, elapsed)
