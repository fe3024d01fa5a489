"""What the applications in these tests expect of a compute plugin."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Sql(Protocol):
    """Runs statements."""

    def run(self, sql: str) -> int: ...


class Fake:
    """Takes the place of the plugin in a test."""

    def run(self, sql: str) -> int:
        return -1
