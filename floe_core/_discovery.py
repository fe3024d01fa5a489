"""
Entry points on disk become candidates, and candidates an inventory. No plugin is imported, and no fault is fatal.

Plain folders on the path are read here, which costs a third of ``importlib.metadata.entry_points``; zip files and
other finders are asked through ``importlib.metadata``. On a healthy environment both find the same.
"""

from __future__ import annotations

import os
import re
import sys
from collections import namedtuple
from enum import Enum

from floe_core.discovery_policy import normalised
from floe_core.plugin_errors import DuplicatePluginError, PluginError, PluginNotFoundError
from floe_core.plugin_types import Origin, PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, NamedTuple

    from floe_core.discovery_policy import DiscoveryPolicy

GROUPS = {plugin_type.entry_point_group: plugin_type for plugin_type in PluginType}
MAX_FILE_SIZE = 1 << 20
"""In bytes. An entry_points.txt above it is a fault: the largest honest ones have some tens of kilobytes."""
HEADER_SIZE = 1 << 16
"""In bytes. So much of the metadata is read; the fields of interest stand at its top, above a text of any length."""

_VALUE = re.compile(r"(?P<module>\w+(\.\w+)*)\s*:\s*(?P<attr>\w+(\.\w+)*)\s*(\[.*\])?")


