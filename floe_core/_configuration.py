"""Schemas and configurations: finding a plugin's schema, and holding a mapping against it without quoting its values."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from floe_core._pydantic_plugins import define_a_first_model
from floe_core.plugin_errors import PluginConfigurationError
from floe_core.plugin_metadata import PluginMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from floe_core.plugin_types import Origin, PluginKey

define_a_first_model()


class NoConfiguration(BaseModel):
    """The configuration of a plugin that has nothing to configure."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SchemaFault(Exception):
    """A plugin's schema cannot be had, or is none. Turned into an error of the registry by whoever asked."""


def constructor_parameter(cls: type) -> inspect.Parameter | None:
    """The constructor's parameter ``config``, if it takes one by keyword."""
    try:
        parameters = inspect.signature(cls).parameters
    except (TypeError, ValueError):
        return None
    parameter = parameters.get("config")
    by_keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return parameter if parameter is not None and parameter.kind in by_keyword else None


def schema_of_class(cls: type[PluginMetadata], parameter: inspect.Parameter) -> type[BaseModel] | None:
    """
    The schema of a plugin that takes its configuration in the constructor, before there is an instance.

    Raises:
        SchemaFault: It cannot be told without an instance, or is no pydantic model.

    """
    declared = inspect.getattr_static(cls, "get_config_schema", None)
    if isinstance(declared, classmethod | staticmethod):
        return checked_schema(cls.get_config_schema)  # type: ignore[arg-type]  # bound, or static: takes no argument
    models = [part for part in _alternatives(_annotation(cls, parameter)) if _is_model(part)]
    if len(models) == 1:
        return cast("type[BaseModel]", models[0])
    raise SchemaFault(
        f"the constructor of {cls.__qualname__} takes config, and its schema cannot be told before there is an instance; "
        "annotate that parameter with its model, or make get_config_schema a class method"
    )


def _annotation(cls: type, parameter: inspect.Parameter) -> object:
    """What the parameter is annotated with. Only that is evaluated: the others may name what is imported for checkers alone."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    constructor = inspect.unwrap(inspect.getattr_static(cls, "__init__"))
    names = getattr(constructor, "__globals__", None) or vars(sys.modules[cls.__module__])
    holder = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        return typing.get_type_hints(holder, globalns=names)[parameter.name]
    except Exception as exc:  # evaluates the author's annotation: anything may be raised
        raise SchemaFault(f"the annotation of config cannot be evaluated: {type(exc).__name__}") from exc


def _alternatives(annotation: object) -> tuple[object, ...]:
    """The members of a union, or the one type that the annotation is."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _is_model(schema: object) -> bool:
    # A subscripted builtin such as list[Config] passes for a class on some Python versions, and is none.
    return isinstance(schema, type) and typing.get_origin(schema) is None and issubclass(schema, BaseModel)


def checked_schema(get_config_schema: typing.Callable[[], object]) -> type[BaseModel] | None:
    """
    What ``get_config_schema`` returns, once it is known to be a pydantic v2 model or None.

    Raises:
        SchemaFault: It raised, or returned something else.

    """
    try:
        schema = get_config_schema()
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # the author's code, SystemExit included
        raise SchemaFault(f"get_config_schema() raised {type(exc).__name__}") from exc
    if schema is None:
        return None
    if _is_model(schema):
        return cast("type[BaseModel]", schema)
    raise SchemaFault("get_config_schema() returned something other than a pydantic v2 model class or None")


def validated(
    key: PluginKey, schema: type[BaseModel] | None, config: object, *, origin: Origin | None = None
) -> BaseModel:
    """
    *config* as an instance of *schema*, defaults filled in; without a schema only an empty mapping is valid.

    The caller's mapping is neither kept nor changed.

    Raises:
        PluginConfigurationError: It does not fit. The error lists every fault and has no cause, which would quote values.

    """
    if not isinstance(config, Mapping):
        raise configuration_error(key, [_fault("a configuration is a mapping", "mapping_type")], origin=origin)
    given = cast("Mapping[object, object]", config)
    if not all(isinstance(name, str) for name in given):
        raise configuration_error(
            key, [_fault("the keys of a configuration are strings", "string_type")], origin=origin
        )
    try:
        model = cast("object", (schema or NoConfiguration).model_validate(copied(given)))
        if isinstance(model, BaseModel):
            return model
        faults, advice = [_fault("model_validate() of the schema returned no model", "validator_error")], ""
    except ValidationError as exc:
        faults = faults_of(exc)
        advice = "" if schema else f"Plugin {key} takes no configuration: remove these fields."
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a validator or a default factory of the author's; SystemExit included
        faults, advice = [_fault(f"validation raised {type(exc).__name__}", "validator_error")], ""
    raise PluginConfigurationError(key.name, faults, key=key, origin=origin, advice=advice)


