"""
What the services expect of each plugin, as protocols.

Services name these and no plugin class, so any plugin of the right type with these methods can take the place of the one
shipped here: name it in the settings under ``defaults``. The registry checks the fit when a plugin is injected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa
    from pydantic import SecretStr

__all__ = [
    "Caller",
    "Catalog",
    "Compute",
    "Identity",
    "Ingested",
    "Ingestion",
    "Lineage",
    "Modelled",
    "Models",
    "Orchestrator",
    "Progress",
    "Published",
    "Question",
    "Row",
    "Secrets",
    "SemanticLayer",
    "Step",
    "Storage",
    "Telemetry",
    "WarehouseReader",
]

Progress = Callable[[str], None]
"""Takes one line for people about what is going on right now."""

Row = dict[str, Any]
"""One row of an answer, by column name."""


@dataclass(frozen=True)
class Ingested:
    """What one load brought in: new or changed rows by table, and where the tables are now."""

    rows: Mapping[str, int]
    sources: Sequence[str]
    tables: Sequence[str]


@dataclass(frozen=True)
class Modelled:
    """What one build made: the models, how many tests stand behind them, and the artefacts that describe them."""

    models: Sequence[str]
    tests: int
    artefacts: Sequence[Path]


@dataclass(frozen=True)
class Published:
    """What one table looks like to its readers now. ``rows_written`` is 0 when nothing had changed."""

    table: str
    snapshot: int
    rows_written: int
    rows: int
    parts_written: Sequence[str] = ()


@dataclass(frozen=True)
class Question:
    """
    One question to the semantic layer, in its words.

    Args:
        measures: The figures asked for.

        by: The dimensions to break them down by. None: one row for everything.

        where: Only rows whose dimension has this value.

        order_by: Columns to sort by; a leading ``-`` means largest first. The dimensions by default.

        limit: How many rows at most. 0, the default: all of them.
    """

    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, str | int | bool] = field(default_factory=dict[str, "str | int | bool"])
    order_by: tuple[str, ...] = ()
    limit: int = 0


@dataclass(frozen=True)
class Step:
    """One step of a job: what to do, and the names of the steps to do before. It returns figures for people."""

    name: str
    action: Callable[[], Mapping[str, int | str]]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caller:
    """Who is asking, as the identity plugin vouches for it."""

    subject: str
    scopes: frozenset[str]


@runtime_checkable
class Ingestion(Protocol):
    def ingest(self, progress: Progress) -> Ingested:
        """Bring in what is new since the last completed load. A load that was cut short is made good."""
        ...


@runtime_checkable
class Storage(Protocol):
    def path(self, *parts: str) -> Path:
        """Where something of this name is kept, whether or not it exists."""
        ...

    def write(self, name: str, content: str) -> Path:
        """Write a text file as a whole or not at all."""
        ...

    def sizes(self) -> dict[str, int]:
        """Bytes used by each top-level entry."""
        ...


@runtime_checkable
class Catalog(Protocol):
    def publish(
        self,
        table: str,
        digests: Mapping[str, str],
        read: Callable[[Sequence[str]], pa.Table],
        part_by: str | None = None,
    ) -> Published:
        """
        Make *table* hold exactly the parts in *digests*, reading those whose digest is not the published one.

        Readers see the table before or after, never in between.
        """
        ...

    def tables(self) -> list[str]:
        """The published tables, by name."""
        ...

    def data_files(self, table: str) -> list[str]:
        """The Parquet files that make up the current snapshot of *table*."""
        ...

    def snapshots(self, table: str) -> list[Row]:
        """The history of *table*, oldest first."""
        ...


@runtime_checkable
class Compute(Protocol):
    def mount(self, table: str, data_files: Sequence[str]) -> None:
        """Make *table* readable under its bare name."""
        ...

    def query(self, sql: str) -> list[Row]:
        """The rows that *sql* selects."""
        ...

    def connection(self) -> Any:
        """A connection for libraries that work on one of this plugin's own kind."""
        ...

    def reading(self, database: Path) -> AbstractContextManager[WarehouseReader]:
        """Read the warehouse file *database* for the length of a ``with`` block."""
        ...


class WarehouseReader(Protocol):
    """Reads the tables of a warehouse file; :meth:`Compute.reading` hands it out."""

    def digests(self, table: str, part_by: str | None) -> dict[str, str]:
        """A digest over all rows of each part of *table*, by the value of the column *part_by*."""
        ...

    def parts(self, table: str, part_by: str | None, values: Sequence[str]) -> pa.Table:
        """The rows of these parts of *table*."""
        ...


@runtime_checkable
class Models(Protocol):
    def build(self, progress: Progress) -> Modelled:
        """Build every model and run every test. Raises when a test fails: nothing is published then."""
        ...

    @property
    def database(self) -> Path:
        """The warehouse file that holds the models."""
        ...

    @property
    def schema(self) -> str:
        """The schema of that file in which they are."""
        ...


@runtime_checkable
class SemanticLayer(Protocol):
    def open(self, connection: Any) -> None:
        """Answer from the tables that *connection* sees."""
        ...

    def ask(self, question: Question) -> list[Row]:
        """Answer one question. Raises ``ValueError`` that lists what can be asked when it cannot be answered."""
        ...

    def vocabulary(self) -> dict[str, list[str]]:
        """The ``measures`` and ``dimensions`` that can be asked for."""
        ...


@runtime_checkable
class Orchestrator(Protocol):
    def run(self, job: str, steps: Sequence[Step]) -> dict[str, Mapping[str, int | str]]:
        """Run the steps in order of their dependencies. The first error ends the job and is raised as it was."""
        ...


@runtime_checkable
class Telemetry(Protocol):
    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[None]:
        """Time what happens in a ``with`` block; an error in it is recorded and passes on."""
        ...

    def count(self, name: str, amount: int, **attributes: str) -> None:
        """Add to a counter."""
        ...


@runtime_checkable
class Lineage(Protocol):
    def started(self, job: str, inputs: Sequence[str]) -> str:
        """A job begins to read *inputs*. Returns the id of its run, for the other two calls."""
        ...

    def completed(self, run_id: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """The job has read *inputs* and written *outputs*."""
        ...

    def failed(self, run_id: str, error: BaseException) -> None:
        """The job ended in *error*; of the error only its type is told."""
        ...


@runtime_checkable
class Secrets(Protocol):
    def get(self, name: str) -> SecretStr:
        """The secret of this name. Raises ``LookupError`` when there is none."""
        ...

    def ensure(self, name: str) -> SecretStr:
        """The secret of this name, made up at random when there is none yet."""
        ...


@runtime_checkable
class Identity(Protocol):
    def issue(self, subject: str, key: SecretStr) -> SecretStr:
        """A signed token for *subject* with the scopes granted to it. Raises ``PermissionError`` for a stranger."""
        ...

    def admit(self, token: SecretStr, scope: str, key: SecretStr) -> Caller:
        """Who holds *token*. Raises ``PermissionError`` when it is not genuine, has expired, or lacks *scope*."""
        ...
