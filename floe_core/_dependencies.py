"""What plugins say they depend on: reading it, finding the plugins meant, and collecting the graph."""

from __future__ import annotations

import re
from collections import namedtuple

from floe_core._ordering import Cycle, dependencies_first, dependents_of
from floe_core._places import type_and_place
from floe_core.plugin_errors import CircularDependencyError, MissingDependencyError, PluginError, PluginErrorGroup
from floe_core.plugin_types import PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NamedTuple

    from floe_core.plugin_metadata import PluginMetadata

    class _SpecFields(NamedTuple):
        plugin_type: PluginType | None
        name: str
        specifier: str

    class _GraphFields(NamedTuple):
        plugins: dict[PluginKey, PluginMetadata]
        edges: dict[PluginKey, tuple[PluginKey, ...]]
        failures: dict[PluginKey, PluginError]

else:
    _SpecFields = namedtuple("_SpecFields", ("plugin_type", "name", "specifier"))
    _GraphFields = namedtuple("_GraphFields", ("plugins", "edges", "failures"))

_SEQUENCES: tuple[type[Any], ...] = (list, tuple, set, frozenset)
_SPEC = re.compile(
    r"\s*(?:(?P<type>[A-Z_]+):)?\s*(?P<name>[^\s<>=!~][^<>=!~]*?)\s*(?P<specifier>[<>=!~].*)?", re.DOTALL
)


