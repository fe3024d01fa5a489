"""How a plugin gets its configuration, what a wrong one leads to, and that no value of one is ever written down."""

from __future__ import annotations

import enum
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    SecretStr,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from floe_containers import PluginContainer
from floe_core import _configuration
from floe_core._configuration import (
    NoConfiguration,
    SchemaFault,
    checked_schema,
    constructor_parameter,
    schema_of_class,
    validated,
)
from floe_core.plugin_errors import (
    PluginConfigurationError,
    PluginError,
    PluginErrorGroup,
    PluginLoadError,
    PluginStateError,
)
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.plugins import ComputePlugin
from tests.conftest import InstallPlugin

if TYPE_CHECKING:
    from pathlib import Path as Unknown  # which does not exist when annotations are evaluated

COMPUTE = PluginType.COMPUTE
KEY = PluginKey(COMPUTE, "duckdb")
SECRET = "hunter2-correct-horse"


class Config(BaseModel):
    threads: int = 4


class Bare(ComputePlugin):
    """A plugin that is constructed without arguments and has no schema."""

    name = "bare"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    version = "1.0.0"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    floe_api_version = "1.0"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


def faults_of(config: object, schema: type[BaseModel] | None = Config) -> list[dict[str, Any]]:
    with pytest.raises(PluginConfigurationError) as info:
        validated(KEY, schema, config)
    assert info.value.__cause__ is None
    assert info.value.__context__ is None
    return info.value.errors


class Nested(BaseModel):
    model_config = ConfigDict(extra="forbid")

    a: list[Config] = []
    password: SecretStr = SecretStr("")
    mode: Literal["fast", "safe"] = "safe"
    ratio: float = Field(default=0.5, ge=0, le=1)


