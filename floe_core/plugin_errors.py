"""
Every error of the registry. Each holds what it knows as attributes; its text says what happened, then what to do.

All of them pickle whole, so they cross from a worker process with their attributes and their text. None holds a value out
of a plugin's configuration.
"""

from __future__ import annotations

from floe_core.plugin_types import Origin, PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Self

__all__ = [
    "CircularDependencyError",
    "DuplicatePluginError",
    "MissingDependencyError",
    "PluginConfigurationError",
    "PluginError",
    "PluginErrorGroup",
    "PluginIncompatibleError",
    "PluginLoadError",
    "PluginNotFoundError",
    "PluginShutdownError",
    "PluginStartupError",
    "PluginStateError",
    "PluginTypeError",
    "SettingsError",
]


def _restore(cls: type[PluginError], args: tuple[Any, ...], state: dict[str, Any]) -> PluginError:
    """Unpickle an error without calling its ``__init__``, whose parameters are not its ``args``."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class PluginError(Exception):
    """
    Base of all errors of the registry: ``except PluginError`` catches each of them.

    Attributes:
        origin: The distribution that the plugin comes from, where that is known.

        advice: What to do about it.

    """

    origin: Origin | None = None
    advice: str = ""

    def __str__(self) -> str:
        source = f"It comes from {self.origin}." if self.origin else ""
        return " ".join(part for part in (_sentence(super().__str__()), source, self.advice) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


class PluginNotFoundError(PluginError):
    """
    No plugin of this type has this name, or the operator left it out.

    Args:
        available: The names that do exist for this type; the text lists them and suggests the nearest.

        reason: Why a plugin that is installed does not count. Takes the place of the list.

    """

    def __init__(
        self, plugin_type: PluginType, name: str, *, available: Iterable[str] = (), reason: str | None = None
    ) -> None:
        self.plugin_type = plugin_type
        self.name = name
        self.available = tuple(available)
        self.reason = reason
        super().__init__(f"Plugin not found: {plugin_type.name}:{name}")

    @property
    def advice(self) -> str:  # type: ignore[override]  # made when read: most of these errors are caught, not shown
        if self.reason:
            return _sentence(self.reason)
        if not self.available:
            group = self.plugin_type.entry_point_group
            return f"No {self.plugin_type.name} plugin is installed; one announces itself in the entry-point group {group}."
        from difflib import get_close_matches

        nearest = get_close_matches(self.name, self.available, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        return f"Available {self.plugin_type.name} plugins: {', '.join(self.available)}.{hint}"


class PluginIncompatibleError(PluginError):
    """
    The plugin is written for an API version that this platform does not provide.

    Args:
        required: The version that the plugin names.

        platform: The version that the platform provides.

        minimum: The oldest version that the platform still takes.

    """

    def __init__(
        self,
        name: str,
        required: str,
        platform: str,
        *,
        minimum: str | None = None,
        key: PluginKey | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.name = name
        self.required_version = required
        self.platform_version = platform
        self.minimum_version = minimum
        self.key = key
        self.origin = origin
        self.advice = (
            "Install a release of the plugin that is written for "
            + (f"API {minimum} to {platform}" if minimum and minimum != platform else f"API {platform}")
            + ", or mend its floe_api_version (X.Y)."
        )
        super().__init__(f"Plugin '{name}' requires API v{required}, but platform provides v{platform}")


class PluginConfigurationError(PluginError):
    """
    A configuration does not fit the plugin's schema, or the plugin turned it down. The one before stays in force.

    Args:
        errors: One entry per fault: ``field`` (dotted path, empty for the whole), ``message``, ``type``. No input values.

    """

    def __init__(
        self,
        name: str,
        errors: list[dict[str, Any]],
        *,
        key: PluginKey | None = None,
        origin: Origin | None = None,
        advice: str = "",
    ) -> None:
        self.name = name
        self.errors = errors
        self.key = key
        self.origin = origin
        self.advice = advice or _fields_to_mend(key, errors)
        super().__init__(f"Configuration error for plugin '{name}': {errors}")


def _fields_to_mend(key: PluginKey | None, errors: list[dict[str, Any]]) -> str:
    table = f"plugins.{key.plugin_type.group}.{key.name}" if key else "the plugin's settings"
    fields = ", ".join(sorted({str(error.get("field")) for error in errors if error.get("field")}))
    return f"Mend {fields} in {table}, or in the call that configures it." if fields else f"Mend {table}."


class DuplicatePluginError(PluginError):
    """
    The key is taken: by a plugin registered before, or by two distributions that both claim it.

    Args:
        origins: The distributions that claim it, when it is they who conflict.

    """

    def __init__(self, plugin_type: PluginType, name: str, *, origins: Iterable[Origin] = ()) -> None:
        self.plugin_type = plugin_type
        self.name = name
        self.origins = tuple(origins)
        key = f"{plugin_type.name}:{name}"
        if self.origins:
            claims = " and ".join(str(origin) for origin in self.origins)
            choice = f"{key}={self.origins[0].distribution}"
            self.advice = (
                f"It is claimed by {claims}. Uninstall one of them, or choose: prefer {choice!r} in the settings' "
                f"policy, or FLOE_PLUGINS_PREFER={choice!r}."
            )
        else:
            self.advice = "Unregister the other one first, or use override() to replace it for a while."
        super().__init__(f"Duplicate plugin: {key}")


class CircularDependencyError(PluginError):
    """
    Plugins need each other in a circle, in their dependencies or while they are constructed.

    Args:
        cycle: The names along the circle, the first one again at the end. A name that two types share is a whole key.

        keys: The same as keys.

    """

    def __init__(self, cycle: list[str], *, keys: Iterable[PluginKey] = ()) -> None:
        self.cycle = cycle
        self.keys = tuple(keys)
        self.advice = "Break the circle: one of them has to do without the next."
        super().__init__(f"Circular dependency: {' -> '.join(cycle)}")


class _PluginKeyError(PluginError):
    """
    An error about one key, whose text begins with what became of it.

    Args:
        key: The plugin; None where it is about no single one, and then the text is *reason* alone.

        reason: What happened, without configuration values.

    """

    what_happened = "failed"

    def __init__(self, key: PluginKey | None, reason: str, *, origin: Origin | None = None, advice: str = "") -> None:
        self.key = key
        self.reason = reason
        self.origin = origin
        self.advice = advice
        super().__init__(f"Plugin {key} {self.what_happened}: {reason}" if key else reason[:1].upper() + reason[1:])


class MissingDependencyError(_PluginKeyError):
    """
    A plugin depends on one that is not there, is not usable, is ambiguous, has another version, or did not start.

    Args:
        chain: The keys from the direct dependency down to the one at fault, where there are such. The middle of a long
            chain is left out.

        root: The error at the end of the chain.

    """

    what_happened = "lacks a dependency"
    longest_chain = 12

    def __init__(
        self,
        key: PluginKey,
        reason: str,
        *,
        origin: Origin | None = None,
        advice: str = "",
        chain: Sequence[PluginKey] = (),
        root: PluginError | None = None,
    ) -> None:
        half = self.longest_chain // 2
        self.chain = tuple(chain) if len(chain) <= self.longest_chain else (*chain[:half], *chain[-half:])
        self.root = root
        reason = reason or f"{' -> '.join(map(str, self.chain))} cannot be used"
        super().__init__(key, reason, origin=origin, advice=advice)

    def __str__(self) -> str:
        return f"{super().__str__()} Root cause: {self.root}" if self.root else super().__str__()


class PluginLoadError(_PluginKeyError):
    """
    Importing or constructing the plugin failed. The plugin's own error is the ``__cause__``; its text stands only there.

    The next ``get()`` tries again.
    """

    what_happened = "could not be loaded"


class PluginStartupError(_PluginKeyError):
    """The plugin did not start: its hook failed, took too long, or something that it depends on is not up."""

    what_happened = "did not start"


class PluginShutdownError(_PluginKeyError):
    """The plugin did not shut down cleanly. It counts as stopped."""

    what_happened = "did not shut down cleanly"


class PluginStateError(_PluginKeyError):
    """The plugin, or the registry, is not in a state in which this can be done."""

    what_happened = "is not in the right state"


class PluginTypeError(_PluginKeyError, TypeError):
    """The plugin is not what the caller expects it to be, or the object is no plugin at all."""

    what_happened = "refuses the type"


class SettingsError(PluginError, ValueError):
    """
    The settings cannot be read or make no sense.

    Args:
        source: Where they come from: a file, an environment variable, or ``settings``.

        errors: One entry per fault: ``field`` (dotted path), ``message``, ``type``. No input values.

    """

    def __init__(self, source: str, errors: Sequence[dict[str, str]], *, advice: str = "") -> None:
        self.source = source
        self.errors = list(errors)
        self.advice = advice
        faults = "; ".join(": ".join(filter(None, (error["field"], error["message"]))) for error in self.errors)
        super().__init__(f"Settings error in {source}: {faults}")


class PluginErrorGroup(ExceptionGroup[PluginError], PluginError):
    """Several plugins failed at once. Each error stands in ``exceptions``; ``except*`` and ``except PluginError`` work."""

    def __new__(cls, message: str, errors: Sequence[PluginError]) -> Self:
        return super().__new__(cls, message, errors)

    def __init__(self, message: str, errors: Sequence[PluginError]) -> None:
        # The base class keeps both arguments; the text names every error, so that it can be pasted as it is.
        super().__init__(message, errors)

    def derive(self, excs: Sequence[PluginError], /) -> PluginErrorGroup:  # type: ignore[override]  # of plugin errors
        return PluginErrorGroup(self.message, excs)

    def __str__(self) -> str:
        return "\n".join([_sentence(self.message), *(f"- {error}" for error in self.exceptions)])
