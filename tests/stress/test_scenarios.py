"""Each scenario of ``make stress``, once."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path

import pytest

from tests.stress.scenarios import SCENARIOS, Scenario, fresh_registry, install


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_round_has_no_violation(site: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenario raises where something does not hold."""
    install(site)
    importlib.invalidate_caches()
    for module in [name for name in sys.modules if name.startswith("stress_")]:
        monkeypatch.delitem(sys.modules, module)

    assert scenario(fresh_registry(), random.Random(7)) >= 0
