"""The command three ways: called here, run as a process, and run in a terminal of a given width."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from floe_core.cli import main

PATIENCE = 60
"""Seconds after which a command is taken to hang. Generous: the machine may be busy."""


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def answer(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def words(self) -> str:
        """The output with every run of white space as one space, for what may be wrapped anywhere."""
        return " ".join(self.out.split())


Cli = Callable[..., Ran]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal of whoever runs the tests does not reach into a test."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def cli(site: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli("show", "duckdb")`` calls the command in this process."""

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Ran(captured.out, captured.err, code)

    return call


def environment(site: Path, changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process gets to see: the plugins in *site*, and UTF-8."""
    return {**os.environ, "PYTHONPATH": str(site), "PYTHONUTF8": "1", "TERM": "xterm-256color", **(changes or {})}


@pytest.fixture
def process(site: Path) -> Cli:
    """``process("list")`` runs the command in a process of its own, without a terminal."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, before: str = "") -> Ran:
        command = [sys.executable, "-m", "floe_core"]
        if before:
            command = [sys.executable, "-c", f"{before}\nfrom floe_core.cli import run\nrun()"]
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            env=environment(site, env),
            cwd=site,
            check=False,
        )
        return Ran(done.stdout, done.stderr, done.returncode)

    return run


@dataclass(frozen=True)
class Session:
    """What a terminal received, with and without its control sequences."""

    raw: str
    code: int | None

    @property
    def text(self) -> str:
        lines = self.raw.replace("\x1b[2K", "\n")  # where a line is begun anew
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", lines).replace("\r\n", "\n").replace("\r", "")

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    @property
    def width(self) -> int:
        return max(len(line.rstrip()) for line in self.text.split("\n"))


Terminal = Callable[..., Session]


@pytest.fixture
def terminal(site: Path) -> Terminal:
    """``terminal("list", columns=40)`` runs the command in a terminal."""

    def run(*arguments: str, columns: int = 80, env: Mapping[str, str] | None = None) -> Session:
        spawn: Any = pexpect.spawn
        child = spawn(
            sys.executable,
            ["-m", "floe_core", *arguments],
            env=environment(site, env),
            dimensions=(50, columns),
            timeout=PATIENCE,
            encoding="utf-8",
            cwd=str(site),
        )
        raw: str = child.read()
        child.close()
        return Session(raw, child.exitstatus)

    return run
