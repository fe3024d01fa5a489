"""What a plugin's source says of it, read without running it: whether it can be imported, and what it depends on."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from typing import cast

from floe_core.plugin_errors import PluginIncompatibleError, PluginLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec

    from floe_core._discovery import Candidate
    from floe_core.plugin_errors import PluginError
    from floe_core.plugin_types import PluginKey

LARGEST = 1 << 20
"""Bytes of source that are read. What is larger says nothing without being imported."""


@dataclass(frozen=True)
class Declared:
    """
    What stands in the source of one plugin.

    Args:
        dependencies: As written; None where only running the code can tell.

        version, api_version: The same for the plugin's own version and its API version.

        fault: What will keep it from being imported.

    """

    dependencies: tuple[str, ...] | None = None
    version: str | None = None
    api_version: str | None = None
    fault: PluginError | None = None


def declared(key: PluginKey, candidate: Candidate) -> Declared:
    """Read the source behind *candidate*. Nothing of it is imported, its packages included."""
    module_name, attribute = candidate.target
    spec, missing = _find(module_name)
    if missing is not None:
        return Declared(fault=_module_missing(key, candidate, missing))
    source = _source_of(spec)
    if source is None:
        return Declared()
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return Declared(fault=_unreadable(key, candidate, spec, exc))
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    cls = classes.get(attribute)
    if cls is None:
        return Declared()
    lines = _line_of_classes(cls, classes, module)
    facts = Declared(
        dependencies=_texts(_value_in(lines, "dependencies"), default=() if lines and lines[-1] is None else None),
        version=_text(_value_in(lines, "version")),
        api_version=_text(_value_in(lines, "floe_api_version")),
    )
    fault = None if facts.api_version is None else _incompatibility(key, candidate, facts.api_version)
    return facts if fault is None else Declared(facts.dependencies, facts.version, facts.api_version, fault)


def _find(module_name: str) -> tuple[ModuleSpec | None, str | None]:
    """The module's spec, found without importing its packages; or the name of the first part that is not there."""
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = module_name.split(".")
    for index in range(len(parts)):
        name = ".".join(parts[: index + 1])
        try:
            spec = sys.modules[name].__spec__ if name in sys.modules else _spec_of(name, path)
        except Exception:  # a finder is foreign code; what it hides, loading will show
            return None, None
        if spec is None:
            return None, None if name in sys.modules else name
        path = [*(spec.submodule_search_locations or ())]
    return spec, None


def _spec_of(name: str, path: list[str] | None) -> ModuleSpec | None:
    """What the import system finds under *name*, were its parent imported from *path*."""
    for finder in sys.meta_path:
        if (spec := finder.find_spec(name, path)) is not None:
            return spec
    return None


def _source_of(spec: ModuleSpec | None) -> bytes | None:
    if spec is None or not spec.has_location or not (spec.origin or "").endswith(".py"):
        return None
    try:
        with open(spec.origin or "", "rb") as file:
            source = file.read(LARGEST + 1)
    except OSError:
        return None
    return source if len(source) <= LARGEST else None


def _line_of_classes(
    cls: ast.ClassDef, classes: dict[str, ast.ClassDef], module: ast.Module
) -> list[ast.ClassDef | None]:
    """*cls* and its bases in this module, one base each; None at the end when the line ends in a base class of floe."""
    known = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module in ("floe_core.plugins", "floe_core.plugin_metadata")
        for alias in node.names
    }
    line: list[ast.ClassDef | None] = []
    following: ast.ClassDef | None = cls
    while following is not None and following not in line:
        line.append(following)
        if len(following.bases) != 1 or not isinstance(base := following.bases[0], ast.Name):
            break
        following = classes.get(base.id)
        if following is None and (base.id in known or "*" in known):
            line.append(None)
    return line


def _value_in(line: list[ast.ClassDef | None], name: str) -> ast.expr | None:
    """
    What *name* is bound to last in the first class that binds it: an assignment, or a property that returns it at once.
    A name that stands for nothing where only running the code can tell.
    """
    for cls in line:
        for node in reversed(cls.body) if cls is not None else ():
            if isinstance(node, ast.If | ast.Try | ast.With | ast.For) and _binds(node, name):
                return ast.Name("?")
            if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
                return node.value
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
                return node.value
            if isinstance(node, ast.FunctionDef) and node.name == name:
                statements = [line for line in node.body if not _is_docstring(line)]
                returned = statements[0] if len(statements) == 1 else None
                return returned.value if isinstance(returned, ast.Return) and returned.value else ast.Name("?")
    return None


def _binds(block: ast.stmt, name: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.FunctionDef) and node.name == name)
        for node in ast.walk(block)
    )


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _texts(value: ast.expr | None, default: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if value is None:
        return default
    try:
        texts: object = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if not isinstance(texts, list | tuple | set | frozenset):
        return None
    items = [*cast("Iterable[object]", texts)]
    strings = [item for item in items if isinstance(item, str)]
    return tuple(strings) if len(strings) == len(items) else None


def _text(value: ast.expr | None) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _module_missing(key: PluginKey, candidate: Candidate, missing: str) -> PluginError:
    reason = f"there is no module {missing!r}, to which its entry point {candidate.value!r} leads"
    advice = f"Install {candidate.distribution.name} anew, or mend its entry point."
    return PluginLoadError(key, reason, origin=candidate.origin, advice=advice)


def _unreadable(key: PluginKey, candidate: Candidate, spec: ModuleSpec | None, exc: BaseException) -> PluginError:
    line = f":{exc.lineno}" if isinstance(exc, SyntaxError) and exc.lineno else ""
    reason = f"importing {candidate.target[0]} will raise {type(exc).__name__} at {spec.origin if spec else ''}{line}"
    advice = "Install a release of the plugin that this Python can read."
    return PluginLoadError(key, reason, origin=candidate.origin, advice=advice)


def _incompatibility(key: PluginKey, candidate: Candidate, version: str) -> PluginIncompatibleError | None:
    from floe_core._loading import check_api_version

    try:
        check_api_version(key, version, candidate.origin)
    except PluginIncompatibleError as exc:
        return exc
    return None
