"""The application container: the plugins, the application's own objects, and where services find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dependency_injector import containers, providers
from floe_containers import PluginContainer

from floe_core.plugin_errors import PluginErrorGroup
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.settings import Settings
from floe_lakehouse.journal import Journal
from floe_lakehouse.settings import LakehouseSettings

__all__ = ["Lakehouse", "Platform", "lakehouse"]


class Lakehouse(containers.DeclarativeContainer):
    """
    Everything the services are made of.

    ``plugins`` is floe's container, nested in this one. A plugin's provider takes part in the wiring like any other: the
    journal below is built from two of them.
    """

    wiring_config = containers.WiringConfiguration(modules=["floe_lakehouse.services"])

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    plugins = providers.Container(PluginContainer, settings=settings)

    journal = providers.ThreadSafeSingleton(
        Journal,
        telemetry=plugins.telemetry_backends,
        lineage=plugins.lineage_backends,
    )


@dataclass
class Platform:
    """The lakehouse while it is up: its container and registry, and the plugins it does without, each with its error."""

    container: Lakehouse
    registry: PluginRegistry
    started: list[str] = field(default_factory=list[str])
    left_out: dict[str, Exception] = field(default_factory=dict[str, Exception])


@contextmanager
def lakehouse(settings: LakehouseSettings, *types: PluginType) -> Iterator[Platform]:
    """
    Bring up the default plugins of *types*, with all that they depend on, and shut them down at the end of the block.

    Without types, everything that is installed is brought up. What the settings name as a default has to start; anything
    else that does not is left out, and :attr:`Platform.left_out` says why.

    Raises:
        PluginErrorGroup: A plugin that the settings name did not start. What had started is shut down again.
    """
    container = Lakehouse(settings=settings.platform)
    registry: PluginRegistry = container.plugins.registry()
    platform = Platform(container, registry)
    needed = [PluginKey(PluginType.of_group(group), name) for group, name in settings.platform.defaults.items()]
    try:
        outcomes = registry.activate_all(
            [key for key in needed if key.plugin_type in types] if types else needed,
            plugin_types=None if types else list(PluginType),
            timeout=settings.start_timeout,
        )
        platform.started = [key for key, error in outcomes.items() if error is None]
        platform.left_out = {key: error for key, error in outcomes.items() if error is not None}
        missing = [error for key, error in platform.left_out.items() if PluginKey.parse(key) in needed]
        if missing:
            raise PluginErrorGroup("the lakehouse cannot do without these plugins", missing)
        yield platform
    finally:
        registry.shutdown_all()
        container.unwire()