class Distribution:
    """
    One installed distribution: the folder of its metadata, and what that folder says, read when asked for.

    Args:
        folder: The folder; absolute, unless a finder names it otherwise.

        name, version: What a finder says of a distribution that lies in no folder.

    """

    __slots__ = ("_name", "_version", "folder")

    def __init__(self, folder: str, name: str = "", version: str | None = None) -> None:
        self.folder = folder
        self._name = name
        self._version = version

    @property
    def normalised_name(self) -> str:
        """The name from the folder, without reading a file; from the metadata only where the folder bears none."""
        return normalised(self._name or self._stem.partition("-")[0] or self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The normalised names that a policy may mean: the published one, then the folder's, where that is another."""
        return tuple(dict.fromkeys((normalised(self.name), self.normalised_name)))

    @property
    def name(self) -> str:
        """The name as published, or as the folder spells it when the metadata does not say."""
        return self._name or self.header().get("name") or self._stem.partition("-")[0] or os.path.basename(self.folder)

    @property
    def version(self) -> str | None:
        """The version from the metadata, else from the folder's name, else None."""
        return self._version or self.header().get("version") or self._folder_version

    @property
    def _folder_version(self) -> str | None:
        parts = self._stem.split("-")
        return parts[1] if len(parts) > 1 and parts[1][:1].isdigit() else None

    @property
    def _stem(self) -> str:
        """``name-version`` as the folder, or the egg around it, spells it; empty for a folder of another kind."""
        base, dot, ending = os.path.basename(self.folder).rpartition(".")
        if dot:
            return base if ending.lower() in ("dist-info", "egg-info") else ""
        is_in_egg = ending.lower() == "egg-info"
        return os.path.basename(os.path.dirname(self.folder)).rpartition(".")[0] if is_in_egg else ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is wrong with the metadata without keeping the plugins from working."""
        if self._version:
            return ()
        header = self.header()
        if header.get("version"):
            return ()
        missing = "has no version" if header or self._name else "is missing or empty"
        return (f"the metadata in {self.folder} {missing}; reinstall the distribution",)

    def header(self) -> dict[str, str]:
        """The metadata's fields by lower-case name, the first of each. Empty when there is no readable file."""
        for file in ("METADATA", "PKG-INFO"):
            try:
                data = _read(os.path.join(self.folder, file), HEADER_SIZE)
            except OSError:
                continue
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
    NOT_PREFERRED = "not preferred"


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

    def absence(self, key: PluginKey, names: Iterable[str]) -> PluginError:
        """Why there is nothing to load for *key*, which is not usable; *names* are those that its type has."""
        if key in self.conflicting:
            return DuplicatePluginError(*key, origins=[rival.origin for rival in self.conflicting[key]])
        if key in self.disabled:
            left_out = self.disabled[key]
            reason = f"It is installed ({left_out.origin}), and left out: {left_out.reason}"
            return PluginNotFoundError(*key, reason=reason)
        for candidate in self.unused:
            if candidate.key == key and candidate.rejection in (Rejection.MALFORMED, Rejection.SHADOWED):
                reason = f"An entry point was found, and cannot be used: {candidate.reason} ({candidate.origin})"
                return PluginNotFoundError(*key, reason=reason)
        return PluginNotFoundError(*key, available=names)


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
    is_choosy = bool(policy.allow or policy.deny)  # only then are the published names read from the metadata
    for candidate in candidates:
        if candidate.rejection is not None or candidate.key is None:
            unused.append(candidate)
        elif objection := policy.objection(candidate.key, candidate.distribution.names if is_choosy else ()):
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
        chosen = next((rival for rival in rivals if preferred in rival.distribution.names), None)
        if chosen:
            usable[key] = chosen
            reason = f"policy.prefer (or FLOE_PLUGINS_PREFER) takes {key} from {preferred!r}"
            unused.extend(rival.rejected(Rejection.NOT_PREFERRED, reason) for rival in rivals if rival is not chosen)
        else:
            reason = _why_in_conflict(key, rivals, preferred)
            conflicting[key] = tuple(rival.rejected(Rejection.CONFLICTING, reason) for rival in rivals)
            unused.extend(conflicting[key])
    return Inventory(usable, conflicting, disabled, tuple(unused))


def _why_in_conflict(key: PluginKey, rivals: list[Candidate], preferred: str | None) -> str:
    names = " and ".join(repr(rival.distribution.name) for rival in rivals)
    beside = f", and policy.prefer names {preferred!r}, which is none of them" if preferred else ""
    return (
        f"{key} is claimed by {names}{beside}; uninstall all but one, or choose one by policy.prefer "
        f"(or FLOE_PLUGINS_PREFER)"
    )


def _distributions(path: Iterable[object] | None, faults: list[Candidate]) -> Iterator[tuple[Distribution, str]]:
    """
    Every distribution with the text of its entry points, in the order in which importlib.metadata would find them;
    appends to *faults* what cannot be read.
    """
    if path is not None:
        yield from _on_path(path, faults)
        return
    is_path_read = False
    for finder in [*sys.meta_path]:
        if not hasattr(finder, "find_distributions"):
            continue
        if not _reads_the_path(finder):
            yield from _of_finder(finder, None, faults)
        elif not is_path_read:
            is_path_read = True
            yield from _on_path(sys.path, faults)
    if not is_path_read:
        yield from _on_path(sys.path, faults)


def _reads_the_path(finder: object) -> bool:
    """Whether it is a finder for ``sys.path``, the interpreter's own or the importlib_metadata backport's."""
    return str(getattr(finder, "__module__", "")).rpartition(".")[2] in (
        "_frozen_importlib_external",
        "importlib_metadata",
    )


def _on_path(path: Iterable[object], faults: list[Candidate]) -> Iterator[tuple[Distribution, str]]:
    seen: set[tuple[int, int]] = set()
    for given in [*path]:
        if not isinstance(given, str):  # the import system passes over them, too
            continue
        try:
            entry = os.path.abspath(given)  # "" is the working directory, which may be another one later
            names = os.listdir(entry)
            status = os.stat(entry)
        except NotADirectoryError:
            yield from _in_archive(os.path.abspath(given), faults)
            continue
        except (FileNotFoundError, ValueError):  # ValueError: a NUL in the name
            continue
        except OSError as exc:
            reason = f"the folder cannot be read ({type(exc).__name__}); mend its permissions, or take it off sys.path"
            faults.append(_fault(Distribution(os.path.normpath(given)), reason))
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        is_egg = entry.lower().endswith(".egg")
        for name in names:
            low = name.lower()
            if low.endswith((".dist-info", ".egg-info")) or (is_egg and low == "egg-info"):
                distribution = Distribution(f"{entry}{os.sep}{name}")
                yield distribution, _entry_points_of(distribution, faults)


def _entry_points_of(distribution: Distribution, faults: list[Candidate]) -> str:
    """The text of entry_points.txt; empty when there is none, or none that can be read."""
    file = f"{distribution.folder}{os.sep}entry_points.txt"
    try:
        data = _read(file, MAX_FILE_SIZE)
    except FileNotFoundError:
        if not _is_broken_link(file) and not _is_broken_link(distribution.folder):
            return ""
        reason = "cannot be read (a link leads nowhere)"
    except NotADirectoryError:
        return ""
    except OSError as exc:
        reason = f"cannot be read ({type(exc).__name__})"
    else:
        try:
            if len(data) <= MAX_FILE_SIZE:
                return data.decode()
            reason = f"is larger than {MAX_FILE_SIZE} bytes"
        except UnicodeDecodeError:
            reason = "is not UTF-8"
    faults.append(_fault(distribution, f"entry_points.txt {reason}; reinstall the distribution"))
    return ""


def _is_broken_link(file: str) -> bool:
    return os.path.islink(file) and not os.path.exists(file)


def _in_archive(file: str, faults: list[Candidate]) -> Iterator[tuple[Distribution, str]]:
    from importlib.metadata import MetadataPathFinder

    return _of_finder(MetadataPathFinder, [file], faults)


def _of_finder(finder: Any, path: list[str] | None, faults: list[Candidate]) -> Iterator[tuple[Distribution, str]]:
    """The distributions that *finder* knows, on *path* or anywhere. It is foreign code, and may raise at any step."""
    whose = f"{getattr(finder, '__module__', '')}.{getattr(finder, '__qualname__', type(finder).__qualname__)}"
    for found in _found_by(finder, whose, path, faults):
        folder = str(getattr(found, "_path", whose)).rstrip("/")
        try:
            metadata = found.metadata
            name, version = metadata.get("Name"), metadata.get("Version")
        except Exception:  # the metadata is missing or broken, which is remarked, and the plugins work without
            name = version = None
        distribution = Distribution(folder, str(name or ""), str(version) if version else None)
        try:
            text = str(found.read_text("entry_points.txt") or "")
        except Exception as exc:
            reason = f"reading entry_points.txt raised {type(exc).__name__}; reinstall the distribution"
            faults.append(_fault(distribution, reason))
            text = ""
        yield distribution, text


def _found_by(finder: Any, whose: str, path: list[str] | None, faults: list[Candidate]) -> Iterator[Any]:
    from importlib.metadata import DistributionFinder

    question = DistributionFinder.Context() if path is None else DistributionFinder.Context(path=path)
    try:
        yield from finder.find_distributions(question)
    except Exception as exc:
        reason = f"find_distributions() raised {type(exc).__name__}; mend or remove this finder on sys.meta_path"
        faults.append(_fault(Distribution(whose), reason))


def _of_the_copy_in_force(copies: list[tuple[Distribution, str]]) -> Iterator[Candidate]:
    """
    Several folders claim one name. An installed copy goes before a build product, the first on the path before the rest,
    within one folder the higher version; what an incomplete removal left behind counts for nothing. Copies that say the
    same are one.
    """
    alive = [(copy, text) for copy, text in copies if text or not copy.is_leftover]
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
        reason = f"another copy of the distribution goes before it, {in_force.folder}; uninstall one of the two"
        for candidate in _parse(its_text, shadowed):
            yield candidate.rejected(Rejection.SHADOWED, reason)
    if "floe." in text:
        reason = f"an incomplete removal left an empty folder behind; delete it, since {in_force.folder} is in force"
        for leftover, its_text in copies:
            if (leftover, its_text) not in alive:
                yield _fault(leftover, reason).rejected(Rejection.SHADOWED, reason)


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
    group = ""
    for number, line in enumerate(map(str.strip, text.removeprefix("\ufeff").splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
            continue
        if line.startswith("[floe."):
            reason = f"line {number} of entry_points.txt begins a section and does not end in ]; mend that line"
            candidates.append(_fault(distribution, reason))
            continue
        if not group.strip().startswith("floe."):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        plugin_type = GROUPS.get(group)
        if plugin_type is None:
            reason = f"there is no plugin group {group!r}; the groups are {', '.join(GROUPS)}"
            candidates.append(Candidate(None, value, distribution, Rejection.UNKNOWN_GROUP, reason))
            continue
        if not equals or not name:
            reason = f"line {number} of entry_points.txt, in [{group}], is not name = module:attribute; mend that line"
            candidates.append(_fault(distribution, reason))
            continue
        candidate = Candidate(PluginKey(plugin_type, name), value, distribution)
        if not _VALUE.fullmatch(value):
            reason = f"the value of {name!r} in [{group}] does not point to module:attribute; mend entry_points.txt"
            candidates.append(candidate.rejected(Rejection.MALFORMED, reason))
            continue
        index = by_key.setdefault(PluginKey(plugin_type, name), len(candidates))
        if index == len(candidates):
            candidates.append(candidate)
        elif candidates[index].value != value:
            reason = f"{name!r} stands twice in [{group}], with different values; mend entry_points.txt"
            candidates[index] = candidates[index].rejected(Rejection.MALFORMED, reason)
            candidates.append(candidate.rejected(Rejection.MALFORMED, reason))
    return candidates


def _fault(distribution: Distribution, reason: str) -> Candidate:
    return Candidate(None, "", distribution, Rejection.MALFORMED, reason)


def _read(file: str, most: int) -> bytes:
    """
    The file from its beginning: all of it, or at least *most* bytes and one.

    Raises:
        OSError: It is not there, cannot be read, or is no file.

    """
    # Non-blocking, since a pipe under this name would be waited for as long as nobody writes to it.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        data = chunk = os.read(descriptor, 65536)
        while chunk and len(data) <= most:
            chunk = os.read(descriptor, 65536)
            data += chunk
        return data
    finally:
        os.close(descriptor)


def _header_fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not name[:1].isspace():
            fields.setdefault(name.lower(), value.strip())
    return fields