class TestValidation:
    def test_gives_an_instance_with_the_defaults_filled_in(self) -> None:
        """Of the plugin's own schema."""
        assert Config(threads=4) == validated(KEY, Config, {})
        assert Config(threads=8) == validated(KEY, Config, {"threads": 8})
        assert Config(threads=8) == validated(KEY, Config, MappingProxyType({"threads": 8}))

    def test_without_a_schema_gives_a_value(self) -> None:
        """One empty configuration is as good as another, in sets and as keys."""
        assert hash(NoConfiguration()) == hash(validated(KEY, None, {}))
        assert NoConfiguration() == validated(PluginKey(COMPUTE, "spark"), None, {})

    def test_without_a_schema_takes_an_empty_mapping_alone(self) -> None:
        """An empty model is returned; anything else is refused with what to do."""
        assert NoConfiguration() == validated(KEY, None, {})

        with pytest.raises(
            PluginConfigurationError, match="Plugin COMPUTE:duckdb takes no configuration: remove these"
        ) as info:
            validated(KEY, None, {"password": SECRET})

        assert ["password"] == [fault["field"] for fault in info.value.errors]
        assert SECRET not in str(info.value)

    @pytest.mark.parametrize("config", [None, SECRET, 3, [SECRET], [("a", 1)], {SECRET}, object()])
    def test_takes_nothing_but_a_mapping(self, config: object) -> None:
        """Not even what could be made one."""
        assert [{"field": "", "message": "a configuration is a mapping", "type": "mapping_type"}] == faults_of(config)

    @pytest.mark.parametrize("config", [{3: SECRET}, {"threads": 3, None: SECRET}, {b"threads": 3}])
    def test_takes_nothing_but_strings_as_keys(self, config: object) -> None:
        """Whatever the values."""
        assert [
            {"field": "", "message": "the keys of a configuration are strings", "type": "string_type"}
        ] == faults_of(config)

    def test_tells_every_fault_by_dotted_path(self) -> None:
        """Nested paths, unknown keys, wrong types and limits, all at once; messages that come from the schema stay."""
        config = {"a": [{"threads": "x"}], "pasword": SECRET, "password": 3, "mode": SECRET, "ratio": 7}

        assert [
            {
                "field": "a.0.threads",
                "message": "Input should be a valid integer, unable to parse string as an integer",
                "type": "int_parsing",
            },
            {"field": "password", "message": "Input should be a valid string", "type": "string_type"},
            {"field": "mode", "message": "Input should be 'fast' or 'safe'", "type": "literal_error"},
            {"field": "ratio", "message": "Input should be less than or equal to 1", "type": "less_than_equal"},
            {"field": "pasword", "message": "Extra inputs are not permitted", "type": "extra_forbidden"},
        ] == faults_of(config, Nested)

    def test_tells_a_missing_field(self) -> None:
        """By its name."""
        assert [{"field": "url", "message": "Field required", "type": "missing"}] == faults_of(
            {}, create_model("Needy", url=(str, ...))
        )

    @pytest.mark.parametrize("error", [TypeError, RuntimeError, KeyError, SystemExit, RecursionError])
    def test_tells_a_validator_that_breaks_by_type(self, error: type[BaseException]) -> None:
        """It raises something that pydantic does not catch; its text may quote the input."""

        def explode(value: object) -> object:
            raise error(f"cannot take {value}")

        schema = create_model("Broken", password=(Annotated[str, BeforeValidator(explode)], ...))

        assert [
            {"field": "", "message": f"validation raised {error.__name__}", "type": "validator_error"}
        ] == faults_of({"password": SECRET}, schema)

    def test_tells_a_default_factory_that_breaks_by_type(self) -> None:
        """It runs when nothing is given."""

        def explode() -> str:
            raise OSError(SECRET)

        schema = create_model("Broken", password=(str, Field(default_factory=explode)))

        assert [{"field": "", "message": "validation raised OSError", "type": "validator_error"}] == faults_of(
            {}, schema
        )

    def test_passes_an_interrupt_on(self) -> None:
        """Ctrl-C is the user's, whatever is being validated."""

        def interrupt(value: object) -> object:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            validated(KEY, create_model("Slow", a=(Annotated[str, BeforeValidator(interrupt)], ...)), {"a": "x"})

    def test_tells_a_schema_that_is_not_ready_by_type(self) -> None:
        """One that refers to a class which does not exist."""
        fields: dict[str, Any] = {"a": ("Nowhere", ...)}
        schema = create_model("Undefined", **fields)

        assert ["validator_error"] == [fault["type"] for fault in faults_of({"a": 1}, schema)]

    def test_tells_a_mapping_that_holds_itself_by_type(self) -> None:
        """Copying it would not end."""
        config: dict[str, Any] = {}
        config["self"] = config

        assert ["validation raised RecursionError"] == [fault["message"] for fault in faults_of(config)]

    def test_keeps_nothing_of_the_callers_mapping(self) -> None:
        """What the caller changes afterwards, at whatever depth, does not reach the plugin; nor is it changed itself."""

        class Loose(BaseModel):
            anything: Any

            @model_validator(mode="before")
            @classmethod
            def change(cls, data: Any) -> Any:
                data["anything"]["added"] = True
                return data

        inner: dict[str, Any] = {"list": [1], "set": {1}, "tuple": ([1],), "frozen": frozenset({1})}
        given = {"anything": inner}

        config: Any = validated(KEY, Loose, given)
        assert "added" not in inner
        inner["list"].append(2)
        inner["set"].add(2)
        inner["tuple"][0].append(2)
        inner["new"] = 1

        expected = {"list": [1], "set": {1}, "tuple": ([1],), "frozen": frozenset({1}), "added": True}
        assert expected == config.anything

    def test_hands_other_objects_on(self) -> None:
        """A connection, say, cannot be copied, and is meant to be shared."""
        thing = object()

        config: Any = validated(KEY, create_model("Holder", thing=(Any, ...)), {"thing": thing})

        assert thing is config.thing


def raising(make: Callable[[str], Exception]) -> Any:
    """A string type whose validator refuses everything with an error made of the input."""

    def refuse(value: object) -> object:
        raise make(str(value))

    return Annotated[str, BeforeValidator(refuse)]


# The text and type of a custom error are to be literals; authors write what they like.
custom_error: Any = PydanticCustomError

