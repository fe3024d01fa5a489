"""What whole processes cost, from the start of the interpreter to its end, where only what is needed is installed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.measure import Comparison, Contestant, calling
from benchmarks.worlds import Scale, write_site

PROJECT = Path(__file__).parent.parent
DISTRIBUTIONS = 100
PLUGINS = 33

IMPORTS = "import enum, dataclasses, abc, logging, threading"
IMPORT_REGISTRY = "import floe_core.plugin_registry"
GET_REGISTRY = "from floe_core.plugin_registry import get_registry; registry = get_registry()"
LIST_ALL = f"{GET_REGISTRY}; names = registry.list_all()"
ONE_SCAN = "import dependency_injector.containers; from importlib.metadata import entry_points; found = entry_points()"
TYPER = "import typer; app = typer.Typer(); app.command()(lambda: print('nothing')); app([], standalone_mode=False)"
COUNT = "print(sum(map(len, registry.list_all().values())))"
COUNT_SCAN = "print(sum(len(found.select(group=group)) for group in found.groups if group.startswith('floe.')))"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with the project, what it needs, and plugins up to 100 distributions."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / ("Scripts" if os.name == "nt" else "bin") / "python")

    @property
    def site_packages(self) -> Path:
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(self.run(code))

    def run(self, code: str) -> str:
        """Run *code* in a new process, and return what it writes."""
        return self._run("-c", code)

    def run_module(self, *arguments: str) -> str:
        """``python -m`` in a new process, and return what it writes."""
        return self._run("-m", *arguments)

    def _run(self, *arguments: str) -> str:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("FLOE_", "PYTHON"))}
        completed = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return completed.stdout.strip()


@contextmanager
def import_registry(scale: Scale) -> Generator[Comparison]:
    """The import that everybody pays."""
    with environment(scale) as place:
        yield Comparison(
            name="import_registry",
            what=f"{IMPORT_REGISTRY}, whole process",
            how=_how(f"Against `{IMPORTS}`."),
            ours=_process(place, "floe_core", IMPORT_REGISTRY, "print('done')", "done"),
            yardstick=_process(place, "five standard modules", IMPORTS, "print('done')", "done"),
            peers=(_process(place, "no import at all", "pass", "print('done')", "done"),),
            budget=1.25,
            expected=True,
            rounds=scale.pick(41, 1),
        )


@contextmanager
def get_registry(scale: Scale) -> Generator[Comparison]:
    """The registry, ready to be asked."""
    with environment(scale) as place:
        yield Comparison(
            name="get_registry",
            what=f"get_registry() on {DISTRIBUTIONS} distributions, whole process",
            how=_how(f"Against `{ONE_SCAN}`."),
            ours=_process(place, "floe_core", GET_REGISTRY, COUNT, str(PLUGINS)),
            yardstick=_process(place, "containers and one entry_points()", ONE_SCAN, COUNT_SCAN, str(PLUGINS)),
            peers=(_process(place, "no import at all", "pass", f"print({PLUGINS})", str(PLUGINS)),),
            budget=1.0,
            expected=True,
            rounds=scale.pick(41, 1),
        )


@contextmanager
def list_all(scale: Scale) -> Generator[Comparison]:
    """The names of all plugins."""
    with environment(scale) as place:
        yield Comparison(
            name="list_all",
            what=f"list_all() on {DISTRIBUTIONS} distributions, whole process",
            how=_how("get_registry() and list_all(), against the same process without list_all()."),
            ours=_process(place, "floe_core", LIST_ALL, COUNT, str(PLUGINS)),
            yardstick=_process(place, "get_registry() alone", GET_REGISTRY, COUNT, str(PLUGINS)),
            expected=True,
            rounds=scale.pick(21, 1),
        )


@contextmanager
def cli_list(scale: Scale) -> Generator[Comparison]:
    """The command that operators type."""
    with environment(scale, "cli") as place:

        def lists_them_all(text: str) -> bool:
            return text.count("plugin-") >= PLUGINS

        yield Comparison(
            name="cli_list",
            what=f"the command line's list on {DISTRIBUTIONS} distributions, whole process",
            how=_how("`python -m floe_core list`, against a typer application whose one command prints a word."),
            ours=_timed("floe_core", lambda: place.run_module("floe_core", "list"), lists_them_all),
            yardstick=_timed("typer, one command", lambda: place.run(TYPER), lambda text: text == "nothing"),
            peers=(_process(place, "list_all() without a command line", LIST_ALL, COUNT, str(PLUGINS)),),
            expected=True,
            rounds=scale.pick(15, 1),
        )


@contextmanager
def environment(scale: Scale, *extras: str) -> Generator[Environment]:
    """An environment with *extras* of the project, made once a run; a quick run, which times nothing, has one for all."""
    yield _environment(("cli",) if scale.is_quick else extras)


@cache
def _environment(extras: tuple[str, ...]) -> Environment:
    uv = shutil.which("uv", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))
    if uv is None:
        raise RuntimeError("uv is not installed; it makes the environments whose processes are measured")
    made = Environment(Path(_keep_until_exit().name) / "-".join(("own", *extras)))
    project = f"{PROJECT}[{','.join(extras)}]" if extras else str(PROJECT)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, made.folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", made.python]
    subprocess.run([*install, "--reinstall-package", "floe-core", project], check=True)
    site_packages = made.site_packages
    present = sum(1 for _ in site_packages.glob("*.dist-info"))
    write_site(site_packages, DISTRIBUTIONS - present, PLUGINS)
    return made


@cache
def _keep_until_exit() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="floe-benchmarks-")


def _process(place: Environment, name: str, code: str, tell: str, told: str) -> Contestant:
    """A process that runs *code*; to check it, it also runs *tell*, which has to write *told*."""
    timed = _timed(name, lambda: place.run(code), lambda _: True)
    return Contestant(name, lambda: place.run(f"{code}; {tell}") == told, timed.cost)


def _timed(name: str, run: Callable[[], str], answer: Callable[[str], bool]) -> Contestant:
    return calling(name, lambda _: run(), before=lambda: None, answer=answer, clock=_time_of_children)


def _time_of_children() -> float:
    """The processor time, in seconds, of the processes that this one has run so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _how(against: str) -> str:
    return (
        "New processes in turns, each with all the processor time that it takes from its start to its end, in an "
        f"environment that has the project, what it depends on, and plugins up to {DISTRIBUTIONS} distributions, all "
        f"compiled. {against}"
    )
