"""Each row of the table does its work, on its library: what is asserted here is out of reach of a stub."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from floe_lakehouse import ports
from pydantic import SecretStr

from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType

T = PluginType


def nothing(line: str) -> None:
    """Progress that nobody follows."""


def toml(path: Path) -> str:
    return json.dumps(str(path))


class TestIngestion:
    """INGESTION:dlt"""

    def test_loads_five_tables_and_then_only_what_is_new(
        self, registry_for: Callable[..., PluginRegistry], few_flights: Path, tmp_path: Path
    ) -> None:
        """Two loads bring in each flight once, and dlt's own table of loads has both of them as completed."""
        loaded = []
        for until in ("2013-02-15T00:00:00Z", "2013-12-31T00:00:00Z"):
            config = {"folder": toml(few_flights), "until": until}
            registry = registry_for({"plugins.ingestion.dlt": config}, lake=tmp_path / "lake")
            with registry.running([(T.INGESTION, "dlt")]):
                loaded.append(registry.get(T.INGESTION, "dlt", expect=ports.Ingestion).ingest(nothing))
        import duckdb

        with duckdb.connect(str(tmp_path / "lake" / "lake.duckdb"), read_only=True) as lake:
            figures = lake.sql(
                "SELECT count(*), count(DISTINCT (time_hour, carrier, flight)) FROM raw.flights"
            ).fetchall()
            states = lake.sql("SELECT status FROM raw._dlt_loads").fetchall()

        source = len((few_flights / "flights.csv").read_text().splitlines()) - 1
        assert [(source, source)] == figures
        assert source == sum(load.rows["flights"] for load in loaded)
        assert all(load.rows["flights"] > 0 for load in loaded)
        assert {"flights", "weather", "airlines", "airports", "planes"} == set(loaded[0].rows)
        assert [(0,), (0,)] == states

    def test_a_column_that_nobody_announced_stops_the_load(
        self, registry_for: Callable[..., PluginRegistry], few_flights: Path, tmp_path: Path
    ) -> None:
        """The schema contract is dlt's: a new column in the source raises, and the tables stay as they were."""
        from dlt.pipeline.exceptions import PipelineStepFailed

        source = tmp_path / "source"
        source.mkdir()
        for file in few_flights.iterdir():
            (source / file.name).write_bytes(file.read_bytes())
        registry = registry_for({"plugins.ingestion.dlt": {"folder": toml(source)}})
        with registry.running([(T.INGESTION, "dlt")]):
            ingestion = registry.get(T.INGESTION, "dlt", expect=ports.Ingestion)
            ingestion.ingest(nothing)
            airlines = (source / "airlines.csv").read_text().splitlines()
            (source / "airlines.csv").write_text("\n".join(f"{line},surprise" for line in airlines))

            with pytest.raises(PipelineStepFailed, match=r"frozen|freeze|contract"):
                ingestion.ingest(nothing)