class DependencySpec(_SpecFields):
    """One dependency as written: ``polaris``, ``CATALOG:polaris`` or ``CATALOG:polaris>=1.2,<2``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> DependencySpec:
        """
        Raises:
            ValueError: It is no string, names no type that exists, or ends in no specifier of PEP 440.

        """
        match = _SPEC.fullmatch(text) if isinstance(text, str) else None
        if match is None or match["name"].endswith(":"):
            raise ValueError(f"{text!r} is no dependency; write name, TYPE:name or TYPE:name>=1.2")
        type_name, name, specifier = match["type"], match["name"], (match["specifier"] or "").strip()
        if type_name and type_name not in PluginType.__members__:
            raise ValueError(f"{text!r} names no plugin type; the types are {', '.join(PluginType.__members__)}")
        if specifier:
            from packaging.specifiers import InvalidSpecifier, SpecifierSet

            try:
                SpecifierSet(specifier)
            except InvalidSpecifier:
                raise ValueError(f"{text!r} does not end in a version specifier (PEP 440)") from None
        return cls(PluginType[type_name] if type_name else None, name, specifier)

    def is_satisfied_by(self, version: str) -> bool:
        """Whether *version* fits; pre-releases count as what they are."""
        if not self.specifier:
            return True
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        try:
            parsed = Version(version)
        except InvalidVersion:
            return False
        return SpecifierSet(self.specifier).contains(parsed, prereleases=True)


class Graph(_GraphFields):
    """Plugins with all that they depend on. ``failures`` holds those that cannot take part, and why."""

    __slots__ = ()

    def order(self) -> list[PluginKey]:
        """
        The keys that can take part, dependencies first.

        Raises:
            CircularDependencyError: There is none.

        """
        try:
            return dependencies_first(self.edges)
        except Cycle as exc:
            keys = [key for key in exc.path if isinstance(key, PluginKey)]
        raise CircularDependencyError(names_of(keys, self.edges), keys=keys)


def collect(
    roots: Iterable[PluginKey],
    load: Callable[[PluginKey], PluginMetadata],
    keys_named: Callable[[str], list[PluginKey]],
) -> Graph:
    """
    Load *roots* and all that they depend on, and note who depends on whom.

    Args:
        load: Gives the plugin of a key, or raises a PluginError.

        keys_named: The keys that bear a name, for dependencies written without a type.

    A plugin that cannot be loaded, or whose dependencies make no sense, is a failure; so is each one that depends on it,
    down to the root of the chain. The rest is unaffected.

    """
    plugins: dict[PluginKey, PluginMetadata] = {}
    edges: dict[PluginKey, tuple[PluginKey, ...]] = {}
    failures: dict[PluginKey, PluginError] = {}
    versioned: list[tuple[PluginKey, DependencySpec, PluginKey]] = []
    wanted = [*roots][::-1]
    while wanted:
        key = wanted.pop()
        if key in edges or key in failures:
            continue
        try:
            plugins[key] = load(key)
            targets = [(spec, _target(key, spec, keys_named)) for spec in _specs(key, plugins[key])]
        except PluginError as exc:
            failures[key] = exc
        else:
            edges[key] = tuple(dict.fromkeys(target for _, target in targets))
            versioned += [(key, spec, target) for spec, target in targets if spec.specifier]
            wanted.extend(reversed(edges[key]))
    for key, spec, target in versioned:
        if target in plugins and not spec.is_satisfied_by(plugins[target].version):
            reason = f"it needs {target} {spec.specifier}, and {plugins[target].version} is installed"
            failures.setdefault(key, MissingDependencyError(key, reason, advice="Install a version that fits."))
    while True:
        graph = Graph(plugins, edges, failures)
        _fail_dependents(graph)
        graph = Graph(plugins, {key: edges[key] for key in edges if key not in failures}, failures)
        try:
            graph.order()
        except CircularDependencyError as exc:
            failures.update(dict.fromkeys(exc.keys, exc))
        else:
            return graph


def names_of(keys: Iterable[PluginKey], among: Iterable[PluginKey]) -> list[str]:
    """The bare names, except where two types of *among* share one: there the whole keys."""
    types: dict[str, set[PluginType]] = {}
    for key in among:
        types.setdefault(key.name, set()).add(key.plugin_type)
    return [str(key) if len(types.get(key.name, ())) > 1 else key.name for key in keys]


def raise_failures(graph: Graph, roots: Iterable[PluginKey]) -> None:
    """
    Raise what keeps *roots* from being resolved, if anything does: the first one's error, or a group where the causes are
    several, with one error for each.
    """
    by_cause: dict[int, PluginError] = {}
    for key in roots:
        if error := graph.failures.get(key):
            by_cause.setdefault(id(_root(error)), error)
    if len(by_cause) == 1:
        raise next(iter(by_cause.values()))
    if by_cause:
        raise PluginErrorGroup("The dependencies of several plugins cannot be resolved", list(by_cause.values()))


def _root(error: PluginError) -> PluginError:
    return (error.root or error) if isinstance(error, MissingDependencyError) else error


def blocked(key: PluginKey, dependency: PluginKey, error: PluginError) -> MissingDependencyError:
    """What it means for *key* that *dependency* cannot be used: the chain of causes stands in the text, root last."""
    chain, root = (error.chain, error.root or error) if isinstance(error, MissingDependencyError) else ((), error)
    missing = MissingDependencyError(key, "", chain=(dependency, *chain), root=root)
    missing.__cause__ = error
    return missing


def _specs(key: PluginKey, plugin: PluginMetadata) -> list[DependencySpec]:
    try:
        written = _written_by(plugin)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # the author's property
        reason = f"reading its dependencies raised {type_and_place(exc)}"
        raise MissingDependencyError(key, reason) from exc
    if not isinstance(written, _SEQUENCES):
        reason = f"its dependencies are of type {type(written).__name__}"
        raise MissingDependencyError(key, reason, advice="Return a list of strings.")
    try:
        return [DependencySpec.parse(text) for text in written]
    except ValueError as exc:
        raise MissingDependencyError(key, str(exc), advice="Mend the plugin's dependencies.") from None


def _written_by(plugin: Any) -> Any:
    """What stands in the plugin's ``dependencies``, which need not be what the base class asks for."""
    return plugin.dependencies


def _target(key: PluginKey, spec: DependencySpec, keys_named: Callable[[str], list[PluginKey]]) -> PluginKey:
    if spec.plugin_type is not None:
        return PluginKey(spec.plugin_type, spec.name)
    matches = keys_named(spec.name)
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = " and ".join(map(str, matches))
        reason = f"it depends on {spec.name!r}, which {choices} share"
        raise MissingDependencyError(key, reason, advice="Write the dependency with its type.")
    reason = f"it depends on {spec.name!r}, and no plugin of any type has this name"
    raise MissingDependencyError(key, reason, advice="Install or register that plugin, or mend the dependency.")


def _fail_dependents(graph: Graph) -> None:
    dependents = dependents_of(graph.edges)
    failed = [*graph.failures]
    for dependency in failed:  # grows as it goes
        for key in dependents.get(dependency, ()):
            if key not in graph.failures:
                graph.failures[key] = blocked(key, dependency, graph.failures[dependency])
                failed.append(key)
