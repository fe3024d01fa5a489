"""Configuring many plugins as one step: all are checked before any is changed, and a refusal puts the others back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from floe_core import _configuration
from floe_core.plugin_errors import PluginError, PluginErrorGroup, PluginNotFoundError, SettingsError
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from pydantic import BaseModel

    from floe_containers._plugin_store import PluginStore


def configure_all(store: PluginStore, config: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Check everything, then apply it; when one of them is turned down, put back what was in force before."""
    before: dict[PluginKey, tuple[BaseModel | None, Mapping[str, Any] | None]] = {}
    for key, given in _checked(store, config).items():
        earlier = store.in_force(key)
        try:
            store.configure(key, given)
        except PluginError as exc:
            if stayed := _put_back(store, before):
                _tell_more(exc, f"What the same call changed before stayed changed: {', '.join(map(str, stayed))}.")
            raise
        before[key] = earlier


def _checked(store: PluginStore, config: Mapping[str, Any]) -> dict[PluginKey, Mapping[str, Any]]:
    wanted: dict[PluginKey, Mapping[str, Any]] = {}
    errors: list[PluginError] = []
    for group, named in config.items():
        try:
            plugin_type = PluginType.of_group(group)
        except ValueError as exc:
            errors.append(_fault(group, str(exc)))
            continue
        if not isinstance(named, Mapping):
            errors.append(_fault(group, "a table of plugins by name goes here"))
            continue
        for name, mapping in cast("Mapping[str, Any]", named).items():
            try:
                key = PluginKey(plugin_type, name)
                wanted[key] = _configuration.copied(mapping)
                store.validate(key, wanted[key])
            except PluginError as exc:
                errors.append(exc)
            except (TypeError, ValueError) as exc:
                errors.append(_fault(f"{group}.{name}", str(exc)))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PluginErrorGroup("Several configurations do not fit; none was applied", errors)
    return wanted


def _put_back(
    store: PluginStore, before: Mapping[PluginKey, tuple[BaseModel | None, Mapping[str, Any] | None]]
) -> list[PluginKey]:
    """Apply what was in force before; returns the keys for which there was nothing, or which turned it down."""
    stayed: list[PluginKey] = []
    for key, (config, given) in before.items():
        if config is None:
            stayed.append(key)
            continue
        try:
            store.put_back(key, config, given)
        except PluginError:
            stayed.append(key)
    return stayed


def _tell_more(error: PluginError, advice: str) -> None:
    if isinstance(error, PluginNotFoundError):  # makes its advice of its reason
        error.reason = f"{error.advice} {advice}"
    else:
        error.advice = f"{error.advice} {advice}".lstrip()


def _fault(field: str, message: str) -> SettingsError:
    return SettingsError("configure_all()", [{"field": field, "message": message, "type": "value_error"}])
