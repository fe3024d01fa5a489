"""Entry points on disk, healthy and broken: what is found, what is told, and that one fault costs itself only."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import Distribution as InstalledDistribution
from importlib.metadata import DistributionFinder, entry_points
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from floe_core._discovery import MAX_FILE_SIZE, Candidate, Rejection, discover, find_candidates
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import PluginNotFoundError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing import install_distribution, plugin_source

COMPUTE = PluginType.COMPUTE
DUCK: dict[PluginType | str, dict[str, str]] = {COMPUTE: {"duckdb": "acme_duck:Duck"}}
GOOD: dict[PluginType | str, dict[str, str]] = {COMPUTE: {"good": "good_plugin:Plugin"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to install into, which is not on ``sys.path``: discovery is given it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def used(*path: object) -> dict[str, str]:
    """The entry points in use, by key."""
    return {str(key): candidate.value for key, candidate in discover(DiscoveryPolicy(), path).usable.items()}


def rejected(*path: object) -> list[Candidate]:
    """What was found and is not used."""
    return [*discover(DiscoveryPolicy(), path).unused]


def reasons(*path: object) -> list[str]:
    return [candidate.reason for candidate in rejected(*path)]


class TestHealthy:
    @pytest.mark.parametrize("plugin_type", PluginType)
    def test_reads_all_eleven_groups(self, folder: Path, plugin_type: PluginType) -> None:
        """Each group gives plugins of its type."""
        install_distribution(folder, "acme", {plugin_type: {"x": "acme:X"}})

        assert {f"{plugin_type.name}:x": "acme:X"} == used(str(folder))

    def test_passes_over_other_groups(self, folder: Path) -> None:
        """A distribution may announce scripts and other things beside."""
        text = "[console_scripts]\nrun = acme:main\n\n[floe.computes]\nduckdb = acme_duck:Duck\n[other]\nbad\n"
        install_distribution(folder, "acme", text)

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))
        assert [] == rejected(str(folder))

    def test_imports_nothing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A plugin whose import would raise is found like any other."""
        monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
        install_distribution(folder, "acme", DUCK, modules={"acme_duck": "raise SystemExit"})

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))
        assert "acme_duck" not in sys.modules

    def test_tells_where_a_plugin_comes_from(self, folder: Path) -> None:
        """Distribution as published, version, folder and value."""
        installed = install_distribution(folder, "Acme-Duck", DUCK, version="1.2")

        origin = discover(DiscoveryPolicy(), [str(folder)]).usable[PluginKey(COMPUTE, "duckdb")].origin

        assert ("Acme-Duck", "1.2", str(installed.metadata), "acme_duck:Duck") == origin

    @pytest.mark.parametrize(
        ("value", "target"),
        [
            ("acme:Duck", ("acme", "Duck")),
            ("acme.sub.mod:Outer.Inner", ("acme.sub.mod", "Outer.Inner")),
            ("acme : Duck", ("acme", "Duck")),
            ("acme:Duck [extra]", ("acme", "Duck")),
            ("acme:Duck [a-b, c]", ("acme", "Duck")),  # the standard library splits these at the dash
            ("acme:Duck[a]", ("acme", "Duck")),
        ],
    )
    def test_reads_values_with_and_without_extras(self, folder: Path, value: str, target: tuple[str, str]) -> None:
        """Extras are dropped: nothing reads them when a plugin loads."""
        install_distribution(folder, "acme", {COMPUTE: {"x": value}})

        (candidate,) = find_candidates([str(folder)])

        assert target == candidate.target

    def test_keeps_names_as_they_are(self, folder: Path) -> None:
        """Names that differ in case, or in dashes and underscores, are different plugins."""
        names = ["duck-db", "duck_db", "Duck-DB", "duck db", "duck.db", "k8s"]
        install_distribution(folder, "acme", {COMPUTE: dict.fromkeys(names, "acme:Duck")})

        assert {f"COMPUTE:{name}" for name in names} == set(used(str(folder)))

    def test_keeps_the_order_of_the_path(self, tmp_path: Path) -> None:
        """As the standard library does; the first of several things in conflict is the first told."""
        for place in ("b", "a", "c"):
            install_distribution(tmp_path / place, f"dist-{place}", {COMPUTE: {place: "m:C"}})

        found = find_candidates([str(tmp_path / place) for place in ("b", "a", "c")])

        assert ["b", "a", "c"] == [candidate.key.name for candidate in found if candidate.key]

    def test_reads_sys_path_by_default(self, site: Path) -> None:
        """And the environment's own distributions with it."""
        install_distribution(site, "acme", {COMPUTE: {"only-here": "m:C"}})

        assert "only-here" in {candidate.key.name for candidate in find_candidates() if candidate.key}

    def test_reads_sys_path_even_when_no_finder_does(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Someone may have taken the interpreter's own finder away."""
        install_distribution(folder, "acme", DUCK)
        monkeypatch.setattr(sys, "path", [str(folder)])
        monkeypatch.setattr(sys, "meta_path", [])

        assert ["acme_duck:Duck"] == [candidate.value for candidate in find_candidates()]

    def test_reads_sys_path_once_though_it_has_two_finders(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The faults on it are told once, too."""
        install_distribution(folder, "acme", {COMPUTE: {"duckdb": "acme_duck:Duck", "bad": "a/file.yaml"}})
        monkeypatch.setattr(sys, "path", [str(folder)])
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, *sys.meta_path])

        assert ["acme_duck:Duck", "a/file.yaml"] == [candidate.value for candidate in find_candidates()]

    def test_takes_a_file_with_a_byte_order_mark(self, folder: Path) -> None:
        """Editors on Windows leave one; the first section is not lost to it."""
        install_distribution(folder, "acme", b"\xef\xbb\xbf[floe.computes]\nduckdb = acme_duck:Duck\n")

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))


def write_bytes(content: bytes) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(content)

    return write


def make_folder(file: Path) -> None:
    file.mkdir()


def link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


LINE = "is not name = module:attribute; mend that line"
VALUE = "in [floe.computes] does not point to module:attribute; mend entry_points.txt"
BROKEN_FILES: dict[str, tuple[Callable[[Path], None], list[tuple[str | None, str]]]] = {
    "not UTF-8": (
        write_bytes(b"[floe.computes]\nb\xffd = m:C\n"),
        [(None, "entry_points.txt is not UTF-8; reinstall the distribution")],
    ),
    "a line without =": (
        write_bytes(b"[floe.computes]\n# a comment\n\nnonsense\n"),
        [(None, f"line 4 of entry_points.txt, in [floe.computes], {LINE}")],
    ),
    "a line without a name": (
        write_bytes(b"[floe.computes]\n = m:C\n"),
        [(None, f"line 2 of entry_points.txt, in [floe.computes], {LINE}")],
    ),
    "an empty value": (write_bytes(b"[floe.computes]\nbad =\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "a path": (
        write_bytes(b"[floe.computes]\nbad = a/file.yaml\n"),
        [("COMPUTE:bad", f"the value of 'bad' {VALUE}")],
    ),
    "a second =": (
        write_bytes(b"[floe.computes]\nbad = x = m:C\n"),
        [("COMPUTE:bad", f"the value of 'bad' {VALUE}")],
    ),
    "a space": (write_bytes(b"[floe.computes]\nbad = a b:c\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "no module": (write_bytes(b"[floe.computes]\nbad = :x\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "no attribute": (write_bytes(b"[floe.computes]\nbad = mod:\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "a module alone": (write_bytes(b"[floe.computes]\nbad = mod\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "empty parts": (write_bytes(b"[floe.computes]\nbad = a..b:C\n"), [("COMPUTE:bad", f"the value of 'bad' {VALUE}")]),
    "a name twice": (
        write_bytes(b"[floe.computes]\nbad = m:A\n[floe.computes]\nbad = m:B\n"),
        [("COMPUTE:bad", "'bad' stands twice in [floe.computes], with different values; mend entry_points.txt")] * 2,
    ),
    "an unknown group": (
        write_bytes(b"[floe.compute]\nbad = m:C\n"),
        [(None, "there is no plugin group 'floe.compute'; the groups are floe.computes, floe.orchestrators")],
    ),
    "a group with spaces": (
        write_bytes(b"[ floe.computes ]\nbad = m:C\n"),
        [(None, "there is no plugin group ' floe.computes '; the groups are floe.computes, floe.orchestrators")],
    ),
    "a folder": (
        make_folder,
        [(None, "entry_points.txt cannot be read (IsADirectoryError); reinstall the distribution")],
    ),
    "a symlink to itself": (link_to_itself, [(None, "entry_points.txt cannot be read (OSError); reinstall")]),
    "ten megabytes": (
        write_bytes(b"[floe.computes]\nbad = m:C\n" + b"#" * 10_000_000),
        [(None, f"entry_points.txt is larger than {MAX_FILE_SIZE} bytes; reinstall the distribution")],
    ),
}


class TestBrokenFiles:
    @pytest.mark.parametrize("kind", BROKEN_FILES)
    def test_cost_themselves_only(self, folder: Path, kind: str) -> None:
        """Each fault is a candidate with its reason and its origin, and the plugins around it are found."""
        write, expected = BROKEN_FILES[kind]
        install_distribution(folder, "a-good", GOOD)
        broken = install_distribution(folder, "m-broken", None, version="2.0")
        write(broken.metadata / "entry_points.txt")
        install_distribution(folder, "z-good", {COMPUTE: {"better": "better_plugin:Plugin"}})

        faults = rejected(str(folder))

        assert {"COMPUTE:good": "good_plugin:Plugin", "COMPUTE:better": "better_plugin:Plugin"} == used(str(folder))
        assert [key for key, _ in expected] == [fault.key and str(fault.key) for fault in faults]
        for fault, (_, reason) in zip(faults, expected, strict=True):
            assert fault.reason.startswith(reason)
            assert ("m-broken", "2.0", str(broken.metadata)) == fault.origin[:3]
            unknown = fault.reason.startswith("there is no plugin group")
            assert (Rejection.UNKNOWN_GROUP if unknown else Rejection.MALFORMED) is fault.rejection

    def test_cost_not_even_their_neighbours_in_the_file(self, folder: Path) -> None:
        """The good lines of a file with bad ones are used."""
        text = "[floe.computes]\nfirst = m:A\nnonsense\nbad = a/b.yaml\n[floe.nope]\nx = m:X\n[floe.catalogs]\nlast = m:Z\n"
        install_distribution(folder, "acme", text)

        assert {"COMPUTE:first": "m:A", "CATALOG:last": "m:Z"} == used(str(folder))
        assert 3 == len(rejected(str(folder)))

    def test_a_section_twice_is_read_as_one(self, folder: Path) -> None:
        """Names from both are there, and one that stands in both with the same value is there once."""
        text = "[floe.computes]\na = m:A\n[floe.catalogs]\nc = m:C\n[floe.computes]\nb = m:B\na = m:A\n"
        install_distribution(folder, "acme", text)

        assert {"COMPUTE:a": "m:A", "COMPUTE:b": "m:B", "CATALOG:c": "m:C"} == used(str(folder))
        assert [] == rejected(str(folder))

    def test_a_file_at_the_limit_of_size_is_read(self, folder: Path) -> None:
        """The bound is one mebibyte exactly; a byte more is told."""
        entry = b"[floe.computes]\nduckdb = acme_duck:Duck\n"
        install_distribution(folder, "acme", entry + b"#" * (1_048_576 - len(entry)))
        install_distribution(folder, "above", b"[floe.computes]\n" + b"#" * (1_048_577 - 16))

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))
        assert ["entry_points.txt is larger than 1048576 bytes; reinstall the distribution"] == reasons(str(folder))

    def test_a_file_of_any_size_takes_little_memory(self, folder: Path) -> None:
        """Reading stops soon after the limit."""
        large = install_distribution(folder, "large", "")
        os.truncate(large.metadata / "entry_points.txt", 200 * MAX_FILE_SIZE)

        tracemalloc.start()
        try:
            told = reasons(str(folder))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert [f"entry_points.txt is larger than {MAX_FILE_SIZE} bytes; reinstall the distribution"] == told
        assert peak < 10 * MAX_FILE_SIZE

    def test_a_file_that_fails_half_way_is_told(self, folder: Path) -> None:
        """It opens, and reading raises: here another process's memory, at an address that is not mapped."""
        memory = Path("/proc/self/mem")
        if not memory.exists():
            pytest.skip("needs Linux")
        broken = install_distribution(folder, "broken", None)
        (broken.metadata / "entry_points.txt").symlink_to(memory)

        assert ["entry_points.txt cannot be read (OSError); reinstall the distribution"] == reasons(str(folder))

    def test_a_pipe_is_not_waited_for(self, folder: Path) -> None:
        """Nobody ever writes to it."""
        piped = install_distribution(folder, "piped", None)
        os.mkfifo(piped.metadata / "entry_points.txt")
        install_distribution(folder, "good", GOOD)
        found: list[dict[str, str]] = []

        thread = threading.Thread(target=lambda: found.append(used(str(folder))), daemon=True)
        thread.start()
        thread.join(30)

        assert [{"COMPUTE:good": "good_plugin:Plugin"}] == found

    def test_what_may_not_be_read_is_told(self) -> None:
        """Permissions missing on a file, or on a whole folder of the path."""
        with readable_by_all() as root:
            install_distribution(root / "site", "good", GOOD)
            secret = install_distribution(root / "site", "secret", DUCK)
            (secret.metadata / "entry_points.txt").chmod(0)
            (root / "locked").mkdir()
            (root / "locked").chmod(0)

            with unprivileged():
                path = [str(root / "locked"), str(root / "site")]
                keys, told = used(*path), rejected(*path)

            assert {"COMPUTE:good": "good_plugin:Plugin"} == keys
            assert [
                "the folder cannot be read (PermissionError); mend its permissions, or take it off sys.path",
                "entry_points.txt cannot be read (PermissionError); reinstall the distribution",
            ] == [fault.reason for fault in told]
            assert [str(root / "locked"), str(secret.metadata)] == [fault.distribution.folder for fault in told]

    def test_are_logged_as_errors_with_key_and_distribution(
        self, site: Path, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        """discover_all() logs what is malformed, and does not raise."""
        install_distribution(site, "acme", {COMPUTE: {"bad": "a/file.yaml"}})

        with caplog.at_level(logging.ERROR):
            registry.discover_all()

        (record,) = [record for record in caplog.records if getattr(record, "floe_distribution", "") == "acme"]
        assert logging.ERROR == record.levelno
        assert "COMPUTE:bad" == vars(record)["floe_key"]
        assert f"COMPUTE:bad is not used: the value of 'bad' {VALUE}" in record.getMessage()

    def test_tell_whoever_asks_for_the_plugin_why_it_is_not_there(self, site: Path, registry: PluginRegistry) -> None:
        """A name that is there, and cannot be used, is not merely missing."""
        install_distribution(site, "acme", {COMPUTE: {"bad": "a/file.yaml"}})
        registry.discover_all()

        with pytest.raises(
            PluginNotFoundError, match=r"cannot be used: the value of 'bad' in .* does not point to module"
        ):
            registry.get(COMPUTE, "bad")

    def test_are_no_reason_for_another_plugin_not_to_be_there(self, site: Path, registry: PluginRegistry) -> None:
        """Whoever asks for a name that nothing announces is told what there is."""
        install_distribution(site, "acme", {COMPUTE: {"bad": "a/file.yaml"}})
        registry.discover_all()

        with pytest.raises(PluginNotFoundError) as caught:
            registry.get(COMPUTE, "other")

        assert "cannot be used" not in str(caught.value)

    def test_half_of_the_plugins_broken_leave_the_other_half_working(
        self, site: Path, registry: PluginRegistry
    ) -> None:
        """Start-up succeeds within five seconds, and every good plugin loads."""
        kinds = [write for write, _ in BROKEN_FILES.values()]
        for number in range(40):
            source = plugin_source(COMPUTE, name=f"good{number}")
            module = f"half_good_{number}"
            install_distribution(
                site, f"half-good-{number}", {COMPUTE: {f"good{number}": f"{module}:Plugin"}}, modules={module: source}
            )
            broken = install_distribution(site, f"half-bad-{number}", None)
            kinds[number % len(kinds)](broken.metadata / "entry_points.txt")

        begun = perf_counter()
        registry.discover_all()
        elapsed = perf_counter() - begun

        plugins = [registry.get(COMPUTE, f"good{number}") for number in range(40)]
        assert [f"good{number}" for number in range(40)] == [plugin.name for plugin in plugins]
        assert elapsed < 5


@contextmanager
def readable_by_all() -> Generator[Path, None, None]:
    """A folder into which any user of the machine may look: pytest's own are their user's alone."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root)


@contextmanager
def unprivileged() -> Generator[None, None, None]:
    """Permissions mean something in here, even when the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestMetadata:
    @pytest.mark.parametrize(
        ("metadata", "remark"),
        [
            (None, "is missing or empty"),  # no file
            ("\n", "is missing or empty"),
            ("Name: acme-duck\n", "has no version"),
            ("Name: acme-duck\n\nVersion: 9.9\n", "has no version"),  # the header ends at the empty line
            ("Name: acme-duck\n  Version: 9.9\n", "has no version"),  # a continued line
        ],
    )
    def test_is_not_needed_for_a_plugin_to_work(
        self, site: Path, registry: PluginRegistry, metadata: str | None, remark: str
    ) -> None:
        """Name and version come from the folder then, and the report remarks it."""
        installed = install_distribution(
            site, "acme-duck", {COMPUTE: {"duckdb": "acme_duck_bare:Plugin"}}, version="1.2", metadata=metadata,
            modules={"acme_duck_bare": plugin_source(COMPUTE, name="duckdb")},
        )  # fmt: skip
        registry.discover_all()

        assert "duckdb" == registry.get(COMPUTE, "duckdb").name
        (row,) = [row for row in registry.report().plugins if row.key == "COMPUTE:duckdb"]
        assert "1.2" == row.version
        assert row.distribution in ("acme-duck", "acme_duck")
        assert f"the metadata in {installed.metadata} {remark}; reinstall the distribution" in row.remarks

    def test_without_a_version_anywhere_the_version_is_none(self, folder: Path) -> None:
        """Neither the metadata nor the folder's name tells it."""
        (folder / "acme.egg-info").mkdir()
        (folder / "acme.egg-info" / "entry_points.txt").write_text("[floe.computes]\nduckdb = acme_duck:Duck\n")

        (candidate,) = find_candidates([str(folder)])

        assert ("acme", None) == candidate.origin[:2]

    def test_a_folder_without_a_name_is_still_told_apart(self, folder: Path) -> None:
        """Its name is in the metadata, or it is called as the folder is."""
        install_distribution(folder, "acme", DUCK).metadata.rename(folder / ".dist-info")
        (folder / ".egg-info").mkdir()
        (folder / ".egg-info" / "entry_points.txt").write_text("[floe.computes]\nother = m:C\n")

        assert {"acme", ".egg-info"} == {candidate.distribution.name for candidate in find_candidates([str(folder)])}

    def test_its_size_does_not_matter(self, folder: Path) -> None:
        """Only the top of it is read, whatever the length of the description."""
        text = "Name: Acme.Duck\nVersion: 1.2\nSummary: A duck\n\n" + "quack\n" * 500_000
        install_distribution(folder, "acme-duck", DUCK, metadata=text)

        (candidate,) = find_candidates([str(folder)])

        assert ("Acme.Duck", "1.2") == candidate.origin[:2]
        assert "A duck" == candidate.distribution.header()["summary"]
        assert () == candidate.distribution.remarks

    def test_a_line_without_a_colon_is_no_field(self, folder: Path) -> None:
        """It does not stand in the way of the field that follows."""
        install_distribution(folder, "acme", DUCK, metadata="Name: acme\nVersion\nVersion: 3.1\n")

        assert ["3.1"] == [candidate.distribution.version for candidate in find_candidates([str(folder)])]

    def test_of_a_build_is_read_from_its_own_file(self, folder: Path) -> None:
        """PKG-INFO, where there is no METADATA."""
        info = folder / "acme.egg-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(ENTRY)
        (info / "PKG-INFO").write_text("Name: Acme\nVersion: 2.5\n")

        assert [("Acme", "2.5")] == [candidate.origin[:2] for candidate in find_candidates([str(folder)])]

    def test_is_read_whatever_its_encoding(self, folder: Path) -> None:
        """A stray byte in a summary is no reason to lose the version."""
        installed = install_distribution(folder, "acme", DUCK)
        (installed.metadata / "METADATA").write_bytes(b"Name: acme\nSummary: caf\xe9\nVersion: 1.2\n")

        assert ["1.2"] == [candidate.distribution.version for candidate in find_candidates([str(folder)])]


class TestCopies:
    def test_that_are_identical_collapse_silently(self, tmp_path: Path) -> None:
        """The same release in two folders of the path, whether or not one is the other's copy."""
        for place in ("one", "two"):
            install_distribution(tmp_path / place, "acme", DUCK)

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(tmp_path / "one"), str(tmp_path / "two"))
        assert [] == rejected(str(tmp_path / "one"), str(tmp_path / "two"))

    def test_on_the_path_earlier_go_before_later_ones(self, tmp_path: Path) -> None:
        """As Python imports: the second one's modules are never reached."""
        first = install_distribution(tmp_path / "one", "Acme.Duck", {COMPUTE: {"duckdb": "m:Old"}}, version="1.0")
        second = install_distribution(tmp_path / "two", "acme-duck", {COMPUTE: {"duckdb": "m:New"}}, version="2.0")
        path = str(tmp_path / "one"), str(tmp_path / "two")

        (shadowed,) = rejected(*path)

        assert {"COMPUTE:duckdb": "m:Old"} == used(*path)
        assert (Rejection.SHADOWED, str(second.metadata)) == (shadowed.rejection, shadowed.distribution.folder)
        assert shadowed.reason == (
            f"another copy of the distribution goes before it, {first.metadata}; uninstall one of the two"
        )

    @pytest.mark.parametrize("suffix", [".egg-info", "-0.9.egg-info", "-0.9-py3.11.egg-info"])
    def test_left_by_a_build_do_not_hide_the_installed_one(self, tmp_path: Path, suffix: str) -> None:
        """A stale egg-info in a source folder, first on the path, with or without a version in its name."""
        stale = tmp_path / "source" / f"acme_duck{suffix}"
        stale.mkdir(parents=True)
        (stale / "PKG-INFO").write_text("Name: acme-duck\nVersion: 0.9\n")
        (stale / "entry_points.txt").write_text("[floe.computes]\nold = acme_duck:Old\n")
        install_distribution(tmp_path / "site", "acme-duck", DUCK)
        path = str(tmp_path / "source"), str(tmp_path / "site")

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(*path)
        assert [(Rejection.SHADOWED, str(stale))] == [
            (candidate.rejection, candidate.distribution.folder) for candidate in rejected(*path)
        ]

    def test_left_by_a_build_count_where_nothing_is_installed(self, folder: Path) -> None:
        """A project under development need not be installed to be found."""
        install_distribution(folder, "acme", DUCK, suffix=".egg-info")

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))

    @pytest.mark.parametrize(
        ("versions", "expected"),
        [
            (["1.9", "1.10"], "1.10"),  # numbers, not text
            (["1.10", "1.9"], "1.10"),
            (["2.0rc1", "2.0"], "2.0"),
            (["1.0", "1.0.post1", "0.9"], "1.0.post1"),
        ],
    )
    def test_in_one_folder_the_higher_version_is_in_force(
        self, folder: Path, versions: list[str], expected: str
    ) -> None:
        """An upgrade that was interrupted leaves both; the order of the folder's listing decides nothing."""
        for version in versions:
            install_distribution(folder, "acme", {COMPUTE: {"duckdb": f"m:C{version[0]}"}}, version=version)

        inventory = discover(DiscoveryPolicy(), [str(folder)])

        assert expected == inventory.usable[PluginKey(COMPUTE, "duckdb")].distribution.version
        assert {*versions} - {expected} == {candidate.distribution.version for candidate in inventory.unused}

    def test_with_versions_that_do_not_compare_the_first_listed_is_in_force(self, folder: Path) -> None:
        """One of them is used, the other told."""
        for version in ("unknown", "1.0"):
            install_distribution(folder, "acme", DUCK, version=version)

        first = next(name for name in os.listdir(folder))
        inventory = discover(DiscoveryPolicy(), [str(folder)])

        assert [str(folder / first)] == [candidate.distribution.folder for candidate in inventory.usable.values()]
        assert [Rejection.SHADOWED] == [candidate.rejection for candidate in inventory.unused]

    def test_emptied_by_a_removal_do_not_hide_the_installed_one(self, tmp_path: Path) -> None:
        """The leftover goes before it on the path, and is told with what to do."""
        leftover = tmp_path / "one" / "acme_duck-0.9.dist-info"
        leftover.mkdir(parents=True)
        installed = install_distribution(tmp_path / "two", "acme-duck", DUCK)
        path = str(tmp_path / "one"), str(tmp_path / "two")

        (told,) = rejected(*path)

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(*path)
        assert (Rejection.SHADOWED, str(leftover)) == (told.rejection, told.distribution.folder)
        assert told.reason == (
            f"an incomplete removal left an empty folder behind; delete it, since {installed.metadata} is in force"
        )

    def test_of_which_only_leftovers_are_there_are_nothing(self, folder: Path) -> None:
        """One of them, or several; and those of other distributions are of no interest."""
        for name in ("acme-1.0", "acme-1.1", "other-1.0"):
            (folder / f"{name}.dist-info").mkdir()
        (folder / "library-1.0.dist-info").mkdir()
        install_distribution(folder, "library", "[console_scripts]\nrun = m:main\n", version="2.0")

        assert [] == find_candidates([str(folder)])

    def test_whose_file_is_broken_keep_their_place(self, tmp_path: Path) -> None:
        """Python would import the broken copy's modules, so the other copy's entry points would lie."""
        install_distribution(tmp_path / "one", "acme", b"\xff", version="1.0")
        install_distribution(tmp_path / "two", "acme", DUCK, version="2.0")
        path = str(tmp_path / "one"), str(tmp_path / "two")

        assert {} == used(*path)
        assert ["entry_points.txt is not UTF-8", "another copy of the distribution goes before it"] == [
            reason.replace(",", ";").partition(";")[0] for reason in reasons(*path)
        ]


