"""
Entry points on disk become candidates, and candidates an inventory. No plugin is imported, and no fault is fatal.

Plain folders on the path are read here, which costs a third of :func:`importlib.metadata.entry_points`; zip files and
other finders are asked through :mod:`importlib.metadata`. On a healthy environment both find the same.
"""

from __future__ import annotations

import os
import re
import sys
from collections import namedtuple
from enum import Enum

from floe_core.discovery_policy import normalised
from floe_core.plugin_types import Origin, PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NamedTuple

    from floe_core.discovery_policy import DiscoveryPolicy

GROUPS = {plugin_type.entry_point_group: plugin_type for plugin_type in PluginType}
MAX_FILE_SIZE = 1 << 20
"""In bytes. An entry_points.txt above it is a fault: the largest honest ones have some tens of kilobytes."""

_VALUE = re.compile(r"(?P<module>\w+(\.\w+)*)\s*:\s*(?P<attr>\w+(\.\w+)*)\s*(\[.*\])?")


class Distribution:
    """One installed distribution: the folder of its metadata, and what that folder says, read when asked for."""

    __slots__ = ("_name", "_version", "folder")

    def __init__(self, folder: str, name: str = "", version: str | None = None) -> None:
        self.folder = folder
        self._name = name
        self._version = version

    @property
    def normalised_name(self) -> str:
        """The name from the folder, without reading a file; from the metadata only where the folder bears none."""
        stem = os.path.basename(self.folder)
        if self._name or not stem.lower().endswith((".dist-info", ".egg-info")):
            return normalised(self._name or self.header().get("name", ""))
        return normalised(stem[:-10].partition("-")[0])

    @property
    def name(self) -> str:
        """The name as published, or as the folder spells it when the metadata does not say."""
        return self._name or self.header().get("name") or os.path.basename(self.folder).partition("-")[0]

    @property
    def version(self) -> str | None:
        """The version from the metadata, else from the folder's name, else None."""
        return self._version or self.header().get("version") or self._folder_version

    @property
    def _folder_version(self) -> str | None:
        parts = os.path.basename(self.folder)[: -len(".dist-info")].split("-")
        return parts[1] if len(parts) > 1 and parts[1][:1].isdigit() else None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is wrong with the metadata without keeping the plugins from working."""
        header = self.header()
        if self._name or header.get("version"):
            return ()
        missing = "has no version" if header else "is missing or empty"
        return (f"the metadata in {self.folder} {missing}; reinstall the distribution",)

    def header(self) -> dict[str, str]:
        """The metadata's fields by lower-case name, the first of each. Empty when there is no readable file."""
        for file in ("METADATA", "PKG-INFO"):
            data = _read(os.path.join(self.folder, file))
            if isinstance(data, bytes):
                return _header_fields(data.decode("utf-8", "replace"))
        return {}

    @property
    def is_leftover(self) -> bool:
        """Whether the folder is what an incomplete removal leaves behind: neither metadata nor entry points."""
        return not self._name and not any(
            os.path.exists(os.path.join(self.folder, file)) for file in ("METADATA", "PKG-INFO", "entry_points.txt")
        )

    @property
    def is_build_product(self) -> bool:
        """Whether a build wrote the metadata (``.egg-info``), not an installer; such folders go stale unnoticed."""
        return self.folder.lower().endswith(".egg-info")


class Rejection(Enum):
    """Why a candidate is not used."""

    MALFORMED = "malformed"
    SHADOWED = "shadowed"
    UNKNOWN_GROUP = "unknown group"
    DISABLED = "disabled"
    CONFLICTING = "conflicting"


if TYPE_CHECKING:

    class _CandidateFields(NamedTuple):
        key: PluginKey | None
        value: str
        distribution: Distribution
        rejection: Rejection | None
        reason: str

    class _InventoryFields(NamedTuple):
        usable: dict[PluginKey, Candidate]
        conflicting: dict[PluginKey, tuple[Candidate, ...]]
        disabled: dict[PluginKey, Candidate]
        unused: tuple[Candidate, ...]

else:
    _CandidateFields = namedtuple(
        "_CandidateFields", ("key", "value", "distribution", "rejection", "reason"), defaults=(None, "")
    )
    _InventoryFields = namedtuple("_InventoryFields", ("usable", "conflicting", "disabled", "unused"))


class Candidate(_CandidateFields):
    """
    One entry point found on disk, and, when it is not used, why.

    ``key`` is None where a whole file is at fault, or where the entry belongs to no known group.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __new__(
            cls,
            key: PluginKey | None,
            value: str,
            distribution: Distribution,
            rejection: Rejection | None = None,
            reason: str = "",
        ) -> Candidate: ...

    @property
    def target(self) -> tuple[str, str]:
        """Module and attribute path of the value; extras, which nothing reads when a plugin loads, are dropped."""
        match = _VALUE.fullmatch(self.value)
        assert match is not None, "only well-formed candidates are loaded"
        return match["module"], match["attr"]

    @property
    def origin(self) -> Origin:
        """Where it comes from, for people; reads the distribution's metadata."""
        return Origin(self.distribution.name, self.distribution.version, self.distribution.folder, self.value)

    def rejected(self, rejection: Rejection, reason: str) -> Candidate:
        return Candidate(self.key, self.value, self.distribution, rejection, reason)


