"""The guide for plugin authors is followed to the letter: its files are written, installed and tested as it says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from floe_core.testing import install_distribution
from tests.testing.runs import Outcomes, run_pytest

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-plugin.md"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Every block that begins with the name of a file becomes that file; the entry point is the guide's own."""
    folder = tmp_path_factory.mktemp("guide")
    text = GUIDE.read_text(encoding="utf-8")
    for name, code in re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(code)
    (table,) = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    install_distribution(folder, "floe-acme", tomllib.loads(table)["project"]["entry-points"])
    return run_pytest(folder)


def test_its_plugin_keeps_every_rule(outcomes: Outcomes) -> None:
    """The contract of the guide is green for the plugin of the guide, with nothing skipped where invalid ones are given."""
    assert set(outcomes.of("TestAcme").values()) == {"passed"}, outcomes.output
    assert not outcomes.failed("TestAcmeInAFolder")


def test_its_tests_pass(outcomes: Outcomes) -> None:
    """What it says of the fixtures is so."""
    assert outcomes.of("test_acme") == {
        "test_it_answers": "passed",
        "test_it_is_not_started_on_a_broken_catalog": "passed",
        "test_code_that_asks_the_global_registry": "passed",
    }, outcomes.output
    assert outcomes.status == 0
