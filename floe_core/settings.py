"""What an operator chooses: default plugins, their configurations, and the discovery policy."""

from __future__ import annotations

import json
import os
import re
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError
from pydantic_core import core_schema

from floe_core._configuration import faults_of
from floe_core._pydantic_plugins import define_a_first_model
from floe_core.discovery_policy import DiscoveryPolicy, is_distribution_name
from floe_core.plugin_errors import SettingsError
from floe_core.plugin_types import PluginKey, PluginType

if TYPE_CHECKING:
    from typing import Self

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["DiscoveryPolicy", "Settings"]

define_a_first_model()

FILE_VARIABLE: Final = "FLOE_SETTINGS"


def _known_group(group: str) -> str:
    PluginType.of_group(group)
    return group


def _distribution_name(text: str) -> str:
    if not is_distribution_name(text):
        raise ValueError("no distribution can be called this; write a name such as acme-duck")
    return text


def _plugin_key(text: str) -> PluginKey:
    try:
        return PluginKey.parse(text)
    except ValueError:
        types = ", ".join(PluginType.__members__)
    raise ValueError(f"this is no plugin key; write TYPE:name, where TYPE is one of {types}")


_PluginName = Annotated[str, Field(min_length=1)]
_Group = Annotated[str, AfterValidator(_known_group)]
_DistributionName = Annotated[str, AfterValidator(_distribution_name)]
_Key = Annotated[str, AfterValidator(_plugin_key)]


class _PolicyTable(BaseModel):
    """A discovery policy as plain data."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    allow: list[_DistributionName] = []
    deny: list[_DistributionName] = []
    disable: list[_Key] = []
    prefer: dict[_Key, _DistributionName] = {}


def _policy_or_table(_: object, schema_of: GetCoreSchemaHandler) -> CoreSchema:
    """Takes a policy as it is, and makes one of a table."""

    def read(value: object, read_table: core_schema.ValidatorFunctionWrapHandler) -> DiscoveryPolicy:
        return value if isinstance(value, DiscoveryPolicy) else DiscoveryPolicy(**dict(read_table(value)))

    return core_schema.no_info_wrap_validator_function(read, schema_of.generate_schema(_PolicyTable))


class Settings(BaseModel):
    """
    What a platform is made of. Every part is optional; the settings themselves do not change once made.

    Build them in code, or with ``from_mapping`` or ``from_file``, whose errors name each faulty field and hold no
    value. A plugin's own configuration is held against its schema when the plugin is built, not here.

    Args:
        defaults: The default plugin per group, such as ``{"computes": "duckdb"}``.

        plugins: The configurations by group and name, such as ``{"computes": {"duckdb": {"threads": 8}}}``.

        policy: Which installed plugins may be used.

        load_timeout: For how many seconds one thread waits for another one's load of a plugin. 60 by default.

        max_parallel_starts: How many plugins may be starting at once. 32 by default.

    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    defaults: dict[_Group, _PluginName] = Field(default_factory=dict[str, str])
    plugins: dict[_Group, dict[_PluginName, dict[str, Any]]] = Field(
        default_factory=dict[str, dict[str, dict[str, Any]]], repr=False
    )
    policy: Annotated[DiscoveryPolicy, GetPydanticSchema(_policy_or_table)] = Field(default_factory=DiscoveryPolicy)
    load_timeout: float = Field(default=60.0, gt=0, le=threading.TIMEOUT_MAX, allow_inf_nan=False)
    max_parallel_starts: int = Field(default=32, ge=1)

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
            faults = [_in_words(fault) for fault in faults_of(exc, trust_validators=True)]
        raise SettingsError(source, faults, advice="Mend what is named here; nothing was discovered.")

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
        if not isinstance(content, dict):
            raise _file_error(file, "the file does not hold a table of settings")
        return cls.from_mapping(cast("dict[str, Any]", content), source=str(file))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """
        The settings in the file that ``FLOE_SETTINGS`` names, or empty ones when it is unset.

        Raises:
            SettingsError: As ``from_file``.

        """
        file = (os.environ if environ is None else environ).get(FILE_VARIABLE)
        return cls.from_file(file) if file else cls()

    def config_of(self, key: PluginKey) -> dict[str, Any] | None:
        """The configuration given for *key*, not validated, or None."""
        return self.plugins.get(key.plugin_type.group, {}).get(key.name)

    def configured_keys(self) -> list[PluginKey]:
        """The keys for which there is a configuration."""
        return [PluginKey(PluginType.of_group(group), name) for group, named in self.plugins.items() for name in named]


def _in_words(fault: dict[str, str]) -> dict[str, str]:
    """A fault found by pydantic, in the words of whoever writes settings."""
    field = fault["field"].removesuffix(".[key]")  # the key itself is at fault, and the path ends in it already
    message = fault["message"]
    if fault["type"] == "extra_forbidden":
        known = _PolicyTable.model_fields if field.startswith("policy.") else Settings.model_fields
        message = f"there is no such setting; there are {', '.join(known)}"
    elif fault["type"] in ("dict_type", "model_type"):
        message = "a table goes here"
    return {"field": field, "message": message, "type": fault["type"]}


def _parsed(file: Path) -> object:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as exc:  # ValueError: not UTF-8, or a NUL in the path
        problem = f"the file cannot be read ({type(exc).__name__})"
    else:
        try:
            match file.suffix.lower():
                case ".toml":
                    return tomllib.loads(text)
                case ".json":
                    return json.loads(text)
                case ".yaml" | ".yml":
                    return _parsed_yaml(text)
                case _:
                    problem = "the ending is none of .toml, .json, .yaml, .yml"
        except ModuleNotFoundError:
            problem = "reading YAML needs PyYAML; install floe-core[yaml], or write TOML"
        except Exception as exc:  # the parsers raise more than the errors they document
            problem = f"the file is not well-formed {_place_of(exc)}"
    # Raised out here, so that no parser's error, which holds the whole text, hangs on as the context.
    raise _file_error(file, problem)


def _parsed_yaml(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


def _place_of(error: Exception) -> str:
    """Where in the file a parser stopped. Nothing else is taken from its error, which may quote the file."""
    if isinstance(error, json.JSONDecodeError):
        return f"at line {error.lineno}, column {error.colno}"
    if (mark := getattr(error, "problem_mark", None)) is not None:  # PyYAML's, which counts from 0
        return f"at line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, tomllib.TOMLDecodeError) and (place := _TOML_PLACE.search(str(error))):
        return place[1]
    return f"({type(error).__name__})"


_TOML_PLACE: Final = re.compile(r"\((at line \d+, column \d+|at end of document)\)$")


def _file_error(file: Path, message: str) -> SettingsError:
    fault = {"field": "", "message": message, "type": "file"}
    return SettingsError(str(file), [fault], advice=f"Mend the file, or let {FILE_VARIABLE} name another.")
