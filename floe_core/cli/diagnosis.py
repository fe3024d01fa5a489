"""What is wrong with which plugin, down to the root: as far as the files tell, or by loading and starting them."""

from __future__ import annotations

from collections import namedtuple
from functools import partial

from floe_core._dependencies import DependencySpec, collect
from floe_core._discovery import Rejection
from floe_core._places import place_of_error
from floe_core.cli.declared import Declared, declared
from floe_core.plugin_errors import (
    CircularDependencyError,
    DuplicatePluginError,
    MissingDependencyError,
    PluginConfigurationError,
    PluginError,
    PluginNotFoundError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NamedTuple

    from floe_core._dependencies import Graph
    from floe_core._discovery import Candidate
    from floe_core.cli.source import Source
    from floe_core.plugin_metadata import PluginMetadata
    from floe_core.plugin_types import Origin, PluginKey

    class _Stand(NamedTuple):
        dependencies: list[str]
        version: str

else:
    _Stand = namedtuple("_Stand", ("dependencies", "version"))

NOTES = (Rejection.DISABLED, Rejection.SHADOWED, Rejection.NOT_PREFERRED)
"""Why a candidate may be left out without anything being wrong: by choice, or because another copy does its work."""


class Survey:
    """
    The plugins and what they depend on.

    Args:
        load: Gives a plugin, or raises a PluginError. None: nothing is loaded, and the sources are read instead.

    """

    def __init__(
        self, source: Source, roots: Iterable[PluginKey], load: Callable[[PluginKey], PluginMetadata] | None = None
    ) -> None:
        self._source = source
        self._load = load
        self.unknown: set[PluginKey] = set()
        """Those whose dependencies nothing but loading them can tell."""
        self._declared: dict[PluginKey, Declared] = {}
        give: Any = self._stand_in if load is None else self._loaded
        self.graph: Graph = collect(roots, give, partial(_keys_named, source))

    def dependencies(self, key: PluginKey) -> list[tuple[PluginKey, str]] | None:
        """What *key* depends on, each with the version that it asks for; None where that is not known."""
        plugin = self.graph.plugins.get(key)
        if plugin is None or key in self.unknown:
            return None
        return [*self._targets(plugin)]

    def _targets(self, plugin: Any) -> Iterable[tuple[PluginKey, str]]:
        from floe_core.plugin_types import PluginKey

        try:
            specs = [DependencySpec.parse(text) for text in plugin.dependencies]
        except Exception:  # the author's property: what is wrong with it is among the failures
            return
        for spec in specs:
            if spec.plugin_type is not None:
                yield PluginKey(spec.plugin_type, spec.name), spec.specifier
            else:
                for key in _keys_named(self._source, spec.name)[:1]:
                    yield key, spec.specifier

    def _loaded(self, key: PluginKey) -> PluginMetadata:
        assert self._load is not None, "called only where plugins are loaded"
        if (error := self._source.absence(key)) is not None:
            raise error
        return self._load(key)

    def _stand_in(self, key: PluginKey) -> Any:
        """What stands for a plugin that is not loaded: its dependencies and its version as its source has them."""
        if (error := self._source.absence(key)) is not None:
            raise error
        loaded = self._source.loaded(key)
        if loaded is not None:
            return loaded
        if (failure := self._source.failure(key)) is not None:
            raise failure
        facts = self._facts(key)
        if facts.fault is not None:
            raise facts.fault
        if facts.dependencies is None:
            self.unknown.add(key)
        return _Stand([self._checkable(text) for text in facts.dependencies or ()], facts.version or "")

    def _checkable(self, text: str) -> str:
        """A dependency without its version specifier, where nothing tells the version that it is held against."""
        try:
            spec = DependencySpec.parse(text)
        except ValueError:
            return text
        targets = [key for key in _keys_named(self._source, spec.name) if spec.plugin_type in (None, key.plugin_type)]
        if not spec.specifier or all(self._facts(key).version for key in targets):
            return text
        return f"{spec.plugin_type.name}:{spec.name}" if spec.plugin_type else spec.name

    def _facts(self, key: PluginKey) -> Declared:
        if key not in self._declared:
            candidate = self._source.inventory.usable.get(key)
            self._declared[key] = declared(key, candidate) if candidate is not None else Declared()
        return self._declared[key]


def _keys_named(source: Source, name: str) -> list[PluginKey]:
    return [key for key in source.usable() if key.name == name]


def problem_of(source: Source, key: PluginKey, error: PluginError, stage: str) -> dict[str, Any]:
    """One fault, as what happened and what to do."""
    candidate = source.inventory.usable.get(key)
    if error.origin is None and candidate is not None:
        error.origin = candidate.origin
    return {
        "key": str(key),
        "stage": stage,
        "kind": type(error).__name__,
        "what": what_happened(error),
        "advice": advice_for(key, error),
        "fields": fields_of(key, error),
        **_origin(error.origin),
        "blocks": [],
    }


def _origin(origin: Origin | None) -> dict[str, Any]:
    return {
        "distribution": origin.distribution if origin else None,
        "version": origin.version if origin else None,
        "path": origin.path if origin else None,
        "entry_point": origin.entry_point if origin else None,
    }


def problem_of_candidate(candidate: Candidate) -> dict[str, Any]:
    """One entry point, or file, that is not used."""
    distribution = candidate.distribution.name
    path = candidate.distribution.folder
    what_to_remove = f"or remove it: python -m pip uninstall {distribution}"
    match candidate.rejection:
        case Rejection.DISABLED:
            advice = "Nothing, if that is meant; else change that setting."
        case Rejection.NOT_PREFERRED:
            advice = f"Nothing, if that is meant; uninstalling {distribution} ends the choice."
        case Rejection.SHADOWED:
            advice = f"Remove the copy that is not meant; this one is {path}."
        case Rejection.UNKNOWN_GROUP:
            advice = f"Install a release of {distribution} that announces itself in one of them, or uninstall it."
        case Rejection.CONFLICTING:
            advice = f"Uninstall it, or choose one: FLOE_PLUGINS_PREFER={candidate.key}={distribution}"
        case _:
            advice = (
                f"Install {distribution} anew, or another release of it; or mend {path}/entry_points.txt; "
                f"{what_to_remove}"
            )
    return {
        "key": str(candidate.key) if candidate.key else None,
        "stage": "discovery",
        "kind": candidate.rejection.value if candidate.rejection else "",
        "what": _sentence(candidate.reason[:1].upper() + candidate.reason[1:]),
        "reason": candidate.reason,
        "advice": advice,
        "fields": [],
        **_origin(candidate.origin),
        "blocks": [],
    }


def what_happened(error: PluginError) -> str:
    """The error in words, without its origin and its advice, which stand beside it, and without a list of dictionaries."""
    if isinstance(error, PluginConfigurationError):
        return f"The configuration of {error.key or error.name} does not fit."
    if isinstance(error, PluginNotFoundError):
        return f"{error.args[0]}. {_sentence(error.reason) if error.reason else error.advice}"
    if isinstance(error, DuplicatePluginError) and error.origins:
        claims = ", ".join(
            f"{one.distribution} {one.version or ''}".strip() + f" ({one.path})" for one in sorted(error.origins)
        )
        return f"{error.args[0]}. Several distributions claim it, and none is taken: {claims}."
    return _sentence(str(error.args[0]))


def advice_for(key: PluginKey, error: PluginError) -> str:
    """What to do, as something that can be done."""
    if isinstance(error, PluginConfigurationError):
        return error.advice
    if isinstance(error, DuplicatePluginError) and error.origins:
        names = " or ".join(f"FLOE_PLUGINS_PREFER={key}={origin.distribution}" for origin in sorted(error.origins))
        return f"Choose: set {names}, or policy.prefer in the settings; or uninstall all but one."
    if isinstance(error, PluginNotFoundError):
        if error.reason:
            return "Change what leaves it out, or do without whatever needs it."
        return f"Install a distribution that provides {error.plugin_type.name}:{error.name}."
    if isinstance(error, CircularDependencyError):
        return error.advice
    advice = error.advice
    if advice.startswith("The cause tells more"):
        place = place_of_error(error.__cause__) if error.__cause__ else ""
        distribution = error.origin.distribution if error.origin else "the plugin"
        advice = f"Mend {place or 'the plugin'}, or install another release of {distribution}."
    return f"{advice} Or do without it: set FLOE_PLUGINS_DISABLE={key}, or policy.disable in the settings.".strip()


def fields_of(key: PluginKey, error: PluginError) -> list[dict[str, str]]:
    """The faulty fields of a configuration, by dotted path from the root of the settings."""
    if not isinstance(error, PluginConfigurationError):
        return []
    key = error.key or key
    table = f"plugins.{key.plugin_type.group}.{key.name}"
    return [
        {
            "field": ".".join(filter(None, (table, str(fault.get("field", ""))))),
            "message": str(fault.get("message", "")),
        }
        for fault in error.errors
    ]


def root_of(error: PluginError) -> PluginError:
    """The error at the end of a chain of missing dependencies."""
    while isinstance(error, MissingDependencyError) and isinstance(error.__cause__, PluginError):
        error = error.__cause__
    return error


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
