"""What is read from a plugin's source without running it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from floe_core._discovery import Candidate, Distribution
from floe_core.cli.declared import LARGEST, Declared, declared
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing.distributions import _write_module

KEY = PluginKey(PluginType.COMPUTE, "duckdb")
BASE = "from floe_core.plugins import ComputePlugin\n"


def read(site: Path, source: str | bytes, value: str = "acme_duck:Plugin") -> Declared:
    module = value.partition(":")[0].partition("[")[0]
    file = _write_module(site, module, source if isinstance(source, str) else "")
    if isinstance(source, bytes):
        file.write_bytes(source)
    return declared(KEY, Candidate(KEY, value, Distribution(str(site / "acme_duck-1.0.dist-info"))))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # nothing is said: the base class says that there is none
        (BASE + "class Plugin(ComputePlugin): ...", ()),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies = ['a', 'CATALOG:b>=1']", ("a", "CATALOG:b>=1")),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies: list = ['a']", ("a",)),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies = ['a']\n    dependencies = ['b']", ("b",)),
        # a property that returns it at once, with or without a docstring
        (BASE + "class Plugin(ComputePlugin):\n    @property\n    def dependencies(self):\n        '''d'''\n        return ['a']", ("a",)),
        # a base in the same module
        (BASE + "class Base(ComputePlugin):\n    dependencies = ['a']\nclass Plugin(Base): ...", ("a",)),
        ("from floe_core.plugins import *\nclass Plugin(ComputePlugin): ...", ()),
        ("from floe_core.plugins import ComputePlugin as C\nclass Plugin(C): ...", ()),
        # what only running it can tell
        (BASE + "class Plugin(ComputePlugin):\n    dependencies = make()", None),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies = 'a'", None),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies = [5]", None),
        (BASE + "class Plugin(ComputePlugin):\n    dependencies: list", ()),
        (BASE + "class Plugin(ComputePlugin):\n    def dependencies(self):\n        x = 1\n        return ['a']", None),
        (BASE + "class Plugin(ComputePlugin):\n    def dependencies(self):\n        return", None),
        (BASE + "class Plugin(ComputePlugin):\n    if True:\n        dependencies = ['a']", None),
        (BASE + "class Plugin(ComputePlugin):\n    if True:\n        def dependencies(self): ...", None),
        (BASE + "class Plugin(ComputePlugin):\n    if True:\n        other = ['a']", ()),
        ("from elsewhere import Base\nclass Plugin(Base): ...", None),
        (BASE + "class Plugin(ComputePlugin, Mixin): ...", None),
        ("class Plugin: ...", None),
        ("class Plugin(Plugin): ...", None),
        ("Plugin = make()", None),
    ],
)  # fmt: skip
def test_dependencies_as_written(site: Path, source: str, expected: tuple[str, ...] | None) -> None:
    facts = read(site, source)

    assert facts.fault is None
    assert facts.dependencies == expected


def test_imports_nothing_packages_included(site: Path) -> None:
    source = BASE + "raise SystemExit\nclass Plugin(ComputePlugin):\n    dependencies = ['a']"
    facts = read(site, source, "acme_pkg.inner.duck:Plugin [extra]")

    assert facts.dependencies == ("a",)
    assert not [name for name in sys.modules if name.startswith("acme_pkg")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def", "SyntaxError"),
        (b"\0", "Error"),
        (BASE + "class Plugin(ComputePlugin):\n    floe_api_version = '9.0'", "requires API v9.0"),
        (BASE + "class Plugin(ComputePlugin):\n    floe_api_version = 'x'", "requires API vx"),
    ],
)
def test_what_will_keep_it_from_loading(site: Path, source: str | bytes, words: str) -> None:
    assert words in str(read(site, source).fault)


def test_a_module_that_is_not_there(site: Path) -> None:
    """By the first part that is missing."""
    (site / "acme_pkg").mkdir()
    for value, missing in (("acme_none:Plugin", "acme_none"), ("acme_pkg.sub.duck:Plugin", "acme_pkg.sub")):
        facts = declared(KEY, Candidate(KEY, value, Distribution(str(site / "acme-1.0.dist-info"))))
        assert f"there is no module {missing!r}" in str(facts.fault)


def test_another_finder_may_know_more(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder that fails, as one of an editable install may, says nothing about the plugin."""

    class Broken:
        def find_spec(self, name: str, path: object) -> None:
            raise OSError

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Broken()])

    assert declared(KEY, Candidate(KEY, "acme_none:Plugin", Distribution(str(site)))) == Declared()


@pytest.mark.parametrize("value", ["itertools:Plugin", "sys:Plugin", "_json:Plugin", "xml:Plugin"])
def test_what_has_no_source_to_read_says_nothing(value: str, site: Path) -> None:
    assert declared(KEY, Candidate(KEY, value, Distribution(str(site)))) == Declared()


def test_a_file_that_cannot_be_read_or_is_too_large_says_nothing(site: Path) -> None:
    assert read(site, BASE + "class Plugin(ComputePlugin): ...\n" + "#" * LARGEST) == Declared()
    (site / "acme_dir.py").symlink_to(site / "acme_dir.py")
    assert declared(KEY, Candidate(KEY, "acme_dir:Plugin", Distribution(str(site)))).dependencies is None


def test_a_module_of_this_process_without_spec_says_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "acme_made", type(sys)("acme_made"))

    assert declared(KEY, Candidate(KEY, "acme_made:Plugin", Distribution(str(site)))) == Declared()
