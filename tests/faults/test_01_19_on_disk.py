"""Distributions that are broken on disk: the rest is found, and each fault is a candidate with its reason."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.plugin_errors import DuplicatePluginError, PluginError, PluginNotFoundError
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.registry_report import CandidateReport
from floe_core.testing.distributions import install_distribution, plugin_source
from tests.faults.conftest import BAD, COMPUTE, VERSION, Bench
from tests.processes import run_script

MODULE = {"acme_broken": plugin_source(COMPUTE, name="bad")}


def _install(bench: Bench, entry_points: str | bytes | None, **options: str | None) -> Path:
    return bench.install("acme-broken", entry_points, version=VERSION, modules=MODULE, **options).metadata


def _the_fault(bench: Bench, folder: Path, *words: str) -> CandidateReport:
    """The one candidate that is not used: where it comes from and why."""
    [fault] = bench.unused()
    assert ("acme-broken", VERSION, str(folder)) == (fault.distribution, fault.version, fault.path)
    for word in words:
        assert word in fault.reason
    bench.get_fails(PluginNotFoundError)
    bench.assert_contained()
    return fault


def _errors_logged(bench: Bench) -> list[str]:
    return [record.getMessage() for record in bench.caplog.records if record.levelname == "ERROR"]


def test_01_entry_points_that_are_not_utf_8_cost_their_own_distribution_only(bench: Bench) -> None:
    """The file is a candidate that says so, and is logged as an error."""
    folder = _install(bench, b"[floe.computes]\nbad = acme_broken:Pl\xff\xfein\n")

    fault = _the_fault(bench, folder, "UTF-8")

    assert fault.rejection == "malformed"
    assert len(_errors_logged(bench)) == 1


def test_02_a_line_without_equals_sign_costs_that_line_only(bench: Bench) -> None:
    """Its neighbours in the same file work."""
    folder = _install(bench, "[floe.computes]\nbad acme_broken:Plugin\nfine = acme_broken:Plugin\n")

    _the_fault(bench, folder, "name = module:attr")

    assert bench.registry.get(COMPUTE, "fine").version


@pytest.mark.parametrize(
    "lines", ["[floe.computes\nbad = acme_broken:Plugin", "[floe.computes] bad = acme_broken:Plugin"]
)
def test_02_a_section_that_is_not_closed_is_told(bench: Bench, lines: str) -> None:
    """What follows it belongs to no group of ours, and would be missing without a word."""
    folder = _install(
        bench, f"[console_scripts]\nbad = acme_broken:main\n{lines}\n[floe.computes]\nfine = acme_broken:Plugin\n"
    )

    _the_fault(bench, folder, "line 3 of entry_points.txt", "does not end in ]")

    assert bench.registry.list_all()[COMPUTE] == ["fine"]


def test_03_a_section_that_stands_twice_counts_both_times(bench: Bench) -> None:
    """As importlib.metadata reads it: nothing is lost, and nothing is wrong."""
    _install(
        bench, "[floe.computes]\none = acme_broken:Plugin\n[floe.catalogs]\n[floe.computes]\ntwo = acme_broken:Plugin\n"
    )

    assert bench.registry.list_all()[COMPUTE] == ["one", "two"]
    assert bench.unused() == []
    assert bench.registry.get(COMPUTE, "two").version
    bench.assert_contained()


def test_03_a_name_that_stands_twice_with_different_values_is_malformed(bench: Bench) -> None:
    """Nobody can tell which of the two is meant; the same line twice is one."""
    _install(
        bench,
        "[floe.computes]\nbad = acme_broken:Plugin\nbad = acme_broken:Other\nsame = acme_broken:Plugin\nsame = acme_broken:Plugin\n",
    )

    assert [fault.rejection for fault in bench.unused()] == ["malformed", "malformed"]
    bench.get_fails(PluginError)
    assert bench.registry.get(COMPUTE, "same").version
    bench.assert_contained()


def test_04_an_empty_value_is_malformed(bench: Bench) -> None:
    """The candidate bears its key."""
    folder = _install(bench, "[floe.computes]\nbad =\n")

    assert _the_fault(bench, folder, "module:attr").key == "COMPUTE:bad"


@pytest.mark.parametrize("value", ["a/file.yaml", "a b:c", ":x", "mod:", "mod", "mod:a b", "1 + 1"])
def test_05_a_value_that_is_no_module_and_attribute_is_malformed(bench: Bench, value: str) -> None:
    """The candidate bears its key and its value."""
    folder = _install(bench, f"[floe.computes]\nbad = {value}\n")

    fault = _the_fault(bench, folder, "module:attr")

    assert ("COMPUTE:bad", value) == (fault.key, fault.entry_point)


@pytest.mark.parametrize(
    "how",
    [
        "a circle of links",  # nobody can open it, the superuser included
        pytest.param("no permission", marks=pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")),
    ],
)
def test_06_an_unreadable_file_costs_its_own_distribution_only(bench: Bench, how: str) -> None:
    """The candidate tells which file cannot be read."""
    folder = _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n")
    file = folder / "entry_points.txt"
    if how == "no permission":
        file.chmod(0)
    else:
        file.unlink()
        file.symlink_to(file)

    _the_fault(bench, folder, "entry_points.txt")


def test_07_a_folder_in_place_of_the_file_costs_its_own_distribution_only(bench: Bench) -> None:
    """The candidate tells which file cannot be read."""
    folder = _install(bench, None)
    (folder / "entry_points.txt").mkdir()

    _the_fault(bench, folder, "entry_points.txt")


@pytest.mark.parametrize(
    ("metadata", "remark"),
    [
        (None, "missing or empty"),
        (" \n", "missing or empty"),
        ("Metadata-Version: 2.1\nName: acme-broken\n", "no version"),
    ],
)
def test_08_metadata_without_name_or_version_keeps_no_plugin_from_working(
    bench: Bench, metadata: str | None, remark: str
) -> None:
    """Name and version are those of the folder, and the report remarks upon it."""
    folder = _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n", metadata=metadata)
    bench.settings.clear()

    assert bench.registry.get(*BAD).name == "bad"

    report = bench.report()
    assert (VERSION, str(folder)) == (report.version, report.path)
    assert (report.distribution or "").replace("_", "-") == "acme-broken"
    assert remark in " ".join(report.remarks)
    bench.assert_contained()


def test_09_an_empty_leftover_does_not_hide_the_real_distribution(bench: Bench, tmp_path: Path) -> None:
    """An incomplete removal leaves an empty folder, earlier on the path."""
    (tmp_path / "early" / f"acme_broken-{VERSION}.dist-info").mkdir(parents=True)
    sys.path.insert(0, str(tmp_path / "early"))
    folder = _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n")
    bench.settings.clear()

    assert bench.registry.get(*BAD).name == "bad"
    assert str(folder) == bench.report().path
    bench.assert_contained()


def test_10_a_stale_build_folder_does_not_hide_the_real_distribution(bench: Bench, tmp_path: Path) -> None:
    """An egg-info of an older build, earlier on the path, is a candidate that is not used."""
    stale = install_distribution(
        tmp_path / "early",
        "acme-broken",
        {COMPUTE: {"bad": "gone:Plugin"}},
        version="0.1",
        suffix=".egg-info",
    )
    sys.path.insert(0, str(tmp_path / "early"))
    folder = _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n")
    bench.settings.clear()

    assert bench.registry.get(*BAD).name == "bad"
    assert str(folder) == bench.report().path
    [fault] = bench.unused()
    assert ("0.1", str(stale.metadata), "shadowed") == (fault.version, fault.path, fault.rejection)
    assert str(folder) in fault.reason
    bench.assert_contained()


def test_11_one_distribution_reached_by_two_spellings_of_its_path_is_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dots, a link and the plain path lead to the same folder; there is no conflict and nothing to report."""
    _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n")
    bench.settings.clear()
    (tmp_path / "link").symlink_to(bench.site)
    monkeypatch.setattr(sys, "path", [*sys.path, f"{bench.site}/../{bench.site.name}", str(tmp_path / "link")])

    assert bench.registry.get(*BAD).name == "bad"
    assert bench.unused() == []
    bench.assert_contained()


