"""The application container: the plugins, the application's own objects, and where services find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


class Platform:
    """
    The plugins of one lakehouse, brought up as they are needed.

    Args:
        container: The container whose registry it works on.

        settings: Name the plugins that the lakehouse cannot do without: the default of each type.
    """

    def __init__(self, container: Lakehouse, settings: LakehouseSettings) -> None:
        self.registry: PluginRegistry = container.plugins.registry()
        self.started: list[str] = []
        self.left_out: dict[str, PluginError] = {}
        """What is installed and did not come up, each with its error."""
        self._timeout = settings.start_timeout
        defaults = settings.platform.defaults
        self._needed = [PluginKey(PluginType.of_group(group), name) for group, name in defaults.items()]

    def bring_up(self, *types: PluginType, progress: Progress) -> None:
        """
        Load and start the default plugins of *types* with all that they depend on; without types, all that is installed.

        What the settings name has to start. Anything else that does not is left out, and :attr:`left_out` says why.

        Raises:
            PluginErrorGroup: A plugin that the settings name did not start.
        """
        keys = [key for key in self._needed if key.plugin_type in types] if types else self._installed()
        loaded = [key for key in keys if self._loads(key, progress)]
        progress(f"starting {len(loaded)} plugins")
        for name, error in self.registry.activate_all(loaded, timeout=self._timeout).items():
            if isinstance(error, PluginError):
                self.left_out[name] = error
            elif name not in self.started:
                self.started.append(name)
        if missing := [self.left_out[str(key)] for key in self._needed if str(key) in self.left_out]:
            raise PluginErrorGroup("the lakehouse cannot do without these plugins", missing)

    def reasons(self) -> dict[str, str]:
        """Why each plugin that is left out is, after the distribution that it comes from. Empty when none is."""
        origins = {told.key: f"{told.distribution} {told.version}" for told in self.registry.report().plugins}
        return {key: f"{origins[key]}: {error}" for key, error in self.left_out.items()}

    def _installed(self) -> list[PluginKey]:
        found = [PluginKey(kind, name) for kind, names in self.registry.list_all().items() for name in names]
        return [*dict.fromkeys([*self._needed, *found])]

    def _loads(self, key: PluginKey, progress: Progress) -> bool:
        """Loading imports the plugin's library. Start-up would do it as well, but could not say what it is at."""
        progress(f"loading {key}")
        try:
            self.registry.get(*key)
        except PluginError as exc:
            self.left_out[str(key)] = exc
        return str(key) not in self.left_out


@contextmanager
def lakehouse(settings: LakehouseSettings) -> Iterator[Platform]:
    """A lakehouse with nothing up yet. Whatever is up at the end of the block is shut down."""
    container = Lakehouse(settings=settings.platform)
    try:
        platform = Platform(container, settings)
        yield platform
    finally:
        container.plugins.registry().shutdown_all()
        container.unwire()
