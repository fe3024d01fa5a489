"""The benchmarks' command line."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter

from benchmarks import discovery, injection, lifecycle, lookup, memory, ordering, processes, results, table, threads
from benchmarks.measure import Comparison, Result, WrongAnswer, check, measure
from benchmarks.plot import draw
from benchmarks.sizes import Curve, measure_sizes
from benchmarks.worlds import Scale, no_operator_settings

Benchmark = Callable[[Scale], AbstractContextManager[Comparison]]

BENCHMARKS: dict[str, Benchmark] = {
    "discovery": discovery.discovery,
    "get": lookup.get,
    "inject": injection.inject,
    "inject_checked": injection.inject_checked,
    "import_registry": processes.import_registry,
    "get_registry": processes.get_registry,
    "ordering": ordering.ordering,
    "startup": lifecycle.startup,
    "health": lifecycle.health,
    "memory": memory.memory,
    "loading": discovery.loading,
    "resolution": lookup.resolution,
    "overriding": lookup.overriding,
    "resolving": ordering.resolving,
    "health_soon": lifecycle.health_soon,
    "health_answered": lifecycle.health_answered,
    "threads_get": threads.threads_get,
    "threads_build": threads.threads_build,
    "list_all": processes.list_all,
    "cli_list": processes.cli_list,
}
"""Those with a budget first."""
SIZES = "sizes"
PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the benchmarks; returns the exit code.

    0: All is well. 1: A contestant gave a wrong answer; or, in a full run, a ratio was more than 30 % above the committed
    one, and was so again when that benchmark was run once more.
    """
    options = _options(arguments)
    chosen = options.only or [*BENCHMARKS, SIZES]
    logging.disable(logging.CRITICAL)  # what is logged is the same for all, and nobody reads it here
    with no_operator_settings():
        if options.quick:
            return _check_all(chosen)
        return _measure_all(chosen, options)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that everybody gives the right answer; time nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*BENCHMARKS, SIZES],
        metavar="NAME",
        help="run one benchmark; may be repeated",
    )
    parser.add_argument("--commit", action="store_true", help="make the measured ratios the committed ones")
    return parser.parse_args(arguments)


def _check_all(chosen: Sequence[str]) -> int:
    wrong = 0
    for name in chosen:
        begun = perf_counter()
        try:
            if name == SIZES:
                measure_sizes(Scale(is_quick=True))
            else:
                with BENCHMARKS[name](Scale(is_quick=True)) as comparison:
                    check(comparison)
        except WrongAnswer as exc:
            wrong += 1
            print(f"wrong  {name}: {exc}")
        else:
            print(f"right  {name} ({perf_counter() - begun:.1f} s)")
    return 1 if wrong else 0


def _measure_all(chosen: Sequence[str], options: argparse.Namespace) -> int:
    committed = results.committed_ratios()
    measured: list[Result] = []
    curves: list[Curve] = []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name == SIZES:
            curves = measure_sizes(Scale(is_quick=False))
            draw(curves, PICTURES, results.python_version())
        else:
            measured.append(_measured(BENCHMARKS[name], committed))
    table.show(measured, curves, committed)
    if options.json:
        results.write_json(options.json, measured, curves)
    if options.commit:
        results.commit(measured)
        return 0
    worse = [result for result in measured if results.is_worse(result, committed)]
    for result in worse:
        print(f"{result.name}: {result.ratio:.3g}, twice, where {committed[result.name]:.3g} is committed")
    return 1 if worse else 0


def _measured(benchmark: Benchmark, committed: results.Ratios) -> Result:
    """The better of two runs where the first is worse than what is committed; else the first."""
    with benchmark(Scale(is_quick=False)) as comparison:
        result = measure(comparison)
        if results.is_worse(result, committed):
            result = min(result, measure(comparison), key=lambda either: either.ratio)
    return result


if __name__ == "__main__":
    sys.exit(main())