class TestPathEntries:
    def test_that_are_no_folders_are_passed_over(self, folder: Path, tmp_path: Path) -> None:
        """Missing ones, files, names with a NUL, other objects than strings, and broken links."""
        install_distribution(folder, "acme", DUCK)
        (tmp_path / "file.txt").write_text("no archive")
        (tmp_path / "broken").symlink_to("nowhere")
        odd = [
            str(tmp_path / "missing"),
            str(tmp_path / "file.txt"),
            "a\0b",
            None,
            3,
            b"x",
            folder,
            str(tmp_path / "broken"),
        ]

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(*odd, str(folder))
        assert [] == rejected(*odd, str(folder))

    def test_may_be_spelled_in_two_ways(self, folder: Path, tmp_path: Path) -> None:
        """With a slash, through the parent folder, by a symlink: one folder is read once, and those behind it are read."""
        install_distribution(folder, "acme", DUCK)
        install_distribution(folder, "broken", b"\xff")
        install_distribution(tmp_path / "behind", "good", GOOD)
        (tmp_path / "link").symlink_to(folder)
        spellings = [str(folder), f"{folder}{os.sep}", str(folder / ".." / folder.name), str(tmp_path / "link")]
        spellings.append(str(tmp_path / "behind"))

        assert {"COMPUTE:duckdb": "acme_duck:Duck", "COMPUTE:good": "good_plugin:Plugin"} == used(*spellings)
        assert ["entry_points.txt is not UTF-8; reinstall the distribution"] == reasons(*spellings)

    @pytest.mark.parametrize("entry", ["", ".", "../folder", "sub/.."])
    def test_may_be_relative(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
        """And what was found stays readable when the process changes its working directory."""
        installed = install_distribution(folder, "acme", DUCK, version="1.2")
        (folder / "sub").mkdir()
        monkeypatch.chdir(folder)

        (candidate,) = find_candidates([entry])
        monkeypatch.chdir(tmp_path)

        assert ("acme", "1.2", str(installed.metadata)) == candidate.origin[:3]

    def test_may_be_relative_to_a_folder_that_is_gone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The working directory was deleted: nothing is there, and nothing fails."""
        install_distribution(tmp_path / "site", "good", GOOD)
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()

        assert {"COMPUTE:good": "good_plugin:Plugin"} == used("", "x", str(tmp_path / "site"))

    def test_may_hold_links(self, folder: Path, tmp_path: Path) -> None:
        """A linked dist-info is read like any other; one that leads nowhere, or whose file does, costs itself and is told."""
        elsewhere = install_distribution(tmp_path / "elsewhere", "acme", DUCK)
        (folder / elsewhere.metadata.name).symlink_to(elsewhere.metadata)
        (folder / "gone-1.0.dist-info").symlink_to(tmp_path / "nowhere")
        broken = install_distribution(folder, "broken", None)
        (broken.metadata / "entry_points.txt").symlink_to(tmp_path / "nowhere")

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))
        told = {Path(fault.distribution.folder).name: fault.reason for fault in rejected(str(folder))}
        reason = "entry_points.txt cannot be read (a link leads nowhere); reinstall the distribution"
        assert {"gone-1.0.dist-info": reason, broken.metadata.name: reason} == told

    def test_may_hold_metadata_in_a_single_file(self, folder: Path) -> None:
        """An egg-info of distutils is a file: it has no entry points."""
        (folder / "old-1.0.egg-info").write_text("Name: old\nVersion: 1.0\n")
        install_distribution(folder, "acme", DUCK)

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(folder))
        assert [] == rejected(str(folder))

    @pytest.mark.parametrize("pkg_info", ["Name: acme-duck\nVersion: 1.2\n", None])
    def test_may_be_eggs(self, tmp_path: Path, pkg_info: str | None) -> None:
        """Unpacked ones; without metadata, two of them are still told apart by their names."""
        for name in ("acme_duck", "other"):
            info = tmp_path / f"{name}-1.2-py3.11.egg" / "EGG-INFO"
            info.mkdir(parents=True)
            (info / "entry_points.txt").write_text(f"[floe.computes]\n{name} = {name}:Duck\n")
            if pkg_info:
                (info / "PKG-INFO").write_text(pkg_info.replace("acme-duck", name))
        eggs = [str(egg) for egg in sorted(tmp_path.iterdir())]

        found = find_candidates(eggs)

        assert {"COMPUTE:acme_duck": "acme_duck:Duck", "COMPUTE:other": "other:Duck"} == used(*eggs)
        assert [("acme_duck", "1.2"), ("other", "1.2")] == [candidate.origin[:2] for candidate in found]

    def test_that_are_no_eggs_hold_none(self, folder: Path) -> None:
        """A folder called EGG-INFO means something inside an egg only."""
        (folder / "EGG-INFO").mkdir()
        (folder / "EGG-INFO" / "entry_points.txt").write_text("[floe.computes]\nduckdb = acme_duck:Duck\n")

        assert {} == used(str(folder))


def archive(file: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archived:
        for name, content in files.items():
            archived.writestr(name, content)
    return file


ENTRY = "[floe.computes]\nduckdb = acme_duck:Duck\n"


class TestArchives:
    def test_are_read(self, tmp_path: Path) -> None:
        """Zip files and zipped eggs, in the order of the path."""
        zipped = archive(
            tmp_path / "a.zip",
            {
                "acme_duck-1.2.dist-info/METADATA": "Name: Acme-Duck\nVersion: 1.2\n",
                "acme_duck-1.2.dist-info/entry_points.txt": ENTRY,
                "plain-1.0.dist-info/METADATA": "Name: plain\nVersion: 1.0\n",
            },
        )
        egg = archive(
            tmp_path / "other-2.0-py3.11.egg",
            {
                "EGG-INFO/PKG-INFO": "Name: other\nVersion: 2.0\n",
                "EGG-INFO/entry_points.txt": ENTRY.replace("duckdb", "egg"),
            },
        )

        found = find_candidates([str(egg), str(zipped)])

        assert [("other", "2.0"), ("Acme-Duck", "1.2")] == [candidate.origin[:2] for candidate in found]
        assert str(zipped / "acme_duck-1.2.dist-info") == found[1].distribution.folder
        assert {"COMPUTE:duckdb": "acme_duck:Duck", "COMPUTE:egg": "acme_duck:Duck"} == used(str(egg), str(zipped))
        assert () == found[1].distribution.remarks

    def test_cost_what_is_broken_in_them_only(self, tmp_path: Path) -> None:
        """A distribution without metadata works and is remarked; one that is not UTF-8 is told; the third is found."""
        zipped = archive(
            tmp_path / "a.zip",
            {
                "bare-1.0.dist-info/entry_points.txt": ENTRY,
                "broken-1.0.dist-info/METADATA": "Name: broken\n\n",
                "broken-1.0.dist-info/entry_points.txt": b"\xff",
                "good-1.0.dist-info/METADATA": "Name: good\n\n",
                "good-1.0.dist-info/entry_points.txt": "[floe.computes]\ngood = m:C\n",
            },
        )

        inventory = discover(DiscoveryPolicy(), [str(zipped)])

        assert {"COMPUTE:duckdb": "acme_duck:Duck", "COMPUTE:good": "m:C"} == used(str(zipped))
        assert ["reading entry_points.txt raised UnicodeDecodeError; reinstall the distribution"] == reasons(
            str(zipped)
        )
        bare = inventory.usable[PluginKey(COMPUTE, "duckdb")].distribution
        good = inventory.usable[PluginKey(COMPUTE, "good")].distribution
        assert ("bare", "1.0", f"the metadata in {zipped / 'bare-1.0.dist-info'} is missing or empty; reinstall") == (
            bare.name,
            bare.version,
            bare.remarks[0].removesuffix(" the distribution"),
        )
        assert ("good", "1.0", True) == (good.name, good.version, "has no version" in good.remarks[0])

    def test_without_metadata_are_no_leftovers(self, folder: Path, tmp_path: Path) -> None:
        """The archive goes before the folder on the path, and stays in force."""
        zipped = archive(tmp_path / "a.zip", {"acme-1.0.dist-info/entry_points.txt": ENTRY})
        install_distribution(folder, "acme", {COMPUTE: {"duckdb": "m:Later"}}, version="2.0")

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used(str(zipped), str(folder))

    def test_may_be_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As folders may."""
        zipped = archive(tmp_path / "a.zip", {"acme-1.0.dist-info/entry_points.txt": ENTRY})
        monkeypatch.chdir(tmp_path)

        (candidate,) = find_candidates(["a.zip"])

        assert str(zipped / "acme-1.0.dist-info") == candidate.distribution.folder


class InMemory(InstalledDistribution):
    """A distribution that lies in no folder."""

    def __init__(self, files: dict[str, str | Exception]) -> None:
        self.texts = files

    def read_text(self, filename: str) -> str | None:
        content = self.texts.get(filename)
        if isinstance(content, Exception):
            raise content
        return content

    def locate_file(self, path: Any) -> Any:
        return path


class Finder(DistributionFinder):
    """A foreign finder on ``sys.meta_path``, which gives what it was given, and raises where that is an exception."""

    def __init__(self, *found: InstalledDistribution | Exception) -> None:
        self.found = found

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Finds distributions alone."""

    def find_distributions(self, context: Any = None) -> Iterator[InstalledDistribution]:
        for one in self.found:
            if isinstance(one, Exception):
                raise one
            yield one


class RaisingFinder(Finder):
    """Raises from the call itself, before there is anything to iterate over."""

    def find_distributions(self, context: Any = None) -> Iterator[InstalledDistribution]:
        raise RuntimeError("hunter2")


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[..., None]:
    """``only(*finders)``: these finders come first, and *folder* alone is on the path."""
    import_module("packaging.version")  # while it can be found

    def arrange(*finders: Finder, last: bool = False) -> None:
        monkeypatch.setattr(sys, "path", [str(folder)])
        stock = [*sys.meta_path]
        monkeypatch.setattr(sys, "meta_path", [*stock, *finders] if last else [*finders, *stock])

    return arrange


def in_memory(name: str, key: str, value: str = "mem:Duck", version: str = "3.0") -> InMemory:
    return InMemory(
        {"METADATA": f"Name: {name}\nVersion: {version}\n\n", "entry_points.txt": f"[floe.computes]\n{key} = {value}\n"}
    )


def used_everywhere() -> dict[str, str]:
    return {str(key): candidate.value for key, candidate in discover(DiscoveryPolicy()).usable.items()}


class TestForeignFinders:
    def test_are_asked(self, folder: Path, only: Callable[..., None]) -> None:
        """What they know is found beside what lies on the path."""
        install_distribution(folder, "acme", DUCK)
        only(Finder(in_memory("Mem.Duck", "mem"), InMemory({"METADATA": "Name: plain\nVersion: 1\n\n"})))

        found = {str(candidate.key): candidate.origin for candidate in find_candidates()}

        assert ["COMPUTE:mem", "COMPUTE:duckdb"] == [*found]
        assert ("Mem.Duck", "3.0", f"{__name__}.Finder", "mem:Duck") == found["COMPUTE:mem"]

    @pytest.mark.parametrize("last", [False, True])
    def test_take_their_turn(self, folder: Path, only: Callable[..., None], last: bool) -> None:
        """Of two copies that of the finder which comes first on sys.meta_path is in force, as in the standard library."""
        install_distribution(folder, "acme", DUCK)
        only(Finder(in_memory("acme", "duckdb")), last=last)

        expected = "acme_duck:Duck" if last else "mem:Duck"

        assert {"COMPUTE:duckdb": expected} == used_everywhere()
        assert [expected] == [entry.value for entry in entry_points(group="floe.computes")]

    def test_are_asked_wherever_they_stand(self, only: Callable[..., None]) -> None:
        """Behind importers that know of no distributions, too, such as the interpreter's own of built-in modules."""
        only(Finder(in_memory("mem", "mem")), last=True)

        assert {"COMPUTE:mem": "mem:Duck"} == used_everywhere()

    def test_are_not_asked_about_a_given_path(self, folder: Path, only: Callable[..., None]) -> None:
        """A path that is given is all there is."""
        only(Finder(in_memory("mem", "mem")))

        assert {} == used(str(folder))

    @pytest.mark.parametrize("finder", [RaisingFinder(), Finder(RuntimeError("hunter2"))], ids=["at once", "later"])
    def test_that_raise_cost_themselves(self, folder: Path, only: Callable[..., None], finder: Finder) -> None:
        """Both ways to fail are told by type, and the path is read nevertheless."""
        install_distribution(folder, "acme", DUCK)
        only(finder)

        (told,) = discover(DiscoveryPolicy()).unused

        assert {"COMPUTE:duckdb": "acme_duck:Duck"} == used_everywhere()
        assert "find_distributions() raised RuntimeError; mend or remove this finder on sys.meta_path" == told.reason
        assert f"{__name__}.{type(finder).__name__}" == told.distribution.folder

    def test_keep_what_they_found_before_they_raised(self, only: Callable[..., None]) -> None:
        """Half a result is better than none."""
        only(Finder(in_memory("mem", "mem"), RuntimeError("hunter2"), in_memory("late", "late")))

        assert {"COMPUTE:mem": "mem:Duck"} == used_everywhere()

    def test_may_give_a_broken_distribution_among_good_ones(self, only: Callable[..., None]) -> None:
        """It costs itself: metadata that raises is done without, entry points that raise are told."""
        bare = InMemory({"METADATA": OSError("hunter2"), "entry_points.txt": ENTRY})
        broken = InMemory({"METADATA": "Name: broken\n\n", "entry_points.txt": OSError("hunter2")})
        only(Finder(bare, broken, in_memory("mem", "mem")))

        assert {"COMPUTE:duckdb": "acme_duck:Duck", "COMPUTE:mem": "mem:Duck"} == used_everywhere()
        assert [("broken", "reading entry_points.txt raised OSError; reinstall the distribution")] == [
            (candidate.distribution.name, candidate.reason) for candidate in discover(DiscoveryPolicy()).unused
        ]


BACKPORT = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import importlib_metadata
from floe_core._discovery import discover
from floe_core.discovery_policy import DiscoveryPolicy

assert any(type(finder).__module__ == "importlib_metadata" for finder in sys.meta_path)
inventory = discover(DiscoveryPolicy())
print(*sorted(f"{key}={c.value}" for key, c in inventory.usable.items() if "backport" in key.name), sep="|")
print(*(c.reason for c in inventory.unused if c.distribution.folder.startswith(sys.argv[1])), sep="|")
"""


class TestBackport:
    def test_of_importlib_metadata_changes_nothing(self, folder: Path, tmp_path: Path) -> None:
        """Its import takes over the standard library's finders; with some releases their own call then fails here."""
        install_distribution(folder, "acme", {COMPUTE: {"backport-good": "m:C", "backport-bad": "a/file.yaml"}})
        install_distribution(folder, "broken", b"\xff")
        zipped = archive(
            tmp_path / "a.zip",
            {
                "zipped-1.0.dist-info/METADATA": "Name: zipped\nVersion: 1.0\n",
                "zipped-1.0.dist-info/entry_points.txt": ENTRY.replace("duckdb", "backport-zip"),
            },
        )

        script = subprocess.run(
            [sys.executable, "-c", BACKPORT, str(folder), str(zipped)], capture_output=True, text=True, check=False
        )

        assert "" == script.stderr
        assert [
            "COMPUTE:backport-good=m:C|COMPUTE:backport-zip=acme_duck:Duck",
            (
                "entry_points.txt is not UTF-8; reinstall the distribution|"
                "the value of 'backport-bad' in [floe.computes] does not point to module:attribute; mend entry_points.txt"
            ),
        ] == script.stdout.splitlines()