def test_12_one_key_from_two_distributions_is_taken_from_neither(bench: Bench) -> None:
    """The error names both and how to choose; the name stays listed; each is a candidate that is not used."""
    _install(bench, "[floe.computes]\nbad = acme_broken:Plugin\n")
    bench.install("rival", {COMPUTE: {"bad": "rival:Plugin"}}, version="7.0", modules={"rival": "raise SystemExit"})

    error = bench.get_fails(DuplicatePluginError)

    for word in ("acme-broken 2.3.4", "rival 7.0", "FLOE_PLUGINS_PREFER", str(bench.site)):
        assert word in str(error)
    assert bench.registry.list_all()[COMPUTE] == ["bad"]
    assert bench.report().state == "conflicting"
    assert [fault.rejection for fault in bench.unused()] == ["conflicting", "conflicting"]
    assert {"acme-broken", "rival"} == {fault.distribution for fault in bench.unused()}
    assert not {"acme_broken", "rival"} & sys.modules.keys()
    bench.assert_contained()


def test_13_names_that_differ_in_case_or_dashes_only_are_different_plugins(bench: Bench) -> None:
    """Names compare exactly; each is found and gives its own class."""
    names = ["my-duck", "my_duck", "My-Duck"]
    classes = "".join(plugin_source(COMPUTE, f"Plugin{index}", name=name) for index, name in enumerate(names)).replace(
        "from __future__", "# from __future__"
    )
    lines = "".join(f"{name} = ducks:Plugin{index}\n" for index, name in enumerate(names))
    bench.install("ducks", f"[floe.computes]\n{lines}", modules={"ducks": classes})

    assert sorted(names) == bench.registry.list_all()[COMPUTE]
    assert names == [bench.registry.get(COMPUTE, name).name for name in names]
    with bench.expects(PluginNotFoundError):
        bench.registry.get(COMPUTE, "MY-DUCK")
    bench.assert_contained()


