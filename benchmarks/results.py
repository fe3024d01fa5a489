"""Keeping figures: JSON beside the table, and the committed ratios that new ones are held against."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.measure import Result
from benchmarks.sizes import Curve

COMMITTED = Path(__file__).with_name("committed.json")
TOLERANCE = 1.3
"""How many times the committed ratio a ratio may be."""

Ratios = dict[str, float]


def python_version() -> str:
    """The version that the committed ratios are kept by, such as ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def committed_ratios() -> Ratios:
    """The ratios committed for this version of Python; empty when there are none."""
    return _all_committed().get(python_version(), {})


def is_worse(result: Result, committed: Ratios) -> bool:
    """Whether the ratio is more than 30 % above the committed one."""
    return result.name in committed and result.ratio > TOLERANCE * committed[result.name]


def commit(results: Iterable[Result]) -> None:
    """Make the ratios of *results* the committed ones; those of other benchmarks and other versions stay."""
    everything = _all_committed()
    ours = everything.setdefault(python_version(), {})
    ours.update({result.name: round(result.ratio, 4) for result in results})
    COMMITTED.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """The machine, as far as it matters to the figures."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
    }


def write_json(file: Path, results: Iterable[Result], curves: Iterable[Curve]) -> None:
    """Write everything that was measured, in seconds unless the entry names another unit."""
    document = {
        "machine": machine(),
        "results": [{**dataclasses.asdict(result), "is_met": result.is_met} for result in results],
        "curves": [{**dataclasses.asdict(curve), "growth": curve.growth} for curve in curves],
    }
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _all_committed() -> dict[str, Ratios]:
    if not COMMITTED.exists():
        return {}
    everything: dict[str, Ratios] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return everything