class Inventory(_InventoryFields):
    """What one pass found: the candidate in use per key, those in conflict, those left out, and all that is not used."""

    __slots__ = ()


EMPTY = Inventory({}, {}, {}, ())


def discover(policy: DiscoveryPolicy, path: Iterable[object] | None = None) -> Inventory:
    """
    Find every plugin on *path* (None: ``sys.path`` and the other finders) and decide which of them to use.

    Thread-safe; reads files only.
    """
    return take_stock(find_candidates(path), policy)


def find_candidates(path: Iterable[object] | None = None) -> list[Candidate]:
    """All entry points of the eleven groups, in path order; the malformed and the shadowed ones with their reason."""
    candidates: list[Candidate] = []
    by_name: dict[str, list[tuple[Distribution, str]]] = {}
    for distribution, text in _distributions(path, candidates):
        by_name.setdefault(distribution.normalised_name, []).append((distribution, text))
    for copies in by_name.values():
        if len(copies) == 1:
            distribution, text = copies[0]
            if text:
                candidates.extend(_parse(text, distribution))
        else:
            candidates.extend(_of_the_copy_in_force(copies))
    return candidates


def take_stock(candidates: Iterable[Candidate], policy: DiscoveryPolicy) -> Inventory:
    """Apply *policy* to what was found, and settle which distribution provides each key."""
    claims: dict[PluginKey, list[Candidate]] = {}
    disabled: dict[PluginKey, Candidate] = {}
    unused: list[Candidate] = []
    for candidate in candidates:
        if candidate.rejection is not None or candidate.key is None:
            unused.append(candidate)
        elif objection := policy.objection(candidate.key, candidate.distribution.normalised_name):
            disabled[candidate.key] = candidate.rejected(Rejection.DISABLED, objection)
            unused.append(disabled[candidate.key])
        else:
            claims.setdefault(candidate.key, []).append(candidate)

    usable: dict[PluginKey, Candidate] = {}
    conflicting: dict[PluginKey, tuple[Candidate, ...]] = {}
    for key, rivals in claims.items():
        disabled.pop(key, None)
        if len(rivals) == 1:
            usable[key] = rivals[0]
            continue
        preferred = policy.prefer.get(key)
        chosen = next((rival for rival in rivals if rival.distribution.normalised_name == preferred), None)
        reason = f"{key} is preferred from {preferred}" if chosen else f"{key} is claimed by several distributions"
        losers = tuple(rival.rejected(Rejection.CONFLICTING, reason) for rival in rivals if rival is not chosen)
        unused.extend(losers)
        if chosen:
            usable[key] = chosen
        else:
            conflicting[key] = losers
    return Inventory(usable, conflicting, disabled, tuple(unused))


def _distributions(path: Iterable[object] | None, faults: list[Candidate]) -> Iterator[tuple[Distribution, str]]:
    """Every distribution with the text of its entry points, in path order; appends to *faults* what cannot be read."""
    others: list[str] = []
    seen: set[tuple[int, int]] = set()
    for entry in list(sys.path if path is None else path):
        if not isinstance(entry, str):
            continue
        try:
            names = os.listdir(entry or ".")
            status = os.stat(entry or ".")
        except OSError as exc:
            if isinstance(exc, NotADirectoryError):
                others.append(entry)
            elif not isinstance(exc, FileNotFoundError):
                faults.append(_fault(Distribution(entry), f"{entry} cannot be read: {type(exc).__name__}"))
            continue
        except ValueError:  # a NUL in the name
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        is_egg = entry.lower().endswith(".egg")
        for name in names:
            low = name.lower()
            if low.endswith((".dist-info", ".egg-info")) or (is_egg and low == "egg-info"):
                distribution = Distribution(f"{entry}{os.sep}{name}" if entry else name)
                data = _read(f"{distribution.folder}{os.sep}entry_points.txt")
                if isinstance(data, str):
                    faults.append(_fault(distribution, data))
                    data = b""
                try:
                    yield distribution, (data or b"").decode()
                except UnicodeDecodeError:
                    faults.append(_fault(distribution, "entry_points.txt is not UTF-8"))
                    yield distribution, ""
    if others or any(_is_foreign(finder) for finder in sys.meta_path):
        yield from _distributions_of_finders(others, path is None, faults)


def _is_foreign(finder: Any) -> bool:
    """Whether a finder may know distributions other than those in folders on the path, which are read here."""
    module = getattr(finder, "__module__", None) or type(finder).__module__
    known = ("_frozen_importlib", "_frozen_importlib_external", "importlib_metadata")
    return hasattr(finder, "find_distributions") and module not in known


