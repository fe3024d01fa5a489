"""What the page shows, gathered from the running platform as plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from floe_core.plugin_types import PluginKey
from floe_lakehouse.application import Platform
from floe_lakehouse.journal import Entry
from floe_lakehouse.ports import Row
from floe_lakehouse.services import Surroundings

__all__ = ["PageContent", "PluginCard", "content_of"]


@dataclass(frozen=True)
class PluginCard:
    """One plugin that runs. ``requires`` are its dependencies as it declares them, ``needs`` their keys; times in seconds."""

    key: str
    description: str
    version: str
    distribution: str
    requires: Sequence[str]
    needs: Sequence[str]
    import_s: float
    start_s: float


@dataclass(frozen=True)
class PageContent:
    """Everything on the page."""

    answers: Mapping[str, Sequence[Row]]
    airports: Sequence[Row]
    steps: Sequence[Entry]
    plugins: Sequence[PluginCard]
    left_out: Mapping[str, str]
    snapshots: Mapping[str, Sequence[Row]]
    sizes: Mapping[str, int]
    discovery_s: float


def content_of(platform: Platform, answers: Mapping[str, Sequence[Row]], surroundings: Surroundings) -> PageContent:
    """Put together what the registry reports of its plugins and what the run has found."""
    report = platform.registry.report()
    reports = {plugin.key: plugin for plugin in report.plugins}
    cards = []
    for key in platform.started:
        plugin, told = platform.registry.get(*PluginKey.parse(key)), reports[key]
        cards.append(
            PluginCard(
                key=key,
                description=plugin.description,
                version=plugin.version,
                distribution=f"{told.distribution} {told.version}",
                requires=plugin.dependencies,
                needs=[re.split(r"[<>=!~ ]", requirement, maxsplit=1)[0] for requirement in plugin.dependencies],
                import_s=told.timings.get("import", 0.0) + told.timings.get("construct", 0.0),
                start_s=told.timings.get("start", 0.0),
            )
        )
    return PageContent(
        answers=answers,
        airports=surroundings.airports,
        steps=surroundings.steps,
        plugins=cards,
        left_out=platform.reasons(),
        snapshots=surroundings.snapshots,
        sizes=surroundings.sizes,
        discovery_s=report.timings.get("discover", 0.0),
    )
