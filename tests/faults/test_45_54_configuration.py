"""Configurations that do not fit: every fault by its field, no value quoted, and the earlier configuration kept."""

from __future__ import annotations

from typing import Any

import pytest

from floe_core.plugin_errors import PluginConfigurationError, PluginErrorGroup, PluginLoadError
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing.distributions import plugin_source
from tests.faults.conftest import BAD, COMPUTE, SECRET, Bench

SCHEMA = """
token: str = ''
threads: int = 4
nested: list[dict[str, int]] = []
model_config = ConfigDict(extra='forbid')
"""
QUOTES = "token: str = ''\n@field_validator('token')\n@classmethod\ndef check(cls, value):\n"


def _refuses(bench: Bench, config: Any, key: PluginKey = BAD) -> PluginConfigurationError:
    """Configuring fails; the error is complete, quotes nothing, and what was in force stays."""
    shown = bench.registry.get(*key).config
    before = bench.registry.get_config(*key)
    with bench.expects(PluginConfigurationError) as caught:
        bench.registry.configure(*key, config)
    error = caught.value
    assert isinstance(error, PluginConfigurationError)
    assert key == error.key
    assert error.origin is not None
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert all({"field", "message", "type"} == set(fault) for fault in error.errors)
    assert before is bench.registry.get_config(*key)
    assert shown is bench.registry.get(*key).config
    bench.assert_reported("loaded")
    bench.assert_contained()
    return error


def _fields(error: PluginConfigurationError) -> list[str]:
    return [fault["field"] for fault in error.errors]


@pytest.mark.parametrize("config", [None, SECRET, [SECRET], 7, {7: SECRET}, {None: SECRET}, {("a",): SECRET}])
def test_45_a_configuration_that_is_no_mapping_of_strings(bench: Bench, config: Any) -> None:
    """The one fault is about the whole."""
    bench.install_bad(schema=SCHEMA)

    assert _fields(_refuses(bench, config)) == [""]


@pytest.mark.parametrize(
    ("schema", "config", "fields"),
    [
        ("host: str", {}, ["host"]),  # missing
        (SCHEMA, {"treads": SECRET}, ["treads"]),  # unknown
        (SCHEMA, {"threads": SECRET}, ["threads"]),  # of the wrong type
        (SCHEMA, {"nested": [{"b": SECRET}]}, ["nested.0.b"]),  # deep inside
        (SCHEMA, {"threads": SECRET, "token": [SECRET], "x": SECRET}, ["token", "threads", "x"]),  # many at once
    ],
)
def test_46_fields_that_are_missing_unknown_or_of_the_wrong_type(
    bench: Bench, schema: str, config: dict[str, Any], fields: list[str]
) -> None:
    """Each fault has its dotted path."""
    if "host" in schema:
        bench.settings.clear()
    bench.install_bad(schema=schema)

    error = _refuses(bench, config)

    assert fields == _fields(error)
    for field in fields:
        assert field in str(error)


@pytest.mark.parametrize(
    "returned", ["dict", "7", "'schema'", "Config()", "__import__('pydantic').v1.BaseModel", "1 / 0", "exit(1)"]
)
def test_47_a_schema_that_is_none_or_raises(bench: Bench, returned: str) -> None:
    """The error tells the author what to return."""
    bench.settings.clear()
    bench.install_bad(
        prologue="from pydantic import BaseModel\nimport pydantic.v1\nclass Config(BaseModel): ...\n"
        if "v1" not in returned
        else "class V1: ...\n",
        body=f"def get_config_schema(self): return {returned.replace(chr(95) * 2 + 'import__', 'V1 and __import__')}",
    )

    error = _refuses(bench, {"token": SECRET})

    assert "get_config_schema() " in str(error)


def test_47_a_schema_that_validates_into_something_else(bench: Bench) -> None:
    """Its own model_validate() forgets to return."""
    bench.settings.clear()
    schema = "token: str = ''\n@classmethod\ndef model_validate(cls, *_, **__): ..."
    bench.install_bad(schema=schema)

    assert "model_validate() of the schema returned no model" in str(_refuses(bench, {"token": SECRET}))


@pytest.mark.parametrize("raised", ["RuntimeError", "KeyError", "ZeroDivisionError", "SystemExit"])
def test_48_a_validator_that_raises_what_pydantic_does_not_expect(bench: Bench, raised: str) -> None:
    """Its text, which may quote the value, is not told; its type is."""
    bench.install_bad(
        schema=f"""
        token: str = ''
        port: int = 0
        @field_validator('port')
        @classmethod
        def check(cls, value): raise {raised}({SECRET!r})
        """
    )

    assert raised in str(_refuses(bench, {"port": 7}))


