"""Break modules in many small ways, one at a time, and list what their tests did not notice; exit 1 for what is unexplained."""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import WorkItem

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "mutate"
EXPLAINED = ROOT / "docs" / "mutants.md"

TESTS = {
    "_ordering": "tests/test_ordering.py",
    "_dependencies": "tests/test_dependencies.py tests/faults/test_55_64_dependencies.py",
    "_configuration": "tests/faults/test_45_54_configuration.py tests/test_configuration.py",
    "_loading": "tests/test_loading.py tests/faults/test_20_44_import_and_construction.py tests/test_report.py"
    " tests/test_registry.py tests/test_configuration.py tests/faults/test_45_54_configuration.py",
    "_discovery": "tests/test_discovery.py tests/test_discovery_policy.py tests/faults/test_01_19_on_disk.py"
    " tests/test_discovery_equality.py",
    "_hooks": "tests/test_lifecycle.py tests/test_health.py tests/test_report.py"
    " tests/faults/test_65_78_lifecycle_and_health.py",
    "_lifecycle": "tests/test_lifecycle.py tests/test_health.py tests/test_report.py"
    " tests/faults/test_65_78_lifecycle_and_health.py",
}
"""What is mutated, and the tests that have to notice: the fast ones first, since the first failure ends a run."""

FAST = "not ten_thousand and not on_the_same_path and not test_75 and not test_76 and not test_77"
"""Without the tests that others stand in for here: of sizes, of generated environments, and of other processes."""

OPERATORS = re.compile(
    # Of the replacements for a comparison, its opposite and its neighbour: the other ones are noticed by whoever notices these.
    r"core/(ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is)"
    r"|ReplaceComparisonOperator_(Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|Gt_LtE|GtE_Gt|GtE_Lt)"
    # Without those for `|`, which stands in annotations that are never evaluated, and for `*`, which stands in signatures.
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|LShift_RShift)|ReplaceUnaryOperator_Delete_\w+"
    r"|Replace(And|Or|True|False|Break|Continue)With\w+"
    r"|AddNot|ExceptionReplacer|NumberReplacer|RemoveDecorator|ZeroIterationForLoop)"
)


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant. Its name is made of what it changes, so that it outlives changes elsewhere."""

    name: str
    line: int
    operator: str
    survived: bool
    timed_out: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many at once (default: one a core)")
    options = parser.parse_args()
    if unknown := {*options.modules} - TESTS.keys():
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}; there are some for {', '.join(TESTS)}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    context = multiprocessing.get_context("fork")
    explained = " ".join(EXPLAINED.read_text(encoding="utf-8").split())
    unexplained = 0
    table = ["module           mutants   killed   timed out   survived   unexplained   score"]
    with ProcessPoolExecutor(options.workers, context, work_in_a_copy) as pool:
        for module in options.modules or TESTS:
            print(f"{module}, tested by {TESTS[module]}", flush=True)
            mutants = mutants_of(module)
            tally = told(pool.map(judge, [module] * len(mutants), mutants), explained)
            alive = tally["SURVIVED"] + tally["explained"]
            unexplained += tally["SURVIVED"]
            table.append(
                f"{module:16} {tally.total():7} {tally.total() - alive:8} {tally['timed out']:11} {alive:10} "
                f"{tally['SURVIVED']:13} {100 - 100 * alive / tally.total():7.1f}"
            )
    print(*table, sep="\n")
    return 1 if unexplained else 0


def told(verdicts: Iterable[Verdict], explained: str) -> Counter[str]:
    """List what is no plain kill as it comes; returns how many there were of each fate."""
    fates, names = Counter[str](), Counter[str]()
    for verdict in verdicts:
        names[verdict.name] += verdict.survived
        alive = "explained" if names[verdict.name] <= explained.count(verdict.name) else "SURVIVED"
        fate = alive if verdict.survived else "timed out" if verdict.timed_out else "killed"
        fates[fate] += 1
        if fate != "killed":
            print(f"{fate:10} line {verdict.line:<4} {verdict.operator:34} {verdict.name}", flush=True)
    return fates


def mutants_of(module: str) -> list[WorkItem]:
    file = Path("floe_core", f"{module}.py")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with use_db(FOLDER / f"{module}.sqlite") as work:
        init([file], work, {})
        items = work.work_items
    unread = {*lines_for_checkers_alone((ROOT / file).read_text(encoding="utf-8"))}
    specs = [(item, item.mutations[0]) for item in items]
    return [item for item, spec in specs if OPERATORS.fullmatch(spec.operator_name) and spec.start_pos[0] not in unread]


def lines_for_checkers_alone(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from range(node.lineno, (node.body[-1].end_lineno or 0) + 1)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING":
            yield node.lineno


# In the worker processes, from here on


def work_in_a_copy() -> None:
    """Each worker breaks a copy of its own, so that the checkout stays as it is, whatever happens."""
    copy = FOLDER / str(os.getpid())
    for folder in ("floe_core", "containers", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.cfg", "pyproject.toml"):
        shutil.copy2(ROOT / file, copy)
    os.chdir(copy)
    # Goes before the editable install, in the processes that the tests start, too.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(copy), str(copy / "containers")])
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # halves the time to start
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # so does what the run on unbroken code leaves behind
    signal.signal(signal.SIGINT, go_on)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # a loop that no longer ends may fill the memory


def go_on(_signal: int, _frame: object) -> None:
    """An interrupt of the whole waits for the mutant in hand, whose tests nobody would end otherwise."""


def judge(module: str, mutant: WorkItem) -> Verdict:
    result = mutate_and_test(mutant.mutations, command(module), bound(module))
    spec, diff = mutant.mutations[0], result.diff or ""
    place = f"{module}.{spec.definition_name}" if spec.definition_name else module
    return Verdict(
        name=f"`{place}`: `{lines_of(diff, '-')}` → `{lines_of(diff, '+') or 'nothing'}`",
        line=spec.start_pos[0],
        operator=spec.operator_name.removeprefix("core/"),
        survived=not result.is_killed,
        timed_out=result.output == "timeout",
    )


def lines_of(diff: str, sign: str) -> str:
    lines = [line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]
    return " ".join(" ".join(lines).split())


def command(module: str) -> str:
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutation.examples", "-k", FAST, "--basetemp=tmp"]
    # A test that hangs fails; by itself, so that the next mutant need not wait for the bound of the whole run.
    options += ["-o", "faulthandler_timeout=40", "-o", "faulthandler_exit_on_timeout=true"]
    return shlex.join([sys.executable, "-m", "pytest", *options, *TESTS[module].split()])


@cache
def bound(module: str) -> float:
    """Seconds for the tests on one mutant, after which it counts as killed; measured where nothing is broken."""
    begun = perf_counter()
    done = subprocess.run(shlex.split(command(module)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the tests of {module} fail although nothing is broken:\n{done.stdout}{done.stderr}")
    return 2 * (perf_counter() - begun) + 5


if __name__ == "__main__":
    sys.exit(main())
