"""Threads in tests: started together, joined within a bound, their results and errors handed over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which something that must happen is taken never to happen. Generous, since the machine may be busy."""


class Threads(Generic[T]):
    """Several calls at once. Each waits at a barrier until all are there."""

    def __init__(self, *calls: Callable[[], T]) -> None:
        self.results: list[T | None] = [None] * len(calls)
        self.errors: list[BaseException | None] = [None] * len(calls)
        self._barrier = threading.Barrier(len(calls))
        self._threads = [
            threading.Thread(target=self._run, args=(index, call), daemon=True) for index, call in enumerate(calls)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, index: int, call: Callable[[], T]) -> None:
        try:
            self._barrier.wait(PATIENCE)
            self.results[index] = call()
        except BaseException as exc:
            self.errors[index] = exc

    def join(self) -> Threads[T]:
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of the test does not come back"
        return self

    def values(self) -> list[T | None]:
        """The results of all, once they have ended; raises the first error."""
        self.join()
        for error in self.errors:
            if error is not None:
                raise error
        return self.results


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE), "what the test waits for does not happen"
