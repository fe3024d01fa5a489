"""Where the plugins come from: what is installed, under a settings file, or the container of an application."""

from __future__ import annotations

import os
import sys
from typing import cast

from floe_core._discovery import discover
from floe_core.cli.session import WrongUseError
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import PluginError
from floe_core.plugin_types import PluginKey, PluginState
from floe_core.registry_report import CandidateReport, PluginReport, RegistryReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from floe_core._discovery import Inventory
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_registry import PluginRegistry
    from floe_core.settings import Settings

SHORTEST_SECRET = 4
"""Characters. Shorter values, such as ``8`` or ``off``, say nothing when they stand in another text."""


class Source:
    """
    The plugins of one environment. Nothing is read before it is asked for.

    Without an application, what needs no plugin's code is answered from the files alone: no container is made, which
    takes four times as long as reading them.
    """

    def __init__(self, settings: str | None = None, app: str | None = None) -> None:
        self._file = settings or os.environ.get("FLOE_SETTINGS") or None
        self._app = app
        self._settings: Settings | None = None
        self._inventory: Inventory | None = None
        self._registry: PluginRegistry | None = None

    @classmethod
    def under(cls, settings: Settings | None) -> Source:
        """What is installed under these settings, whatever the environment says."""
        source = cls()
        source._file = None
        source._settings = settings
        return source

    @property
    def settings(self) -> Settings | None:
        """
        The settings of the file, or None when there is none. An application has its own.

        Raises:
            SettingsError: The file is at fault.

        """
        if self._settings is None and self._file is not None:
            from floe_core.settings import Settings

            self._settings = Settings.from_file(self._file)
        return self._settings

    @property
    def registry(self) -> PluginRegistry:
        """The application's registry, or one that is made of the settings."""
        if self._registry is None:
            if self._app is not None:
                self._registry = _registry_of(self._app)
            else:
                from floe_containers import PluginContainer

                self._registry = PluginContainer(settings=self.settings).registry()
            self._registry.discover_all()
        return self._registry

    @property
    def inventory(self) -> Inventory:
        """What is on disk."""
        if self._app is not None or self._registry is not None:
            return self.registry._store.inventory
        if self._inventory is None:
            policy = DiscoveryPolicy.from_environment()
            if self.settings is not None:
                policy = self.settings.policy.combined(policy)
            self._inventory = discover(policy)
        return self._inventory

    def report(self) -> RegistryReport:
        """What is known, without importing a plugin. The same as the registry's own report, but for the timings."""
        if self._app is not None or self._registry is not None:
            return self.registry.report()
        return report_of(self.inventory)

    def absence(self, key: PluginKey) -> PluginError | None:
        """Why *key* cannot be loaded, as far as the files tell; None when it can be tried."""
        if self.loaded(key) is not None:
            return None
        return absence(self.inventory, key)

    def loaded(self, key: PluginKey) -> PluginMetadata | None:
        """The plugin of *key*, where the application has loaded it."""
        loaded = self._registry._store.loaded.get(key) if self._registry is not None else None
        return loaded.plugin if loaded is not None else None

    def failure(self, key: PluginKey) -> PluginError | None:
        """Why the last load of *key* failed, where the application tried one."""
        return self._registry._store.failures.get(key) if self._registry is not None else None

    def usable(self) -> list[PluginKey]:
        """Every key that can be tried, sorted."""
        loaded = self._registry._store.loaded.copy() if self._registry is not None else ()
        return sorted({*self.inventory.usable, *loaded}, key=str)

    def key(self, written: str) -> PluginKey:
        """
        The key that somebody wrote: ``COMPUTE:duckdb``, ``compute:duckdb``, or ``duckdb`` where one type has that name.

        Raises:
            WrongUseError: It is no key, or several could be meant.

        """
        type_name, colon, name = written.partition(":")
        if colon:
            try:
                return PluginKey.parse(f"{type_name.upper().replace('-', '_')}:{name}")
            except ValueError as exc:
                raise WrongUseError(f"{exc}.") from None
        known = sorted(
            {*self.usable(), *self.inventory.conflicting, *self.inventory.disabled, *_named_in(self.inventory)}, key=str
        )
        matches = [key for key in known if key.name == written]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise WrongUseError(f"{written!r} could be {' or '.join(map(str, matches))}; write one of them.")
        from difflib import get_close_matches

        near = get_close_matches(written, [key.name for key in known], n=1)
        hint = f" Did you mean {next(str(key) for key in known if key.name == near[0])}?" if near else ""
        raise WrongUseError(f"No plugin is called {written!r}; floe-plugins list names all.{hint}")

    def chosen(self, written: Iterable[str]) -> list[PluginKey]:
        """The keys that are written; else those that are loaded or configured; where there are none, all."""
        if keys := [self.key(text) for text in written]:
            return keys
        loaded = [*self.registry._store.loaded.copy()]
        configured = self.registry._store.configured_keys()
        return [*dict.fromkeys([*loaded, *configured])] or self.usable()

    def redacted(self, text: str) -> str:
        """*text* that a plugin may have written, with every configuration value in it replaced."""
        for value in sorted(self._values(), key=len, reverse=True):
            text = text.replace(value, "***")
        return text

    def _values(self) -> set[str]:
        store = self._registry._store if self._registry is not None else None
        settings = store.settings if store is not None else self._settings
        values = {*_leaves(settings.plugins)} if settings is not None else set[str]()
        for config in [*store.configs.copy().values()] if store is not None else ():
            values |= {*_leaves(dict(config))}
        return {value for value in values if len(value) >= SHORTEST_SECRET}


