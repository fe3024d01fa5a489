"""What a registry found, what became of it, and how long each step took: plain frozen data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from floe_core._places import type_and_place
from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from floe_core._discovery import Candidate

__all__ = ["CandidateReport", "PluginReport", "RegistryReport", "causes_of"]


@dataclass(frozen=True)
class PluginReport:
    """
    One key.

    Args:
        key: Written ``COMPUTE:duckdb``.

        state: Its ``PluginState``, in lower case.

        distribution, version, path, entry_point: Where it comes from. None for a plugin registered by hand.

        reason: Why it is not used or did not load. Empty when all is well.

        causes: From the last failure down to its root: the registry's own errors in words, others by type and place.

        remarks: What is odd without being a fault, such as another name than the entry point's, or a release that was
            installed over the one that is loaded.

        is_configured: Whether a configuration is in force.

        timings: Seconds by step: ``import``, ``construct``, ``configure``, ``start``; only the steps taken.

        began: When each of these steps began, in seconds since the container was made.

    """

    key: str
    state: str
    distribution: str | None = None
    version: str | None = None
    path: str | None = None
    entry_point: str | None = None
    reason: str = ""
    causes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_configured: bool = False
    timings: dict[str, float] = field(default_factory=dict[str, float])
    began: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class CandidateReport:
    """One entry point, or one file, that is not used, and why. ``key`` is None where none could be read."""

    key: str | None
    rejection: str
    reason: str
    distribution: str
    version: str | None
    path: str
    entry_point: str

    @classmethod
    def of(cls, candidate: Candidate) -> CandidateReport:
        origin = candidate.origin
        return cls(
            key=str(candidate.key) if candidate.key else None,
            rejection=candidate.rejection.value if candidate.rejection else "",
            reason=candidate.reason,
            distribution=origin.distribution,
            version=origin.version,
            path=origin.path,
            entry_point=origin.entry_point,
        )


@dataclass(frozen=True)
class RegistryReport:
    """
    The whole registry at one moment.

    Args:
        plugins: Every key that is known, sorted; the disabled and conflicting ones included.

        unused: What was found and is not used.

        timings: Seconds by step: ``discover``.

        began: When each of these steps began, in seconds since the container was made.

    """

    plugins: tuple[PluginReport, ...] = ()
    unused: tuple[CandidateReport, ...] = ()
    timings: dict[str, float] = field(default_factory=dict[str, float])
    began: dict[str, float] = field(default_factory=dict[str, float])

    def to_dict(self) -> dict[str, Any]:
        """The same as dictionaries, lists, strings and numbers, ready for JSON."""
        report: dict[str, Any] = asdict(self, dict_factory=_plain)
        return report


def causes_of(error: BaseException | None) -> tuple[str, ...]:
    """The chain of causes, outermost first. What a plugin raised is told by type and place; its text may hold values."""
    causes: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # after `raise exc from exc` an error is its own cause
        seen.add(id(error))
        causes.append(str(error) if isinstance(error, PluginError) else type_and_place(error))
        error = error.__cause__
    return tuple(causes)


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    plain: dict[str, Any] = dict(items)
    plain.update((name, [*value]) for name, value in items if isinstance(value, tuple))
    return plain
