"""The state of one container: what was found, a provider per key, what was built of it, and how it was configured."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from dependency_injector import providers

from floe_containers._build_gate import BuildGate
from floe_containers._overriding import OverrideScope, drop_ended
from floe_containers._reporting import report
from floe_core import _loading
from floe_core._discovery import EMPTY, Candidate, Inventory, Rejection, discover
from floe_core._forking import forget_in_children
from floe_core._tracing import span
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import (
    DuplicatePluginError,
    PluginConfigurationError,
    PluginError,
    PluginStateError,
)
from floe_core.plugin_handle import PluginHandle
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.registry_report import RegistryReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic import BaseModel

    from floe_core._lifecycle import Lifecycle
    from floe_core._loading import Loaded
    from floe_core.settings import Settings

logger = logging.getLogger("floe_core.plugin_store")

LOAD_TIMEOUT = 60.0
MAX_PARALLEL_STARTS = 32


class PluginStore:
    """
    What one container knows of its plugins. Safe from any number of threads.

    No lock is held while a plugin's code runs: builds go through the gate, which keeps one thread per key.

    Args:
        settings: Gives the settings when they are first needed, which is not before discovery.

        path: Gives the folders in which to look for distributions, at each discovery. None, the default: ``sys.path`` and
            the other finders.

    """

    def __init__(
        self,
        settings: Callable[[], Settings | Mapping[str, Any] | None],
        path: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._give_settings = settings
        self._give_path = path
        self._settings: Settings | None = None
        self._lock = threading.Lock()  # guards the dictionaries below; only dictionary work happens under it
        self._discovery_lock = threading.RLock()  # one pass over the disk at a time; re-entrant, as finders are foreign
        self._gate: BuildGate[Loaded] = BuildGate()
        self.discovers_by_itself = True
        self.is_discovered = False
        self.discovered_in = 0.0
        self.made = self.discovery_began = perf_counter()
        self.inventory: Inventory = EMPTY
        self.providers: dict[PluginKey, providers.Singleton[PluginMetadata]] = {}
        self.factories: dict[PluginKey, providers.Factory[PluginMetadata]] = {}
        self.loaded: dict[PluginKey, Loaded] = {}
        self.configs: dict[PluginKey, BaseModel] = {}
        self.failures: dict[PluginKey, PluginError] = {}
        self._given: dict[PluginKey, Mapping[str, Any]] = {}
        self._has_registry = False
        forget_in_children(self)

    def take_registry(self) -> None:
        """Note that a registry uses this store; a second one is refused, since it would not share the first one's plugins."""
        with self._lock:
            if self._has_registry:
                raise PluginStateError(None, "the container has a registry already", advice="Use container.registry().")
            self._has_registry = True

    # Settings and discovery

    @property
    def settings(self) -> Settings | None:
        """The container's settings, asked for once; None when it was given none."""
        if self._settings is None and (given := self._give_settings()) is not None:
            from floe_core.settings import Settings

            self._settings = given if isinstance(given, Settings) else Settings.from_mapping(given)
        return self._settings

    @property
    def load_timeout(self) -> float:
        return self.settings.load_timeout if self.settings else LOAD_TIMEOUT

    @property
    def max_parallel_starts(self) -> int:
        return self.settings.max_parallel_starts if self.settings else MAX_PARALLEL_STARTS

    def discover(self, *, again: bool = False) -> None:
        """Read what is installed, once; *again* reads anew and keeps what is loaded."""
        with self._discovery_lock:
            if self.is_discovered and not again:
                return
            self.discovery_began = perf_counter()
            with span("discover"):
                policy = DiscoveryPolicy.from_environment()
                if self.settings is not None:
                    policy = self.settings.policy.combined(policy)
                self.inventory = discover(policy, self._give_path() if self._give_path else None)
            self.failures.clear()
            self.is_discovered = True
            self.discovered_in = perf_counter() - self.discovery_began
        _log_faults(self.inventory)

    def ensure_discovered(self) -> None:
        if not self.is_discovered and self.discovers_by_itself:
            self.discover()

    def names(self, plugin_type: PluginType) -> list[str]:
        """Every name of a type that can be asked for, sorted; the conflicting ones included, the left out ones not."""
        return sorted(key.name for key in self._known() if key.plugin_type is plugin_type)

    def names_by_type(self) -> dict[PluginType, list[str]]:
        """As ``names``, for all types."""
        names: dict[PluginType, list[str]] = {plugin_type: [] for plugin_type in PluginType}
        for plugin_type, name in self._known():
            names[plugin_type].append(name)
        return {plugin_type: sorted(of_type) for plugin_type, of_type in names.items()}

    def usable_names(self, plugin_type: PluginType) -> list[str]:
        """As ``names``, without the conflicting ones."""
        names, conflicting = self.names(plugin_type), self.conflicting  # in this order: names are what discovery finds
        return [name for name in names if PluginKey(plugin_type, name) not in conflicting]

    def _known(self) -> set[PluginKey]:
        self.ensure_discovered()
        return {*self.inventory.usable, *self.inventory.conflicting, *self.loaded.copy(), *self._overridden()}

    @property
    def conflicting(self) -> dict[PluginKey, tuple[Candidate, ...]]:
        return {key: rivals for key, rivals in self.inventory.conflicting.items() if key not in self.loaded}

    def keys_named(self, name: str) -> list[PluginKey]:
        """The keys of all types that bear *name*; those that cannot be used only if no other does."""
        self.ensure_discovered()
        usable: list[PluginKey] = []
        unusable: list[PluginKey] = []
        for key in (PluginKey(plugin_type, name) for plugin_type in PluginType):
            if key in self.loaded or key in self.inventory.usable:
                usable.append(key)
            elif key in self.inventory.conflicting or key in self.inventory.disabled:
                unusable.append(key)
        return usable or unusable

    # Providers

    def provider(self, key: PluginKey) -> providers.Singleton[PluginMetadata]:
        """
        The provider of *key*, one and the same for ever, whether or not such a plugin is there by now.

        Calling it gives the plugin, or raises as ``PluginRegistry.get``.
        """
        provider = self.providers.get(key)
        if provider is None:
            made = providers.Singleton(partial(self.build, key))
            made.disable_async_mode()
            provider = self.providers.setdefault(key, made)
        return provider

    def factory(self, key: PluginKey) -> providers.Factory[PluginMetadata]:
        """The provider of new instances of *key*: calling it takes a configuration, by default that of the settings."""
        factory = self.factories.get(key)
        if factory is None:
            made = providers.Factory(partial(self.create, key))
            made.disable_async_mode()
            factory = self.factories.setdefault(key, made)
        return factory

    # Building

    def build(self, key: PluginKey) -> PluginMetadata:
        """The plugin of *key*, built by the first caller, shared with those that ask meanwhile."""
        loaded = self.loaded.get(key)
        if loaded is None:
            loaded = self._gate.run(key, partial(self._load, key), self.load_timeout)
        return loaded.plugin  # nothing may come after this: the provider keeps what is returned

    def create(self, key: PluginKey, config: Mapping[str, Any] | None = None) -> PluginMetadata:
        """A new instance of the class behind *key*; nothing of it is kept."""
        self.ensure_discovered()
        config = self._config_for(key) if config is None else config
        loaded = self.loaded.get(key)
        if loaded is not None:
            return _loading.construct(key, type(loaded.plugin), config, self._origin(key)).plugin
        return _loading.load(key, self._candidate(key), config).plugin

    def add(self, key: PluginKey, plugin: PluginMetadata) -> None:
        """
        Take a plugin that was made by hand.

        Raises:
            DuplicatePluginError: The key is taken, by another one made by hand or by what is installed.

        """
        self.ensure_discovered()
        with self._lock:
            is_installed = key in self.inventory.usable or key in self.inventory.conflicting
            if key in self.loaded or is_installed:
                raise self._taken(key, is_installed=is_installed)
            self.loaded[key] = _loading.Loaded(plugin, key.name)
        provider = self.provider(key)
        if not _is_overridden(provider):
            provider()  # lets it keep the instance now, so that no later call can be overtaken by remove()

    def _taken(self, key: PluginKey, *, is_installed: bool) -> DuplicatePluginError:
        error = DuplicatePluginError(*key, origins=[rival.origin for rival in self.inventory.conflicting.get(key, ())])
        if key in self.inventory.usable:
            error.origin = self._origin(key)
        if is_installed:
            error.advice = "Leave what is installed out by policy.disable, or use override() to replace it for a while."
        return error

    def check_removable(self, key: PluginKey) -> None:
        """Only what was made by hand can be removed."""
        self.ensure_discovered()
        loaded = self.loaded.get(key)
        if loaded is None and key not in self.inventory.usable and key not in self.inventory.conflicting:
            raise self.absence(key)
        if loaded is None or loaded.candidate is not None:
            advice = "Leave it out by policy.disable, or replace it for a while by override()."
            raise PluginStateError(key, "it is installed, not registered by hand", advice=advice)

    def remove(self, key: PluginKey) -> None:
        """Forget a plugin that was made by hand."""
        with self._lock:
            self.loaded.pop(key, None)
            self.configs.pop(key, None)
            self._given.pop(key, None)
        self.provider(key).reset()

    def key_of(self, plugin: PluginMetadata | PluginKey | tuple[PluginType, str]) -> PluginKey:
        """
        The key that is meant by a key, a handle, or a plugin of this registry.

        Raises:
            PluginStateError: It is a plugin of another registry, or of none.

        """
        if isinstance(plugin, tuple):
            return PluginKey(*plugin)
        if isinstance(plugin, PluginHandle):
            return plugin.key
        if (by_name := self._key_if_loaded(plugin)) is not None:
            return by_name
        for key, loaded in self.loaded.copy().items():  # an installed one may call itself something else
            if loaded.plugin is plugin:
                return key
        reason = f"this registry does not know this {type(plugin).__qualname__}"
        raise PluginStateError(None, reason, advice="Register it first, or pass the key of one that is installed.")

    def _key_if_loaded(self, plugin: PluginMetadata) -> PluginKey | None:
        """The key of a plugin that is known under what it calls itself: looked up, where all of them would be searched."""
        try:
            key = (plugin.plugin_type, plugin.name)
            loaded = self.loaded.get(key)  # type: ignore[call-overload]  # equal to the key, if it is one
        except Exception:  # the author's property
            return None
        return PluginKey(*key) if loaded is not None and loaded.plugin is plugin else None  # type: ignore[arg-type]  # so it is

    def configure(self, key: PluginKey, config: object) -> BaseModel:
        """
        Build the plugin with *config*, or hand *config* to the plugin that is there; the one before stays if it fails.

        One call per plugin does so at a time, and none while another thread builds it.
        """
        self.ensure_discovered()
        given = _copied(config)
        configured = self._gate.run(key, partial(self._configure, key, given), self.load_timeout, alone=True)
        assert configured.config is not None, "what _configure returns has one"
        return configured.config

    def _configure(self, key: PluginKey, given: Any) -> Loaded:
        """In the gate, so that nobody else builds or configures *key*."""
        if given is not None and key not in self.loaded:
            return self._load(key, given)
        self._load(key)  # None is no configuration: a plugin that is there will say so
        self._apply(key, self.validate(key, given), given)
        return self.loaded[key]._replace(config=self.configs[key])

    def configure_all(self, config: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """As ``configure`` for many plugins, or for none of them."""
        from floe_containers._configuring import configure_all  # costs pydantic's import

        configure_all(self, config)

    def put_back(self, key: PluginKey, config: BaseModel, given: Mapping[str, Any] | None) -> None:
        """Apply again what was in force before, and keep *given* for later instances."""
        self._gate.run(key, partial(self._restore, key, config, given), self.load_timeout, alone=True)

    def _restore(self, key: PluginKey, config: BaseModel, given: Mapping[str, Any] | None) -> Loaded:
        self._apply(key, config, given)
        return self.loaded[key]

    def in_force(self, key: PluginKey) -> tuple[BaseModel | None, Mapping[str, Any] | None]:
        """The configuration of *key* and the mapping that it was made of; None where there is none."""
        return self.configs.get(key), self._given.get(key)

    def validate(self, key: PluginKey, config: object) -> BaseModel:
        """*config* as the plugin's schema wants it, nothing applied. Loads the plugin, unless its class tells the schema."""
        self.ensure_discovered()
        if key not in self.loaded:
            candidate = self._candidate(key)
            cls = _loading.import_class(key, candidate, candidate.origin)
            if _loading.takes_config(cls):
                return _loading.validate_for_class(key, cls, config, candidate.origin)
        return _loading.validate_for(key, self.build(key), config, self._origin(key))

    def configured_keys(self) -> list[PluginKey]:
        """The keys for which there is a configuration, in force or in the settings, and which policy does not leave out."""
        in_settings = self.settings.configured_keys() if self.settings else []
        keys = dict.fromkeys([*self.configs.copy(), *in_settings])
        return [key for key in keys if key not in self.inventory.disabled]

    def _apply(self, key: PluginKey, config: BaseModel, given: Mapping[str, Any] | None) -> None:
        """Put a validated configuration in force; the one before stays when the plugin turns it down."""
        plugin = self.loaded[key].plugin
        takes_none_later = type(plugin).configure is PluginMetadata.configure
        if takes_none_later and _loading.takes_config(type(plugin)):
            if config != self.configs.get(key):
                reason = "it takes its configuration when it is constructed, and cannot take another one now"
                advice = (
                    "Configure it before it is first loaded, construct it with its configuration where you register it, or "
                    "make another instance with create(). Its author can let it change by overriding configure()."
                )
                raise PluginStateError(key, reason, origin=self._origin(key), advice=advice)
            return
        with span("configure", key):
            _loading.apply(key, plugin, config, self._origin(key))
        self._keep_config(key, config, given)

    def _keep_config(self, key: PluginKey, config: BaseModel, given: Mapping[str, Any] | None) -> None:
        with self._lock:
            self.configs[key] = config
            if given is not None:
                self._given[key] = given

    def absence(self, key: PluginKey) -> PluginError:
        """Why there is nothing to build for *key*."""
        return self.inventory.absence(key, self.names(key.plugin_type))

    def absences(self, plugin_type: PluginType) -> list[PluginError]:
        """Why there is nothing to build, for each key of a type that is in conflict or left out."""
        keys = [*self.inventory.conflicting, *self.inventory.disabled]
        return [self.absence(key) for key in keys if key.plugin_type is plugin_type]

    def state(self, key: PluginKey) -> PluginState | None:
        """How far *key* has come, activity aside; None when nothing is known of it."""
        if key in self.loaded:
            return PluginState.LOADED
        if key in self.failures:
            return _loading.state_after(self.failures[key])
        if key in self.inventory.usable:
            return PluginState.DISCOVERED
        if key in self.inventory.conflicting:
            return PluginState.CONFLICTING
        return PluginState.DISABLED if key in self.inventory.disabled else None

    def report(self, lifecycle: Lifecycle) -> RegistryReport:
        """Everything that is known, as data."""
        return report(self, lifecycle)

    def override(self, key: PluginKey, plugin: PluginMetadata) -> OverrideScope:
        """A scope in which the provider of *key* gives *plugin*."""
        self.ensure_discovered()
        return OverrideScope(self.provider(key), plugin, partial(self.build, key))

    def overriding(self, key: PluginKey) -> PluginMetadata | None:
        """What takes the place of *key* now, if anything does and can be had."""
        provider = self.providers.get(key)
        if provider is None or not _is_overridden(provider):
            return None
        try:
            return provider()
        except Exception:  # a test's own provider; listing goes on without it
            logger.warning("The provider that overrides %s fails", key, exc_info=True, extra={"floe_key": str(key)})
            return None

    def forget_the_parent(self) -> None:
        """In a forked child: new locks, and nothing that the parent built; what was registered by hand stays."""
        self._lock = threading.Lock()
        self._discovery_lock = threading.RLock()
        self._gate.forget_other_threads()
        for key in [key for key, loaded in self.loaded.items() if loaded.candidate is not None]:
            del self.loaded[key]
            self.configs.pop(key, None)
            self.provider(key).reset()

    def _load(self, key: PluginKey, given: Mapping[str, Any] | None = None) -> Loaded:
        """In the gate: one candidate becomes the plugin of *key*, with *given*, else with what is known for it."""
        if key in self.loaded:
            return self.loaded[key]
        self.ensure_discovered()
        candidate = self._candidate(key)
        try:
            with span("load", key):
                loaded = _loading.load(key, candidate, self._config_for(key) if given is None else given)
        except PluginError as exc:
            if given is None or not isinstance(exc, PluginConfigurationError):  # else the caller is at fault
                self._note_failure(key, exc)
            raise
        if loaded.config is not None:
            self._keep_config(key, loaded.config, given)
        with self._lock:
            self.loaded[key] = loaded
            self.failures.pop(key, None)
        if loaded.name != key.name:
            logger.debug("Plugin %s calls itself %r", key, loaded.name, extra=_fields(key, candidate))
        return loaded

    def _config_for(self, key: PluginKey) -> Mapping[str, Any] | None:
        if key in self._given:
            return self._given[key]
        return self.settings.config_of(key) if self.settings else None

    def _candidate(self, key: PluginKey) -> Candidate:
        try:
            return self.inventory.usable[key]
        except KeyError:
            raise self.absence(key) from None

    def _origin(self, key: PluginKey) -> Any:
        candidate = self.inventory.usable.get(key)
        return candidate.origin if candidate else None

    def _note_failure(self, key: PluginKey, error: PluginError) -> None:
        known = self.failures.get(key)
        self.failures[key] = error
        if str(known) != str(error):  # callers that try again and again do not flood the log
            logger.warning("%s", error, extra=_fields(key, self.inventory.usable.get(key)))

    def _overridden(self) -> Iterator[PluginKey]:
        for key, provider in self.providers.copy().items():
            if _is_overridden(provider):
                yield key


def _is_overridden(provider: providers.Singleton[PluginMetadata]) -> bool:
    if provider.last_overriding is not None:
        drop_ended(provider)
    return provider.last_overriding is not None


def _copied(config: object) -> Any:
    """A copy that later changes by the caller do not reach."""
    from floe_core import _configuration  # costs pydantic's import, so not before there is a configuration

    return _configuration.copied(config)


def _log_faults(inventory: Inventory) -> None:
    for candidate in inventory.unused:
        if candidate.rejection in (Rejection.MALFORMED, Rejection.CONFLICTING, Rejection.SHADOWED):
            level = logging.ERROR if candidate.rejection is Rejection.MALFORMED else logging.WARNING
            what = candidate.key or "An entry point"
            fields = _fields(candidate.key, candidate)
            logger.log(level, "%s is not used: %s (%s)", what, candidate.reason, candidate.origin, extra=fields)


def _fields(key: PluginKey | None, candidate: Candidate | None) -> dict[str, str | None]:
    return {
        "floe_key": str(key) if key else None,
        "floe_distribution": candidate.distribution.name if candidate else None,
    }
