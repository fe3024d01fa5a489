"""The registry: the verbs on a set of plugins. What happens behind each of them stands in the module it calls."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from functools import partial

from floe_core import _dependencies, _loading
from floe_core._exit import ShutdownAtExit
from floe_core._forking import forget_in_children
from floe_core._places import type_and_place
from floe_core.plugin_errors import (
    PluginError,
    PluginErrorGroup,
    PluginNotFoundError,
    PluginTypeError,
)
from floe_core.plugin_handle import PluginHandle
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginState, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812  # inside the class the name `list` is the method
    from collections.abc import Callable, Generator, Iterable, Mapping
    from contextlib import AbstractContextManager
    from typing import Any, TypeAlias, TypeVar, overload

    from pydantic import BaseModel
    from typing_extensions import TypeForm

    from floe_containers import PluginContainer
    from floe_core._dependencies import Graph
    from floe_core._discovery import Candidate
    from floe_core.plugin_metadata import HealthStatus
    from floe_core.registry_report import RegistryReport

    T = TypeVar("T")
    Outcomes: TypeAlias = dict[str, Exception | None]
    PluginRef: TypeAlias = PluginMetadata | PluginKey | tuple[PluginType, str]

__all__ = ["PluginRegistry", "get_registry"]

logger = logging.getLogger(__name__)


class PluginRegistry:
    """
    The plugins of a platform: found, loaded once, configured, ordered, started, checked, stopped.

    Safe from any number of threads. While a plugin's own code runs, no lock is held that another plugin could need.

    Args:
        container: The container that holds the state, which then discovers at the first verb called here. None: a new
            one of its own, empty until ``discover_all`` is called.

    Raises:
        PluginStateError: The container has a registry already: ``container.registry()``.

    """

    container: PluginContainer

    def __init__(self, container: PluginContainer | None = None) -> None:
        if container is None:
            from floe_containers import PluginContainer

            self.container = PluginContainer()
            self.container.store().discovers_by_itself = False
        else:
            self.container = container
        self._store = self.container.store()
        self._lifecycle = self.container.lifecycle()
        self._health = self.container.health()
        self._providers = self._store.providers
        self._store.take_registry()
        self.container.registry.keep(self)

    @property
    def _discovered(self) -> dict[PluginKey, Any]:
        """What was found on disk per key: one candidate, or all that claim a key in conflict."""
        inventory = self._store.inventory
        return {**inventory.usable, **inventory.conflicting}

    # Finding

    def discover_all(self) -> None:
        """
        Find every plugin that is installed, in all eleven entry-point groups. Imports none of them.

        Safe to call again, which does nothing: ``refresh`` looks again. A malformed entry point is logged as an
        error and costs itself only.

        Raises:
            SettingsError: A policy, in the settings or in the environment, is malformed; nothing was discovered.

        """
        self._store.discover()

    def refresh(self) -> None:
        """
        Find what was installed since. What is loaded stays as it is; the report tells of a newer release on disk.

        Raises:
            SettingsError: As ``discover_all``.

        """
        from importlib import invalidate_caches

        invalidate_caches()
        self._store.discover(again=True)

    def register(self, plugin: PluginMetadata, *, plugin_type: PluginType | None = None) -> None:
        """
        Add a plugin that was made by hand, under its own ``name``. Policy does not apply to it.

        Args:
            plugin_type: Its type, where its base class does not carry one.

        Raises:
            DuplicatePluginError: The key is taken.
            PluginIncompatibleError: It is written for another plugin API.
            PluginLoadError: It does not say what it is called, or is of another type than *plugin_type*.
            PluginTypeError: It is no plugin, or of no type.

        """
        key = _key_for(plugin, plugin_type)
        _loading.check_type(key, type(plugin), None)
        _loading.check_plugin(key, plugin, None)
        self._store.add(key, plugin)

    def unregister(self, plugin_type: PluginType, name: str) -> None:
        """
        Remove a plugin that was registered by hand, shutting it down first if it is active.

        Raises:
            PluginNotFoundError: There is none.
            PluginStateError: It is an installed one.
            PluginShutdownError: It was removed, and did not shut down cleanly.

        """
        key = PluginKey(plugin_type, name)
        self._store.check_removable(key)
        try:
            self.shutdown_plugin(plugin_type, name)
        finally:
            self._store.remove(key)

    # Getting

    if TYPE_CHECKING:

        @overload
        def get(self, plugin_type: PluginType, name: str) -> PluginMetadata: ...
        @overload
        def get(self, plugin_type: PluginType, name: str, *, expect: TypeForm[T]) -> T: ...

    # Not keyword-only here, which the overloads promise: CPython calls such functions more slowly.
    def get(self, plugin_type: PluginType, name: str, expect: TypeForm[Any] | None = None) -> Any:
        """
        The live plugin *name*, imported at the first call; every later call gives that same object.

        Threads that race for it wait for one load and share its result, while other plugins load. A failed load is not
        remembered: the next call tries again.

        Args:
            plugin_type: The category; it selects the entry-point group.

            name: The entry-point name, compared exactly, case included.

            expect: The class, or runtime-checkable protocol, that the plugin must be an instance of, and the static type
                of the result.

        Raises:
            PluginNotFoundError: Nothing usable has this name. The text lists what has one, or why it is left out.
            DuplicatePluginError: Two distributions claim it.
            PluginIncompatibleError: It is written for another plugin API.
            PluginConfigurationError: Its configuration in the settings does not fit, or a required one is missing.
            PluginLoadError: Its own code failed, or loading in another thread took too long.
            CircularDependencyError: Its construction needs itself.
            PluginTypeError: It is not what *expect* says.

        """
        try:
            # Equal to the key, which is not built.
            provider: Callable[[], PluginMetadata] = self._providers[plugin_type, name]  # type: ignore[index]
        except KeyError:
            provider = partial(self._first_get, plugin_type, name)  # outside, where no KeyError leads the traceback
        plugin = provider()
        return plugin if expect is None else _expected(PluginKey(plugin_type, name), plugin, expect)

    if TYPE_CHECKING:

        @overload
        def get_default(self, plugin_type: PluginType) -> PluginMetadata: ...
        @overload
        def get_default(self, plugin_type: PluginType, *, expect: TypeForm[T]) -> T: ...

    def get_default(self, plugin_type: PluginType, *, expect: TypeForm[Any] | None = None) -> Any:
        """
        The plugin that the settings name as the default of a type, else the only one there is, else the only one that
        loads.

        Raises:
            PluginNotFoundError: There is none, or several could be meant; the text names them.
            PluginError: As ``get``.

        """
        name = self._default_name(plugin_type)
        return self.get(plugin_type, name) if expect is None else self.get(plugin_type, name, expect=expect)

    if TYPE_CHECKING:

        @overload
        def get_all(self, plugin_type: PluginType) -> List[PluginMetadata]: ...
        @overload
        def get_all(self, plugin_type: PluginType, *, expect: TypeForm[T]) -> List[T]: ...

    def get_all(self, plugin_type: PluginType, *, expect: TypeForm[Any] | None = None) -> List[Any]:
        """
        Every plugin of a type that can be used, loaded and sorted by name. Those that cannot are logged and left out.

        Raises:
            PluginTypeError: One of them is not what *expect* says.

        """
        plugins: List[Any] = []
        for name in self._store.usable_names(plugin_type):
            try:
                plugin = self.get(plugin_type, name)
            except PluginError as exc:
                logger.warning(
                    "%s:%s is left out: %s",
                    plugin_type.name,
                    name,
                    type(exc).__name__,
                    extra=self._fields(PluginKey(plugin_type, name)),
                )
            else:
                plugins.append(plugin if expect is None else _expected(PluginKey(plugin_type, name), plugin, expect))
        return plugins

    if TYPE_CHECKING:

        @overload
        def create(
            self, plugin_type: PluginType, name: str, config: Mapping[str, Any] | None = None
        ) -> PluginMetadata: ...
        @overload
        def create(
            self, plugin_type: PluginType, name: str, config: Mapping[str, Any] | None = None, *, expect: TypeForm[T]
        ) -> T: ...

    def create(
        self,
        plugin_type: PluginType,
        name: str,
        config: Mapping[str, Any] | None = None,
        *,
        expect: TypeForm[Any] | None = None,
    ) -> Any:
        """
        A new instance with a configuration of its own. The registry does not keep it: to start and stop it is yours.

        Args:
            config: Its configuration. None: the one that ``get`` would use. ``{}``: the schema's defaults.

        Raises:
            PluginError: As ``get``.

        """
        key = PluginKey(plugin_type, name)
        plugin = self._store.factory(key)(config)
        return plugin if expect is None else _expected(key, plugin, expect)

    # Listing. The methods below `list` write List for the builtin.

    def list(self, plugin_type: PluginType) -> List[PluginMetadata]:
        """
        All plugins of a type, sorted by name. Imports nothing and never raises.

        What is loaded stands for itself. The rest are handles that know name, version and description, and load at the
        touch of anything else. Plugins that failed before stay listed.
        """
        try:
            names = self._store.names(plugin_type)
        except PluginError as exc:
            logger.error("Nothing can be listed: %s", exc)
            return []
        return [self._plugin_or_handle(PluginKey(plugin_type, name)) for name in names]

    def list_all(self) -> dict[PluginType, List[str]]:
        """The names of all plugins, sorted, under each of the eleven types. Imports nothing."""
        return self._store.names_by_type()

    def state(self, plugin_type: PluginType, name: str) -> PluginState:
        """
        How far a plugin has come, or what keeps it from being used. Imports nothing.

        Raises:
            PluginNotFoundError: Nothing is known under this name.

        """
        key = PluginKey(plugin_type, name)
        self._store.ensure_discovered()
        if self._lifecycle.is_active(key):
            return PluginState.ACTIVE
        state = self._store.state(key)
        if state is None:
            raise self._store.absence(key)
        return state

    def report(self) -> RegistryReport:
        """What was found, what became of each plugin, why some are not used, and how long each step took."""
        self._store.ensure_discovered()
        return self._store.report(self._lifecycle)

    # Configuring

    def configure(self, plugin_type: PluginType, name: str, config: Mapping[str, Any]) -> BaseModel:
        """
        Hold *config* against the plugin's schema, fill in its defaults, and put it in force. Loads the plugin.

        Raises:
            PluginConfigurationError: It does not fit, or the plugin turns it down. The one before stays in force.
            PluginStateError: The plugin takes its configuration when it is constructed, has been, and cannot change.
            PluginError: As ``get``.

        """
        return self._store.configure(PluginKey(plugin_type, name), config)

    def configure_all(self, config: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """
        Configure many plugins: ``{"computes": {"duckdb": {...}}}``. All are checked before any is changed.

        Raises:
            PluginConfigurationError: One does not fit; none was changed.
            PluginErrorGroup: Several do not. Or one was turned down by its plugin, and the error says what stayed changed.
            PluginError: As ``configure``.

        """
        self._store.configure_all(config)

    def get_config(self, plugin_type: PluginType, name: str) -> BaseModel | None:
        """The configuration in force, or None when there is none. Loads nothing."""
        return self._store.configs.get(PluginKey(plugin_type, name))

    # Running

    def resolve_dependencies(self, plugins: Iterable[PluginRef] | None = None) -> List[PluginMetadata]:
        """
        *plugins* and all that they depend on, each after what it depends on. Loads what is not loaded.

        Args:
            plugins: Plugins or keys. None: everything that is loaded.

        Raises:
            CircularDependencyError: They need each other in a circle.
            MissingDependencyError: One needs what is not there, not usable, or of another version.
            PluginErrorGroup: Several of these.

        """
        keys = self._loaded_keys() if plugins is None else self._keys(plugins)
        graph = self._graph(keys)
        _dependencies.raise_failures(graph, keys)
        return [graph.plugins[key] for key in graph.order()]

    def activate_plugin(self, plugin_type: PluginType, name: str, timeout: float | None = 30.0) -> None:
        """
        Start a plugin, its dependencies first. What is active already is not started again.

        Args:
            timeout: Seconds for each plugin's ``startup()``. None: no bound, and on the calling thread.

        Raises:
            PluginStartupError: It failed, or did not return in time; the text says where it hangs.
            PluginStateError: It is being shut down, or an earlier startup still hangs.
            MissingDependencyError: Something that it depends on is not up; the text says why, down to the root.
            PluginError: As ``get``.

        """
        key = PluginKey(plugin_type, name)
        if error := self._activate([key], timeout)[key]:
            raise error

    def activate_all(
        self,
        plugins: Iterable[PluginRef] | None = None,
        plugin_types: Iterable[PluginType] | None = None,
        timeout: float | None = 30.0,
    ) -> Outcomes:
        """
        Start many plugins and their dependencies: in order, in parallel where the order allows it.

        Args:
            plugins: Plugins or keys.

            plugin_types: All usable plugins of these types. With neither: whatever is loaded or has a configuration.

            timeout: Seconds for each plugin's ``startup()``, its wait for others not counted. None: no bound, one after
                another on the calling thread.

        Returns:
            What became of each key, written ``COMPUTE:duckdb``: None when it is up, else its error. None is raised.

        """
        outcomes = self._activate(self._chosen(plugins, plugin_types), timeout)
        return {str(key): error for key, error in outcomes.items()}

    def shutdown_plugin(self, plugin_type: PluginType, name: str, timeout: float | None = 30.0) -> None:
        """
        Stop a plugin, after those that depend on it. One that is not active is left alone.

        Raises:
            PluginShutdownError: It failed, or did not return in time. It counts as stopped.
            PluginErrorGroup: So did one that depends on it.

        """
        outcomes = self._shut_down([PluginKey(plugin_type, name)], timeout)
        _raise_all("Several plugins did not shut down cleanly", [error for error in outcomes.values() if error])

    def shutdown_all(self, timeout: float | None = 30.0) -> Outcomes:
        """
        Stop whatever is active, dependents first, the rest in parallel.

        Returns:
            What became of each key that was active: None, or its error. None is raised, and none keeps the rest running.

        """
        return {str(key): error for key, error in self._shut_down(None, timeout).items()}

    @contextmanager
    def running(
        self,
        plugins: Iterable[PluginRef] | None = None,
        plugin_types: Iterable[PluginType] | None = None,
        timeout: float | None = 30.0,
    ) -> Generator[PluginRegistry]:
        """
        ``with registry.running():`` all of them are up inside, and what was started here is stopped on the way out.

        Raises:
            PluginErrorGroup: One did not start, and the others are stopped again. Or one did not stop cleanly.

        """
        begun: set[PluginKey] = set()
        try:
            outcomes = self._activate(self._chosen(plugins, plugin_types), timeout, begun)
            if errors := [error for error in outcomes.values() if error]:
                raise PluginErrorGroup(f"{len(errors)} of {len(outcomes)} plugins did not start", errors)
            yield self
        except BaseException as exc:
            errors = self._stop_again(begun, timeout)
            if isinstance(exc, PluginErrorGroup) and errors:
                every = [*exc.exceptions, *errors]
                raise PluginErrorGroup(exc.message, every) from None  # type: ignore[arg-type]  # plugin errors all
            raise
        if errors := self._stop_again(begun, timeout):
            raise PluginErrorGroup(f"{len(errors)} plugins did not shut down cleanly", errors)

    def health_check_all(self, timeout: float = 5.0) -> dict[str, HealthStatus]:
        """
        Ask every loaded plugin how it fares, all at once. Never raises.

        Args:
            timeout: Seconds for all of them together. Who has not answered by then is unhealthy, with the place where it
                hangs; it is not asked again until it has come back.

        Returns:
            By key, written ``COMPUTE:duckdb``; ``details["duration_s"]`` is how long each took.

        """
        loaded = {key: loaded.plugin for key, loaded in self._store.loaded.copy().items()}
        statuses = self._health.check(loaded, self._lifecycle.thread_of, timeout)
        return {str(key): status for key, status in statuses.items()}

    # Testing

    def override(
        self, plugin_type: PluginType, name: str, plugin: PluginMetadata
    ) -> AbstractContextManager[PluginMetadata]:
        """
        ``with registry.override(...):`` *plugin* takes the place of a plugin, installed or not, for all threads.

        It shows in ``get``, ``list`` and injection; lifecycle and health stay with the real plugin. Scopes nest,
        and may end in any order.
        """
        return self._store.override(PluginKey(plugin_type, name), plugin)

    # What the verbs have in common

    def _first_get(self, plugin_type: PluginType, name: str) -> PluginMetadata:
        key = PluginKey(plugin_type, name)
        self._store.ensure_discovered()
        if key not in self._store.inventory.usable and key not in self._store.loaded:
            raise self._store.absence(key)  # and no provider is made for every name that somebody mistypes
        return self._store.provider(key)()

    def _default_name(self, plugin_type: PluginType) -> str:
        settings = self._store.settings
        if settings is not None and plugin_type.group in settings.defaults:
            return settings.defaults[plugin_type.group]
        names = self._store.usable_names(plugin_type)
        if len(names) > 1:
            names = [name for name in names if self._loads(plugin_type, name)] or names
        if len(names) == 1:
            return names[0]
        if names:
            reason = f"{', '.join(names)} could be meant; name one in the settings: defaults.{plugin_type.group}"
        else:
            reason = " ".join(map(str, self._store.absences(plugin_type)))
        raise PluginNotFoundError(plugin_type, "(default)", reason=reason)

    def _loads(self, plugin_type: PluginType, name: str) -> bool:
        try:
            self.get(plugin_type, name)
        except PluginError:
            return False
        return True

    def _plugin_or_handle(self, key: PluginKey) -> PluginMetadata:
        if (overriding := self._store.overriding(key)) is not None:
            return overriding
        loaded = self._store.loaded.get(key)
        return PluginHandle(key, self._candidate(key), self) if loaded is None else loaded.plugin

    def _candidate(self, key: PluginKey) -> Candidate | None:
        self._store.ensure_discovered()
        return self._store.inventory.usable.get(key)

    def _fields(self, key: PluginKey) -> dict[str, str | None]:
        candidate = self._candidate(key)
        return {"floe_key": str(key), "floe_distribution": candidate.distribution.name if candidate else None}

    def _loaded_keys(self) -> List[PluginKey]:
        return [*self._store.loaded.copy()]

    def _keys(self, plugins: Iterable[PluginRef]) -> List[PluginKey]:
        return [self._store.key_of(plugin) for plugin in plugins]

    def _chosen(
        self, plugins: Iterable[PluginRef] | None, plugin_types: Iterable[PluginType] | None
    ) -> List[PluginKey]:
        if plugins is None and plugin_types is None:
            self._store.ensure_discovered()
            return [*dict.fromkeys([*self._loaded_keys(), *self._store.configured_keys()])]
        of_types = [PluginKey(kind, name) for kind in plugin_types or () for name in self._store.usable_names(kind)]
        return [*dict.fromkeys([*self._keys(plugins or ()), *of_types])]

    def _graph(self, keys: Iterable[PluginKey]) -> Graph:
        graph = _dependencies.collect(keys, self._store.build, self._store.keys_named)
        self._say_where_from(graph.failures)
        return graph

    def _activate(
        self, keys: Iterable[PluginKey], timeout: float | None, begun: set[PluginKey] | None = None
    ) -> dict[PluginKey, PluginError | None]:
        graph = self._graph(keys)
        outcomes = self._lifecycle.start(graph.plugins, graph.edges, timeout, self._store.max_parallel_starts, begun)
        self._lifecycle.note(graph.failures)
        outcomes.update(graph.failures)
        self._tell(outcomes)
        logger.info("%d plugins are active", len(self._lifecycle.active))
        return outcomes

    def _shut_down(
        self, keys: Iterable[PluginKey] | None, timeout: float | None
    ) -> dict[PluginKey, PluginError | None]:
        outcomes = self._lifecycle.stop(keys, timeout)
        self._tell(outcomes)
        return outcomes

    def _tell(self, outcomes: Mapping[PluginKey, PluginError | None]) -> None:
        """Log the errors, but for those that were logged when they were noted."""
        failed = {key: error for key, error in outcomes.items() if error}
        self._say_where_from(failed)
        for key, error in failed.items():
            if error is not self._store.failures.get(key):
                logger.warning("%s", error, extra=self._fields(key))

    def _say_where_from(self, errors: Mapping[PluginKey, PluginError]) -> None:
        """Complete errors that were made where only the key was known."""
        for key, error in errors.items():
            if error.origin is None and getattr(error, "key", None) == key and (candidate := self._candidate(key)):
                error.origin = candidate.origin

    def _stop_again(self, begun: set[PluginKey], timeout: float | None) -> List[PluginError]:
        outcomes = self._shut_down(begun, timeout)
        return [error for error in outcomes.values() if error]


class _TheRegistry:
    """The one registry of the process, made at the first request."""

    def __init__(self) -> None:
        self.registry: PluginRegistry | None = None
        self._lock = threading.Lock()  # guards the step from none to one; discovery happens under it, no plugin code
        forget_in_children(self)

    def get(self) -> PluginRegistry:
        if self.registry is None:
            from floe_containers import PluginContainer

            with self._lock:
                if self.registry is None:
                    registry = PluginContainer(settings=_settings_of_the_environment()).registry()
                    registry.discover_all()
                    guard = ShutdownAtExit(registry.shutdown_all)
                    registry._lifecycle.before_start = guard.arm
                    self.registry = registry
        return self.registry

    def forget_the_parent(self) -> None:
        self._lock = threading.Lock()


_the = _TheRegistry()


def get_registry() -> PluginRegistry:
    """
    The registry of this process: discovered at the first call, the same object from then on. Safe from any thread.

    Its settings are in the file that ``FLOE_SETTINGS`` names, if it does. What is still active at interpreter exit is
    shut down, within 30 seconds altogether.

    Raises:
        SettingsError: The settings, or a policy in the environment, make no sense. The next call tries again.

    """
    return _the.get()


def _settings_of_the_environment() -> Any:
    import os

    if not os.environ.get("FLOE_SETTINGS"):
        return None  # and pydantic's models, which take longer to import than discovery takes, stay out
    from floe_core.settings import Settings

    return Settings.from_environment()


def _key_for(plugin: object, plugin_type: PluginType | None) -> PluginKey:
    if not isinstance(plugin, PluginMetadata):
        reason = f"an object of type {type(plugin).__name__} is no PluginMetadata"
        raise PluginTypeError(None, reason, advice="Register an instance of a plugin class.")
    kind = plugin_type or plugin.plugin_type
    if kind is None:
        reason = f"{type(plugin).__qualname__} has no plugin type"
        raise PluginTypeError(None, reason, advice="Pass plugin_type=, or derive it from a class in floe_core.plugins.")
    return PluginKey(kind, _loading.name_of(plugin, kind))


def _expected(key: PluginKey, plugin: object, expect: Any) -> Any:
    try:
        fits = isinstance(plugin, expect)
    except TypeError as exc:
        reason = f"{expect!r} cannot be checked at run time"
        raise PluginTypeError(key, reason, advice="Expect a class, or a protocol marked runtime_checkable.") from exc
    except Exception as exc:  # before Python 3.12, a protocol reads the attributes that it names
        reason = f"checking it against {expect!r} raised {type_and_place(exc)}"
        raise PluginTypeError(key, reason, advice="The cause tells more.") from exc
    if not fits:
        reason = f"it is a {type(plugin).__qualname__}, which is no {getattr(expect, '__qualname__', expect)}"
        raise PluginTypeError(key, reason, advice="Ask for another plugin, or expect another type.")
    return plugin


def _raise_all(message: str, errors: list[PluginError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PluginErrorGroup(message, errors)
