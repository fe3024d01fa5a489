"""What an operator chooses: default plugins, their configurations, and the discovery policy."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, field_validator

from floe_core._configuration import faults_of
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import SettingsError
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from typing import Self

__all__ = ["DiscoveryPolicy", "Settings"]

FILE_VARIABLE: Final = "FLOE_SETTINGS"


class Settings(BaseModel):
    """
    What a platform is made of. Every part is optional; the settings themselves do not change once made.

    Build them in code, or with :meth:`from_mapping` or :meth:`from_file`, whose errors name each faulty field and hold no
    value. A plugin's own configuration is held against its schema when the plugin is built, not here.

    Args:
        defaults: The default plugin per group, such as ``{"computes": "duckdb"}``.

        plugins: The configurations by group and name, such as ``{"computes": {"duckdb": {"threads": 8}}}``.

        policy: Which installed plugins may be used.

        load_timeout: For how many seconds one thread waits for another one's load of a plugin. 60 by default.

        max_parallel_starts: How many plugins may be starting at once. 32 by default.

    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    defaults: dict[str, str] = Field(default_factory=dict)
    plugins: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict, repr=False)
    policy: InstanceOf[DiscoveryPolicy] = Field(default_factory=DiscoveryPolicy)
    load_timeout: float = Field(default=60.0, gt=0)
    max_parallel_starts: int = Field(default=32, ge=1)

    @field_validator("defaults", "plugins")
    @classmethod
    def _groups_exist(cls, groups: dict[str, Any]) -> dict[str, Any]:
        for group in groups:
            PluginType.of_group(group)
        return groups

    @field_validator("policy", mode="before")
    @classmethod
    def _read_policy(cls, policy: object) -> object:
        return _policy_from(policy) if isinstance(policy, Mapping) else policy

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, source: str = "settings") -> Self:
        """
        Settings out of plain data, such as a parsed file.

        Raises:
            SettingsError: Something in it is wrong. Every fault is listed, by dotted path, under the name *source*.

        """
        try:
            return cls.model_validate(mapping)
        except ValidationError as exc:
            faults = faults_of(exc, trust_validators=True)
        raise SettingsError(source, faults, advice="Mend these fields.")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """
        Settings out of a TOML or JSON file, or a YAML file where PyYAML is installed (extra ``yaml``).

        The ending of the name decides: ``.toml``, ``.json``, ``.yaml`` or ``.yml``.

        Raises:
            SettingsError: The file cannot be read, is not well-formed, or a field is wrong.

        """
        file = Path(path)
        content = _parsed(file)
        if not isinstance(content, Mapping):
            raise _file_error(file, "the file does not hold a table of settings")
        return cls.from_mapping(content, source=str(file))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """
        The settings in the file that ``FLOE_SETTINGS`` names, or empty ones when it is unset.

        Raises:
            SettingsError: As :meth:`from_file`.

        """
        file = (os.environ if environ is None else environ).get(FILE_VARIABLE)
        return cls.from_file(file) if file else cls()

    def config_of(self, key: PluginKey) -> dict[str, Any] | None:
        """The configuration given for *key*, not validated, or None."""
        return self.plugins.get(key.plugin_type.group, {}).get(key.name)

    def configured_keys(self) -> list[PluginKey]:
        """The keys for which there is a configuration."""
        return [PluginKey(PluginType.of_group(group), name) for group, named in self.plugins.items() for name in named]


def _policy_from(mapping: Mapping[str, Any]) -> DiscoveryPolicy:
    unknown = set(mapping) - {"allow", "deny", "disable", "prefer"}
    if unknown:
        raise ValueError(
            f"there is no {', '.join(sorted(map(str, unknown)))}; a policy has allow, deny, disable, prefer"
        )
    for name in ("allow", "deny", "disable"):
        items = mapping.get(name, [])
        if not isinstance(items, list | tuple | set | frozenset) or not all(isinstance(item, str) for item in items):
            raise ValueError(f"{name} is a list of strings")
    prefer = mapping.get("prefer", {})
    if not isinstance(prefer, Mapping) or not all(isinstance(item, str) for pair in prefer.items() for item in pair):
        raise ValueError("prefer is a table of strings by key")
    return DiscoveryPolicy(
        allow=frozenset(mapping.get("allow", ())),
        deny=frozenset(mapping.get("deny", ())),
        disable=frozenset(PluginKey.parse(key) for key in mapping.get("disable", ())),
        prefer={PluginKey.parse(key): name for key, name in prefer.items()},
    )


def _parsed(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise _file_error(file, f"the file cannot be read: {type(exc).__name__}") from None
    try:
        match file.suffix.lower():
            case ".toml":
                return tomllib.loads(text)
            case ".json":
                return json.loads(text)
            case ".yaml" | ".yml":
                return _parsed_yaml(file, text)
            case _:
                raise _file_error(file, "the ending is none of .toml, .json, .yaml, .yml")
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as exc:
        where = f"line {exc.lineno}, column {exc.colno}" if isinstance(exc, json.JSONDecodeError) else _toml_place(exc)
    raise _file_error(file, f"the file is not well-formed at {where}")


def _parsed_yaml(file: Path, text: str) -> object:
    try:
        import yaml
    except ModuleNotFoundError:
        raise _file_error(file, "reading YAML needs PyYAML; install floe-core[yaml], or write TOML") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
    raise _file_error(file, f"the file is not well-formed at {where}")


def _toml_place(error: tomllib.TOMLDecodeError) -> str:
    """The place at the end of the message; the rest may quote the file."""
    _, found, place = str(error).rpartition("(at ")
    return place.rstrip(")") if found else "an unknown place"


def _file_error(file: Path, message: str) -> SettingsError:
    fault = {"field": "", "message": message, "type": "file"}
    return SettingsError(str(file), [fault], advice=f"Mend the file, or let {FILE_VARIABLE} name another.")