REFUSALS: list[tuple[Callable[[str], Exception], tuple[str, str]]] = [
    (lambda text: ValueError(f"bad: {text}"), ("the value is not accepted (value_error)", "value_error")),
    (lambda text: ValueError("too weak"), ("the value is not accepted (value_error)", "value_error")),
    (lambda text: AssertionError(text), ("the value is not accepted (assertion_error)", "assertion_error")),
    (
        lambda text: custom_error("weak_password", "{text} is weak", {"text": text}),
        ("the value is not accepted (weak_password)", "weak_password"),
    ),
    (
        lambda text: custom_error("weak_password", "weak"),
        ("the value is not accepted (weak_password)", "weak_password"),
    ),
    (  # a type of its own making that quotes the input
        lambda text: custom_error(f"bad_{text}", "bad"),
        ("the value is not accepted (custom_error)", "custom_error"),
    ),
    (  # pydantic's own type with another text
        lambda text: custom_error("int_parsing", "no integer: {text}", {"text": text}),
        ("the value is not accepted (int_parsing)", "int_parsing"),
    ),
    (
        lambda text: custom_error("int_parsing", f"no integer: {text}"),
        ("the value is not accepted (int_parsing)", "int_parsing"),
    ),
    (  # pydantic's own text, filled in from the input
        lambda text: PydanticKnownError("literal_error", {"expected": text}),
        ("the value is not accepted (literal_error)", "literal_error"),
    ),
    (
        lambda text: PydanticKnownError("literal_error", {"expected": "a or b"}),
        ("Input should be a or b", "literal_error"),
    ),
    (
        lambda text: PydanticKnownError("int_type"),
        ("Input should be a valid integer", "int_type"),
    ),
]


class TestMessagesOfValidators:
    @pytest.mark.parametrize(("make", "fault"), REFUSALS)
    def test_become_their_type_unless_the_schema_alone_made_them(
        self, make: Callable[[str], Exception], fault: tuple[str, str]
    ) -> None:
        """A validator's own words may have been built from the input, and look no different when they were not."""
        schema = create_model("Refusing", password=(raising(make), ...))

        (told,) = faults_of({"password": SECRET}, schema)

        assert ("password", *fault) == (told["field"], told["message"], told["type"])

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ([SECRET], SECRET),
            ({"a": SECRET}, SECRET),
            ({"a": ({SECRET},)}, SECRET),
            (SECRET.encode(), SECRET),
            (b"\xff", r"a \xff"),
            ("\n\n", r"a \n\n"),
            (123456789, "123456789"),
            (Decimal("1234.5678"), "1234.5678"),
            (date(2026, 1, 31), "2026-01-31"),
            (PurePath("/vault", SECRET), f"/vault/{SECRET}"),
            (UUID(int=10**30), str(UUID(int=10**30))),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_are_searched_for_values_of_any_shape(self, value: Any, text: str) -> None:
        """Nested values, bytes, numbers and the like are found in a message, with their escapes or without."""
        schema = create_model(
            "Refusing", password=(raising(lambda _: PydanticKnownError("literal_error", {"expected": text})), ...)
        )

        assert ["the value is not accepted (literal_error)"] == [
            fault["message"] for fault in faults_of({"password": value}, schema)
        ]

    @pytest.mark.parametrize(
        ("value", "message"), [("red", "Input should be red"), ("blue", "the value is not accepted (enum)")]
    )
    def test_are_searched_for_what_is_four_characters_long_or_longer(self, value: str, message: str) -> None:
        """Shorter values are found in almost any text, and the words of the schema would be lost for nothing."""
        schema = create_model(
            "Refusing", password=(raising(lambda text: PydanticKnownError("enum", {"expected": text})), ...)
        )

        assert [message] == [fault["message"] for fault in faults_of({"password": value}, schema)]

    def test_are_kept_where_they_are_trusted_and_value_errors(self) -> None:
        """The settings' own validators say what to do; an assertion that failed does not."""
        schema = create_model(
            "Refusing",
            policy=(raising(lambda _: ValueError("name a distribution")), ...),
            limit=(raising(AssertionError), ...),
        )
        with pytest.raises(ValidationError) as info:
            schema.model_validate({"policy": SECRET, "limit": SECRET})

        assert ["name a distribution", "the value is not accepted (assertion_error)"] == [
            fault["message"] for fault in _configuration.faults_of(info.value, trust_validators=True)
        ]

    def test_are_not_searched_for_objects(self) -> None:
        """Turning a foreign object into text would run its code."""
        schema = create_model(
            "Refusing", password=(raising(lambda _: PydanticKnownError("enum", {"expected": "a"})), ...)
        )

        assert ["Input should be a"] == [fault["message"] for fault in faults_of({"password": [object()]}, schema)]


