"""``floe-plugins show`` and ``floe-plugins schema``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from tests.cli.conftest import Cli, Terminal
from tests.conftest import InstallPlugin

SCHEMA = """
    threads: int = Field(4, ge=1, le=64, description="Worker threads")
    path: str
    mode: Literal["fast", "safe"] = "safe"
    tags: list[str] = Field(default_factory=list, max_length=3)
    either: int | str = 1
    where: AnyUrl | None = None
    token: SecretStr = SecretStr("hunter2-default")
    pool: Pool = Pool()
    extra: dict = {}
    more: Any = None
"""
PROLOGUE = """
    from typing import Any, Literal, Optional
    from pydantic import AnyUrl, BaseModel, Field

    class Pool(BaseModel):
        size: int = Field(2, ge=1)
        inner: Optional["Pool"] = None
"""


@pytest.fixture
def duckdb(install_plugin: InstallPlugin) -> None:
    """A plugin with a schema, which needs polaris, and which dagster needs."""
    body = "description = 'Runs queries'\n"
    install_plugin(
        "acme_duck",
        PluginType.COMPUTE,
        "duckdb",
        dependencies=["CATALOG:polaris>=1.0"],
        schema=SCHEMA,
        prologue=PROLOGUE,
        body=body,
    )
    install_plugin("acme_polaris", PluginType.CATALOG, "polaris")
    install_plugin("acme_dagster", PluginType.ORCHESTRATOR, "dagster", dependencies=["duckdb"])


def test_tells_all_that_is_known(duckdb: None, cli: Cli) -> None:
    """Where it comes from, what it says of itself, its fields, and its dependencies both ways; loads it alone."""
    ran = cli("show", "duckdb", "--json")

    assert ran.code == 0
    answer = ran.answer
    assert answer["schema"] == "floe-plugins/show/1"
    assert (answer["state"], answer["distribution"], answer["version"]) == ("loaded", "acme-duck", "1.0.0")
    assert answer["plugin"] == {
        "name": "duckdb",
        "version": "1.0.0",
        "api_version": "1.0",
        "description": "Runs queries",
        "class": "acme_duck:Plugin",
    }
    assert answer["dependencies"] == [{"key": "CATALOG:polaris", "version": ">=1.0", "problem": None}]
    assert answer["dependents"] == ["ORCHESTRATOR:dagster"]
    assert "acme_duck" in sys.modules
    assert "acme_dagster" not in sys.modules


def test_tells_the_configuration_field_by_field(duckdb: None, cli: Cli) -> None:
    """Type, whether it is required, default and constraints, nested ones by dotted path; no default of a secret."""
    fields = {field["field"]: field for field in cli("show", "duckdb", "--json").answer["config"]}

    def told(name: str) -> tuple[str, bool, str | None, str]:
        field = fields[name]
        return field["type"], field["required"], field["default"], field["constraints"]

    assert told("threads") == ("integer", False, "4", ">= 1, <= 64")
    assert fields["threads"]["description"] == "Worker threads"
    assert told("path") == ("string", True, None, "")
    assert told("mode") == ("choice", False, '"safe"', 'one of "fast", "safe"')
    assert told("tags") == ("array of string", False, None, "at most 3 items")
    assert told("either") == ("integer or string", False, "1", "")
    assert told("where") == ("string (uri) or null", False, "null", "at least 1 characters")
    assert told("token") == ("secret", False, "***", "")
    assert told("pool.size") == ("integer", False, "2", ">= 1")
    assert told("more") == ("any", False, "null", "")
    assert "pool.inner.inner.inner.inner" in fields
    assert "hunter2" not in str(fields)


@pytest.mark.parametrize("columns", [80, 40])
def test_fits_the_terminal(duckdb: None, terminal: Terminal, columns: int) -> None:
    session = terminal("show", "duckdb", columns=columns)

    assert session.code == 0
    assert session.width <= columns
    for words in (
        "Runs queries",
        "None is in force.",
        "Worker threads",
        "CATALOG:polaris >=1.0",
        "ORCHESTRATOR:dagster",
    ):
        assert words in session.words


def test_a_configuration_in_force_is_said_and_not_shown(duckdb: None, site: Path, cli: Cli) -> None:
    (site / "s.toml").write_text("[plugins.computes.duckdb]\npath = 'hunter2-path'\ntoken = 'hunter2-token'\n")

    ran = cli("show", "duckdb", "--settings", str(site / "s.toml"))

    assert "One is in force." in ran.words
    assert "hunter2" not in ran.out + ran.err


def test_what_does_not_load_is_told_as_far_as_it_goes(install_plugin: InstallPlugin, site: Path, cli: Cli) -> None:
    """A wrong configuration keeps a plugin from loading, and its fields from nobody."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int")
    (site / "s.toml").write_text("[plugins.computes.duckdb]\nthreads = 'hunter2'\n")

    ran = cli("show", "duckdb", "--settings", str(site / "s.toml"))

    assert ran.code == 1
    assert "plugins.computes.duckdb.threads: Input should be a valid integer" in ran.words
    assert "threads integer required" in ran.words
    assert "hunter2" not in ran.out


