"""Dependencies that cannot be had: what needs them is not started and says why, down to the root; the rest is."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import pytest

from floe_core.plugin_errors import (
    CircularDependencyError,
    DuplicatePluginError,
    MissingDependencyError,
    PluginError,
    PluginErrorGroup,
    PluginLoadError,
    PluginStartupError,
)
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.plugins import ComputePlugin
from floe_core.testing.distributions import plugin_source
from tests.faults.conftest import BAD, CATALOG, COMPUTE, GOOD, VERSION, Bench

TAKES_TOKEN = "token: str = ''"


def _cannot_start(bench: Bench, kind: type[PluginError], *words: str) -> PluginError:
    """
    ``COMPUTE:bad`` fails to resolve and to start, with the same error; the good one starts beside it, and the report
    says what is wrong.
    """
    with bench.expects(PluginError) as resolving:
        bench.registry.resolve_dependencies([BAD])
    outcomes = bench.registry.activate_all([BAD, GOOD])
    assert outcomes[str(GOOD)] is None
    error = outcomes[str(BAD)]
    assert isinstance(error, PluginError)
    assert type(error) is kind
    for word in words:
        assert word in str(error)
        assert word in str(resolving.value)
    with bench.expects(kind):
        bench.registry.activate_plugin(*BAD)
    bench.errors.append(error)
    bench.assert_reported("loaded", *words)
    bench.assert_contained()
    return error


def test_55_a_dependency_that_is_missing(bench: Bench) -> None:
    """By bare name and by key; the message says who is missed."""
    bench.install_bad(dependencies=["polaris"], schema=TAKES_TOKEN)

    _cannot_start(bench, MissingDependencyError, "COMPUTE:bad", "polaris")


def test_55_a_dependency_by_key_that_is_missing(bench: Bench) -> None:
    """The chain of causes ends with what is not there."""
    bench.install_bad(dependencies=["CATALOG:polaris"], schema=TAKES_TOKEN)

    error = _cannot_start(bench, MissingDependencyError, "CATALOG:polaris", "good")

    assert isinstance(error, MissingDependencyError)
    assert (PluginKey(CATALOG, "polaris"),) == error.chain


@pytest.mark.parametrize("dependency", ["bad", "COMPUTE:bad"])
def test_56_a_plugin_that_depends_on_itself(bench: Bench, dependency: str) -> None:
    """A circle of one."""
    bench.install_bad(dependencies=[dependency], schema=TAKES_TOKEN)

    error = _cannot_start(bench, CircularDependencyError, "bad -> bad")

    assert isinstance(error, CircularDependencyError)
    assert error.cycle == ["bad", "bad"]


@pytest.mark.parametrize("length", [2, 3, 1000])
def test_57_a_circle(bench: Bench, length: int) -> None:
    """The error goes once around it; what stands outside starts. One of the circle is installed, the others made by hand."""
    names = ["bad", *(f"n{index}" for index in range(1, length))]
    bench.install_bad(dependencies=[names[1 % length]], schema=TAKES_TOKEN)
    for index in range(1, length):
        bench.registry.register(_Made(names[index], [names[(index + 1) % length]]))

    error = _cannot_start(bench, CircularDependencyError)

    assert isinstance(error, CircularDependencyError)
    assert length + 1 == len(error.cycle)
    assert error.cycle[0] == error.cycle[-1]
    assert set(names) == set(error.cycle)
    positions = [names.index(name) for name in error.cycle]
    assert all((ahead - behind) % length == 1 for behind, ahead in pairwise(positions))


class _Made(ComputePlugin):
    """A plugin made by hand, with these dependencies."""

    def __init__(self, name: str, dependencies: list[str], version: str = "1.0.0") -> None:
        self._name = name
        self._dependencies = dependencies
        self._version = version
        self.is_up = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return self._version

    @property
    def floe_api_version(self) -> str:
        return "1.0"

    @property
    def dependencies(self) -> list[str]:
        return self._dependencies

    def startup(self) -> None:
        self.is_up = True

    def shutdown(self) -> None:
        self.is_up = False


def test_58_a_chain_of_ten_thousand(bench: Bench) -> None:
    """It resolves without recursion, dependencies first, however it is handed over; a fault at its end is told further up."""
    length = 10_000
    made: list[PluginMetadata] = [_Made(f"n{index}", [f"n{index + 1}"]) for index in range(length - 1)]
    made.append(_Made(f"n{length - 1}", []))
    for plugin in made:
        bench.registry.register(plugin)
    begun = perf_counter()

    order = bench.registry.resolve_dependencies([made[0]])

    assert made[::-1] == order
    assert perf_counter() - begun < 30
    bench.registry.unregister(COMPUTE, f"n{length - 1}")
    with bench.expects(PluginError) as caught:
        bench.registry.resolve_dependencies([made[0]])
    assert f"n{length - 1}" in str(caught.value)
    bench.assert_contained()


def test_59_a_diamond_starts_its_bottom_once_and_first(bench: Bench) -> None:
    """Two plugins share a dependency, and one depends on both."""
    log = "import signals\n"
    start = "def startup(self): signals.calls.append('+' + self.name)\ndef shutdown(self): signals.calls.append('-' + self.name)"
    bench.install_bad(dependencies=["left", "right"], prologue=log, body=start, schema=TAKES_TOKEN)
    for name in ("left", "right"):
        bench.install_plugin(PluginKey(CATALOG, name), dependencies=["bottom"], prologue=log, body=start)
    bench.install_plugin(PluginKey(CATALOG, "bottom"), prologue=log, body=start)

    with bench.registry.running([BAD]):
        calls = [*bench.signals.calls]

    assert ["+bottom", {"+left", "+right"}, "+bad"] == [calls[0], {*calls[1:3]}, *calls[3:]]
    calls = bench.signals.calls[4:]
    assert ["-bad", {"-left", "-right"}, "-bottom"] == [calls[0], {*calls[1:3]}, *calls[3:]]
    bench.assert_contained()


def test_60_a_bare_name_that_two_types_share(bench: Bench) -> None:
    """The error names both keys and asks for one."""
    bench.install_bad(dependencies=["twin"], schema=TAKES_TOKEN)
    bench.install_plugin(PluginKey(CATALOG, "twin"))
    bench.install(
        "twin-store",
        {PluginType.STORAGE: {"twin": "twin_store:Plugin"}},
        modules={"twin_store": plugin_source(PluginType.STORAGE, name="twin")},
    )

    _cannot_start(bench, MissingDependencyError, "CATALOG:twin", "STORAGE:twin")


def test_61_a_dependency_of_another_version(bench: Bench) -> None:
    """The error names what is wanted and what is installed."""
    bench.install_bad(dependencies=["CATALOG:good>=2,<3"], schema=TAKES_TOKEN)

    _cannot_start(bench, MissingDependencyError, "CATALOG:good", ">=2,<3", "1.0.0")


@pytest.mark.parametrize(
    "returned",
    [
        "['good>=']",  # no specifier
        "['good>>2']",
        "['LAKE:good']",  # no type
        "['']",
        "[7]",  # no string
        "[None]",
        "'good'",  # no list
        "7",
        "None",
        "(_ for _ in ()).throw(RuntimeError('no'))",  # raises
        "exit(2)",
    ],
)
def test_62_dependencies_that_make_no_sense(bench: Bench, returned: str) -> None:
    """The plugin works on its own, and cannot be started."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"@property\ndef dependencies(self): return {returned}")

    _cannot_start(bench, MissingDependencyError, "COMPUTE:bad", "depend")

    assert bench.registry.get(*BAD).name == "bad"


