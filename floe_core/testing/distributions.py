"""Real distributions on disk, healthy or broken, for tests that would rather install a plugin than patch a function."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from floe_core.plugin_types import PluginType

__all__ = ["InstalledDistribution", "install_distribution", "install_plugin", "plugin_source"]

# Keys of a mapping are invariant: a dictionary of one kind of key is not one of either kind.
EntryPoints: TypeAlias = (
    Mapping[PluginType, Mapping[str, str]]
    | Mapping[str, Mapping[str, str]]
    | Mapping[PluginType | str, Mapping[str, str]]
)


@dataclass(frozen=True)
class InstalledDistribution:
    """
    What ``install_distribution`` wrote.

    Args:
        name, version: As in the metadata.

        metadata: The ``.dist-info`` or ``.egg-info`` folder.

        modules: The module files, by module name.

        path_entries: What has to stand on the search path besides the folder it was written into; a few faults need that.

    """

    name: str
    version: str
    metadata: Path
    modules: Mapping[str, Path] = field(default_factory=dict[str, Path])
    path_entries: tuple[str, ...] = ()


def install_distribution(
    site: Path,
    name: str,
    entry_points: EntryPoints | str | bytes | None = None,
    *,
    version: str = "1.0.0",
    modules: Mapping[str, str] | None = None,
    metadata: str | None = "",
    summary: str = "",
    suffix: str = ".dist-info",
) -> InstalledDistribution:
    """
    Write a distribution into the folder *site*, the way an installer leaves it there. Put *site* on ``sys.path`` to use it.

    Args:
        name: The distribution's name, such as ``acme-duck``.

        entry_points: Values by name by group, such as ``{PluginType.COMPUTE: {"duckdb": "acme_duck:Duck"}}``; or the text
            of entry_points.txt, well-formed or not; or its bytes. None: there is no such file.

        modules: Source code by module name; a dotted name makes packages.

        metadata: The text of METADATA. Empty, the default: made of name, version and summary. None: there is no such file.

        suffix: ``.dist-info``, or ``.egg-info`` for what a build leaves behind.

    Raises:
        FileExistsError: This version of it is in *site* already.

    """
    site.mkdir(parents=True, exist_ok=True)
    folder = site / f"{name.replace('-', '_')}-{version}{suffix}"
    folder.mkdir()
    if metadata is not None:
        text = metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n"
        (folder / ("METADATA" if suffix == ".dist-info" else "PKG-INFO")).write_text(text, encoding="utf-8")
    if entry_points is not None:
        content = entry_points if isinstance(entry_points, str | bytes) else _entry_points_text(entry_points)
        (folder / "entry_points.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    written = {module: _write_module(site, module, source) for module, source in (modules or {}).items()}
    return InstalledDistribution(name, version, folder, written)


def install_plugin(
    site: Path,
    plugin_type: PluginType,
    name: str = "example",
    *,
    module: str | None = None,
    version: str = "1.0.0",
    source: str | None = None,
    **options: Any,
) -> InstalledDistribution:
    """
    Write a distribution with one healthy plugin, the class ``Plugin`` of one module, into the folder *site*.

    Args:
        name: The entry point's name.

        module: The module's name, and with dashes the distribution's. None: made of type and name.

        version: The version of both distribution and plugin.

        source: The module's code. None, the default: ``plugin_source`` with *options*, such as ``schema=`` or
            ``dependencies=``.

    Raises:
        FileExistsError: This version of it is in *site* already.

    """
    module = module or default_module(plugin_type, name)
    code = plugin_source(plugin_type, name=name, version=version, **options) if source is None else source
    return install_distribution(
        site,
        module.replace("_", "-"),
        f"[{plugin_type.entry_point_group}]\n{name} = {module}:Plugin\n",
        version=version,
        modules={module: code},
    )


def plugin_source(
    plugin_type: PluginType,
    class_name: str = "Plugin",
    *,
    name: str = "example",
    version: str = "1.0.0",
    api_version: str = "1.0",
    dependencies: Iterable[str] = (),
    schema: str = "",
    body: str = "",
    prologue: str = "",
) -> str:
    """
    The source of a module that defines one plugin.

    Args:
        schema: The body of a pydantic model ``Config``, such as ``threads: int = 4``; the plugin then has it as its schema.

        body: More of the class: methods, in any indentation.

        prologue: Code at the top of the module, run at import.

    """
    base = f"{''.join(part.title() for part in plugin_type.name.split('_'))}Plugin"
    parts = [
        textwrap.dedent(prologue).rstrip() + "\n" if prologue else "",
        "from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator\n" if schema else "",
        "from floe_core.plugin_metadata import HealthState, HealthStatus\n",
        f"from floe_core.plugins import {base}\n\n",
    ]
    if schema:
        parts.append(f"class Config(BaseModel):\n{_indented(schema)}\n\n")
    parts.append(
        f"class {class_name}({base}):\n"
        f"    name = {name!r}\n    version = {version!r}\n    floe_api_version = {api_version!r}\n"
        f"    dependencies = {list(dependencies)!r}\n\n"
    )
    if schema:
        parts.append("    @classmethod\n    def get_config_schema(cls):\n        return Config\n\n")
    return "".join(parts) + _indented(body)


def default_module(plugin_type: PluginType, name: str) -> str:
    """The module of a plugin for which none is chosen."""
    return f"floe_test_{plugin_type.name.lower()}_{identifier(name)}"


def identifier(name: str) -> str:
    """*name* as a part of an identifier."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)


def _entry_points_text(entry_points: EntryPoints) -> str:
    lines: list[str] = []
    for group, values in entry_points.items():
        lines.append(f"[{group.entry_point_group if isinstance(group, PluginType) else group}]")
        lines += [f"{name} = {value}" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _indented(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n"), "    ") + "\n" if code.strip() else ""


def _write_module(site: Path, module: str, source: str) -> Path:
    *packages, name = module.split(".")
    folder = site
    for package in packages:
        folder = folder / package
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    file = folder / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    return file
