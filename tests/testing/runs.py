"""pytest in a process of its own, on tests that are written to disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass
class Outcomes:
    """What became of a run: the outcome and the message of every test, by its class and name."""

    output: str
    status: int
    tests: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict[tuple[str, str], tuple[str, str]])

    def of(self, test_class: str) -> dict[str, str]:
        """The outcomes of one class, by test."""
        return {name: outcome for (cls, name), (outcome, _) in self.tests.items() if cls == test_class}

    def failed(self, test_class: str) -> dict[str, str]:
        """The messages of the failures of one class, by test, each in one line."""
        return {
            name: " ".join(message.split())
            for (cls, name), (outcome, message) in self.tests.items()
            if cls == test_class and outcome in {"failure", "error"}
        }


def run_pytest(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcomes:
    """Run pytest in *folder*, which is on ``sys.path``, with the fixtures of floe-core and without its settings."""
    report = folder / "report.xml"
    (folder / "pytest.ini").write_text("[pytest]\njunit_logging = no\n")
    plugin = [] if _is_registered() else ["-p", "floe_core.testing.pytest_plugin"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, f"--junitxml={report}", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    outcomes = Outcomes(ran.stdout + ran.stderr, ran.returncode)
    for case in ET.parse(report).iter("testcase"):
        told = next((part for part in case if part.tag in {"failure", "error", "skipped"}), None)
        test_class = case.get("classname", "").rpartition(".")[2]
        outcome = ("passed", "") if told is None else (told.tag, f"{told.get('message')} {told.text}")
        outcomes.tests[test_class, case.get("name", "")] = outcome
    return outcomes


def _is_registered() -> bool:
    from importlib.metadata import entry_points

    return any(found.value == "floe_core.testing.pytest_plugin" for found in entry_points(group="pytest11"))
