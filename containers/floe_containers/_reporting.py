"""What a store and a lifecycle know, as the report's frozen data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.plugin_types import PluginKey, PluginState
from floe_core.registry_report import CandidateReport, PluginReport, RegistryReport, causes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floe_containers._plugin_store import PluginStore
    from floe_core._discovery import Candidate
    from floe_core._lifecycle import Lifecycle
    from floe_core._loading import Loaded


def report(store: PluginStore, lifecycle: Lifecycle) -> RegistryReport:
    """Every key that is known, and every candidate that is not used."""
    inventory = store.inventory
    keys = {*inventory.usable, *inventory.conflicting, *inventory.disabled, *store.loaded.copy()}
    return RegistryReport(
        plugins=tuple(_report_of(key, store, lifecycle) for key in sorted(keys, key=str)),
        unused=tuple(CandidateReport.of(candidate) for candidate in inventory.unused),
        timings={"discover": store.discovered_in},
        began={"discover": store.discovery_began - store.made},
    )


def _report_of(key: PluginKey, store: PluginStore, lifecycle: Lifecycle) -> PluginReport:
    loaded = store.loaded.get(key)
    on_disk = store.inventory.usable.get(key) or store.inventory.disabled.get(key)
    candidate = loaded.candidate if loaded else on_disk
    origin = candidate.origin if candidate else None
    failure = lifecycle.failure(key) or (None if loaded else store.failures.get(key))
    state = PluginState.ACTIVE if lifecycle.is_active(key) else store.state(key)
    timings = dict(loaded.timings) if loaded else {}
    began = dict(loaded.began) if loaded else {}
    if (seconds := lifecycle.started_in(key)) is not None and (moment := lifecycle.start_began(key)) is not None:
        timings["start"], began["start"] = seconds, moment
    absent = state in (PluginState.CONFLICTING, PluginState.DISABLED)
    return PluginReport(
        key=str(key),
        state=state.value if state else "",
        distribution=origin.distribution if origin else None,
        version=origin.version if origin else None,
        path=origin.path if origin else None,
        entry_point=origin.entry_point if origin else None,
        reason=str(failure or (store.absence(key) if absent else "")),
        causes=causes_of(failure),
        remarks=tuple(_remarks(key, loaded, on_disk)),
        is_configured=key in store.configs,
        timings=timings,
        began={step: moment - store.made for step, moment in began.items()},
    )


def _remarks(key: PluginKey, loaded: Loaded | None, on_disk: Candidate | None) -> Iterator[str]:
    if on_disk is not None:
        yield from on_disk.distribution.remarks
    if loaded is None:
        return
    if loaded.name != key.name:
        yield f"it calls itself {loaded.name!r}; it is known under its entry-point name"
    if loaded.candidate is None:
        return
    if on_disk is None:
        yield "its distribution was removed since it was loaded"
    elif loaded.version != (version := on_disk.distribution.version):
        yield f"version {version} was installed since {loaded.version} was loaded; restart to use it"
