"""Draws the terminal pictures of the documentation from real runs: ``make pictures``."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).parent / "pictures"
RUNS = {
    "demo": (["-m", "floe_lakehouse", "--lake", "lake", "run"], 88),
    "list": (["-m", "floe_core", "list"], 88),
    "graph": (["-m", "floe_core", "graph"], 88),
}


def main() -> None:
    """Run each command in a terminal of its own and keep what it showed last."""
    PICTURES.mkdir(exist_ok=True)
    os.chdir(tempfile.mkdtemp())  # an empty lake, as at the first run
    for name, (command, width) in RUNS.items():
        console = Console(record=True, width=width, file=io.StringIO())
        console.print(Text.from_ansi(_shown(command, width)))
        title = "$ make demo" if name == "demo" else f"$ floe-plugins {name}"
        drawn = re.sub(
            r"@font-face \{.*?\}", "", console.export_svg(title=title), flags=re.DOTALL
        )  # fetched from outside
        (PICTURES / f"{name}.svg").write_text(drawn, encoding="utf-8")


def _shown(command: list[str], width: int) -> str:
    main_end, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm-256color", "FORCE_COLOR": "1"}
    process = subprocess.Popen([sys.executable, *command], stdout=terminal, stderr=subprocess.DEVNULL, env=environment)
    os.close(terminal)
    shown = bytearray()
    while True:
        try:
            chunk = os.read(main_end, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(main_end)
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    lines = shown.decode("utf-8", "replace").replace(os.getcwd(), "~/floe").replace("\r\n", "\n").split("\n")
    last = [line.rpartition("\r")[2] for line in lines]  # a line that was written over shows its last state
    return "\n".join(line for line in last if not _is_spinner(Text.from_ansi(line).plain))


def _is_spinner(line: str) -> bool:
    return line[:1] > "\u2800" and line[:1] <= "\u28ff"


if __name__ == "__main__":
    main()
