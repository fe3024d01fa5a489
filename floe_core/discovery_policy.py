"""Which of the installed plugins may be used: the operator's choice, as data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from floe_core.plugin_errors import SettingsError
from floe_core.plugin_types import PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["DiscoveryPolicy", "is_distribution_name", "normalised"]


def normalised(distribution: str) -> str:
    """The name under which two spellings of one distribution are equal (PEP 503, with underscores)."""
    name = distribution.lower().replace("-", "_").replace(".", "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name


def is_distribution_name(text: str) -> bool:
    """Whether a distribution can bear this name: letters, digits, and ``.``, ``-`` or ``_`` between them."""
    return text.strip(".-_") == text and text.replace("-", "").replace("_", "").replace(".", "").isalnum()


@dataclass(frozen=True)
class DiscoveryPolicy:
    """
    Rules for what discovery may use. Empty by default, which allows everything. Plugins registered by hand are exempt.

    Args:
        allow: When not empty, only plugins of these distributions are used. Names compare normalised: ``Acme.Duck`` is
            ``acme-duck``.

        deny: Plugins of these distributions are never used, whatever *allow* says.

        disable: These keys are not used, whoever provides them.

        prefer: Which distribution provides a key that several claim.

    Raises:
        TypeError: A string stands for a collection of names, or something other than a key for a key.
        ValueError: No distribution can bear one of the names.

    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    disable: frozenset[PluginKey] = frozenset()
    prefer: Mapping[PluginKey, str] = field(default_factory=dict[PluginKey, str], hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow", frozenset(_distributions("allow", self.allow)))
        object.__setattr__(self, "deny", frozenset(_distributions("deny", self.deny)))
        object.__setattr__(self, "disable", frozenset(_keys("disable", self.disable)))
        preferred = zip(_keys("prefer", self.prefer), _distributions("prefer", [*self.prefer.values()]), strict=True)
        object.__setattr__(self, "prefer", dict(preferred))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> DiscoveryPolicy:
        """
        Read ``FLOE_PLUGINS_ALLOW``, ``_DENY``, ``_DISABLE`` and ``_PREFER``: comma-separated, empty the same as unset.

        Args:
            environ: The variables; None means those of the process.

        Raises:
            SettingsError: A value is malformed. The error names the variable.

        """
        environ = os.environ if environ is None else environ
        return cls(
            allow=frozenset(_read(environ, "FLOE_PLUGINS_ALLOW", _distribution, "distribution name")),
            deny=frozenset(_read(environ, "FLOE_PLUGINS_DENY", _distribution, "distribution name")),
            disable=frozenset(_read(environ, "FLOE_PLUGINS_DISABLE", PluginKey.parse, f"plugin key; write {_KEY}")),
            prefer=dict(
                _read(
                    environ,
                    "FLOE_PLUGINS_PREFER",
                    _preference,
                    f"preference; write TYPE:name=distribution, and as a key {_KEY}",
                )
            ),
        )

    def combined(self, other: DiscoveryPolicy) -> DiscoveryPolicy:
        """
        Both policies at once: what either denies or disables is out, and only what both allow is in.

        Where both prefer a distribution for one key, *other* decides. Two allow-lists with nothing in common allow nothing.
        """
        allow = self.allow & other.allow if self.allow and other.allow else self.allow | other.allow
        nothing = bool(self.allow and other.allow and not allow)
        return DiscoveryPolicy(
            allow=frozenset({_NO_DISTRIBUTION}) if nothing else allow,
            deny=self.deny | other.deny,
            disable=self.disable | other.disable,
            prefer={**self.prefer, **other.prefer},
        )

    def objection(self, key: PluginKey, distribution: Sequence[str]) -> str | None:
        """
        Why *key* is left out, naming the setting to change; None if it may be used.

        Args:
            distribution: The distribution's name, normalised, and then the other names that it goes by. To deny it, any
                of them will do; to allow it, only the first.

        """
        for name in distribution:
            if name in self.deny:
                return f"policy.deny (or FLOE_PLUGINS_DENY) names the distribution {name!r}"
        if self.allow and distribution[0] not in self.allow:
            return f"policy.allow (or FLOE_PLUGINS_ALLOW) does not name the distribution {distribution[0]!r}"
        if key in self.disable:
            return f"policy.disable (or FLOE_PLUGINS_DISABLE) names {key}"
        return None


_KEY = f"TYPE:name, where TYPE is one of {', '.join(PluginType.__members__)}"

_NO_DISTRIBUTION = ""
"""Stands in an allow-list that allows nothing: no distribution has an empty name."""


def _distributions(field_name: str, names: object) -> Iterator[str]:
    for name in _collection(field_name, names):
        if not isinstance(name, str):
            raise TypeError(f"{field_name} holds names of distributions, not objects of type {type(name).__name__}")
        if name != _NO_DISTRIBUTION and not is_distribution_name(name):
            raise ValueError(f"{field_name} holds what no distribution can be called; write names such as acme-duck")
        yield normalised(name)


def _keys(field_name: str, keys: object) -> Iterator[PluginKey]:
    for key in _collection(field_name, keys):
        if not isinstance(key, tuple):
            kind = type(key).__name__
            raise TypeError(f"{field_name} holds plugin keys, not objects of type {kind}; PluginKey.parse() makes them")
        yield PluginKey(*key)


def _collection(field_name: str, items: Any) -> Iterable[object]:
    if isinstance(items, str):
        raise TypeError(f"{field_name} is a collection, not one string; put it into a set")
    collection: Iterable[object] = items
    return collection


def _read(environ: Mapping[str, str], variable: str, parse: Callable[[str], T], what: str) -> list[T]:
    items: list[T] = []
    for number, text in enumerate(environ.get(variable, "").split(","), start=1):
        if not text.strip():
            continue
        try:
            items.append(parse(text.strip()))
        except ValueError:
            pass
        else:
            continue
        # Told by its position: what was mistyped into a variable may be anything, a secret included.
        fault = {"field": f"item {number}", "message": f"this is no {what}", "type": "malformed"}
        advice = f"Mend or unset {variable}, whose items are separated by commas; nothing was discovered."
        raise SettingsError(f"the environment variable {variable}", [fault], advice=advice)
    return items


def _distribution(text: str) -> str:
    if not is_distribution_name(text):
        raise ValueError("no distribution can be called this")
    return text


def _preference(text: str) -> tuple[PluginKey, str]:
    key, _, distribution = text.rpartition("=")
    return PluginKey.parse(key.strip()), _distribution(distribution.strip())
