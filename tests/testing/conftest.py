"""Fixtures for tests of what plugin authors use."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.testing.runs import Outcomes, run_pytest


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Outcomes]:
    """``project({"test_it.py": "..."})`` writes the files into a folder and runs pytest on them in a process of its own."""

    def run(files: Mapping[str, str], *arguments: str, environment: Mapping[str, str] | None = None) -> Outcomes:
        folder = tmp_path / "project"
        folder.mkdir()
        for name, source in files.items():
            (folder / name).write_text(textwrap.dedent(source))
        return run_pytest(folder, *arguments, environment=environment)

    return run
