"""Which of the installed plugins may be used: the operator's choice, as data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from floe_core.plugin_errors import SettingsError
from floe_core.plugin_types import PluginKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["DiscoveryPolicy", "normalised"]


def normalised(distribution: str) -> str:
    """The name under which two spellings of one distribution are equal (PEP 503, with underscores)."""
    name = distribution.lower().replace("-", "_").replace(".", "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name


@dataclass(frozen=True)
class DiscoveryPolicy:
    """
    Rules for what discovery may use. Empty by default, which allows everything. Plugins registered by hand are exempt.

    Args:
        allow: When not empty, only plugins of these distributions are used. Names compare normalised.

        deny: Plugins of these distributions are never used, whatever *allow* says.

        disable: These keys are not used, whoever provides them.

        prefer: Which distribution provides a key that several claim.

    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    disable: frozenset[PluginKey] = frozenset()
    prefer: Mapping[PluginKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow", frozenset(map(normalised, self.allow)))
        object.__setattr__(self, "deny", frozenset(map(normalised, self.deny)))
        object.__setattr__(self, "disable", frozenset(self.disable))
        object.__setattr__(self, "prefer", {key: normalised(name) for key, name in dict(self.prefer).items()})

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
            allow=frozenset(_read(environ, "FLOE_PLUGINS_ALLOW", _distribution)),
            deny=frozenset(_read(environ, "FLOE_PLUGINS_DENY", _distribution)),
            disable=frozenset(_read(environ, "FLOE_PLUGINS_DISABLE", PluginKey.parse)),
            prefer=dict(_read(environ, "FLOE_PLUGINS_PREFER", _preference)),
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

    def objection(self, key: PluginKey, distribution: str) -> str | None:
        """Why *key* of *distribution* (normalised) is left out, naming the setting to change; None if it may be used."""
        if distribution in self.deny:
            return f"policy.deny (or FLOE_PLUGINS_DENY) names the distribution {distribution!r}"
        if self.allow and distribution not in self.allow:
            return f"policy.allow (or FLOE_PLUGINS_ALLOW) does not name the distribution {distribution!r}"
        if key in self.disable:
            return f"policy.disable (or FLOE_PLUGINS_DISABLE) names {key}"
        return None


_NO_DISTRIBUTION = "."
"""Stands in an allow-list that allows nothing: no distribution can bear this name."""


def _read(environ: Mapping[str, str], variable: str, parse: Callable[[str], T]) -> list[T]:
    items: list[T] = []
    for text in environ.get(variable, "").split(","):
        if not text.strip():
            continue
        try:
            items.append(parse(text.strip()))
        except ValueError as exc:
            fault = {"field": "", "message": str(exc), "type": "malformed"}
            advice = f"Mend or unset {variable}; nothing was discovered."
            raise SettingsError(f"the environment variable {variable}", [fault], advice=advice) from None
    return items


def _distribution(text: str) -> str:
    if not text.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ValueError(f"{text!r} is no distribution name")
    return text


def _preference(text: str) -> tuple[PluginKey, str]:
    key, equals, distribution = text.rpartition("=")
    if not equals:
        raise ValueError(f"{text!r} is no preference; write TYPE:name=distribution")
    return PluginKey.parse(key.strip()), _distribution(distribution.strip())