def configuration_error(
    key: PluginKey, faults: list[dict[str, Any]], *, origin: Origin | None = None
) -> PluginConfigurationError:
    return PluginConfigurationError(key.name, faults, key=key, origin=origin)


def copied(value: object) -> Any:
    """A copy that later changes of the caller's mappings, lists and sets do not reach. Other objects are handed on."""
    if isinstance(value, Mapping):
        return {name: copied(item) for name, item in cast("Mapping[object, object]", value).items()}
    if type(value) in (list, tuple, set, frozenset):
        items = cast("list[object]", value)
        return type(items)(copied(item) for item in items)
    return value


def _fault(message: str, kind: str, field: str = "") -> dict[str, str]:
    return {"field": field, "message": message, "type": kind}


_SCHEMA_ONLY_CONTEXT = frozenset(
    [
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "multiple_of",
        "too_short",
        "too_long",
        "string_too_short",
        "string_too_long",
        "string_pattern_mismatch",
        "enum",
        "literal_error",
        "bytes_too_short",
        "bytes_too_long",
        "is_instance_of",
        "is_subclass_of",
        "model_type",
        "dataclass_type",
        "dataclass_exact_type",
        "named_tuple_type",
        "union_tag_not_found",
        "url_too_long",
        "url_scheme",
        "uuid_version",
        "decimal_max_digits",
        "decimal_max_places",
        "decimal_whole_digits",
        "timezone_offset",
    ]
)
"""Errors whose message is filled in from the schema alone. The others with a context may repeat the input."""


def faults_of(error: ValidationError, *, trust_validators: bool = False) -> list[dict[str, Any]]:
    """
    One entry per fault: in pydantic's words where those cannot hold the input, else by its type alone.

    What a validator wrote is recognised by not being pydantic's own text for that type. It is kept only where
    *trust_validators* says that the validators are ours.
    """
    return [
        {
            "field": ".".join(str(part) for part in details["loc"]),
            "message": details["msg"].removeprefix("Value error, ")
            if _is_safe(details) or (trust_validators and details["type"] == "value_error")
            else f"the value is not accepted ({_kind(details)})",
            "type": _kind(details),
        }
        for details in error.errors(include_url=False)
    ]


def _kind(details: ErrorDetails) -> str:
    """The error's type; one of a validator's own making only as long as it does not quote the input."""
    kind = details["type"]
    return kind if kind in _KNOWN_TYPES or not _quotes(kind, details["input"]) else "custom_error"


def _is_safe(details: ErrorDetails) -> bool:
    context = details.get("ctx")
    if context and (details["type"] not in _SCHEMA_ONLY_CONTEXT or _quotes(details["msg"], details["input"])):
        return False
    try:
        standard = PydanticKnownError(details["type"], context)  # type: ignore[arg-type]  # any string, to find out
    except (KeyError, TypeError, ValueError):
        return False
    return standard.message() == details["msg"]


def _quotes(text: str, value: object) -> bool:
    """
    Whether *text* holds a string out of *value*. Shorter ones than four characters are found anywhere, and hide nothing.

    Foreign objects are left out: turning them into text would run their code.
    """
    return any(len(part) > 3 and part in text for part in _strings_in(value))


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = [*cast("Mapping[object, object]", value).values()]
    if isinstance(value, list | tuple | set | frozenset):
        for item in cast("list[object]", value):
            yield from _strings_in(item)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
        yield repr(value)[2:-1]
    elif isinstance(value, str):
        yield value
        yield repr(value)[1:-1]  # a message may show it with its escapes
    elif isinstance(value, int | float | Decimal | date | PurePath | UUID):
        yield str(value)


_KNOWN_TYPES = frozenset(typing.get_args(ErrorType))