def test_what_cannot_be_imported_is_told_by_what_happened(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue="import no_such_driver\n")

    ran = cli("show", "duckdb")

    assert ran.code == 1
    assert "no_such_driver" in ran.words
    assert "Configuration Known once it loads." in ran.words


def test_a_dependency_that_cannot_be_used_is_marked(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", dependencies=["CATALOG:polaris"])

    ran = cli("show", "duckdb")

    assert ran.code == 1
    assert "✗ CATALOG:polaris Plugin not found: CATALOG:polaris." in ran.words


def test_what_is_not_installed_is_told_by_what_there_is(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    ran = cli("show", "COMPUTE:dukdb")

    assert ran.code == 1
    assert "Did you mean 'duckdb'?" in ran.words
    assert "missing" in ran.words


def test_a_property_that_raises_says_nothing(install_plugin: InstallPlugin, cli: Cli) -> None:
    body = "@property\ndef description(self):\n    raise RuntimeError\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=body)

    assert cli("show", "duckdb", "--json").answer["plugin"]["description"] is None


def test_says_whose_dependencies_are_unknown(install_plugin: InstallPlugin, cli: Cli) -> None:
    """A plugin that computes what it depends on may need this one."""
    body = "@property\ndef dependencies(self):\n    return list(())\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    install_plugin("acme_spark", PluginType.COMPUTE, "spark", body=body)

    assert cli("show", "duckdb", "--json").answer["unread"] == ["COMPUTE:spark"]
    assert "without loading the others" in cli("show", "duckdb").words


def test_a_schema_that_raises_is_told(install_plugin: InstallPlugin, cli: Cli) -> None:
    """The plugin loads, and its schema is the problem."""
    body = "def get_config_schema(self):\n    raise RuntimeError\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", body=body)

    ran = cli("show", "duckdb")

    assert ran.code == 1
    assert "get_config_schema() raised RuntimeError" in ran.words


def test_a_plugin_without_configuration_says_so(install_plugin: InstallPlugin, cli: Cli) -> None:
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    assert "It takes none." in cli("show", "duckdb").words


def test_a_leftover_of_metadata_is_remarked_on(site: Path, install_plugin: InstallPlugin, cli: Cli) -> None:
    distribution = install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    (distribution.metadata / "METADATA").write_text("")

    assert "missing or empty" in cli("show", "duckdb").words


class TestSchema:
    def test_is_the_models_own(self, duckdb: None, cli: Cli) -> None:
        """The JSON schema alone, ready to be piped; with ``--json`` inside the documented shape."""
        schema = json.loads(cli("schema", "duckdb").out)
        answer = cli("schema", "duckdb", "--json").answer

        assert schema["properties"]["threads"]["maximum"] == 64
        assert (answer["key"], answer["has_schema"], answer["json_schema"]) == ("COMPUTE:duckdb", True, schema)

    def test_of_a_constructor_needs_no_instance(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        """A plugin that takes its configuration in the constructor is not constructed."""
        body = """
            @classmethod
            def get_config_schema(cls):
                return Config
            def __init__(self, config: Config):
                raise RuntimeError
        """
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", schema="threads: int", body=body)

        assert json.loads(cli("schema", "duckdb").out)["required"] == ["threads"]

    def test_of_a_plugin_without_one_is_that_of_no_fields(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        answer = cli("schema", "duckdb", "--json").answer

        assert answer["has_schema"] is False
        assert answer["json_schema"]["additionalProperties"] is False

    def test_that_json_schema_cannot_express_is_an_error(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        install_plugin(
            "acme_duck",
            PluginType.COMPUTE,
            "duckdb",
            schema="model_config = ConfigDict(arbitrary_types_allowed=True)\nlock: Odd\n",
            prologue="class Odd: ...\n",
        )

        ran = cli("schema", "duckdb")

        assert ran.code == 1
        assert "cannot be written as JSON schema" in ran.err

    def test_of_what_is_not_there_is_an_error(self, cli: Cli) -> None:
        ran = cli("schema", "COMPUTE:duckdb", "--json")

        assert (ran.code, ran.answer["error"]) == (1, "PluginNotFoundError")

    def test_in_the_terminal(self, duckdb: None, terminal: Terminal) -> None:
        assert json.loads(terminal("schema", "duckdb", columns=40).text)["title"] == "Config"
