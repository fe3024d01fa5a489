"""On every healthy environment discovery finds what the standard library finds."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from floe_core._discovery import discover
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_types import PluginType

Found: TypeAlias = set[tuple[str, str, str, str]]
"""Group, name, value and distribution of each entry point."""

GROUPS = [plugin_type.entry_point_group for plugin_type in PluginType]
OTHER_GROUPS = ["console_scripts", "pytest11", "floe", "acme.floe.computes"]

identifiers = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
dotted = st.lists(identifiers, min_size=1, max_size=3).map(".".join)
spaces = st.sampled_from(["", " ", "  ", "\t"])
extras = st.sampled_from(["", "[fast]", " [fast, big]"])
names = st.one_of(
    identifiers,
    st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
        lambda name: "=" not in name and not name.startswith(("#", "["))
    ),
    st.sampled_from(["a b", "k8s", "duck-db", "duck_db", "Duck.DB"]),
)


@st.composite
def values(draw: st.DrawFn) -> str:
    space = draw(spaces)
    return f"{draw(dotted)}{space}:{space}{draw(dotted)}{draw(extras)}"


@dataclass(frozen=True)
class Release:
    """One distribution to install: its name, the text of its entry points, and where it goes."""

    name: str
    version: str
    text: str | None
    place: int
    form: str

    def install(self, places: list[Path]) -> None:
        folder = places[self.place]
        stem = f"{self.name.replace('-', '_').replace('.', '_')}-{self.version}"
        metadata = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n\n"
        if folder.suffix == ".zip":
            with zipfile.ZipFile(folder, "a") as archive:
                archive.writestr(f"{stem}.dist-info/METADATA", metadata)
                if self.text is not None:
                    archive.writestr(f"{stem}.dist-info/entry_points.txt", self.text)
            return
        info = folder / f"{stem}.{self.form}"
        info.mkdir(parents=True)
        (info / ("METADATA" if self.form == "dist-info" else "PKG-INFO")).write_text(metadata, encoding="utf-8")
        if self.text is not None:
            (info / "entry_points.txt").write_text(self.text, encoding="utf-8")


@st.composite
def environments(draw: st.DrawFn) -> list[Release]:
    """
    Distributions with different names, whose entry points claim no key twice: healthy, however odd they are written.
    """
    claimed: set[tuple[str, str]] = set()
    releases: list[Release] = []
    for name in draw(
        st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,5}[A-Za-z0-9])?", fullmatch=True), max_size=8)
    ):
        folded = name.lower().replace("-", "_").replace(".", "_")
        if any(folded == other.name.lower().replace("-", "_").replace(".", "_") for other in releases):
            continue
        lines: list[str] = []
        for group in draw(st.lists(st.sampled_from(GROUPS + OTHER_GROUPS), max_size=4)):
            lines.append(f"{draw(spaces)}[{group}]{draw(spaces)}")
            for entry in draw(st.lists(names, max_size=3)):
                if (group, entry) not in claimed:
                    claimed.add((group, entry))
                    lines.append(f"{draw(spaces)}{entry}{draw(spaces)}={draw(spaces)}{draw(values())}{draw(spaces)}")
            lines.extend(draw(st.lists(st.sampled_from(["", "# note", "   ", "#[floe.computes]"]), max_size=2)))
        newline = draw(st.sampled_from(["\n", "\r\n"]))
        text = draw(st.sampled_from([newline.join(lines), newline.join(lines) + newline, None]))
        form = draw(st.sampled_from(["dist-info", "dist-info", "egg-info"]))
        releases.append(
            Release(name, draw(st.sampled_from(["1.0", "0.9rc1", "2026.1"])), text, draw(st.integers(0, 2)), form)
        )
    return releases


def found_by_the_standard_library() -> Found:
    return {
        (entry.group, entry.name, entry.value, entry.dist.name if entry.dist else "")
        for group in GROUPS
        for entry in entry_points(group=group)
    }


def found_by_discovery() -> Found:
    inventory = discover(DiscoveryPolicy())
    return {
        (key.plugin_type.entry_point_group, key.name, candidate.value, candidate.distribution.name)
        for key, candidate in inventory.usable.items()
    }


class TestEquality:
    @settings(max_examples=60, deadline=None)
    @given(environments())
    def test_with_entry_points_on_the_same_path(self, releases: list[Release]) -> None:
        """The same set of group, name, value and distribution; nothing is rejected."""
        before = [*sys.path]
        with tempfile.TemporaryDirectory() as root:
            places = [Path(root, "first"), Path(root, "second"), Path(root, "third.zip")]
            for place in places[:2]:
                place.mkdir()
            for release in releases:
                release.install(places)
            sys.path[:] = [str(place) for place in places]
            try:
                expected = found_by_the_standard_library()
                actual = found_by_discovery()
                unused = discover(DiscoveryPolicy()).unused
            finally:
                sys.path[:] = before

        assert expected == actual
        assert () == unused

    def test_on_the_environment_that_runs_the_tests(self) -> None:
        """Whatever is installed here, the plugins in it, if any, are the same; and so are the distributions."""
        inventory = discover(DiscoveryPolicy())
        claimed = {candidate for rivals in inventory.conflicting.values() for candidate in rivals}

        both = {
            (c.key.plugin_type.entry_point_group, c.key.name, c.value, c.distribution.name) for c in claimed if c.key
        }

        assert found_by_the_standard_library() == found_by_discovery() | both