def _distributions_of_finders(
    archives: list[str], ask_all: bool, faults: list[Candidate]
) -> Iterator[tuple[Distribution, str]]:
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    context = DistributionFinder.Context
    asks = [(MetadataPathFinder, context(path=archives))] if archives else []
    asks += [(finder, context()) for finder in sys.meta_path if ask_all and _is_foreign(finder)]
    for finder, question in asks:
        found: Iterator[Any] = iter(())
        try:
            found = iter(finder.find_distributions(question))
        except Exception as exc:  # a finder is foreign code: whatever it raises costs what it would have found
            faults.append(_fault(Distribution(repr(finder)), f"find_distributions() raised {type(exc).__name__}"))
        while True:
            try:
                found_one = next(found, None)
                if found_one is None:
                    break
                name, version = found_one.metadata["Name"], found_one.metadata["Version"]
                distribution = Distribution(str(getattr(found_one, "_path", finder)), name or "", version)
                text = found_one.read_text("entry_points.txt") or ""
            except Exception as exc:  # the same
                faults.append(
                    _fault(Distribution(repr(finder)), f"reading its distributions raised {type(exc).__name__}")
                )
                break
            yield distribution, text


def _of_the_copy_in_force(copies: list[tuple[Distribution, str]]) -> Iterator[Candidate]:
    """
    Several folders claim one name. An installed copy goes before a build product, the first on the path before the rest,
    within one folder the higher version; what an incomplete removal left behind counts for nothing. Copies that say the
    same are one.
    """
    alive = [copy for copy in copies if not copy[0].is_leftover]
    if not alive:
        return
    in_force, text = min(alive, key=lambda copy: copy[0].is_build_product)  # min is stable: path order decides
    for rival, its_text in alive:
        if _lie_together(rival, in_force) and _is_higher(rival.version, in_force.version):
            in_force, text = rival, its_text
    yield from _parse(text, in_force)
    for shadowed, its_text in alive:
        if shadowed is in_force or (its_text == text and shadowed.version == in_force.version):
            continue
        reason = f"another copy of the distribution goes before it: {in_force.folder}; uninstall one of the two"
        for candidate in _parse(its_text, shadowed):
            yield candidate.rejected(Rejection.SHADOWED, reason)


def _lie_together(one: Distribution, other: Distribution) -> bool:
    same_folder = os.path.dirname(one.folder) == os.path.dirname(other.folder)
    return same_folder and one.is_build_product == other.is_build_product


def _is_higher(version: str | None, other: str | None) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version or "0") > Version(other or "0")
    except InvalidVersion:
        return False


def _parse(text: str, distribution: Distribution) -> list[Candidate]:
    """The entry points of one file. The rules for lines and sections are those of importlib.metadata."""
    if "floe." not in text:
        return []
    candidates: list[Candidate] = []
    by_key: dict[PluginKey, int] = {}
    group: str | None = None
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
            continue
        if group is None or not group.startswith("floe."):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        plugin_type = GROUPS.get(group)
        if plugin_type is None:
            reason = f"there is no plugin group {group!r}; the groups are {', '.join(GROUPS)}"
            candidates.append(Candidate(None, value, distribution, Rejection.UNKNOWN_GROUP, reason))
        elif not equals or not name:
            candidates.append(_fault(distribution, f"a line in [{group}] is not of the form name = module:attribute"))
        elif not _VALUE.fullmatch(value):
            reason = f"{name!r} in [{group}] does not point to module:attribute"
            candidates.append(Candidate(PluginKey(plugin_type, name), value, distribution, Rejection.MALFORMED, reason))
        else:
            candidate = Candidate(PluginKey(plugin_type, name), value, distribution)
            index = by_key.setdefault(PluginKey(plugin_type, name), len(candidates))
            if index == len(candidates):
                candidates.append(candidate)
            elif candidates[index].value != value:
                reason = f"{name!r} stands twice in [{group}], with different values"
                candidates[index] = candidates[index].rejected(Rejection.MALFORMED, reason)
                candidates.append(candidate.rejected(Rejection.MALFORMED, reason))
    return candidates


def _fault(distribution: Distribution, reason: str) -> Candidate:
    return Candidate(None, "", distribution, Rejection.MALFORMED, reason)


def _read(file: str) -> bytes | str | None:
    """The file's bytes; None when there is none; a sentence when it cannot be read."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        return f"{os.path.basename(file)} cannot be read: {type(exc).__name__}"
    try:
        data = chunk = os.read(descriptor, 65536)
        while len(chunk) == 65536 and len(data) <= MAX_FILE_SIZE:
            chunk = os.read(descriptor, 65536)
            data += chunk
    except OSError as exc:
        return f"{os.path.basename(file)} cannot be read: {type(exc).__name__}"
    finally:
        os.close(descriptor)
    if len(data) > MAX_FILE_SIZE:
        return f"{os.path.basename(file)} is larger than {MAX_FILE_SIZE} bytes"
    return data


def _header_fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not name[:1].isspace():
            fields.setdefault(name.lower(), value.strip())
    return fields
