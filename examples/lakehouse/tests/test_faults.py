"""Faulty plugins installed beside the lakehouse's own: the run succeeds and says what it left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Outcome, floe_lakehouse, write_settings

GRANTS = "[plugins.identity.jwt.grants]"

PLUGIN = """
from threading import Event

from floe_core.plugins import {base}
{at_import}

class Plugin({base}):
    name = property(lambda self: "acme")
    version = property(lambda self: "3.1.0")
    floe_api_version = property(lambda self: "{api}")

    def startup(self):
        {startup}

    def shutdown(self):
        {shutdown}
"""


def install(site: Path, module: str, group: str, **parts: str) -> None:
    """Put a plugin distribution called *module* with version 3.1.0 on disk, as an installer would."""
    body = {"at_import": "", "api": "1.0", "startup": "pass", "shutdown": "pass", **parts}
    (site / f"{module}.py").write_text(PLUGIN.format(**body))
    metadata = site / f"{module}-3.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 3.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\nacme = {module}:Plugin\n")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "lake"


@pytest.fixture(scope="module")
def outcome(lake: Path, few_flights: Path) -> Outcome:
    """A run with four faulty distributions, and a good one, on the module search path."""
    site = lake.parent / "site"
    site.mkdir()
    install(site, "acme_broken", "floe.computes", base="ComputePlugin", at_import="raise RuntimeError('sesame')")
    install(site, "acme_old", "floe.catalogs", base="CatalogPlugin", api="2.0")
    install(site, "acme_hanging", "floe.secrets", base="SecretsPlugin", startup="Event().wait()")
    install(site, "acme_stuck", "floe.storage", base="StoragePlugin", shutdown="raise SystemExit(7)")
    install(site, "acme_good", "floe.identity", base="IdentityPlugin")
    ingest = {"folder": json.dumps(str(few_flights))}
    settings = write_settings(lake.parent / "settings.toml", {"plugins.ingestion.dlt": ingest})
    settings.write_text(settings.read_text().replace("start_timeout = 60.0", "start_timeout = 40.0"))
    return floe_lakehouse("--settings", settings, "--lake", lake, "run", path=site)


class TestFaultyNeighbours:
    def test_the_run_succeeds(self, outcome: Outcome, lake: Path) -> None:
        """Status 0, answers and page written."""
        assert 0 == outcome.status, outcome.out + outcome.err
        assert json.loads((lake / "answers.json").read_text())["year"][0]["flights"] > 0

    def test_it_says_what_it_left_out_and_why(self, outcome: Outcome, lake: Path) -> None:
        """Each faulty plugin by key, with its distribution and what is wrong, on the terminal and on the page."""
        told = " ".join(line for line in outcome.out.splitlines())
        page = (lake / "index.html").read_text(encoding="utf-8")

        for key, distribution, reason in [
            ("COMPUTE:acme", "acme-broken 3.1.0", "RuntimeError"),
            ("CATALOG:acme", "acme-old 3.1.0", "requires API v2.0, but platform provides v1.0"),
            ("SECRETS:acme", "acme-hanging 3.1.0", "did not start"),
        ]:
            assert f"left out: {key}" in told
            assert distribution in told
            assert reason in told
            assert key in page
        assert "sesame" not in told + page

    def test_a_good_neighbour_is_brought_up(self, outcome: Outcome) -> None:
        """What works is not left out with what does not."""
        assert "left out: IDENTITY:acme" not in outcome.out
        assert "IDENTITY:acme" in outcome.out


def test_a_faulty_plugin_that_is_needed_ends_the_run(tmp_path: Path) -> None:
    """A default that does not load is an error of its own words, and a run without it does not begin."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "acme_broken", "floe.identity", base="IdentityPlugin", at_import="raise RuntimeError('sesame')")
    settings = write_settings(tmp_path / "settings.toml", {})
    settings.write_text(settings.read_text().replace('identity = "jwt"', 'identity = "acme"'))
    outcome = floe_lakehouse("--settings", settings, "--lake", tmp_path / "lake", "run", path=site)

    assert 1 == outcome.status
    assert "the lakehouse cannot do without these plugins" in outcome.err
    assert "acme-broken" in outcome.err
    assert not (tmp_path / "lake" / "lake.duckdb").exists()


def test_settings_that_do_not_fit_are_told_by_field(tmp_path: Path) -> None:
    """The field is named, its value is not."""
    settings = write_settings(tmp_path / "settings.toml", {})
    text = settings.read_text().replace(GRANTS, f'[plugins.identity.jwt]\nlifetime = "hunter2"\n\n{GRANTS}')
    settings.write_text(text)
    outcome = floe_lakehouse("--settings", settings, "--lake", tmp_path / "lake", "query", "flights")

    assert 1 == outcome.status
    assert "lifetime" in outcome.err
    assert "hunter2" not in outcome.err + outcome.out