class Wanting(Bare):
    def __init__(self, config: Config) -> None:
        self.taken = config


class Optionally(Bare):
    def __init__(self, other: Unknown | None = None, config: Config | None = None) -> None:
        self.taken = config


class Changing(Optionally):
    """Reads what it is given later, too."""

    name = "changing"

    def configure(self, config: BaseModel) -> None:
        self.taken = config if isinstance(config, Config) else None


class OldStyle(Bare):
    def __init__(self, *, config: Optional[Annotated[Config, "the configuration"]] = None) -> None:  # noqa: UP045
        self.taken = config


class Evaluated(Bare):
    def __init__(self, config: Any) -> None:
        self.taken = config


Evaluated.__init__.__annotations__["config"] = Annotated[Config | None, "evaluated, not a string"]


class ByNew(Bare):
    def __new__(cls, config: Config) -> ByNew:
        return super().__new__(cls)


class Undefined(Bare):
    def __init__(self, config: Unknown) -> None:
        """Its annotation exists for type checkers alone."""


class Several(Bare):
    def __init__(self, config: Config | Nested) -> None:
        """Which of the two cannot be told."""


class Listed(Bare):
    def __init__(self, config: list[Config]) -> None:
        """A list is no schema."""


class Unannotated(Bare):
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]  # noqa: ANN001
        """Says nothing at all."""


class ByClassMethod(Unannotated):
    @classmethod
    def get_config_schema(cls) -> type[BaseModel] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Config


class ByStaticMethod(Unannotated):
    @staticmethod
    def get_config_schema() -> type[BaseModel] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Config


class Catching(Bare):
    def __init__(self, *args: Any, **config: Any) -> None:
        """Takes anything, and no parameter of this name."""


class Positional(Bare):
    def __init__(self, config: Any = None, /) -> None:
        """The registry passes it by name."""


def schema_for(cls: type[PluginMetadata]) -> type[BaseModel] | None:
    parameter = constructor_parameter(cls)
    assert parameter is not None
    return schema_of_class(cls, parameter)


class TestSchemas:
    @pytest.mark.parametrize(
        "cls",
        [Wanting, Optionally, OldStyle, Evaluated, ByNew, ByClassMethod, ByStaticMethod],
        ids=lambda cls: cls.__name__,
    )
    def test_of_constructors_are_told_before_there_is_an_instance(self, cls: type[PluginMetadata]) -> None:
        """From a class or static method, else from the annotation, whose other parameters need not be known."""
        assert Config is schema_for(cls)

    @pytest.mark.parametrize("cls", [Several, Listed, Unannotated], ids=lambda cls: cls.__name__)
    def test_that_cannot_be_told_say_what_to_do(self, cls: type[PluginMetadata]) -> None:
        """A class method tells them."""
        with pytest.raises(
            SchemaFault, match=f"{cls.__name__} takes config, .* make get_config_schema a class method$"
        ):
            schema_for(cls)

    def test_whose_annotation_cannot_be_evaluated_say_so(self) -> None:
        """With the type of the error."""
        with pytest.raises(SchemaFault, match="the annotation of config cannot be evaluated: NameError"):
            schema_for(Undefined)

    @pytest.mark.parametrize("cls", [Bare, Catching, Positional, int, type], ids=lambda cls: cls.__name__)
    def test_are_asked_of_constructors_that_take_config_by_name(self, cls: type) -> None:
        """Others are constructed without it, those without a readable signature included."""
        assert constructor_parameter(cls) is None

    @pytest.mark.parametrize(
        ("get", "message"),
        [
            (lambda: dict, "returned something other than a pydantic v2 model class or None"),
            (lambda: Config(), "returned something other than a pydantic v2 model class or None"),
            (lambda: list[Config], "returned something other than a pydantic v2 model class or None"),
            (lambda: 1 / 0, "raised ZeroDivisionError"),
            (lambda: exec("raise SystemExit"), "raised SystemExit"),
        ],
    )  # fmt: skip
    def test_that_are_none_are_told(self, get: Callable[[], object], message: str) -> None:
        """Instances, other classes, and whatever a method raises."""
        with pytest.raises(SchemaFault, match=rf"^get_config_schema\(\) {message}$"):
            checked_schema(get)

    def test_pass_an_interrupt_on(self) -> None:
        """Ctrl-C is the user's."""
        with pytest.raises(KeyboardInterrupt):
            checked_schema(lambda: exec("raise KeyboardInterrupt"))

    def test_may_be_none(self) -> None:
        """Nothing to configure."""
        assert checked_schema(lambda: None) is None


