"""A second run takes only what is new, and a run that was killed is made good by the next: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import write_settings
from figures import answers, by_dimensions
from floe_lakehouse.questions import QUESTIONS
from killing import STAGES, Runner

EARLY = '"2013-02-02T00:00:00Z"'


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tmp_path_factory.mktemp("runner"))


@pytest.fixture(scope="module")
def computed(few_flights: Path) -> dict[str, Any]:
    """The answers about the few flights, from the csv files."""
    import csv

    def rows(table: str) -> list[dict[str, str]]:
        with (few_flights / f"{table}.csv").open(encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    return answers(*(rows(table) for table in ("flights", "weather", "airlines", "airports")))


def nearly(value: float | None) -> Any:
    """Equal to nine digits; where there is no figure, there is none."""
    return None if value is None else pytest.approx(value, rel=1e-9)


def assert_right(lake: Path, few_flights: Path, computed: dict[str, Any]) -> None:
    """Every answer is right, each table holds the rows of its source once, and nothing unfinished lies about."""
    import duckdb
    from pyiceberg.catalog.sql import SqlCatalog

    given = json.loads((lake / "answers.json").read_text())
    for name, question in QUESTIONS.items():
        assert computed[name] == {
            group: {measure: nearly(value) for measure, value in measures.items()}
            for group, measures in by_dimensions(given[name], question.by).items()
        }
    catalog = SqlCatalog("floe", uri=f"sqlite:///{lake / 'catalog.db'}", warehouse=(lake / "iceberg").as_uri())
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as database:
        for table in ("flights", "weather", "airlines", "airports", "planes"):
            source = len((few_flights / f"{table}.csv").read_text(encoding="utf-8").splitlines()) - 1
            raw = database.sql(f"SELECT count(*) FROM raw.{table}").fetchall()[0][0]
            published = catalog.load_table(("flights", table)).scan().to_arrow()

            assert (source, source) == (raw, published.num_rows), table
            assert source == published.group_by(published.column_names).aggregate([]).num_rows, table
    assert [] == list(lake.rglob(".unfinished-*"))


def assert_whole(lake: Path) -> None:
    """What readers see after a kill: each table as it was before, or as it is after; no row twice."""
    from pyiceberg.catalog.sql import SqlCatalog

    if (lake / "catalog.db").exists():
        catalog = SqlCatalog("floe", uri=f"sqlite:///{lake / 'catalog.db'}", warehouse=(lake / "iceberg").as_uri())
        for name in catalog.list_tables("flights") if catalog.namespace_exists("flights") else []:
            rows = catalog.load_table(name).scan().to_arrow()
            assert rows.num_rows == rows.group_by(rows.column_names).aggregate([]).num_rows
    for name in ("answers.json", "index.html"):
        if (lake / name).exists():
            text = (lake / name).read_text(encoding="utf-8")
            assert json.loads(text) if name == "answers.json" else text.endswith("</html>\n")


class TestSecondRun:
    def test_takes_only_what_is_new(
        self, runner: Runner, tmp_path: Path, few_flights: Path, computed: dict[str, Any]
    ) -> None:
        """Three runs: a first part, the rest, nothing. The parts add up, and the last one writes no row."""
        ingest = {"folder": json.dumps(str(few_flights))}
        early = write_settings(tmp_path / "early.toml", {"plugins.ingestion.dlt": {**ingest, "until": EARLY}})
        later = write_settings(tmp_path / "later.toml", {"plugins.ingestion.dlt": ingest})
        figures = []
        for settings in (early, later, later):
            status, output = runner.run("--settings", settings, "--lake", tmp_path / "lake", "run")
            assert 0 == status, output
            figures.append(_counters(tmp_path / "lake"))
        flights = len((few_flights / "flights.csv").read_text().splitlines()) - 1

        assert_right(tmp_path / "lake", few_flights, computed)
        assert flights == figures[0]["ingest.flights"] + figures[1]["ingest.flights"]
        assert min(figures[0]["ingest.flights"], figures[1]["ingest.flights"]) > 0
        assert 0 == figures[2]["ingest.flights"] == figures[2]["publish.flights"] == figures[2]["publish.weather"]
        assert figures[1]["publish.flights"] < flights  # the first month was published before, and did not change


class TestKilled:
    def test_at_every_stage_of_the_first_run(
        self, runner: Runner, tmp_path: Path, few_flights: Path, computed: dict[str, Any]
    ) -> None:
        """Killed at one stage after the other, each time on what the kill before left; the run after the last is right."""
        ingest = {"folder": json.dumps(str(few_flights))}
        settings = write_settings(tmp_path / "settings.toml", {"plugins.ingestion.dlt": ingest})
        for stage in STAGES:
            status, output = runner.run("--settings", settings, "--lake", tmp_path / "lake", "run", stage=stage)

            assert -signal.SIGKILL == status, f"{stage}: {output}"
            assert_whole(tmp_path / "lake")
        status, output = runner.run("--settings", settings, "--lake", tmp_path / "lake", "run")

        assert 0 == status, output
        assert_right(tmp_path / "lake", few_flights, computed)

    @pytest.mark.parametrize(
        "stage",
        [
            "the extracted rows are about to be loaded",
            "all rows are loaded, the load is not marked complete",
            "the first table is about to be committed",
        ],
    )
    def test_while_it_adds_to_what_is_there(
        self, runner: Runner, tmp_path: Path, few_flights: Path, computed: dict[str, Any], stage: str
    ) -> None:
        """A kill in the second run, which adds to the first, is made good by the third."""
        ingest = {"folder": json.dumps(str(few_flights))}
        early = write_settings(tmp_path / "early.toml", {"plugins.ingestion.dlt": {**ingest, "until": EARLY}})
        later = write_settings(tmp_path / "later.toml", {"plugins.ingestion.dlt": ingest})
        statuses = []
        for settings, where in ((early, None), (later, stage), (later, None)):
            status, output = runner.run("--settings", settings, "--lake", tmp_path / "lake", "run", stage=where)
            statuses.append(status)
            assert status is not None, output
            assert_whole(tmp_path / "lake")

        assert [0, -signal.SIGKILL, 0] == statuses
        assert_right(tmp_path / "lake", few_flights, computed)


def _counters(lake: Path) -> dict[str, int]:
    """The metrics of the newest run."""
    newest = max((lake / "telemetry").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    metrics = json.loads(newest.read_text().splitlines()[-1])["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    return {metric["name"]: metric["data"]["data_points"][0]["value"] for metric in metrics}
