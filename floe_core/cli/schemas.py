"""The configuration schemas of plugins: had with as little of the plugin's code as possible, and told field by field."""

from __future__ import annotations

import json

from floe_core import _loading
from floe_core.plugin_errors import PluginLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pydantic import BaseModel

    from floe_core.cli.source import Source
    from floe_core.plugin_types import PluginKey

DEEPEST = 4
"""Levels of nested models that are told field by field."""


def schema_of(source: Source, key: PluginKey) -> type[BaseModel] | None:
    """
    The model of *key*'s configuration, or None when it takes none. Whether its own configuration fits does not matter.

    Raises:
        PluginError: The plugin cannot be loaded, or its schema is none.

    """
    plugin = source.loaded(key)
    if plugin is not None:
        return _loading.schema_of(key, plugin, None)
    if (error := source.absence(key)) is not None:
        raise error
    candidate = source.inventory.usable[key]
    origin = candidate.origin
    cls = _loading.import_class(key, candidate, origin)
    if _loading.takes_config(cls):
        return _loading._schema_for_constructor(key, cls, origin)
    return _loading.schema_of(key, _loading.construct(key, cls, None, origin).plugin, origin)


def json_schema_of(key: PluginKey, model: type[BaseModel] | None) -> dict[str, Any]:
    """
    *model* as a JSON schema; for a plugin without one, the schema of an object without fields.

    Raises:
        PluginLoadError: The author's types cannot be expressed.

    """
    from floe_core._configuration import NoConfiguration

    try:
        schema = (model or NoConfiguration).model_json_schema()
    except Exception as exc:  # the author's types and hooks
        reason = f"its schema cannot be written as JSON schema: {type(exc).__name__}"
        raise PluginLoadError(key, reason, advice="Give the fields types that JSON schema knows.") from exc
    return schema


def fields_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Every field by dotted path: type, whether it is required, default, constraints, description."""
    return [*_fields(schema, schema.get("$defs", {}), "", 0)]


def _fields(schema: dict[str, Any], models: dict[str, Any], prefix: str, depth: int) -> Iterator[dict[str, Any]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        resolved, is_nullable = _resolved(field, models)
        path = f"{prefix}{name}"
        yield {
            "field": path,
            "type": _type(resolved, models) + (" or null" if is_nullable else ""),
            "required": name in required,
            "default": _default(field, resolved),
            "constraints": _constraints(resolved),
            "description": str(field.get("description", "")),
        }
        if "properties" in resolved and depth < DEEPEST:
            yield from _fields(resolved, models, f"{path}.", depth + 1)


def _resolved(field: dict[str, Any], models: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """*field* without references, and without the null that an optional one may be."""
    choices = field.get("anyOf", [])
    others = [choice for choice in choices if choice.get("type") != "null"]
    if len(others) == 1 and len(choices) == 2:
        rest = {name: value for name, value in field.items() if name != "anyOf"}
        return {**rest, **_followed(others[0], models)}, True
    return _followed(field, models), False


def _followed(field: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    reference = str(field.get("$ref", ""))
    target = models.get(reference.rpartition("/")[2], {})
    return {**field, **target} if reference else field


def _type(field: dict[str, Any], models: dict[str, Any]) -> str:
    if "enum" in field or "const" in field:
        return "choice"
    if field.get("format") == "password":
        return "secret"
    if "anyOf" in field or "oneOf" in field:
        parts = [_type(_followed(part, models), models) for part in field.get("anyOf", field.get("oneOf", ()))]
        return " or ".join(dict.fromkeys(parts))
    kind = str(field.get("type", "any"))
    if kind == "array" and isinstance(field.get("items"), dict):
        return f"array of {_type(_followed(field['items'], models), models)}"
    return f"{kind} ({field['format']})" if "format" in field else kind


def _default(field: dict[str, Any], resolved: dict[str, Any]) -> str | None:
    if "default" not in field:
        return None
    is_secret = resolved.get("format") == "password" or resolved.get("writeOnly")
    return "***" if is_secret and field["default"] is not None else json.dumps(field["default"], default=str)


_SIGNS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches {}",
    "const": "is {}",
}


def _constraints(field: dict[str, Any]) -> str:
    parts = [sign.format(field[name]) for name, sign in _SIGNS.items() if name in field]
    if "enum" in field:
        parts.append("one of " + ", ".join(json.dumps(choice, default=str) for choice in field["enum"]))
    return ", ".join(parts)
