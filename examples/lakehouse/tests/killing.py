"""Runs the command line in processes that kill themselves at a chosen point, as a power cut would: no clean-up runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PLUGIN_MODULES = [
    "floe_lakehouse.plugins.catalog_sqlite",
    "floe_lakehouse.plugins.dbt_dbt",
    "floe_lakehouse.plugins.identity_jwt",
    "floe_lakehouse.plugins.ingestion_dlt",
    "floe_lakehouse.plugins.lineage_backend_openlineage",
    "floe_lakehouse.plugins.orchestrator_dagster",
    "floe_lakehouse.plugins.secrets_keyring",
    "floe_lakehouse.plugins.semantic_layer_metrics",
    "floe_lakehouse.plugins.telemetry_backend_otel",
]


def die() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: str, name: str, call: int = 1) -> Callable[[], None]:
    """Die instead of the numbered call of a library's function; *owner* is ``module:Class``."""

    def arm() -> None:
        import importlib

        module, _, attribute = owner.partition(":")
        target = importlib.import_module(module)
        target = getattr(target, attribute) if attribute else target
        original = getattr(target, name)
        calls = 0

        def deadly(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call:
                die()
            return original(*args, **kwargs)

        setattr(target, name, deadly)

    return arm


def _at(line: str) -> Callable[[], None]:
    """Die when the run says that it is at *line*."""

    def arm() -> None:
        from floe_lakehouse.console import Console

        phase = Console.phase

        @contextmanager
        def deadly(self: Console, title: str) -> Iterator[Any]:
            with phase(self, title) as progress:
                yield lambda text: die() if text.startswith(line) else progress(text)

        Console.phase = deadly  # type: ignore[method-assign]  # in this process only, which is about to die

    return arm


STAGES: dict[str, Callable[[], None]] = {
    "a secret is written but not in place": _before("floe_lakehouse.plugins.secrets_keyring:os", "replace"),
    "the second month is being extracted": _at("flights, month 2"),
    "the extracted rows are about to be loaded": _before("dlt.load.load:Load", "start_new_jobs"),
    "all rows are loaded, the load is not marked complete": _before("dlt.load.load:Load", "complete_package"),
    "the marts are being built": _at("model flights"),
    "the marts are being tested": _at("test every_flight_once"),
    "the docs are being written": _at("docs"),
    "the first table exists without rows": _before("pyiceberg.catalog.sql:SqlCatalog", "commit_table", 1),
    "the first table is about to be committed": _before("pyiceberg.catalog.sql:SqlCatalog", "commit_table", 2),
    "one table is published, the next is not": _at("flights: "),
    "the questions are being answered": _at("flights, dep_delay by weekday, hour"),
    "the answers are written but not in place": _before("fsspec.implementations.local:LocalFileSystem", "mv"),
    "the page is written but not in place": _before("fsspec.implementations.local:LocalFileSystem", "mv", 2),
}


def _run(arguments: list[str], stage: str | None, output: str) -> None:
    with open(output, "w", encoding="utf-8", buffering=1) as stream:
        sys.stdout = sys.stderr = stream
        if stage is not None:
            STAGES[stage]()
        from floe_lakehouse.cli import main

        status = main(arguments)
        stream.flush()
    sys.exit(status)


class Runner:
    """
    Runs the command line in processes forked from one that has the libraries imported already, which saves most of the time.

    That one process is a fork server: it runs no threads, so its children start from a clean state.
    """

    def __init__(self, folder: Path) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            [*PLUGIN_MODULES, "floe_lakehouse.cli", "floe_lakehouse.commands", "killing"]
        )
        self._output = folder / "output.txt"

    def run(self, *arguments: object, stage: str | None = None) -> tuple[int | None, str]:
        """Returns the exit status, negative for a signal, and what was printed."""
        self._output.unlink(missing_ok=True)
        process = self._context.Process(target=_run, args=([str(each) for each in arguments], stage, str(self._output)))
        process.start()
        process.join(400)
        if process.is_alive():
            process.kill()
            process.join()
            return None, self._output.read_text(encoding="utf-8")
        return process.exitcode, self._output.read_text(encoding="utf-8") if self._output.exists() else ""
