"""How faulty plugins are made: a healthy distribution with one part replaced, or with something done to it at last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, cast
from zipfile import ZipFile

from floe_core.plugin_types import PluginType
from floe_core.testing.distributions import (
    InstalledDistribution,
    identifier,
    install_distribution,
    install_plugin,
    plugin_source,
)

GET_REGISTRY = (
    "    from floe_core.plugin_registry import get_registry\n    from floe_core.plugin_types import PluginType\n"
)


class ShowsIn(Enum):
    """The first step at which a fault is noticed. The steps before it succeed."""

    NOWHERE = "nowhere"
    """The registry copes; at most the report remarks on it."""
    DISCOVERY = "discovery"
    """The plugin is not found, or not listed."""
    GET = "get"
    CONFIGURE = "configure"
    """With ``{"threads": 4, "token": "..."}``, the configuration of plugins that are faulty in this step."""
    ACTIVATE = "activate"
    SHUTDOWN = "shutdown"
    HEALTH = "health"


@dataclass(frozen=True)
class Recipe:
    """How a fault is made: which parts of a healthy distribution are replaced, and by what."""

    shows_in: ShowsIn
    entry_points: str | bytes | None = "[{group}]\n{name} = {module}:Plugin\n"
    metadata: str | None = ""
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """For ``plugin_source``."""
    of_another_type: bool = False
    then: Callable[[Scene], None] | None = None
    """What is done at last, for what no replacement can express: to the files, or beside them."""
    path: tuple[str, ...] = ()
    """What has to stand on the search path besides the folder."""

    def install(
        self, site: Path, plugin_type: PluginType, name: str, module: str, version: str
    ) -> InstalledDistribution:
        words = _words(site, plugin_type, name, module)
        source = self.source
        if source is None:
            kind = _another_than(plugin_type) if self.of_another_type else plugin_type
            source = plugin_source(kind, name=name, version=version, **_filled_in(self.options, words))
        installed = install_distribution(
            site,
            words["{distribution}"],
            _filled_in(self.entry_points, words),
            version=version,
            modules={module: source},
            metadata=_filled_in(self.metadata, words),
        )
        if self.then is not None:
            self.then(Scene(site, plugin_type, name, module, version, installed))
        return replace(installed, path_entries=tuple(_filled_in([*self.path], words)))


@dataclass(frozen=True)
class Scene:
    """Where a fault is being made, and how far it has come."""

    site: Path
    plugin_type: PluginType
    name: str
    module: str
    version: str
    installed: InstalledDistribution

    @property
    def words(self) -> dict[str, str]:
        return _words(self.site, self.plugin_type, self.name, self.module)

    @property
    def entry_points(self) -> Path:
        return self.installed.metadata / "entry_points.txt"

    def install_beside(self, plugin_type: PluginType, name: str, recipe: Recipe | None = None, **options: Any) -> None:
        """One more plugin, healthy unless *recipe* is given, in a module and distribution named after the faulty plugin's."""
        module = f"{self.module}_beside_{plugin_type.name.lower()}_{identifier(name)}"
        if recipe is None:
            install_plugin(self.site, plugin_type, name, module=module, **options)
        else:
            recipe.install(self.site, plugin_type, name, module, "1.0.0")


def folder(scene: Scene) -> None:
    scene.entry_points.mkdir()


def link_to(target: str) -> Callable[[Scene], None]:
    return lambda scene: scene.entry_points.symlink_to(target)


def leftover(scene: Scene) -> None:
    install_distribution(scene.site, scene.installed.name, None, version="0.0.1", metadata=None)


def stale_build(scene: Scene) -> None:
    stale = f"[{scene.plugin_type.entry_point_group}]\n{scene.name} = {scene.module}_stale:Plugin\n"
    install_distribution(scene.site, scene.installed.name, stale, version="0.0.1", suffix=".egg-info")


def rival(scene: Scene) -> None:
    text = scene.entry_points.read_text(encoding="utf-8")
    install_distribution(scene.site, f"{scene.installed.name}-rival", text, version=scene.version)


def near_namesake(scene: Scene) -> None:
    scene.install_beside(scene.plugin_type, scene.name.swapcase())


def packed(scene: Scene) -> None:
    """Metadata and module go into a zip file in the same folder."""
    files = [*scene.installed.metadata.iterdir(), *scene.installed.modules.values()]
    with ZipFile(scene.site / f"{scene.module}.zip", "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(scene.site))
            file.unlink()
    scene.installed.metadata.rmdir()


def partner(recipe: Recipe | None = None, **options: Any) -> Callable[[Scene], None]:
    """``{partner}``: a plugin of another type, perhaps with a fault of its own."""
    return lambda scene: scene.install_beside(
        _another_than(scene.plugin_type), f"{scene.name}-partner", recipe, **_filled_in(options, scene.words)
    )


def partner_that_gets_it(scene: Scene) -> None:
    code = f"def __init__(self):\n{GET_REGISTRY}    get_registry().get(PluginType.{scene.plugin_type.name}, {scene.name!r})"
    partner(body=code)(scene)


def two_partners(scene: Scene) -> None:
    partner()(scene)
    third = next(kind for kind in PluginType if kind not in (scene.plugin_type, _another_than(scene.plugin_type)))
    scene.install_beside(third, f"{scene.name}-partner")


def circle_of(length: int) -> Recipe:
    def others(scene: Scene) -> None:
        for index in range(1, length):
            following = f"{scene.name}-{index + 1}" if index + 1 < length else scene.name
            scene.install_beside(
                scene.plugin_type, f"{scene.name}-{index}", dependencies=[f"{scene.plugin_type.name}:{following}"]
            )

    return Recipe(ShowsIn.ACTIVATE, options=wants("{type}:{name}-1"), then=others)


def wants(dependency: str) -> dict[str, Any]:
    return {"dependencies": [dependency]}


def _words(site: Path, plugin_type: PluginType, name: str, module: str) -> dict[str, str]:
    partner = f"{name}-partner"
    return {
        "{site}": str(site),
        "{folder}": site.name,
        "{group}": plugin_type.entry_point_group,
        "{type}": plugin_type.name,
        "{name!r}": repr(name),
        "{name}": name,
        "{module}": module,
        "{distribution}": module.replace("_", "-"),
        "{key}": f"{plugin_type.name}:{name}",
        "{other}": _another_than(plugin_type).name,
        "{partner!r}": repr(partner),
        "{partner}": partner,
    }


def _another_than(plugin_type: PluginType) -> PluginType:
    return PluginType.CATALOG if plugin_type is not PluginType.CATALOG else PluginType.COMPUTE


def _filled_in(value: Any, words: Mapping[str, str]) -> Any:
    """*value* with the words in braces replaced, in the strings and bytes of whatever holds them."""
    if isinstance(value, bytes):
        return _filled_in(value.decode("latin-1"), words).encode("latin-1")
    if isinstance(value, str):
        for word, replacement in words.items():
            value = value.replace(word, replacement)
        return value
    if isinstance(value, Mapping):
        return {name: _filled_in(item, words) for name, item in cast("Mapping[str, Any]", value).items()}
    return [_filled_in(item, words) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]  # mypy finds it known
