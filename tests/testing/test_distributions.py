"""Distributions as tests write them are what installers write, and exactly as broken as they are meant to be."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import MetadataPathFinder
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution, plugin_source


class TestInstallDistribution:
    def test_is_found_by_the_standard_library(self, site: Path) -> None:
        """Name, version, summary and entry points read back."""
        entry_points: dict[PluginType | str, dict[str, str]] = {
            PluginType.COMPUTE: {"duckdb": "acme_duck:Duck"},
            "console_scripts": {"acme": "acme_duck:main"},
        }
        install_distribution(site, "acme-duck", entry_points, version="2.1.0", summary="Ducks")

        (found,) = MetadataPathFinder.find_distributions(MetadataPathFinder.Context(path=[str(site)]))

        assert (found.metadata["Name"], found.version, found.metadata["Summary"]) == ("acme-duck", "2.1.0", "Ducks")
        assert {(entry.group, entry.name, entry.value) for entry in found.entry_points} == {
            ("floe.computes", "duckdb", "acme_duck:Duck"),
            ("console_scripts", "acme", "acme_duck:main"),
        }

    def test_makes_packages_of_dotted_modules(self, site: Path) -> None:
        """Every package on the way can be imported; those that are there already stay as they are."""
        modules = {"acme_zoo.birds.duck": "SOUND = 'quack'\n", "acme_zoo.birds.goose": "SOUND = 'honk'\n"}

        written = install_distribution(site, "acme-zoo", modules=modules).modules

        assert written["acme_zoo.birds.duck"] == site / "acme_zoo" / "birds" / "duck.py"
        assert import_module("acme_zoo.birds.goose").SOUND == "honk"

    def test_writes_what_it_is_given(self, site: Path) -> None:
        """Bytes and text go to entry_points.txt as they are; None makes no file; an egg-info folder has PKG-INFO."""
        as_bytes = install_distribution(site, "one", b"\xff", metadata=None)
        as_text = install_distribution(site, "two", "[x", suffix=".egg-info", metadata="Name: two\n")
        without = install_distribution(site, "three")

        assert (as_bytes.metadata / "entry_points.txt").read_bytes() == b"\xff"
        assert not (as_bytes.metadata / "METADATA").exists()
        assert (as_text.metadata / "entry_points.txt").read_text() == "[x"
        assert (as_text.metadata / "PKG-INFO").read_text() == "Name: two\n"
        assert not (without.metadata / "entry_points.txt").exists()

    def test_refuses_to_write_twice(self, site: Path) -> None:
        """A test that installs one version two times is mistaken."""
        install_distribution(site, "one")

        with pytest.raises(FileExistsError):
            install_distribution(site, "one")


class TestPluginSource:
    def test_defines_a_plugin(self) -> None:
        """What is said in the arguments is what the plugin says."""
        source = plugin_source(
            PluginType.TELEMETRY_BACKEND,
            "Otel",
            name="otel",
            version="3.0.0",
            dependencies=["STORAGE:local"],
            schema="folder: str = '/data'",
            prologue="  ANSWER = 42",
            body="  def answer(self):\n      return ANSWER",
        )
        names: dict[str, type] = {}
        exec(source, names)
        plugin = names["Otel"]()

        assert (plugin.plugin_type, plugin.name, plugin.version) == (PluginType.TELEMETRY_BACKEND, "otel", "3.0.0")
        assert plugin.dependencies == ["STORAGE:local"]
        assert plugin.get_config_schema()().folder == "/data"
        assert plugin.answer() == 42
