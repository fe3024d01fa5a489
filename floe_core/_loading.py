"""One candidate becomes one plugin: import its class, construct it, check it. Nothing is kept here."""

from __future__ import annotations

import inspect
from collections import namedtuple
from contextlib import suppress
from functools import reduce
from importlib import import_module
from time import perf_counter

from floe_core._hooks import LET_IT_BE_PLAIN, NothingRan, run_hook, was_not_called
from floe_core._places import type_and_place
from floe_core._tracing import span
from floe_core.plugin_errors import (
    CircularDependencyError,
    PluginConfigurationError,
    PluginError,
    PluginIncompatibleError,
    PluginLoadError,
)
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.version_compat import (
    FLOE_PLUGIN_API_MIN_VERSION,
    FLOE_PLUGIN_API_VERSION,
    is_compatible,
    parse_api_version,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NamedTuple, TypeVar

    from pydantic import BaseModel

    from floe_core._discovery import Candidate
    from floe_core.plugin_types import Origin

    T = TypeVar("T")

    class Loaded(NamedTuple):
        """A plugin, and how it came about."""

        plugin: PluginMetadata
        name: str
        """What it called itself then; asked again, its author's property may raise."""
        candidate: Candidate | None = None
        """None for a plugin registered by hand."""
        version: str | None = None
        """The distribution's version at the time; a newer one may be installed since."""
        config: BaseModel | None = None
        timings: Mapping[str, float] = {}
        """Seconds per step: import, construct, configure."""
        began: Mapping[str, float] = {}
        """The moment at which each step began, on the clock of ``time.perf_counter``."""

else:
    Loaded = namedtuple(
        "Loaded",
        ("plugin", "name", "candidate", "version", "config", "timings", "began"),
        defaults=(None, None, None, {}, {}),
    )


def load(key: PluginKey, candidate: Candidate, config: Mapping[str, Any] | None) -> Loaded:
    """
    Import *candidate*'s class and make an instance with *config* (None: none was given).

    Raises:
        PluginIncompatibleError: It is written for another API version.
        PluginConfigurationError: *config* does not fit, or a required one is missing and the defaults do not suffice.
        PluginLoadError: Anything else; the plugin's own error is the cause.

    """
    # Even to look at a class runs its author's code, where it has a metaclass of its own.
    return _guarded(key, candidate.origin, "loading", lambda: _load(key, candidate, config), PluginError)


def _load(key: PluginKey, candidate: Candidate, config: Mapping[str, Any] | None) -> Loaded:
    origin = candidate.origin
    begun = perf_counter()
    cls = import_class(key, candidate, origin)
    imported = perf_counter() - begun
    loaded = construct(key, cls, config, origin)
    return loaded._replace(
        candidate=candidate,
        version=origin.version,
        timings={"import": imported, **loaded.timings},
        began={"import": begun, **loaded.began},
    )


def import_class(key: PluginKey, candidate: Candidate, origin: Origin) -> type[PluginMetadata]:
    """The class that *candidate* points to, checked as far as a class can be."""
    from floe_core._pydantic_plugins import define_a_first_model  # costs pydantic's import, so not before a load

    define_a_first_model()
    module_name, attribute = candidate.target
    module: Any = _guarded(key, origin, f"importing {module_name}", lambda: import_module(module_name))
    try:
        cls: object = _guarded(
            key,
            origin,
            f"reading {candidate.value}",
            lambda: reduce(getattr, attribute.split("."), module),
            AttributeError,
        )
    except AttributeError as exc:
        reason = f"the module {module_name} has no attribute {attribute}"
        raise PluginLoadError(key, reason, origin=origin, advice=_MEND_ENTRY_POINT) from exc
    if not isinstance(cls, type):
        reason = f"{candidate.value} is no class but an object of type {type(cls).__name__}"
        raise PluginLoadError(key, reason, origin=origin, advice=_MEND_ENTRY_POINT)
    if not issubclass(cls, PluginMetadata):
        reason = f"{candidate.value} does not derive from PluginMetadata"
        raise PluginLoadError(key, reason, origin=origin, advice=_DERIVE)
    check_type(key, cls, origin)
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise PluginLoadError(key, f"{cls.__qualname__} does not define {missing}", origin=origin, advice=_DEFINE)
    declared = inspect.getattr_static(cls, "floe_api_version", None)
    if isinstance(declared, str):
        check_api_version(key, declared, origin)
    return cls


def construct(
    key: PluginKey, cls: type[PluginMetadata], config: Mapping[str, Any] | None, origin: Origin | None
) -> Loaded:
    """
    Make an instance of *cls*, configured with *config*, and check what it says of itself.

    A constructor that takes ``config`` gets the validated one, or one made of the schema's defaults when it is required
    and none is given. Any other plugin is configured through its ``configure()``.
    """
    from floe_core import _configuration  # costs pydantic's import, so not before a plugin is built

    parameter = _configuration.constructor_parameter(cls)
    validated = None
    arguments: dict[str, BaseModel] = {}
    timings: dict[str, float] = {}
    began: dict[str, float] = {}
    if parameter is not None and (config is not None or parameter.default is inspect.Parameter.empty):
        schema = _schema_for_constructor(key, cls, origin)
        with _Timed(timings, began, "configure"), span("configure", key):
            validated = arguments["config"] = _configuration.validated(
                key, schema, {} if config is None else config, origin=origin
            )
    _check_signature(key, cls, arguments, origin)

    with _Timed(timings, began, "construct"):
        plugin = _guarded(key, origin, f"constructing {cls.__qualname__}", lambda: cls(**arguments))
    if not _is_a(PluginMetadata, plugin):
        reason = f"constructing {cls.__qualname__} gave an object of type {type(plugin).__name__}, which is no plugin"
        raise PluginLoadError(key, reason, origin=origin, advice="Mend its __new__, or its metaclass.")
    name = check_plugin(key, plugin, origin)
    if validated is not None:
        _show_config(plugin, validated)
    elif config is not None:
        with _Timed(timings, began, "configure"), span("configure", key):
            validated = configure(key, plugin, config, origin)
    return Loaded(plugin, name, None, None, validated, timings, began)


def takes_config(cls: type[PluginMetadata]) -> bool:
    """Whether the constructor takes the configuration."""
    from floe_core import _configuration

    return _configuration.constructor_parameter(cls) is not None


def validate_for_class(key: PluginKey, cls: type[PluginMetadata], config: object, origin: Origin | None) -> BaseModel:
    """*config* held against the schema of a plugin that takes it in its constructor, without making an instance."""
    from floe_core import _configuration

    return _configuration.validated(key, _schema_for_constructor(key, cls, origin), config, origin=origin)


def validate_for(key: PluginKey, plugin: PluginMetadata, config: object, origin: Origin | None) -> BaseModel:
    """*config* held against the schema that *plugin* states, and not applied."""
    from floe_core import _configuration

    return _configuration.validated(key, schema_of(key, plugin, origin), config, origin=origin)


def schema_of(key: PluginKey, plugin: PluginMetadata, origin: Origin | None) -> type[BaseModel] | None:
    """The plugin's schema, from ``get_config_schema()`` or else from the constructor's annotation."""
    from floe_core import _configuration

    try:
        schema = _configuration.checked_schema(plugin.get_config_schema)
        parameter = _configuration.constructor_parameter(type(plugin))
        if schema is None and parameter is not None:
            schema = _configuration.schema_of_class(type(plugin), parameter)
    except _configuration.SchemaFault as exc:
        fault = {"field": "", "message": str(exc), "type": "schema"}
    else:
        return schema
    raise PluginConfigurationError(key.name, [fault], key=key, origin=origin, advice=_MEND_SCHEMA)


def configure(key: PluginKey, plugin: PluginMetadata, config: object, origin: Origin | None) -> BaseModel:
    """Validate *config* and hand it to the plugin, which may turn it down; the one before then stays."""
    validated = validate_for(key, plugin, config, origin)
    apply(key, plugin, validated, origin)
    return validated


def apply(key: PluginKey, plugin: PluginMetadata, config: BaseModel, origin: Origin | None) -> None:
    """Hand a validated configuration to the plugin's ``configure()``."""
    from floe_core._configuration import NoConfiguration

    if isinstance(config, NoConfiguration):
        return
    before = config_of(plugin)
    try:
        run_hook(plugin.configure, config)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # foreign code; its text may quote the configuration, so only type and place are kept
        error = _turned_down(key, exc, origin)
    else:
        if config_of(plugin) is before:  # its own configure() does something else with it
            _show_config(plugin, config)
        return
    _show_config(plugin, before)
    raise error


def _turned_down(key: PluginKey, cause: BaseException, origin: Origin | None) -> PluginConfigurationError:
    what, advice = f"raised {type_and_place(cause)}", ""
    if isinstance(cause, NothingRan):
        what, advice = str(cause), LET_IT_BE_PLAIN
    elif was_not_called(cause):
        what, advice = "cannot be called as the registry calls it", "Let it take the configuration, and nothing else."
    fault = {"field": "", "message": f"configure() {what}", "type": "rejected"}
    return PluginConfigurationError(key.name, [fault], key=key, origin=origin, advice=advice)


def _schema_for_constructor(key: PluginKey, cls: type[PluginMetadata], origin: Origin | None) -> type[BaseModel] | None:
    from floe_core import _configuration

    parameter = _configuration.constructor_parameter(cls)
    assert parameter is not None, "asked only of classes whose constructor takes config"
    try:
        return _configuration.schema_of_class(cls, parameter)
    except _configuration.SchemaFault as exc:
        raise PluginLoadError(key, str(exc), origin=origin, advice=_MEND_SCHEMA) from exc.__cause__


def state_after(error: PluginError) -> PluginState:
    """How a plugin whose load ended in *error* stands."""
    if isinstance(error, PluginIncompatibleError):
        return PluginState.INCOMPATIBLE
    missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
    own_module = error.origin.entry_point.partition(":")[0].partition(".")[0].strip() if error.origin else ""
    if missing and "." not in missing and missing != own_module:
        return PluginState.UNAVAILABLE
    return PluginState.FAILED


def check_type(key: PluginKey, cls: type[PluginMetadata], origin: Origin | None) -> None:
    """A plugin of one type is not accepted as another; one that derives from PluginMetadata alone is, anywhere."""
    stated = cls.plugin_type
    if stated is None or stated is key.plugin_type:
        return
    if _is_a(PluginType, stated):
        reason = f"{cls.__qualname__} is a {stated.name} plugin, announced as {key.plugin_type.name}"
        advice = f"Announce it in the group {stated.entry_point_group}, or derive it from the other base class."
    else:
        reason = f"its plugin_type is of type {type(stated).__name__}, and no PluginType"
        advice = _DERIVE
    raise PluginLoadError(key, reason, origin=origin, advice=advice)


def check_plugin(key: PluginKey, plugin: PluginMetadata, origin: Origin | None) -> str:
    """
    What *plugin* calls itself, once it says in strings what it is and fits an API version that the platform provides.

    Raises:
        PluginLoadError: One of its attributes raises; ``name`` or ``version`` is no string.
        PluginIncompatibleError: The API version is malformed, too old or too new.

    """
    name = _text_of(key, plugin, "name", origin)
    _text_of(key, plugin, "version", origin)
    _guarded(key, origin, "reading __class__", lambda: plugin.__class__)  # which dependency-injector does, unguarded
    version: object = _guarded(key, origin, "reading floe_api_version", lambda: plugin.floe_api_version)
    check_api_version(key, version, origin)
    return name


def name_of(plugin: PluginMetadata, plugin_type: PluginType) -> str:
    """
    What *plugin* calls itself.

    Raises:
        PluginLoadError: Its ``name`` raises, or is no string.

    """
    return _text_of(PluginKey(plugin_type, type(plugin).__qualname__), plugin, "name", None)


def _text_of(key: PluginKey, plugin: PluginMetadata, attribute: str, origin: Origin | None) -> str:
    value: object = _guarded(key, origin, f"reading {attribute}", lambda: getattr(plugin, attribute))
    if not isinstance(value, str) or not value:
        reason = f"its {attribute} is {'empty' if isinstance(value, str) else 'of type ' + type(value).__name__}"
        raise PluginLoadError(key, reason, origin=origin, advice=f"Let {attribute} be a string that is not empty.")
    return value


def check_api_version(key: PluginKey, version: object, origin: Origin | None) -> None:
    """Whether a plugin that requires *version* of the API fits; anything that is no version does not."""
    required = version if isinstance(version, str) else f"<{type(version).__name__}>"
    try:
        fits = is_compatible(required, FLOE_PLUGIN_API_VERSION)
        fits = fits and parse_api_version(required) >= parse_api_version(FLOE_PLUGIN_API_MIN_VERSION)
    except ValueError:
        fits = False
    if not fits:
        raise PluginIncompatibleError(
            key.name,
            required,
            FLOE_PLUGIN_API_VERSION,
            minimum=FLOE_PLUGIN_API_MIN_VERSION,
            key=key,
            origin=origin,
        )


def _check_signature(
    key: PluginKey, cls: type[PluginMetadata], arguments: Mapping[str, object], origin: Origin | None
) -> None:
    try:
        signature = inspect.signature(cls)
    except (TypeError, ValueError):
        return  # nothing to read: constructing it will tell
    try:
        signature.bind(**arguments)
    except TypeError as exc:
        reason = f"the constructor of {cls.__qualname__} cannot be called as the registry calls it: {exc}"
        raise PluginLoadError(key, reason, origin=origin, advice=_CONSTRUCTOR) from None


def _is_a(cls: type, thing: object) -> bool:
    """What a type checker takes for granted, and an author may have done otherwise."""
    return issubclass(type(thing), cls)


def _show_config(plugin: PluginMetadata, config: BaseModel | None) -> None:
    """Let ``plugin.config`` be what is in force, unless the author made that attribute read-only."""
    if config_of(plugin) is not config:
        with suppress(Exception):
            plugin.config = config


def config_of(plugin: PluginMetadata) -> Any:
    """``plugin.config``, or None where the author made it a property that raises."""
    try:
        return plugin.config
    except Exception:
        return None


def _guarded(
    key: PluginKey, origin: Origin | None, doing: str, call: Callable[[], T], *passing: type[BaseException]
) -> T:
    """Run the plugin's code; whatever it raises becomes a PluginLoadError that names type and place, not the text."""
    try:
        return call()
    except BaseException as exc:  # SystemExit at import included
        if isinstance(exc, (KeyboardInterrupt, *passing)):
            raise
        if isinstance(exc, CircularDependencyError) and key in exc.keys:
            raise
        reason, advice = _explained(exc)
        raise PluginLoadError(key, f"{doing} raised {reason}", origin=origin, advice=advice) from exc


def _explained(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"ModuleNotFoundError for {error.name!r}",
            f"Install what provides the module {error.name!r} beside the plugin, or mend the entry point.",
        )
    if isinstance(error, SyntaxError):
        return (
            f"SyntaxError at {error.filename}:{error.lineno}",
            "Install a release of the plugin that this Python can read.",
        )
    return type_and_place(error), "The cause tells more; the next get() tries again."


class _Timed:
    """Notes when the block of a step began, and how many seconds it took."""

    __slots__ = ("_began", "_step", "_timings")

    def __init__(self, timings: dict[str, float], began: dict[str, float], step: str) -> None:
        self._timings = timings
        self._began = began
        self._step = step

    def __enter__(self) -> None:
        self._began[self._step] = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._timings[self._step] = perf_counter() - self._began[self._step]


_MEND_ENTRY_POINT = "Mend the entry point of the distribution: name = module:Class."
_DERIVE = "Derive the class from the base class of its type in floe_core.plugins."
_DEFINE = "Define them in the class."
_CONSTRUCTOR = "A plugin is constructed without arguments, or with config= alone."
_MEND_SCHEMA = (
    "Annotate the constructor's config with a pydantic v2 model, or return one, or None, from a get_config_schema that is a "
    "class method."
)
