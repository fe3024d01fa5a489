"""
What the lakehouse does. Each service takes the plugins it needs by injection, and knows them by protocol only.

A marker such as ``plugin(PluginType.CATALOG, expect=Catalog)`` stands for the plugin that the settings name as the default of
its type. It resolves when the service is called: the plugin is imported then, if nobody needed it before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from dependency_injector.wiring import Provide

from floe_containers import inject, plugin
from floe_core.plugin_types import PluginType
from floe_lakehouse.journal import Entry, Journal
from floe_lakehouse.ports import (
    Caller,
    Catalog,
    Compute,
    Identity,
    Ingestion,
    Models,
    Orchestrator,
    Progress,
    Question,
    Row,
    Secrets,
    SemanticLayer,
    Step,
    Storage,
)

__all__ = [
    "PUBLISHED",
    "READ",
    "WRITE",
    "admit",
    "answer",
    "ask",
    "ingest",
    "keep",
    "model",
    "open_tables",
    "publish",
    "refresh",
]

READ: Final = "lake:read"
WRITE: Final = "lake:write"

SIGNING_KEY: Final = "signing-key"

PUBLISHED: Final[dict[str, str | None]] = {
    "flights": "month",
    "airlines": None,
    "airports": None,
    "planes": None,
    "weather": None,
}
"""The models that become Iceberg tables, with the column by which each is divided into parts, if it is."""


@dataclass(frozen=True)
class Surroundings:
    """The steps of the run so far, all airports on the map, the history of each table, and the bytes used."""

    steps: Sequence[Entry]
    airports: Sequence[Row]
    snapshots: Mapping[str, Sequence[Row]]
    sizes: Mapping[str, int]


@inject
def admit(
    subject: str,
    scope: str,
    *,
    identity: Identity = plugin(PluginType.IDENTITY, expect=Identity),
    secrets: Secrets = plugin(PluginType.SECRETS, expect=Secrets),
) -> Caller:
    """
    Let *subject* in, if it may do what *scope* stands for.

    Raises:
        PermissionError: It may not.
    """
    key = secrets.ensure(SIGNING_KEY)
    return identity.admit(identity.issue(subject, key), scope, key)


@inject
def refresh(
    progress: Progress,
    *,
    orchestrator: Orchestrator = plugin(PluginType.ORCHESTRATOR, expect=Orchestrator),
) -> Mapping[str, Mapping[str, int | str]]:
    """Bring in what is new, build the models, and publish them: one job of three steps. Returns the figures of each."""
    return orchestrator.run(
        "refresh",
        [
            Step("ingest", partial(ingest, progress)),
            Step("model", partial(model, progress), after=("ingest",)),
            Step("publish", partial(publish, progress), after=("model",)),
        ],
    )


@inject
def ingest(
    progress: Progress,
    *,
    ingestion: Ingestion = plugin(PluginType.INGESTION, expect=Ingestion),
    journal: Journal = Provide["journal"],
) -> Mapping[str, int | str]:
    """Load what is new from the sources. Returns the rows loaded, by table."""
    with journal.step("ingest") as entry:
        ingested = ingestion.ingest(progress)
        entry.inputs, entry.outputs, entry.figures = ingested.sources, ingested.tables, dict(ingested.rows)
    return entry.figures


@inject
def model(
    progress: Progress,
    *,
    models: Models = plugin(PluginType.DBT, expect=Models),
    journal: Journal = Provide["journal"],
) -> Mapping[str, int | str]:
    """Build and test the models over what was loaded. A red test ends the run before anything is published."""
    with journal.step("model", inputs=_outputs(journal, "ingest")) as entry:
        modelled = models.build(progress)
        entry.outputs = modelled.models
        entry.figures = {"models": len(modelled.models), "tests": modelled.tests}
    return entry.figures


@inject
def publish(
    progress: Progress,
    *,
    models: Models = plugin(PluginType.DBT, expect=Models),
    compute: Compute = plugin(PluginType.COMPUTE, expect=Compute),
    catalog: Catalog = plugin(PluginType.CATALOG, expect=Catalog),
    journal: Journal = Provide["journal"],
) -> Mapping[str, int | str]:
    """Publish the models as Iceberg tables, as far as they changed. Returns the rows written, by table."""
    sources = {table: f"{models.schema}.{table}" for table in PUBLISHED}
    with journal.step("publish", inputs=list(sources.values())) as entry, compute.reading(models.database) as warehouse:
        written: dict[str, int | str] = {}
        for table, part_by in PUBLISHED.items():
            source = sources[table]
            published = catalog.publish(
                table,
                digests=warehouse.digests(source, part_by),
                read=partial(warehouse.parts, source, part_by),
                part_by=part_by,
            )
            written[table] = published.rows_written
            progress(f"{table}: {published.rows_written:,} of {published.rows:,} rows written")
        entry.outputs = [f"iceberg.{table}" for table in PUBLISHED]
        entry.figures = written
    return entry.figures


@inject
def open_tables(
    *,
    catalog: Catalog = plugin(PluginType.CATALOG, expect=Catalog),
    compute: Compute = plugin(PluginType.COMPUTE, expect=Compute),
    semantic_layer: SemanticLayer = plugin(PluginType.SEMANTIC_LAYER, expect=SemanticLayer),
) -> list[str]:
    """
    Open the published tables for questions, as they are now. Returns their names.

    Raises:
        LookupError: Nothing has been published yet.
    """
    tables = catalog.tables()
    if not tables:
        raise LookupError("nothing has been published yet; do a run first")
    for table in tables:
        compute.mount(table, catalog.data_files(table))
    semantic_layer.open(compute.connection())
    return tables


@inject
def ask(
    question: Question,
    *,
    semantic_layer: SemanticLayer = plugin(PluginType.SEMANTIC_LAYER, expect=SemanticLayer),
) -> list[Row]:
    """
    Answer one question from the tables that :func:`open_tables` opened.

    Raises:
        ValueError: It uses a word that is not defined; the message lists those that are.
    """
    return semantic_layer.ask(question)


@inject
def answer(
    questions: Mapping[str, Question],
    progress: Progress,
    *,
    journal: Journal = Provide["journal"],
) -> dict[str, list[Row]]:
    """Answer *questions*, by name, and note it in the journal."""
    answers: dict[str, list[Row]] = {}
    with journal.step("answer", inputs=_outputs(journal, "publish")) as entry:
        for name, question in questions.items():
            progress(", ".join(question.measures) + (f" by {', '.join(question.by)}" if question.by else ""))
            answers[name] = ask(question)
        entry.outputs, entry.figures = ["answers.json"], {"questions": len(questions)}
    return answers


@inject
def vocabulary(
    *,
    semantic_layer: SemanticLayer = plugin(PluginType.SEMANTIC_LAYER, expect=SemanticLayer),
) -> dict[str, list[str]]:
    """The words in which questions can be asked."""
    return semantic_layer.vocabulary()


@inject
def surroundings(
    *,
    storage: Storage = plugin(PluginType.STORAGE, expect=Storage),
    catalog: Catalog = plugin(PluginType.CATALOG, expect=Catalog),
    compute: Compute = plugin(PluginType.COMPUTE, expect=Compute),
    journal: Journal = Provide["journal"],
) -> Surroundings:
    """What the page shows besides the answers."""
    return Surroundings(
        steps=journal.entries,
        airports=compute.query("SELECT lat, lon FROM airports ORDER BY faa"),
        snapshots={table: catalog.snapshots(table) for table in catalog.tables()},
        sizes=storage.sizes(),
    )


@inject
def keep(
    answers: Mapping[str, list[Row]],
    page: Callable[[], str],
    *,
    storage: Storage = plugin(PluginType.STORAGE, expect=Storage),
) -> Path:
    """Keep the answers as JSON, and the page that shows them. Returns where the page is."""
    storage.write("answers.json", json.dumps(answers, indent=1, default=str))
    return storage.write("index.html", page())


def _outputs(journal: Journal, step: str) -> list[Any]:
    return [output for entry in journal.entries if entry.name == step for output in entry.outputs]
