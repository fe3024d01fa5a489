"""What a forked child has to forget: locks that nobody there will release, and what runs only in its parent."""

from __future__ import annotations

import os
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Forgetful(Protocol):
        def forget_the_parent(self) -> None: ...


_parts: WeakSet[Forgetful] = WeakSet()


def forget_in_children(part: Forgetful) -> None:
    """Have ``part.forget_the_parent()`` called in every child forked from now on, as long as *part* lives."""
    _parts.add(part)


def _in_the_child() -> None:
    for part in [*_parts]:
        part.forget_the_parent()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows does not fork
    os.register_at_fork(after_in_child=_in_the_child)
