"""What users' type checkers say, with the installed package and nothing of this project's own stubs or settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "typing").glob("*.py"))
EXPECTED = re.compile(r"# expect: (?P<codes>[\w\-, ]+)$")
Finding = tuple[str, int, str]
"""A file, a line of it, and the code of an error there."""


def expected_of(*, pyright: bool) -> list[Finding]:
    """The codes that stand beside the lines; those of pyright begin with ``report``."""
    return sorted(
        (file.name, number, code)
        for file in FILES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := EXPECTED.search(line))
        for code in match["codes"].split(", ")
        if code.startswith("report") == pyright
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project: the files, and no settings that would know of this repository."""
    for file in FILES:
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    """What a checker prints about the project's files; it has found something, or nothing, and has not crashed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments, *(file.name for file in FILES)],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


class TestUsersCheckers:
    def test_mypy_finds_the_marked_errors_and_no_others(self, project: Path) -> None:
        """In strict mode, without any further flag."""
        pytest.importorskip("mypy")

        output = run(project, "mypy", "--strict", "--config-file=")

        errors = re.findall(r"^([\w.]+):(\d+): error: .*\[([\w\-]+)\]$", output, re.MULTILINE)
        assert expected_of(pyright=False) == sorted({(file, int(line), code) for file, line, code in errors})

    def test_pyright_finds_the_marked_errors_and_no_others(self, project: Path) -> None:
        """In strict mode, without any further flag."""
        pytest.importorskip("pyright")
        (project / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))

        output = run(project, "pyright", "--pythonpath", sys.executable, "--outputjson")

        errors = [found for found in json.loads(output)["generalDiagnostics"] if found["severity"] == "error"]
        assert expected_of(pyright=True) == sorted(
            {
                (Path(found["file"]).name, found["range"]["start"]["line"] + 1, found.get("rule", found["message"]))
                for found in errors
            }
        )