class TestStorage:
    """STORAGE:local"""

    def test_writes_whole_files_and_tells_their_sizes(self, registry: PluginRegistry) -> None:
        """What was written is there under its path with its size, and nothing unfinished is left beside it."""
        with registry.running([(T.STORAGE, "local")]):
            storage = registry.get(T.STORAGE, "local", expect=ports.Storage)
            storage.write("notes/one.txt", "é" * 10)
            path = storage.write("notes/one.txt", "é" * 20)

            assert path == storage.path("notes", "one.txt")
            assert "é" * 20 == path.read_text(encoding="utf-8")
            assert ["one.txt"] == [entry.name for entry in path.parent.iterdir()]
            assert {"notes": 40} == storage.sizes()

    def test_clears_away_what_a_killed_writer_left(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """At its start it removes unfinished files, and nothing else."""
        (tmp_path / "lake" / "notes").mkdir(parents=True)
        for name in (".unfinished-abc", "kept.txt"):
            (tmp_path / "lake" / "notes" / name).write_text("x")

        with registry.running([(T.STORAGE, "local")]):
            assert ["kept.txt"] == [entry.name for entry in (tmp_path / "lake" / "notes").iterdir()]

    def test_a_name_that_leads_out_of_the_lake_is_refused(self, registry: PluginRegistry) -> None:
        """Nothing is read or written outside."""
        storage = registry.get(T.STORAGE, "local", expect=ports.Storage)

        with pytest.raises(ValueError, match="leads out of the lake"):
            storage.write("../elsewhere.txt", "x")


class TestCatalog:
    """CATALOG:sqlite"""

    def test_publishes_what_changed_as_one_snapshot_readers_can_follow(self, registry: PluginRegistry) -> None:
        """Only changed parts are read and written; pyiceberg itself, asked afresh, has the rows and the history."""
        import pyarrow as pa
        from pyiceberg.catalog.sql import SqlCatalog

        parts = {"1": [10, 11], "2": [20]}

        def read(values: Any) -> pa.Table:
            asked.append(sorted(values))
            rows = [(int(part), figure) for part in values for figure in parts[part]]
            return pa.table({"month": [month for month, _ in rows], "figure": [figure for _, figure in rows]})

        asked: list[list[str]] = []
        with registry.running([(T.CATALOG, "sqlite")]):
            catalog = registry.get(T.CATALOG, "sqlite", expect=ports.Catalog)
            written = [catalog.publish("t", {"1": "a", "2": "b"}, read, "month").rows_written]
            written.append(catalog.publish("t", {"1": "a", "2": "b"}, read, "month").rows_written)
            parts["2"] = [21, 22]
            written.append(catalog.publish("t", {"1": "a", "2": "c"}, read, "month").rows_written)
            files = catalog.data_files("t")
            config = registry.get_config(T.CATALOG, "sqlite")
        assert config is not None
        afresh = SqlCatalog("floe", uri=f"sqlite:///{config.database}", warehouse=config.warehouse.as_uri())  # type: ignore[attr-defined]
        table = afresh.load_table(("flights", "t"))

        assert [3, 0, 2] == written
        assert [["1", "2"], ["2"]] == asked
        assert [10, 11, 21, 22] == sorted(table.scan().to_arrow()["figure"].to_pylist())
        assert ["append", "delete", "append"] == [s.summary.operation.value for s in table.snapshots() if s.summary]
        assert 2 == len(files)

    def test_a_part_that_is_gone_is_gone_from_the_table(self, registry: PluginRegistry) -> None:
        """A table holds exactly the parts that were published last."""
        import pyarrow as pa

        def read(values: Any) -> pa.Table:
            return pa.table({"month": pa.array([int(value) for value in values], pa.int64())})

        with registry.running([(T.CATALOG, "sqlite")]):
            catalog = registry.get(T.CATALOG, "sqlite", expect=ports.Catalog)
            catalog.publish("t", {"1": "a", "2": "b"}, read, "month")

            assert 1 == catalog.publish("t", {"2": "b"}, read, "month").rows

    def test_an_unknown_table_is_told_with_those_that_exist(self, registry: PluginRegistry) -> None:
        """The error lists what could have been meant."""
        with registry.running([(T.CATALOG, "sqlite")]):
            catalog = registry.get(T.CATALOG, "sqlite", expect=ports.Catalog)
            with pytest.raises(LookupError, match="there is no table 'x'; there are none"):
                catalog.data_files("x")


class TestCompute:
    """COMPUTE:duckdb"""

    def test_queries_parquet_files_where_they_lie(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """A mounted table answers SQL over all of its files."""
        import pyarrow as pa
        from pyarrow import parquet

        for number in (1, 2):
            parquet.write_table(pa.table({"n": [number, number * 10]}), tmp_path / f"{number}.parquet")
        with registry.running([(T.COMPUTE, "duckdb")]):
            compute = registry.get(T.COMPUTE, "duckdb", expect=ports.Compute)
            compute.mount("it's", [str(tmp_path / "1.parquet"), str(tmp_path / "2.parquet")])

            assert [{"total": 33, "middle": 6.0}] == compute.query(
                'SELECT sum(n)::INT AS total, median(n) AS middle FROM "it\'s"'
            )

    def test_equal_rows_have_equal_digests_in_any_order(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """A digest changes with the rows of its part and with nothing else."""
        import duckdb

        digests = []
        for index, rows in enumerate(
            ("(1, 'a'), (1, 'b'), (2, 'c')", "(2, 'c'), (1, 'b'), (1, 'a')", "(1, 'a'), (2, 'c')")
        ):
            with duckdb.connect(str(tmp_path / f"{index}.duckdb")) as database:
                database.execute(f"CREATE TABLE t AS SELECT * FROM (VALUES {rows}) AS t(part, word)")
        with registry.running([(T.COMPUTE, "duckdb")]):
            compute = registry.get(T.COMPUTE, "duckdb", expect=ports.Compute)
            for index in range(3):
                with compute.reading(tmp_path / f"{index}.duckdb") as reader:
                    digests.append(reader.digests("t", "part"))
                    assert 1 == reader.parts("t", "part", ["2"]).num_rows

        assert digests[0] == digests[1]
        assert digests[0]["1"] != digests[2]["1"]
        assert digests[0]["2"] == digests[2]["2"]


class TestDbt:
    """DBT:dbt"""

    def test_builds_models_runs_tests_and_writes_the_artefacts(self, small_lake: PluginRegistry) -> None:
        """The build reports models and tests; the artefacts are those of dbt 1.10 and agree with it."""
        models = small_lake.get(T.DBT, "dbt", expect=ports.Models)
        modelled = models.build(nothing)
        artefacts = {path.name: path for path in modelled.artefacts}
        results = json.loads(artefacts["run_results.json"].read_text())
        catalogue = json.loads(artefacts["catalog.json"].read_text())
        documented = {node["metadata"]["name"] for node in catalogue["nodes"].values()}

        assert {"marts.flights", "marts.airlines", "marts.airports", "marts.planes", "marts.weather"} < set(
            modelled.models
        )
        assert modelled.tests >= 15
        assert documented == {model.removeprefix("marts.") for model in modelled.models}
        assert results["metadata"]["dbt_version"].startswith("1.10.")
        assert artefacts["index.html"].is_file()

    def test_a_red_test_stops_the_build_and_is_named(self, small_lake: PluginRegistry) -> None:
        """A row that breaks a rule fails the build; health tells of it until a build is green again."""
        import duckdb

        models = small_lake.get(T.DBT, "dbt", expect=ports.Models)
        with duckdb.connect(str(models.database)) as lake:
            lake.execute("UPDATE raw.flights SET origin = 'XXX' WHERE flight = 1545 AND carrier = 'UA'")

        with pytest.raises(RuntimeError, match="accepted_values_flights_origin"):
            models.build(nothing)
        assert HealthState.DEGRADED is small_lake.health_check_all()["DBT:dbt"].state

    @pytest.fixture
    def small_lake(self, registry_for: Callable[..., PluginRegistry], few_flights: Path) -> PluginRegistry:
        """A lake with a few flights loaded, and dbt up."""
        registry = registry_for({"plugins.ingestion.dlt": {"folder": toml(few_flights)}})
        registry.activate_plugin(T.DBT, "dbt")
        registry.get(T.INGESTION, "dlt", expect=ports.Ingestion).ingest(nothing)
        return registry


class TestSemanticLayer:
    """SEMANTIC_LAYER:metrics"""

    @pytest.fixture
    def metrics(self, registry: PluginRegistry) -> ports.SemanticLayer:
        """The semantic layer over five flights made up for the purpose."""
        registry.activate_plugin(T.SEMANTIC_LAYER, "metrics")
        compute = registry.get(T.COMPUTE, "duckdb", expect=ports.Compute)
        compute.connection().execute(
            """
            CREATE TABLE flights AS SELECT *, dest AS destination, 40.0 AS dest_lat, -70.0 AS dest_lon, 'x' AS airline,
                'y' AS manufacturer, 1 AS month, DATE '2013-01-01' AS flown_on, 'Tuesday' AS weekday, 5 AS hour,
                'clear' AS sky, 'calm' AS wind, delay AS dep_delay, delay AS arr_delay, 100 AS distance, 'N1' AS tailnum,
                delay IS NULL AS cancelled, coalesce(delay > 15, false) AS late
            FROM (VALUES ('JFK', 'BOS', 'AA', 20), ('JFK', 'BOS', 'AA', NULL), ('JFK', 'LAX', 'UA', 10),
                         ('LGA', 'BOS', 'AA', 0), ('LGA', 'BOS', 'AA', 6)) AS t(origin, dest, carrier, delay)
            """
        )
        layer = registry.get(T.SEMANTIC_LAYER, "metrics", expect=ports.SemanticLayer)
        layer.open(compute.connection())
        return layer

    def test_answers_in_measures_by_dimensions(self, metrics: ports.SemanticLayer) -> None:
        """Figures are right, sorted as asked, filtered as asked."""
        question = ports.Question(
            ("flights", "cancelled", "dep_delay", "late_share"), ("origin",), order_by=("-flights",)
        )

        assert [
            {"origin": "JFK", "flights": 3, "cancelled": 1, "dep_delay": 15.0, "late_share": pytest.approx(1 / 3)},
            {"origin": "LGA", "flights": 2, "cancelled": 0, "dep_delay": 3.0, "late_share": 0.0},
        ] == metrics.ask(question)
        assert [{"flights": 2}] == metrics.ask(ports.Question(("flights",), where={"origin": "JFK", "dest": "BOS"}))

    def test_an_unknown_word_is_told_with_those_that_exist(self, metrics: ports.SemanticLayer) -> None:
        """Nobody has to guess the words."""
        with pytest.raises(
            ValueError, match=r"cannot ask for speed; the measures are aircraft.*; the dimensions are airline"
        ):
            metrics.ask(ports.Question(("speed",)))


class TestOrchestrator:
    """ORCHESTRATOR:dagster"""

    def test_runs_steps_after_those_they_name(self, registry: PluginRegistry) -> None:
        """The order is that of the dependencies, not of the list; dagster's instance knows of the run."""
        done: list[str] = []

        def step(name: str) -> dict[str, int | str]:
            done.append(name)
            return {"number": len(done)}

        steps = [
            ports.Step("last", lambda: step("last"), after=("middle",)),
            ports.Step("first", lambda: step("first")),
            ports.Step("middle", lambda: step("middle"), after=("first",)),
        ]
        with registry.running([(T.ORCHESTRATOR, "dagster")]):
            orchestrator = registry.get(T.ORCHESTRATOR, "dagster", expect=ports.Orchestrator)

            assert {"first": {"number": 1}, "middle": {"number": 2}, "last": {"number": 3}} == orchestrator.run(
                "job", steps
            )
            assert 1 == registry.health_check_all()["ORCHESTRATOR:dagster"].details["runs"]
        assert ["first", "middle", "last"] == done

    def test_the_first_error_ends_the_job(self, registry: PluginRegistry) -> None:
        """The error arrives as it was raised, and no later step runs."""
        done: list[str] = []

        def fail() -> dict[str, int | str]:
            raise KeyError("lost")

        def never() -> dict[str, int | str]:
            done.append("never")
            return {}

        steps = [ports.Step("a", fail), ports.Step("b", never, after=("a",))]
        with registry.running([(T.ORCHESTRATOR, "dagster")]):
            orchestrator = registry.get(T.ORCHESTRATOR, "dagster", expect=ports.Orchestrator)
            with pytest.raises(KeyError, match="lost"):
                orchestrator.run("job", steps)
            with pytest.raises(ValueError, match="step 'c' comes after nowhere, which is no step"):
                orchestrator.run("job", [ports.Step("c", never, after=("nowhere",))])
        assert [] == done


class TestTelemetry:
    """TELEMETRY_BACKEND:otel"""

    def test_writes_nested_spans_and_metrics_to_its_file(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """Spans name their parents and their errors; counters add up; every line of the file is JSON."""
        with registry.running([(T.TELEMETRY_BACKEND, "otel")]):
            telemetry = registry.get(T.TELEMETRY_BACKEND, "otel", expect=ports.Telemetry)
            with telemetry.span("outer", size=3), pytest.raises(KeyError), telemetry.span("inner"):
                raise KeyError("text that belongs to nobody's log")
            telemetry.count("rows", 2, table="a")
            telemetry.count("rows", 5, table="a")
        (file,) = (tmp_path / "lake" / "telemetry").iterdir()
        inner, outer, metrics = [json.loads(line) for line in file.read_text().splitlines()]
        (metric,) = metrics["resource_metrics"][0]["scope_metrics"][0]["metrics"]

        assert ("inner", "outer") == (inner["name"], outer["name"])
        assert outer["context"]["span_id"] == inner["parent_id"]
        assert {"status_code": "ERROR", "description": "KeyError"} == inner["status"]
        assert {"size": 3} == outer["attributes"]
        assert "nobody" not in file.read_text()
        assert ("rows", 7, {"table": "a"}) == (
            metric["name"],
            metric["data"]["data_points"][0]["value"],
            metric["data"]["data_points"][0]["attributes"],
        )


class TestLineage:
    """LINEAGE_BACKEND:openlineage"""

    def test_writes_a_stream_from_start_to_end(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """Jobs name what they read and wrote, and the run that they are part of; events are in order of time."""
        with registry.running([(T.LINEAGE_BACKEND, "openlineage")]):
            lineage = registry.get(T.LINEAGE_BACKEND, "openlineage", expect=ports.Lineage)
            job = lineage.started("load", ["a.csv"])
            lineage.completed(job, ["a.csv"], ["raw.a"])
        (file,) = (tmp_path / "lake" / "lineage").iterdir()
        events = [json.loads(line) for line in file.read_text().splitlines()]
        whole = events[0]["run"]["runId"]

        assert [("START", "run"), ("START", "load"), ("COMPLETE", "load"), ("COMPLETE", "run")] == [
            (event["eventType"], event["job"]["name"]) for event in events
        ]
        assert [(["a.csv"], []), (["a.csv"], ["raw.a"])] == [
            ([each["name"] for each in event["inputs"]], [each["name"] for each in event["outputs"]])
            for event in events[1:3]
        ]
        assert [whole, job, job, whole] == [event["run"]["runId"] for event in events]
        assert [whole, whole] == [event["run"]["facets"]["parent"]["run"]["runId"] for event in events[1:3]]
        assert sorted(times := [datetime.fromisoformat(event["eventTime"]) for event in events]) == times
        assert {"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"} == {
            e["schemaURL"] for e in events
        }

    def test_a_failed_job_fails_the_run(self, registry: PluginRegistry, tmp_path: Path) -> None:
        """The error is told by its type, without its text."""
        with registry.running([(T.LINEAGE_BACKEND, "openlineage")]):
            lineage = registry.get(T.LINEAGE_BACKEND, "openlineage", expect=ports.Lineage)
            lineage.failed(lineage.started("load", []), KeyError("text that belongs to nobody's log"))
        (file,) = (tmp_path / "lake" / "lineage").iterdir()
        events = [json.loads(line) for line in file.read_text().splitlines()]

        assert ["START", "START", "FAIL", "FAIL"] == [event["eventType"] for event in events]
        assert "KeyError" == events[2]["run"]["facets"]["errorMessage"]["message"]
        assert "nobody" not in file.read_text()


class TestSecrets:
    """SECRETS:keyring"""

    def test_keeps_secrets_across_restarts_for_its_owner_only(
        self, registry_for: Callable[..., PluginRegistry], tmp_path: Path
    ) -> None:
        """The same secret comes back from a new registry, wrapped; the file is closed to others."""
        first, second = registry_for(lake=tmp_path / "lake"), registry_for(lake=tmp_path / "lake")
        with first.running([(T.SECRETS, "keyring")]):
            made = first.get(T.SECRETS, "keyring", expect=ports.Secrets).ensure("key")
        with second.running([(T.SECRETS, "keyring")]):
            secrets = second.get(T.SECRETS, "keyring", expect=ports.Secrets)
            found = secrets.get("key")
            with pytest.raises(LookupError, match="there is no secret 'other'"):
                secrets.get("other")
        file = tmp_path / "lake" / "secrets" / "keyring.cfg"

        assert isinstance(made, SecretStr)
        assert made == found
        assert len(made.get_secret_value()) >= 32
        assert made.get_secret_value() not in f"{made} {made!r}"
        assert 0o600 == stat.S_IMODE(file.stat().st_mode)
        assert "[floe_2Dlakehouse]" in file.read_text()  # how keyring's backend escapes the name of the service
        assert ["keyring.cfg"] == [entry.name for entry in file.parent.iterdir()]


class TestIdentity:
    """IDENTITY:jwt"""

    KEY = SecretStr("k" * 43)

    @pytest.fixture
    def identity(self, registry: PluginRegistry) -> ports.Identity:
        return registry.get(T.IDENTITY, "jwt", expect=ports.Identity)

    def test_a_token_carries_the_scopes_granted_to_its_subject(self, identity: ports.Identity) -> None:
        """Another library, the standard one, reads the same claims and computes the same signature."""
        import base64
        import hashlib
        import hmac

        token = identity.issue("bob", self.KEY).get_secret_value()
        head, claims, signature = token.split(".")
        expected = hmac.digest(self.KEY.get_secret_value().encode(), f"{head}.{claims}".encode(), hashlib.sha256)

        assert ports.Caller("bob", frozenset({"lake:read"})) == identity.admit(SecretStr(token), "lake:read", self.KEY)
        assert "lake:read" == json.loads(base64.urlsafe_b64decode(claims + "=="))["scope"]
        assert expected == base64.urlsafe_b64decode(signature + "==")

    def test_the_wrong_scope_key_or_text_is_refused(self, identity: ports.Identity) -> None:
        """Each refusal says why, and never shows the token."""
        token = identity.issue("bob", self.KEY)
        cases = [
            (token, "lake:write", self.KEY, "'bob' lacks the scope 'lake:write'"),
            (token, "lake:read", SecretStr("other" * 10), "the token is not valid: BadSignatureError"),
            (SecretStr("no.token.atall"), "lake:read", self.KEY, "the token is not valid"),
        ]
        for given, scope, key, message in cases:
            with pytest.raises(PermissionError, match=message) as caught:
                identity.admit(given, scope, key)
            assert given.get_secret_value() not in str(caught.value)
        with pytest.raises(PermissionError, match="nothing is granted to 'eve'"):
            identity.issue("eve", self.KEY)

    def test_a_token_expires(self, registry: PluginRegistry) -> None:
        """Valid for its lifetime, and then no longer."""
        import time

        config = {"grants": {"ada": ["x"]}, "lifetime": 1}
        identity = registry.create(T.IDENTITY, "jwt", config, expect=ports.Identity)
        token = identity.issue("ada", self.KEY)
        deadline = time.monotonic() + 30

        def admit_until_refused() -> None:
            while time.monotonic() < deadline:
                identity.admit(token, "x", self.KEY)

        with pytest.raises(PermissionError, match="ExpiredTokenError"):
            admit_until_refused()


class TestHealth:
    def test_every_plugin_is_healthy_when_it_is_up_and_says_so_when_it_is_not(
        self, registry_for: Callable[..., PluginRegistry], few_flights: Path
    ) -> None:
        """A check looks at something: plugins that hold a resource report its absence before start-up."""
        registry = registry_for({"plugins.ingestion.dlt": {"folder": toml(few_flights)}})
        outcomes = registry.activate_all(plugin_types=list(T))
        up = registry.health_check_all(timeout=20)
        registry.shutdown_all()
        down = registry.health_check_all(timeout=20)
        holders = {"CATALOG:sqlite", "COMPUTE:duckdb", "DBT:dbt", "ORCHESTRATOR:dagster"}
        holders |= {"TELEMETRY_BACKEND:otel", "LINEAGE_BACKEND:openlineage"}

        assert [None] * 11 == list(outcomes.values())
        assert dict.fromkeys(outcomes, HealthState.HEALTHY) == {key: status.state for key, status in up.items()}
        assert holders == {key for key, status in down.items() if status.state is HealthState.UNHEALTHY}

    def test_a_source_that_is_gone_makes_ingestion_unhealthy(
        self, registry_for: Callable[..., PluginRegistry], tmp_path: Path
    ) -> None:
        """The check reads the sources."""
        registry = registry_for({"plugins.ingestion.dlt": {"folder": toml(tmp_path / "nowhere")}})
        registry.activate_plugin(T.INGESTION, "dlt")
        status = registry.health_check_all()["INGESTION:dlt"]

        assert (HealthState.UNHEALTHY, "the source of flights cannot be read: FileNotFoundError") == (
            status.state,
            status.message,
        )
