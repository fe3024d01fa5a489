"""Repeat the scenarios for a bounded time and report rounds, faults injected and violations; exit 1 if there is any."""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.stress.scenarios import SCENARIOS, fresh_registry, install


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to go on (default: 120)")
    parser.add_argument("--seed", type=int, default=None, help="repeat the choices of an earlier run")
    options = parser.parse_args()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what one of the scenarios is about
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        return repeat(options.seconds, seed)


def repeat(seconds: float, seed: int) -> int:
    chance = random.Random(seed)
    rounds: Counter[str] = Counter()
    faults = violations = 0
    end = monotonic() + seconds
    while monotonic() < end or not rounds:
        for scenario in SCENARIOS:
            rounds[scenario.__name__] += 1
            try:
                faults += scenario(fresh_registry(), chance)
            except Exception:
                violations += 1
                print(f"violation in {scenario.__name__}, seed {seed}", file=sys.stderr)
                traceback.print_exc()
    for name, count in rounds.items():
        print(f"{name:24} {count:6} rounds")
    print(f"{sum(rounds.values())} rounds, {faults} faults injected, {violations} violations (seed {seed})")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
