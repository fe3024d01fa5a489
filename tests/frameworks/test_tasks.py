"""Tasks in Celery: plugins are injected where a task runs, in the worker."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from floe_containers import PluginContainer, inject, plugin
from floe_core.plugin_errors import PluginStateError
from floe_core.plugin_types import PluginType
from tests.frameworks.conftest import journal
from tests.frameworks.engine import Sql

celery: Any = importlib.import_module("celery")  # it ships no types
start_worker: Any = importlib.import_module("celery.contrib.testing.worker").start_worker


@inject
def nightly(sql: str, engine: Sql = plugin(PluginType.COMPUTE, "duckdb", expect=Sql)) -> tuple[int, int]:
    return engine.run(sql), threading.get_ident()


@pytest.fixture
def app() -> Any:
    app = celery.Celery("reports", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.task(name="nightly")(nightly)
    app.finalize()
    return app


@pytest.fixture
def wired(container: PluginContainer) -> Iterator[PluginContainer]:
    container.wire(modules=[__name__])
    yield container
    container.unwire()


class TestTasks:
    def test_in_a_worker(self, app: Any, wired: PluginContainer) -> None:
        """A worker on a thread of its own takes the message from the broker and runs the task with the plugin."""
        running = wired.registry().running(plugin_types=[PluginType.COMPUTE])
        with running, start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
            result, thread = app.tasks["nightly"].delay("select 1").get(timeout=30)

        assert result == 8
        assert thread != threading.get_ident()
        assert journal() == ["up", "down"]

    def test_where_it_is_called(self, app: Any, wired: PluginContainer) -> None:
        """Eagerly, as tests of an application run their tasks."""
        app.conf.task_always_eager = True

        assert app.tasks["nightly"].delay("select 1").get() == (8, threading.get_ident())

    def test_plugins_do_not_travel(self, app: Any) -> None:
        """A plugin passed with the message is refused by the caller's side, since it could not be sent."""
        with pytest.raises(TypeError, match="unexpected keyword argument 'engine'"):
            app.tasks["nightly"].delay("select 1", engine=object())

    def test_a_worker_that_was_not_wired(self, app: Any) -> None:
        """The task fails before its body, with the text that says what to wire."""
        app.conf.task_always_eager = True

        with pytest.raises(
            PluginStateError, match="was called without the plugin COMPUTE:duckdb for its parameter 'engine'"
        ):
            app.tasks["nightly"].delay("select 1").get()
