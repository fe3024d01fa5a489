"""``validate FILE``: a settings file held against the schemas of all plugins that it configures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floe_core import _configuration
from floe_core.cli import schemas
from floe_core.cli.output import count, document, text
from floe_core.cli.session import FINE, PLUGINS_AT_FAULT, WrongUseError
from floe_core.cli.source import Source
from floe_core.plugin_errors import PluginConfigurationError, PluginError, SettingsError
from floe_core.plugin_types import PluginKey, PluginType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.session import Session
    from floe_core.settings import Settings


def command(session: Session, file: str) -> int:
    from floe_core import settings as settings_module

    if not Path(file).is_file():
        raise WrongUseError(f"There is no file {file}.")
    faults: list[dict[str, str]] = []
    checked: list[str] = []
    settings: Settings | None = None
    try:
        content = _table(settings_module._parsed(Path(file)))
        if content is None:
            raise settings_module._file_error(Path(file), "the file does not hold a table of settings")
        try:
            settings = settings_module.Settings.from_mapping(content, source=file)
        except SettingsError as exc:
            faults += map(_fault, exc.errors)
        faults += _faults_of_plugins(content, Source.under(settings), checked)
    except SettingsError as exc:
        session.errors.append(exc)
        faults += map(_fault, exc.errors)
    unique = {(fault["field"], fault["message"]): fault for fault in faults}
    answer = document("validate", file=file, plugins=checked, faults=[*unique.values()])
    session.answer(answer, draw)
    return PLUGINS_AT_FAULT if faults else FINE


def _faults_of_plugins(content: Mapping[str, Any], source: Source, checked: list[str]) -> Iterator[dict[str, str]]:
    for table in ("defaults", "plugins"):
        for group, value in (_table(content.get(table)) or {}).items():
            try:
                plugin_type = PluginType.of_group(str(group))
            except ValueError:
                continue  # the settings' own schema has told
            if table == "defaults":
                yield from _faults_of_default(source, plugin_type, value)
            else:
                for name, config in (_table(value) or {}).items():
                    yield from _faults_of_config(source, plugin_type, str(name), config, checked)


def _faults_of_default(source: Source, plugin_type: PluginType, name: object) -> Iterator[dict[str, str]]:
    if isinstance(name, str) and name and (error := source.absence(PluginKey(plugin_type, name))) is not None:
        yield {"field": f"defaults.{plugin_type.group}", "message": str(error), "type": "plugin"}


def _faults_of_config(
    source: Source, plugin_type: PluginType, name: str, config: object, checked: list[str]
) -> Iterator[dict[str, str]]:
    path = f"plugins.{plugin_type.group}.{name}"
    if not name:
        yield {"field": path, "message": "a plugin name is not empty", "type": "plugin"}
        return
    key = PluginKey(plugin_type, name)
    checked.append(str(key))
    try:
        _configuration.validated(key, schemas.schema_of(source, key), config)
    except PluginConfigurationError as exc:
        for fault in exc.errors:
            field = ".".join(filter(None, (path, str(fault.get("field", "")))))
            yield {"field": field, "message": str(fault.get("message", "")), "type": str(fault.get("type", ""))}
    except PluginError as exc:
        yield {"field": path, "message": str(exc), "type": "plugin"}


def _table(value: object) -> Mapping[Any, Any] | None:
    return value if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownVariableType]  # of anything


def _fault(error: Mapping[str, str]) -> dict[str, str]:
    return {"field": error.get("field", ""), "message": error.get("message", ""), "type": error.get("type", "")}


def draw(screen: Screen, answer: dict[str, Any]) -> None:
    for fault in answer["faults"]:
        field = text(fault["field"] or answer["file"])
        field.stylize("bold")
        screen.line(screen.mark("failed"), " ", field)
        screen.line(fault["message"], indent=2)
    if answer["faults"]:
        screen.gap()
        screen.heading(f"{count(len(answer['faults']), 'fault')} in {answer['file']}")
    else:
        plugins = count(len(answer["plugins"]), "plugin")
        screen.line(screen.mark("healthy"), " ", f"{answer['file']} fits; it configures {plugins}.")
