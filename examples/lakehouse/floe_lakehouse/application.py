"""The application container: the plugins, the application's own objects, and where services find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dependency_injector import containers, providers
from floe_containers import PluginContainer

from floe_core.plugin_errors import PluginError, PluginErrorGroup
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.settings import Settings
from floe_lakehouse.journal import Journal
from floe_lakehouse.ports import Lineage, Progress, Telemetry
from floe_lakehouse.settings import LakehouseSettings

__all__ = ["Lakehouse", "Platform", "lakehouse"]


class Lakehouse(containers.DeclarativeContainer):
    """
    Everything the services are made of.

    ``plugins`` is floe's container, nested in this one. Services name plugins by markers; where an object of the
    application's own is built of plugins, as the journal is of two, its provider asks the registry for them.
    """

    wiring_config = containers.WiringConfiguration(modules=["floe_lakehouse.services"])

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    plugins = providers.Container(PluginContainer, settings=settings)

    journal = providers.ThreadSafeSingleton(
        Journal,
        telemetry=plugins.registry.provided.get_default.call(PluginType.TELEMETRY_BACKEND, expect=Telemetry),
        lineage=plugins.registry.provided.get_default.call(PluginType.LINEAGE_BACKEND, expect=Lineage),
    )


@dataclass
class Platform:
    """The lakehouse while it is up: its container and registry, what started, and what it does without and why."""

    container: Lakehouse
    registry: PluginRegistry
    started: list[str] = field(default_factory=list[str])
    left_out: dict[str, Exception] = field(default_factory=dict[str, Exception])

    def installed(self) -> list[PluginKey]:
        """Every plugin that was found, whether or not it can be used. Imports none."""
        return [PluginKey(kind, name) for kind, names in self.registry.list_all().items() for name in names]

    def start(self, keys: Sequence[PluginKey], timeout: float, progress: Progress) -> None:
        """Load these plugins one after another, then start them and what they depend on, in parallel where they can."""
        loaded: list[PluginKey] = []
        for key in keys:
            progress(f"loading {key}")
            try:
                self.registry.get(*key)
            except PluginError as exc:
                self.left_out[str(key)] = exc
            else:
                loaded.append(key)
        progress(f"starting {len(loaded)} plugins")
        for name, error in self.registry.activate_all(loaded, timeout=timeout).items():
            if error is None:
                self.started.append(name)
            else:
                self.left_out[name] = error


@contextmanager
def lakehouse(settings: LakehouseSettings, *types: PluginType, progress: Progress = print) -> Iterator[Platform]:
    """
    Bring up the default plugins of *types*, with all that they depend on, and shut them down at the end of the block.

    Without types, everything that is installed is brought up. What the settings name as a default has to start; anything
    else that does not is left out, and :attr:`Platform.left_out` says why.

    Raises:
        PluginErrorGroup: A plugin that the settings name did not start. What had started is shut down again.
    """
    container = Lakehouse(settings=settings.platform)
    platform = Platform(container, container.plugins.registry())
    needed = [PluginKey(PluginType.of_group(group), name) for group, name in settings.platform.defaults.items()]
    try:
        if types:
            platform.start([key for key in needed if key.plugin_type in types], settings.start_timeout, progress)
        else:
            platform.start([*dict.fromkeys([*needed, *platform.installed()])], settings.start_timeout, progress)
        missing = [platform.left_out[str(key)] for key in needed if str(key) in platform.left_out]
        if missing:
            raise PluginErrorGroup("the lakehouse cannot do without these plugins", missing)
        yield platform
    finally:
        platform.registry.shutdown_all()
        container.unwire()
