"""Tells telemetry and lineage what a step does, and remembers it for the page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from floe_lakehouse.ports import Lineage, Telemetry

__all__ = ["Entry", "Journal"]


@dataclass
class Entry:
    """One step: what it read and wrote, figures for people, and how long it took in seconds."""

    name: str
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    figures: Mapping[str, int | str] = field(default_factory=dict[str, "int | str"])
    seconds: float = 0.0


class Journal:
    """Keeps the steps of one run, and passes each on to the two backends as it happens."""

    def __init__(self, telemetry: Telemetry, lineage: Lineage) -> None:
        self.entries: list[Entry] = []
        self._telemetry = telemetry
        self._lineage = lineage

    @contextmanager
    def step(self, name: str, inputs: Sequence[str] = ()) -> Iterator[Entry]:
        """Note a step that happens in a ``with`` block; fill in the entry as it becomes known."""
        entry = Entry(name, inputs)
        run_id = self._lineage.started(name, inputs)
        begin = time.perf_counter()
        try:
            with self._telemetry.span(name):
                yield entry
        except BaseException as exc:
            self._lineage.failed(run_id, exc)
            raise
        entry.seconds = time.perf_counter() - begin
        self._lineage.completed(run_id, entry.inputs, entry.outputs)
        for figure, value in entry.figures.items():
            if isinstance(value, int):
                self._telemetry.count(f"{name}.{figure}", value)
        self.entries.append(entry)