@pytest.mark.parametrize("raised", ["RuntimeError", "ValueError"])
def test_49_a_default_factory_that_raises(bench: Bench, raised: str) -> None:
    """The author's mistake shows when the default is needed, and nowhere else."""
    bench.install_bad(
        schema=f"""
        token: str = ''
        port: int = Field(default_factory=lambda: (_ for _ in ()).throw({raised}({SECRET!r})))
        """
    )
    bench.settings["plugins"]["computes"]["bad"]["port"] = 7

    assert raised in str(_refuses(bench, {}))
    assert bench.registry.get(*BAD).config.port == 7  # type: ignore[union-attr]  # Config of the test's plugin


@pytest.mark.parametrize("raised", ["RuntimeError", "SystemExit"])
def test_50_a_plugin_that_turns_its_configuration_down(bench: Bench, raised: str) -> None:
    """Its configure() raises at the second call, after it has half changed itself; type and place are told."""
    bench.install_bad(
        prologue="import signals\n",
        schema="token: str = ''",
        body=f"""
        def configure(self, config):
            self.config = config
            signals.calls.append(1)
            if len(signals.calls) > 1: raise {raised}(config.token)
        """,
    )

    error = _refuses(bench, {"token": SECRET})

    assert raised in str(error)
    assert "acme_broken.py" in str(error)


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (
            "async def configure(self, config): ...",
            "returned an object of type coroutine, and none of its code has run",
        ),
        ("def configure(self, config): yield", "returned an object of type generator, and none of its code has run"),
        ("def configure(self): ...", "configure() cannot be called as the registry calls it"),
    ],
)
def test_50_a_configure_that_is_not_what_the_registry_calls(bench: Bench, hook: str, words: str) -> None:
    """It did nothing, and is not taken to have done so."""
    bench.settings.clear()
    bench.install_bad(schema="token: str = ''", body=hook)

    assert words in str(_refuses(bench, {"token": SECRET}))


def test_50_a_config_that_cannot_be_read_before_there_is_one(bench: Bench) -> None:
    """The author's property raises until then."""
    bench.settings.clear()
    body = """
    @property
    def config(self): return self.mine
    @config.setter
    def config(self, value): self.mine = value
    """
    bench.install_bad(schema="token: str = ''", body=body)
    with pytest.raises(AttributeError):
        _ = bench.registry.get(*BAD).config

    config = bench.registry.configure(*BAD, {"token": SECRET})

    assert config is bench.registry.get(*BAD).config
    bench.assert_contained()


def test_51_a_configuration_for_a_plugin_that_takes_none(bench: Bench) -> None:
    """An empty one is fine; of any other the fields are named."""
    bench.settings.clear()
    bench.install_bad()

    assert bench.registry.configure(*BAD, {}).model_dump() == {}
    assert _fields(_refuses(bench, {"token": SECRET})) == ["token"]


@pytest.mark.parametrize(
    ("schema", "config", "field"),
    [
        ("token: SecretStr = SecretStr('')", {"token": [SECRET]}, "token"),  # of the wrong type
        ("token: SecretStr = SecretStr('')\npin: int = 0", {"pin": SECRET}, "pin"),  # in the wrong place
        (SCHEMA, {"token": SECRET, "treads": 4}, "treads"),  # beside a misspelt key
        (SCHEMA, {"threads": {"token": SECRET}}, "threads"),  # where a number goes
        (
            QUOTES + "    if value.endswith('!'): raise ValueError(f'{value} is too short')\n    return value",
            {"token": SECRET + "!"},
            "token",
        ),  # quoted by a validator
        (
            QUOTES + "    assert not value.endswith('!'), value\n    return value",
            {"token": SECRET + "!"},
            "token",
        ),  # quoted by an assertion
    ],
)
def test_52_secrets_in_wrong_places_are_told_to_nobody(
    bench: Bench, schema: str, config: dict[str, Any], field: str
) -> None:
    """No message, representation, traceback, log record or report has the value."""
    bench.install_bad(schema=schema)

    assert [field] == _fields(_refuses(bench, config))


def test_52_a_secret_in_the_settings_that_does_not_fit_is_told_to_nobody(bench: Bench) -> None:
    """The plugin does not load, and the report says which field is at fault."""
    bench.install_bad(schema="token: int")

    error = bench.get_fails(PluginConfigurationError)

    assert _fields(error) == ["token"]
    bench.assert_reported("failed", "token")
    bench.assert_contained()