def test_14_odd_entries_of_the_path_are_passed_over(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing, a file, no string or the working directory does no harm; a zip file is read."""
    file = tmp_path / "file.txt"
    file.write_text("no folder")
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("zipped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.0\n")
        zipped.writestr("zipped-1.0.dist-info/entry_points.txt", "[floe.computes]\nzipped = zipped:Plugin\n")
        zipped.writestr("zipped.py", plugin_source(COMPUTE, name="zipped"))
    odd = [str(tmp_path / "missing"), str(file), "", None, tmp_path, b"bytes", 7, str(archive)]
    with monkeypatch.context() as patched:  # for as long as it takes: other code may not cope with such a path
        patched.setattr(sys, "path", [*odd, *sys.path])
        names = bench.registry.list_all()[COMPUTE]
        name = bench.registry.get(COMPUTE, "zipped").name
        bench.assert_contained()
    monkeypatch.delitem(sys.modules, "zipped")

    assert (names, name) == (["zipped"], "zipped")


def test_15_a_broken_link_costs_its_own_distribution_only(bench: Bench, tmp_path: Path) -> None:
    """Whether the link is the folder or the file in it, it is reported as leading nowhere, and the rest is found."""
    folder = _install(bench, None)
    (folder / "entry_points.txt").symlink_to(tmp_path / "nowhere")
    (bench.site / "gone-1.0.dist-info").symlink_to(tmp_path / "nowhere")

    bench.get_fails(PluginNotFoundError)

    assert [] == bench.registry.list_all()[COMPUTE]
    told = {
        candidate.path for candidate in bench.registry.report().unused if "a link leads nowhere" in candidate.reason
    }
    assert {str(folder), str(bench.site / "gone-1.0.dist-info")} == told
    bench.assert_contained()


def test_16_a_huge_file_is_not_read(bench: Bench, elapsed: Callable[[], float]) -> None:
    """Ten megabytes cost a moment, and the candidate tells the bound."""
    folder = _install(bench, "[floe.computes]\n" + "bad = acme_broken:Plugin\n" * 420_000)
    assert (folder / "entry_points.txt").stat().st_size > 10_000_000

    _the_fault(bench, folder, "larger than")

    assert elapsed() < 10


def test_17_a_finder_that_raises_costs_what_it_would_have_found(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that other finders know is there."""

    class Finder:
        def find_spec(self, *_: object) -> None:
            return None

        def find_distributions(self, *_: object) -> object:
            raise RuntimeError("finders are foreign code")

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    bench.install_plugin(PluginKey(COMPUTE, "fine"))

    assert bench.registry.get(COMPUTE, "fine").name == "fine"
    [fault] = bench.unused()
    assert "RuntimeError" in fault.reason
    assert "foreign code" not in fault.reason
    bench.assert_contained()


def test_18_the_backport_of_importlib_metadata_changes_nothing(bench: Bench) -> None:
    """It is imported before discovery, and a malformed value stands beside a good one."""
    _install(bench, "[floe.computes]\nbad = a b:c\nfine = acme_broken:Plugin\n")

    done = run_script(
        bench.site,
        """
        import importlib_metadata
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginType

        registry = get_registry()
        print(registry.list_all()[PluginType.COMPUTE], registry.list_all()[PluginType.CATALOG])
        print(registry.get(PluginType.COMPUTE, "fine").name)
        print([(fault.key, fault.rejection) for fault in registry.report().unused])
        """,
    )

    assert done.lines == ["['fine'] ['good']", "bad", "[('COMPUTE:bad', 'malformed')]"]


FAULTS: list[tuple[str | bytes, str]] = [
    ("[floe.computes]\n{name} = {module}:Plugin\n", "import nothing_of_this_name"),
    ("[floe.computes]\n{name} = {module}:Plugin\n", "def broken(:"),
    ("[floe.computes]\n{name} = {module}:Plugin\n", "raise SystemExit('no')"),
    ("[floe.computes]\n{name} = {module}:Absent\n", ""),
    ("[floe.computes]\n{name} = a/file.yaml\n", ""),
    ("[floe.computes]\n{name}\n", ""),
    (b"[floe.computes]\n\xff = x:y\n", ""),
    ("[floe.computes]\n{name} = {module}:Plugin\n", plugin_source(COMPUTE, api_version="9.0")),
    ("[floe.computes]\n{name} = {module}:Plugin\n", plugin_source(COMPUTE, dependencies=["CATALOG:absent"])),
    (
        "[floe.computes]\n{name} = {module}:Plugin\n",
        plugin_source(COMPUTE, body="def startup(self): raise OSError('no disk')"),
    ),
]


def test_19_half_the_installed_plugins_broken_at_once_leave_the_other_half_working(
    bench: Bench, elapsed: Callable[[], float]
) -> None:
    """A hundred plugins, fifty of them broken in ten ways: start-up takes less than 5 s, and every good one works."""
    for index in range(50):
        entry_points, source = FAULTS[index % len(FAULTS)]
        name, module = f"broken{index}", f"broken_module_{index}"
        if isinstance(entry_points, str):
            entry_points = entry_points.format(name=name, module=module)
        bench.install(f"broken-{index}", entry_points, modules={module: source})
        bench.install_plugin(PluginKey(PluginType.STORAGE, f"fine{index}"))
    importlib.invalidate_caches()
    begun = elapsed()

    registry = bench.registry
    outcomes = registry.activate_all(plugin_types=[COMPUTE, PluginType.STORAGE])
    statuses = registry.health_check_all()

    assert elapsed() - begun < 5
    fine = {f"STORAGE:fine{index}" for index in range(50)}
    assert fine == {key for key, error in outcomes.items() if error is None}
    assert fine <= {key for key, status in statuses.items() if status.state is HealthState.HEALTHY}
    broken = {key for key, error in outcomes.items() if error is not None and "broken" in key}
    malformed = {fault.distribution for fault in bench.unused()}
    assert len(broken) + len(malformed) == 50
    by_key = {plugin.key: plugin for plugin in registry.report().plugins}
    for key in broken:
        assert by_key[key].reason, f"the report does not tell what is wrong with {key}"
        assert by_key[key].distribution
    assert fine == {key for key, error in registry.shutdown_all().items() if error is None}
    bench.assert_contained()
