"""One run over all flights: its answers, its traces, its page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from conftest import Lake, floe_lakehouse, source_rows
from figures import answers, by_dimensions
from floe_lakehouse.questions import QUESTIONS


@pytest.fixture(scope="module")
def computed() -> dict[str, Any]:
    """The answers as the csv module and arithmetic give them."""
    return answers(*(source_rows(table) for table in ("flights", "weather", "airlines", "airports")))


def nearly(value: float | None) -> Any:
    """Equal to nine digits; where there is no figure, there is none."""
    return None if value is None else pytest.approx(value, rel=1e-9)


class TestAnswers:
    def test_the_run_succeeds_and_leaves_nothing_out(self, full_lake: Lake) -> None:
        """Status 0, nothing on standard error."""
        assert (0, "") == (full_lake.outcome.status, full_lake.outcome.err)
        assert "left out" not in full_lake.outcome.out

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_equal_the_figures_worked_out_from_the_csv_files(
        self, full_lake: Lake, computed: dict[str, Any], name: str
    ) -> None:
        """Every group of every question, each measure to nine digits."""
        rows = json.loads((full_lake.folder / "answers.json").read_text())[name]
        given = by_dimensions(rows, QUESTIONS[name].by)
        expected = computed[name]

        assert len(rows) == len(given)
        assert expected.keys() == given.keys()
        for group, measures in expected.items():
            assert measures == {name: nearly(value) for name, value in given[group].items()}, group

    def test_query_gives_the_same_answer(self, full_lake: Lake) -> None:
        """The command reads what the run published."""
        outcome = floe_lakehouse("--lake", full_lake.folder, "query", "flights", "--by", "origin", "--where", "month=1")

        assert 0 == outcome.status
        counted: dict[str, int] = {}
        for row in source_rows("flights"):
            if row["month"] == "1":
                counted[row["origin"]] = counted.get(row["origin"], 0) + 1
        shown = dict(re.findall(r"^(EWR|JFK|LGA)\s+([\d,]+)", outcome.out, flags=re.MULTILINE))
        assert counted == {origin: int(figure.replace(",", "")) for origin, figure in shown.items()}


class TestTraces:
    def test_lineage_names_what_each_step_read_and_wrote(self, full_lake: Lake) -> None:
        """One stream: the run, and in it ingest, model, publish and answer, each reading what the one before wrote."""
        (file,) = (full_lake.folder / "lineage").iterdir()
        events = [json.loads(line) for line in file.read_text().splitlines()]
        done = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
        flow = {
            job: ({each["name"] for each in event["inputs"]}, {each["name"] for each in event["outputs"]})
            for job, event in done.items()
        }
        raw = {f"raw.{table}" for table in ("flights", "weather", "airlines", "airports", "planes")}

        assert {"run", "ingest", "model", "publish", "answer"} == set(done)
        assert ({"flights.csv.zip", "weather.csv", "airlines.csv", "airports.csv", "planes.csv"}, raw) == flow["ingest"]
        assert raw == flow["model"][0]
        assert flow["publish"][0] < flow["model"][1]
        assert (
            {name.replace("marts", "iceberg") for name in flow["publish"][0]} == flow["publish"][1] == flow["answer"][0]
        )
        assert events[0]["eventType"] == "START"
        assert ("COMPLETE", "run") == (events[-1]["eventType"], events[-1]["job"]["name"])

    def test_telemetry_has_a_span_per_step_and_the_rows_counted(self, full_lake: Lake) -> None:
        """The counters say what the source holds."""
        (file,) = (full_lake.folder / "telemetry").iterdir()
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        spans = [line["name"] for line in lines if "name" in line]
        metrics = lines[-1]["resource_metrics"][0]["scope_metrics"][0]["metrics"]
        counted = {metric["name"]: metric["data"]["data_points"][0]["value"] for metric in metrics}

        assert ["ingest", "model", "publish", "answer"] == spans
        assert 336_776 == counted["ingest.flights"] == counted["publish.flights"]
        assert 26_115 == counted["ingest.weather"]


class _Page(HTMLParser):
    """Collects the tags of a page, and everything in it that points elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "data")]


class TestPage:
    def test_is_one_file_that_needs_nothing_else(self, full_lake: Lake) -> None:
        """Charts are inline; nothing is loaded from anywhere."""
        text = (full_lake.folder / "index.html").read_text(encoding="utf-8")
        page = _Page(text)

        assert page.tags.count("svg") >= 9
        assert [] == page.links
        assert not re.search(r"@import|url\(|<script", text)

    def test_shows_answers_plugins_and_their_times(self, full_lake: Lake) -> None:
        """The figures of the year, and every plugin with what it depends on."""
        text = (full_lake.folder / "index.html").read_text(encoding="utf-8")

        for shown in ("336,776", "8,255", "INGESTION:dlt", "CATALOG:sqlite&gt;=1.0,&lt;2", "United", "Start-up"):
            assert shown in text


class TestAccess:
    def test_a_run_without_the_right_scope_is_refused(self, full_lake: Lake) -> None:
        """Status 3, the reason on standard error, nothing done: the page is the one from before."""
        before = (full_lake.folder / "index.html").stat().st_mtime_ns
        outcome = floe_lakehouse("--lake", full_lake.folder, "run", "--as", "bob")

        assert (3, "✗ Refused: 'bob' lacks the scope 'lake:write'\n") == (outcome.status, outcome.err)
        assert before == (full_lake.folder / "index.html").stat().st_mtime_ns
        assert "DBT" not in outcome.out

    def test_a_stranger_may_not_even_ask(self, full_lake: Lake) -> None:
        """Who has no grant has no token."""
        outcome = floe_lakehouse("--lake", full_lake.folder, "query", "flights", "--as", "eve")

        assert (3, "✗ Refused: nothing is granted to 'eve'\n") == (outcome.status, outcome.err)

    def test_no_secret_is_in_anything_that_was_written(self, full_lake: Lake) -> None:
        """The signing key is in the keyring file only."""
        import base64

        keyring = full_lake.folder / "secrets" / "keyring.cfg"
        stored = re.search(r"signing_2dkey = \n\t(\S+)", keyring.read_text(), flags=re.IGNORECASE)
        assert stored is not None
        secret = base64.b64decode(stored[1]).decode()
        texts = [full_lake.outcome.out, full_lake.outcome.err]
        written = [file for file in full_lake.folder.rglob("*") if file.is_file() and file != keyring]
        texts += [file.read_text(encoding="utf-8", errors="replace") for file in written]

        assert len(secret) >= 32
        assert [] == [text[:80] for text in texts if secret in text]