def test_63_a_dependency_that_is_listed_twice_counts_once(bench: Bench) -> None:
    """Bare and whole, with and without a specifier."""
    bench.install_bad(dependencies=["good", "good", "CATALOG:good", "good>=1"], schema=TAKES_TOKEN)

    with bench.registry.running([BAD]):
        assert bench.report().state == "active"

    bench.assert_contained()


BROKEN_ROOTS = [
    ("failed", "raise OSError('no')", PluginLoadError, "OSError"),
    ("disabled", plugin_source(CATALOG, name="root"), PluginError, "FLOE_PLUGINS_DISABLE"),
    ("incompatible", plugin_source(CATALOG, name="root", api_version="3.0"), PluginError, "API v3.0"),
    ("conflicting", plugin_source(CATALOG, name="root"), DuplicatePluginError, "FLOE_PLUGINS_PREFER"),
    (
        "not started",
        plugin_source(CATALOG, name="root", body="def startup(self): 1 / 0"),
        PluginStartupError,
        "ZeroDivision",
    ),
]


@pytest.mark.parametrize(("fault", "source", "kind", "word"), BROKEN_ROOTS, ids=[root[0] for root in BROKEN_ROOTS])
def test_64_a_dependency_that_cannot_be_used_is_told_down_to_the_root(
    bench: Bench, fault: str, source: str, kind: type[PluginError], word: str
) -> None:
    """Bad -> middle -> root: each error says who is next, and the root's own error stands at the end."""
    root = PluginKey(CATALOG, "root")
    bench.install("acme-root", {CATALOG: {"root": "acme_root:Plugin"}}, modules={"acme_root": source})
    bench.install_plugin(PluginKey(CATALOG, "middle"), dependencies=["CATALOG:root"])
    bench.install_bad(dependencies=["middle"], schema=TAKES_TOKEN)
    if fault == "disabled":
        bench.settings["policy"] = {"disable": ["CATALOG:root"]}
    if fault == "conflicting":
        bench.install("rival", {CATALOG: {"root": "rival:Plugin"}})

    outcomes = bench.registry.activate_all([BAD, GOOD])

    error = outcomes[str(BAD)]
    bench.errors.append(error)  # type: ignore[arg-type]  # it is one, as the next lines show
    assert isinstance(error, MissingDependencyError)
    assert (PluginKey(CATALOG, "middle"), root) == error.chain
    assert f"COMPUTE:bad lacks a dependency: CATALOG:middle -> {root} cannot be used" in str(error)
    assert word in str(error)
    assert isinstance(error.__cause__, MissingDependencyError)
    assert isinstance(error.__cause__.__cause__, kind)
    assert outcomes[str(root)] is error.__cause__.__cause__
    report = bench.assert_reported("loaded", word, "CATALOG:middle")
    assert len(report.causes) >= 3
    assert report.version == VERSION
    bench.assert_contained()


def test_64_two_roots_at_once_are_told_as_a_group(bench: Bench) -> None:
    """resolve_dependencies() raises every root, once."""
    bench.install_bad(dependencies=["CATALOG:absent"], schema=TAKES_TOKEN)
    bench.install_plugin(PluginKey(COMPUTE, "worse"), dependencies=["worse"])

    with bench.expects(PluginErrorGroup) as caught:
        bench.registry.resolve_dependencies([BAD, PluginKey(COMPUTE, "worse")])

    assert len(caught.value.exceptions) == 2
    bench.assert_contained()
