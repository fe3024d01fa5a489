"""What an application's type checkers say when all that it has is the built wheel, in an environment of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_typing import FILES, expected_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "floe_core").is_dir(), reason="there is no source to build a wheel of")


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project outside the tree, and a virtual environment in it with the wheel and what that depends on."""
    pytest.importorskip("uv")
    folder = tmp_path_factory.mktemp("consumer")
    uv = (sys.executable, "-m", "uv")
    commands: list[list[str | Path]] = [
        [*uv, "build", "--wheel", "--out-dir", folder / "dist", ROOT],
        [*uv, "venv", "--python", sys.executable, folder / "env"],
    ]
    for command in commands:
        done = _run(folder, *command)
        assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    done = _run(folder, *uv, "pip", "install", "--python", python_of(folder), wheel)
    assert done.returncode == 0, done.stderr
    for file in FILES:
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def python_of(consumer: Path) -> Path:
    return consumer / "env" / "bin" / "python"


class TestConsumer:
    def test_mypy_finds_the_marked_errors_and_no_others(self, consumer: Path) -> None:
        """In strict mode, with the stubs that dependency-injector ships."""
        pytest.importorskip("mypy")
        files = [file.name for file in FILES]
        done = _run(
            consumer,
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", python_of(consumer)),
            *files,
        )

        errors = re.findall(r"^([\w.]+):(\d+): error: .*\[([\w\-]+)\]$", done.stdout, re.MULTILINE)
        assert expected_of(pyright=False) == sorted({(file, int(line), code) for file, line, code in errors}), (
            done.stderr
        )

    def test_pyright_finds_the_marked_errors_and_no_others(self, consumer: Path) -> None:
        """In strict mode, with the stubs that dependency-injector ships."""
        pytest.importorskip("pyright")
        (consumer / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
        files = [file.name for file in FILES]
        done = _run(
            consumer, sys.executable, "-m", "pyright", "--pythonpath", python_of(consumer), "--outputjson", *files
        )

        findings = [
            (Path(found["file"]).name, found["range"]["start"]["line"] + 1, found.get("rule", found["message"]))
            for found in json.loads(done.stdout)["generalDiagnostics"]
            if found["severity"] == "error"
        ]
        assert expected_of(pyright=True) == sorted(set(findings)), done.stderr
