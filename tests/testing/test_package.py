"""What ``floe_core.testing`` exports, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from floe_core import testing


def test_exports_are_sorted_and_there() -> None:
    """Each name of __all__ resolves, and the lazy table has no other."""
    assert testing.__all__ == sorted(testing.__all__)
    assert set(testing.__all__) == set(testing._HOMES)
    assert all(getattr(testing, name).__name__ == name for name in testing.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match=r"module 'floe_core.testing' has no attribute 'nothing'"):
        testing.nothing  # noqa: B018  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (
            "import floe_core.testing.distributions",
            ["pydantic", "dependency_injector", "pytest", "floe_core.plugin_registry"],
        ),
        (
            "from floe_core.testing import Fault",
            ["pydantic", "dependency_injector", "pytest", "floe_core.plugin_registry"],
        ),
        ("from floe_core.testing import swapped_registry", ["pydantic", "dependency_injector", "pytest"]),
    ],
)
def test_is_light(statement: str, absent: list[str]) -> None:
    """A name costs the import of what it needs, and no more."""
    program = f"import json, sys\n{statement}\nprint(json.dumps([n for n in {absent!r} if n in sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(ran.stdout) == []
