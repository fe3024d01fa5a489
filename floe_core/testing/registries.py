"""Registries for tests: one that sees only what the test installed, and a stand-in for the registry of the process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from floe_core import plugin_registry

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from typing import Any

    from floe_containers import PluginContainer
    from floe_core.plugin_registry import PluginRegistry
    from floe_core.settings import Settings

__all__ = ["isolated_container", "swapped_registry"]


def isolated_container(
    path: Iterable[str | os.PathLike[str]] = (), settings: Settings | Mapping[str, Any] | None = None
) -> PluginContainer:
    """
    A container whose registry finds the distributions in the folders of *path* and no others.

    Finding is all that this confines: plugins are imported by way of ``sys.path``, so have the folders there too.

    Args:
        path: The folders; ``refresh()`` sees those that a list was given since. Empty, the default: nothing is found, and
            plugins come by ``register()`` alone.

        settings: As for ``PluginContainer``.

    """
    from functools import partial

    from floe_containers import PluginContainer
    from floe_containers._plugin_store import PluginStore

    folders = path if isinstance(path, list) else [*path]  # the list itself, which may grow
    container = PluginContainer(settings=settings)
    container.store.set_provides(partial(PluginStore, path=lambda: [os.fspath(folder) for folder in folders]))
    return container


@contextmanager
def swapped_registry(registry: PluginRegistry) -> Generator[PluginRegistry]:
    """
    Let *registry* be what ``get_registry()`` gives, in every thread, for the length of a ``with`` block.

    Afterwards ``get_registry()`` gives what it gave before; if it had made none yet, the next call makes one. Scopes nest.
    What is active in *registry* is not shut down here, nor at interpreter exit: use ``registry.running()``.
    """
    the = plugin_registry._the
    with the._lock:
        before, the.registry = the.registry, registry
    try:
        yield registry
    finally:
        with the._lock:
            the.registry = before