def test_53_a_mapping_that_the_caller_changes_afterwards(bench: Bench) -> None:
    """What was validated stays as it was, for the plugin and for new instances."""
    bench.install_bad(schema=SCHEMA)
    config: dict[str, Any] = {"threads": 1, "nested": [{"a": 1}]}

    bench.registry.configure(*BAD, config)
    config["threads"] = 99
    config["nested"][0]["a"] = 99
    config["nested"].append({"b": 99})

    for plugin in (bench.registry.get(*BAD), bench.registry.create(*BAD)):
        assert plugin.config.model_dump() == {"token": "", "threads": 1, "nested": [{"a": 1}]}  # type: ignore[union-attr]
    bench.assert_contained()


def test_54_one_bad_of_ten_configurations_changes_none(bench: Bench) -> None:
    """Everything is checked first; each error is told, and the earlier configurations stay in force."""
    bench.install_bad(schema=SCHEMA)
    others = [PluginKey(PluginType.STORAGE, f"store{index}") for index in range(9)]
    for key in others:
        bench.install_plugin(key, schema="size: int = 1")
    for key in others:
        bench.registry.configure(*key, {"size": 2})
    config: dict[str, Any] = {
        "storage": {key.name: {"size": 3} for key in others},
        "computes": {"bad": {"threads": SECRET, "x": SECRET}},
    }

    with bench.expects(PluginConfigurationError) as caught:
        bench.registry.configure_all(config)

    assert _fields(caught.value) == ["threads", "x"]
    assert [bench.registry.get_config(*key).size for key in others] == [2] * 9  # type: ignore[union-attr]
    assert bench.registry.get(*BAD).config.token == SECRET  # type: ignore[union-attr]  # still that of the settings
    bench.assert_contained()


def test_54_several_bad_of_ten_configurations_are_told_together(bench: Bench) -> None:
    """A group holds one error for each plugin, for a table that is none, and for a group of plugins that is none."""
    bench.install_bad(schema=SCHEMA)
    bench.install_plugin(PluginKey(PluginType.STORAGE, "store"), schema="size: int = 1")

    with bench.expects(PluginErrorGroup) as caught:
        bench.registry.configure_all(
            {
                "storage": {"store": {"size": SECRET}, "absent": {"a": SECRET}},
                "computes": {"bad": {"threads": SECRET}},
                "compute": {"bad": {"token": SECRET}},
            }
        )

    assert len(caught.value.exceptions) == 4
    assert bench.registry.get_config(PluginType.STORAGE, "store") is None
    bench.assert_contained()


def test_54_a_plugin_that_turns_its_configuration_down_after_others_took_theirs(bench: Bench) -> None:
    """Earlier configurations are applied again where there were any, and the error names what stayed changed."""
    bench.install_plugin(PluginKey(PluginType.STORAGE, "before"), schema="size: int = 1")
    bench.install_plugin(PluginKey(PluginType.STORAGE, "fresh"), schema="size: int = 1")
    bench.install_bad(
        schema=SCHEMA, body="def configure(self, config):\n    if config.threads == 7: raise OSError(config.token)"
    )
    bench.registry.configure(PluginType.STORAGE, "before", {"size": 2})

    with bench.expects(PluginConfigurationError) as caught:
        bench.registry.configure_all(
            {
                "storage": {"before": {"size": 3}, "fresh": {"size": 3}},
                "computes": {"bad": {"token": SECRET, "threads": 7}},
            }
        )

    assert "STORAGE:fresh" in str(caught.value)
    assert "STORAGE:before" not in str(caught.value)
    assert bench.registry.get(PluginType.STORAGE, "before").config.size == 2  # type: ignore[union-attr]
    bench.assert_contained()


def test_54_a_constructor_without_a_schema_that_can_be_told(bench: Bench) -> None:
    """A plugin that wants config, and says only as an instance what it is, does not load, and its author is told."""
    bench.install_bad(
        plugin_source(
            COMPUTE,
            name="bad",
            prologue="from pydantic import BaseModel\n",
            body="def __init__(self, config): ...\ndef get_config_schema(self): return BaseModel",
        )
    )

    error = bench.get_fails(PluginLoadError)

    assert "make get_config_schema a class method" in str(error)
    bench.assert_reported("failed", "get_config_schema")
    bench.assert_contained()