def report_of(inventory: Inventory) -> RegistryReport:
    """The report of a registry that has discovered *inventory* and done nothing else."""
    keys = {*inventory.usable, *inventory.conflicting, *inventory.disabled}
    return RegistryReport(
        plugins=tuple(_plugin_report(inventory, key) for key in sorted(keys, key=str)),
        unused=tuple(CandidateReport.of(candidate) for candidate in inventory.unused),
    )


def _plugin_report(inventory: Inventory, key: PluginKey) -> PluginReport:
    candidate = inventory.usable.get(key) or inventory.disabled.get(key)
    origin = candidate.origin if candidate else None
    state = (
        PluginState.DISCOVERED
        if key in inventory.usable
        else PluginState.CONFLICTING
        if key in inventory.conflicting
        else PluginState.DISABLED
    )
    return PluginReport(
        key=str(key),
        state=state.value,
        distribution=origin.distribution if origin else None,
        version=origin.version if origin else None,
        path=origin.path if origin else None,
        entry_point=origin.entry_point if origin else None,
        reason=str(absence(inventory, key) or ""),
        remarks=candidate.distribution.remarks if candidate else (),
    )


def absence(inventory: Inventory, key: PluginKey) -> PluginError | None:
    """Why nothing can be loaded for *key*, or None."""
    if key in inventory.usable:
        return None
    known = {*inventory.usable, *inventory.conflicting}
    return inventory.absence(key, sorted(other.name for other in known if other.plugin_type is key.plugin_type))


def _named_in(inventory: Inventory) -> Iterator[PluginKey]:
    for candidate in inventory.unused:
        if candidate.key is not None:
            yield candidate.key


def _registry_of(app: str) -> PluginRegistry:
    from importlib import import_module

    from floe_core._places import type_and_place
    from floe_core.plugin_registry import PluginRegistry

    module_name, colon, attributes = app.partition(":")
    if not colon or not module_name or not attributes:
        raise WrongUseError(f"--app {app!r} is not of the form module:container.")
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a console script does not look where it is called
    try:
        found: Any = import_module(module_name)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
        if not isinstance(found, PluginRegistry) and not hasattr(found, "registry") and callable(found):
            found = found()
        if not isinstance(found, PluginRegistry):
            found = found.registry()
    except PluginError:
        raise
    except Exception as exc:
        raise WrongUseError(f"--app {app!r} cannot be used: {type_and_place(exc)}; --traceback shows more.") from exc
    if not isinstance(found, PluginRegistry):
        raise WrongUseError(f"--app {app!r} leads to no registry; name a PluginContainer or a PluginRegistry.")
    return found


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _leaves([*cast("dict[object, object]", value).values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for item in cast("Iterable[object]", value):
            yield from _leaves(item)
    elif hasattr(value, "get_secret_value"):
        yield from _leaves(value.get_secret_value())
    elif hasattr(value, "model_fields_set"):
        yield from _leaves(dict(value))
    elif value is not None and not isinstance(value, bool):
        yield str(value)