BY_CONFIGURE: dict[str, Any] = {"schema": "threads: int = 4\npassword: SecretStr = SecretStr('')"}
BY_CONSTRUCTOR = {**BY_CONFIGURE, "body": "def __init__(self, config):\n    self.taken = config"}
OPTIONAL_BY_CONSTRUCTOR = {**BY_CONFIGURE, "body": "def __init__(self, config=None):\n    self.taken = config"}


class TestThroughTheRegistry:
    def test_settings_are_applied_when_the_plugin_is_built(self, install_plugin: InstallPlugin) -> None:
        """Not before: a wrong configuration of a plugin that nobody asks for hurts nobody."""
        install_plugin("conf_right", COMPUTE, "right", **BY_CONFIGURE)
        install_plugin("conf_wrong", COMPUTE, "wrong", **BY_CONFIGURE)
        given = {"plugins": {"computes": {"right": {"threads": 8}, "wrong": {"threads": SECRET}}}}
        registry = PluginContainer(settings=given).registry()

        assert 8 == getattr(registry.get(COMPUTE, "right").config, "threads", None)
        with pytest.raises(
            PluginConfigurationError, match=r"Mend threads in plugins.computes.wrong, or in the call"
        ) as info:
            registry.get(COMPUTE, "wrong")

        assert ["threads"] == [fault["field"] for fault in info.value.errors]
        assert "conf-wrong" == (info.value.origin and info.value.origin.distribution)

    def test_a_constructor_gets_it_validated(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """With the schema's defaults when it is required and none is given."""
        install_plugin("conf_ctor", COMPUTE, "ctor", **BY_CONSTRUCTOR)
        registry.discover_all()

        plugin: Any = registry.get(COMPUTE, "ctor")

        assert 4 == plugin.taken.threads
        assert plugin.taken is plugin.config is registry.get_config(COMPUTE, "ctor")

    def test_a_constructor_that_can_do_without_gets_none(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Unless there is a configuration; then it does get it."""
        body = "def __init__(self, config=None):\n    self.taken = config"
        install_plugin("conf_opt", COMPUTE, "opt", **BY_CONFIGURE, body=body)
        registry.discover_all()

        assert vars(registry.create(COMPUTE, "opt"))["taken"] is None
        assert 4 == vars(registry.create(COMPUTE, "opt", {}))["taken"].threads

    def test_a_required_field_without_default_is_named(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The defaults are tried, and do not suffice."""
        install_plugin("conf_need", COMPUTE, "need", schema="url: str\ntoken: str", body=BY_CONSTRUCTOR["body"])
        registry.discover_all()

        with pytest.raises(PluginConfigurationError, match=r"Mend token, url in plugins.computes.need, or in the call"):
            registry.get(COMPUTE, "need")

    def test_a_constructor_without_a_schema_fails_to_load(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And tells the author what to write."""
        install_plugin("conf_none", COMPUTE, "none", body=BY_CONSTRUCTOR["body"])
        registry.discover_all()

        with pytest.raises(
            PluginLoadError, match=r"its schema cannot be told .* make get_config_schema a class method"
        ):
            registry.get(COMPUTE, "none")

    def test_a_plugin_that_turns_it_down_keeps_the_one_before(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The error tells type and place, and has no cause: the plugin's text may quote the configuration."""
        body = """
            def configure(self, config):
                super().configure(config)
                if config.threads > 8:
                    raise ValueError(f"too many: {config.password.get_secret_value()}")
        """
        install_plugin("conf_picky", COMPUTE, "picky", **BY_CONFIGURE, body=body)
        registry.discover_all()
        before = registry.configure(COMPUTE, "picky", {"threads": 2})

        with pytest.raises(
            PluginConfigurationError, match=r"configure\(\) raised ValueError at .*conf_picky.py:\d+ in"
        ) as info:
            registry.configure(COMPUTE, "picky", {"threads": 9, "password": SECRET})

        assert before is registry.get(COMPUTE, "picky").config is registry.get_config(COMPUTE, "picky")
        assert SECRET not in everything_in(info.value)

    def test_a_wrong_one_leaves_the_one_before(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Stored, retrievable, and in the plugin."""
        install_plugin("conf_keep", COMPUTE, "keep", **BY_CONFIGURE)
        registry.discover_all()
        before = registry.configure(COMPUTE, "keep", {"threads": 2})

        with pytest.raises(PluginConfigurationError):
            registry.configure(COMPUTE, "keep", {"threads": SECRET})

        assert before is registry.get(COMPUTE, "keep").config is registry.get_config(COMPUTE, "keep")

    def test_what_a_constructor_took_cannot_be_changed(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """An equal one is fine, another one is refused, with create() as the way out."""
        install_plugin("conf_fixed", COMPUTE, "fixed", **BY_CONSTRUCTOR)
        registry.discover_all()
        before = registry.configure(COMPUTE, "fixed", {"threads": 2})

        assert before == registry.configure(COMPUTE, "fixed", {"threads": 2})
        with pytest.raises(PluginStateError, match=r"create\(\)"):
            registry.configure(COMPUTE, "fixed", {"threads": 3})

        assert 3 == vars(registry.create(COMPUTE, "fixed", {"threads": 3}))["taken"].threads
        assert 2 == vars(registry.get(COMPUTE, "fixed"))["taken"].threads

    def test_what_a_constructor_went_without_cannot_be_given_later(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """An optional configuration that nobody would ever read is refused, and not shown as being in force."""
        install_plugin("conf_late", COMPUTE, "late", **OPTIONAL_BY_CONSTRUCTOR)
        registry.discover_all()
        plugin = registry.get(COMPUTE, "late")

        with pytest.raises(PluginStateError, match="before it is first loaded"):
            registry.configure(COMPUTE, "late", {"threads": 3})

        assert registry.get_config(COMPUTE, "late") is None
        assert not plugin.is_configured
        assert 3 == vars(registry.create(COMPUTE, "late", {"threads": 3}))["taken"].threads

    def test_what_was_constructed_and_registered_by_hand_is_not_configured_later(
        self, registry: PluginRegistry
    ) -> None:
        """Its maker gave it what it has; overriding configure() lets it change."""
        registry.register(Optionally())
        with pytest.raises(PluginStateError, match="where you register it"):
            registry.configure(COMPUTE, "bare", {"threads": 3})

        registry.register(Changing())
        registry.configure(COMPUTE, "changing", {"threads": 3})

        plugin = registry.get(COMPUTE, "changing")
        assert Config(threads=3) == vars(plugin)["taken"] == plugin.config

    def test_a_plugin_without_a_schema_takes_an_empty_one(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And gets no placeholder as its config."""
        install_plugin("conf_free", COMPUTE, "free")
        registry.discover_all()

        assert {} == registry.configure(COMPUTE, "free", {}).model_dump()
        assert registry.get(COMPUTE, "free").config is None
        with pytest.raises(PluginConfigurationError, match="takes no configuration"):
            registry.configure(COMPUTE, "free", {"threads": 2})

    @pytest.mark.parametrize(
        ("returns", "message"),
        [
            ("dict", "returned something other than a pydantic v2 model class or None"),
            ("1 / 0", "raised ZeroDivisionError"),
        ],
    )
    def test_a_schema_that_is_none_is_told(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, returns: str, message: str
    ) -> None:
        """As a configuration error with what to return."""
        module = f"conf_odd_{len(returns)}"
        install_plugin(module, COMPUTE, module, body=f"def get_config_schema(self):\n    return {returns}")
        registry.discover_all()

        with pytest.raises(
            PluginConfigurationError,
            match=f"{message}.*Annotate the constructor's config with a pydantic v2 model, or return one",
        ):
            registry.configure(COMPUTE, module, {})

    def test_one_bad_of_ten_applies_none(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """configure_all() checks everything first."""
        names = [f"ten{number}" for number in range(10)]
        for name in names:
            install_plugin(f"conf_{name}", COMPUTE, name, **BY_CONFIGURE)
        registry.discover_all()
        config: dict[str, dict[str, Any]] = {name: {"threads": 2} for name in names}

        with pytest.raises(PluginConfigurationError, match=r"Mend threads in plugins.computes.ten9"):
            registry.configure_all({"computes": {**config, "ten9": {"threads": SECRET}}})
        assert [None] * 10 == [registry.get_config(COMPUTE, name) for name in names]

        registry.configure_all({"computes": config})
        assert [2] * 10 == [getattr(registry.get(COMPUTE, name).config, "threads", None) for name in names]

    def test_several_bad_are_all_told(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """In one group of errors."""
        for name in ("bad1", "bad2", "fine"):
            install_plugin(f"conf_{name}", COMPUTE, name, **BY_CONFIGURE)
        registry.discover_all()

        with pytest.raises(PluginErrorGroup) as info:
            registry.configure_all(
                {"computes": {"bad1": {"threads": SECRET}, "fine": {}, "bad2": {"password": 3}}, "nope": {"x": {}}}
            )

        told = [str(error).partition(":")[0] for error in info.value.exceptions]
        assert ["Configuration error for plugin 'bad1'", "Configuration error for plugin 'bad2'"] == told[:2]
        assert 3 == len(told)
        assert SECRET not in everything_in(info.value)


def everything_in(error: BaseException) -> str:
    """All that an error shows or holds, down through groups, causes and contexts that a traceback prints."""
    texts = [str(error), repr(error), repr(error.args), repr(vars(error)), "".join(traceback.format_exception(error))]
    texts.append(repr(pickle.dumps(error)))
    texts += [everything_in(inner) for inner in getattr(error, "exceptions", ())]
    return "\n".join(texts)


def everything_logged(records: list[logging.LogRecord]) -> str:
    """Messages, arguments, extras and tracebacks of log records."""
    formatter = logging.Formatter("%(message)s")
    return "\n".join(f"{formatter.format(record)} {vars(record)!r}" for record in records)


class Colour(enum.Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[int] = []


def quoting(value: object) -> object:
    raise ValueError(f"I will not have {value!r}")


def breaking(value: object) -> object:
    raise TypeError(f"cannot handle {value!r}")


def custom(value: object) -> object:
    raise PydanticCustomError("odd", "odd: {value}", {"value": str(value)})


def forging(value: object) -> object:
    raise PydanticKnownError("enum", {"expected": str(value)})


TYPES: list[Any] = [
    int,
    float,
    bool,
    str,
    bytes,
    SecretStr,
    Decimal,
    UUID,
    datetime,
    date,
    timedelta,
    IPv4Address,
    AnyUrl,
    Colour,
    Cat,
    Literal["a", "b"],
    Json[int],
    list[int],
    set[date],
    tuple[int, UUID],
    dict[str, int],
    dict[str, Cat],
    int | list[bool],
    Cat | Dog,
    Annotated[Cat | Dog, Field(discriminator="kind")],
    Annotated[str, Field(max_length=3)],
    Annotated[str, Field(pattern="^[0-9]$")],
    Annotated[int, Field(gt=5, multiple_of=3)],
    Annotated[Decimal, Field(max_digits=2, decimal_places=1)],
    Annotated[list[str], Field(max_length=1)],
    Annotated[str, BeforeValidator(quoting)],
    Annotated[str, BeforeValidator(breaking)],
    Annotated[str, BeforeValidator(custom)],
    Annotated[str, BeforeValidator(forging)],
]

field_names = st.sampled_from(["host", "user", "password", "options", "limit"])


@st.composite
def schemas(draw: st.DrawFn) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (draw(st.sampled_from(TYPES)), draw(st.sampled_from([..., None])))
        for name in draw(st.lists(field_names, unique=True, max_size=4))
    }
    return create_model("Schema", __config__=ConfigDict(extra=draw(st.sampled_from(["forbid", "ignore"]))), **fields)


def misplaced(secret: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The secret, as it is or somewhere inside of other things, in places where it does not belong."""
    return st.recursive(
        secret,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.dictionaries(st.sampled_from(["kind", "lives", "tricks", "x"]), inner, min_size=1, max_size=2),
            st.tuples(inner),
        ),
        max_leaves=3,
    )


secrets = st.integers(min_value=10**12, max_value=10**13).map(str)
shapes: st.SearchStrategy[Callable[[str], Any]] = st.sampled_from(
    [
        lambda text: f"token-{text}",
        lambda text: f"http://user:{text}@host:99999999/",
        lambda text: f'{{"broken": "{text}',
        lambda text: text.encode() + b"\xff",
        lambda text: text,
        int,
        float,
        lambda text: Decimal(text) / 7,
        lambda text: f"2026-13-{text}",
    ]
)


@st.composite
def configurations(draw: st.DrawFn) -> tuple[str, Any]:
    """A secret, and something given as a configuration that holds it in one or more places."""
    secret = draw(secrets)
    leaves = shapes.map(lambda shape: shape(secret))
    mapping = st.dictionaries(
        st.one_of(field_names, st.sampled_from(["pasword", "extra"])), misplaced(leaves), min_size=1, max_size=4
    )
    odd = st.one_of(
        misplaced(leaves), misplaced(leaves).map(lambda value: {3: value}), leaves.map(lambda leaf: {"host": {leaf}})
    )
    return secret[:12], draw(st.one_of(mapping, mapping, mapping, odd))


class TestSecrets:
    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(schemas(), configurations(), st.booleans())
    @example(create_model("Schema", host=(TYPES[-1], ...)), ("100000000000", {"host": b"1000000000000\xff"}), False)
    def test_never_stand_in_anything_that_we_write(
        self,
        caplog: pytest.LogCaptureFixture,
        schema: type[BaseModel],
        configuration: tuple[str, Any],
        turns_it_down: bool,
    ) -> None:
        """
        Whatever the schema and wherever the secret: not in errors, their attributes and tracebacks, not in log records
        and their extras, and not in the report.
        """
        secret, config = configuration

        class Taking(Bare):
            def __init__(self, config: Any = None) -> None:
                """A constructor that may take it."""

            @classmethod
            def get_config_schema(cls) -> type[BaseModel] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
                return schema

            def configure(self, config: BaseModel) -> None:
                if turns_it_down:
                    raise ValueError(f"I will not have {config!r} {config.model_dump()!r}")

        registry = PluginRegistry()
        registry.register(Taking())
        caplog.clear()
        written: list[str] = []
        with caplog.at_level(logging.DEBUG):
            attempts: list[Callable[[], object]] = [
                lambda: registry.configure(COMPUTE, "bare", config),
                lambda: registry.create(COMPUTE, "bare", config),
                lambda: registry.configure_all({"computes": {"bare": config}}),
                lambda: registry.configure_all({"computes": {"bare": config, "bear": config}}),
            ]
            for attempt in attempts:
                try:
                    attempt()
                except PluginError as exc:
                    written.append(everything_in(exc))
            written.append(json.dumps(registry.report().to_dict()))
            written.append(repr(registry.list(COMPUTE)))

        assert secret not in "\n".join(written)
        assert secret not in everything_logged(caplog.records)

    def test_stand_nowhere_either_when_settings_configure_a_plugin(
        self, install_plugin: InstallPlugin, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The whole way: settings, discovery, a failing get(), the log at its most talkative, and the report."""
        install_plugin("leak_a", COMPUTE, "leak-a", **BY_CONFIGURE)
        install_plugin("leak_b", COMPUTE, "leak-b", **BY_CONSTRUCTOR)
        body = "def configure(self, config):\n    raise RuntimeError(config.password.get_secret_value())"
        install_plugin("leak_c", COMPUTE, "leak-c", **BY_CONFIGURE, body=body)
        config: Mapping[str, Any] = {
            "leak-a": {"password": [SECRET], "pasword": SECRET},
            "leak-b": {"threads": SECRET},
            "leak-c": {"password": SECRET},
        }
        written: list[str] = []

        with caplog.at_level(logging.DEBUG):
            registry = PluginContainer(settings={"plugins": {"computes": config}}).registry()
            for name in config:
                with pytest.raises(PluginConfigurationError) as info:
                    registry.get(COMPUTE, name)
                written.append(everything_in(info.value))
            outcomes = registry.activate_all()
            written += [everything_in(error) for error in outcomes.values() if error]
            written.append(json.dumps(registry.report().to_dict()))

        assert 3 <= len(caplog.records)
        assert ["failed"] * 3 == [row.state for row in registry.report().plugins if row.key.startswith("COMPUTE:leak")]
        assert SECRET not in "\n".join(written)
        assert SECRET not in everything_logged(caplog.records)
