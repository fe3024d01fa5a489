"""What an operator chooses, from code or from a file; and that every mistake is told by place and never by value."""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError

from floe_core import settings as settings_module
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import SettingsError
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.settings import Settings

DUCK = PluginKey(PluginType.COMPUTE, "duckdb")
GROUPS = ", ".join(plugin_type.group for plugin_type in PluginType)
TYPES = ", ".join(PluginType.__members__)
SECRET = "hunter2-correct-horse"

TABLE: dict[str, Any] = {
    "defaults": {"computes": "duckdb"},
    "plugins": {"computes": {"duckdb": {"threads": 8, "nested": {"a": [1, 2]}}}, "catalogs": {"polaris": {}}},
    "policy": {
        "allow": ["Acme-Duck"],
        "deny": ["evil-corp"],
        "disable": ["STORAGE:s3"],
        "prefer": {"COMPUTE:duckdb": "acme-duck"},
    },
    "load_timeout": 5,
    "max_parallel_starts": 4,
}

TOML = """
load_timeout = 5
max_parallel_starts = 4
[defaults]
computes = "duckdb"
[plugins.computes.duckdb]
threads = 8
nested = { a = [1, 2] }
[plugins.catalogs.polaris]
[policy]
allow = ["Acme-Duck"]
deny = ["evil-corp"]
disable = ["STORAGE:s3"]
prefer = { "COMPUTE:duckdb" = "acme-duck" }
"""

YAML = """
load_timeout: 5
max_parallel_starts: 4
defaults: {computes: duckdb}
plugins:
  computes:
    duckdb: {threads: 8, nested: {a: [1, 2]}}
  catalogs:
    polaris: {}
policy:
  allow: [Acme-Duck]
  deny: [evil-corp]
  disable: ["STORAGE:s3"]
  prefer: {"COMPUTE:duckdb": acme-duck}
"""

FILES = {
    "floe.toml": TOML,
    "floe.TOML": TOML,
    "floe.json": json.dumps(TABLE),
    "floe.yaml": YAML,
    "floe.yml": YAML,
    "marked.json": "\ufeff" + json.dumps(TABLE),  # Windows editors leave a byte order mark
}


def message_of(make: Callable[[], object]) -> str:
    """The text of the settings error that *make* raises, once it is sure that nothing of it holds the secret."""
    with pytest.raises(SettingsError) as info:
        make()
    assert SECRET not in f"{info.value}{info.value!r}{info.value.errors}{info.getrepr(style='native')}"
    assert info.value.__cause__ is None
    assert info.value.__context__ is None
    return str(info.value)


class TestSettings:
    def test_are_empty_by_default(self) -> None:
        """No defaults, no configurations, everything allowed; sixty seconds for a load, thirty-two starts at once."""
        settings = Settings()

        assert ({}, {}, DiscoveryPolicy(), 60.0, 32) == (
            settings.defaults,
            settings.plugins,
            settings.policy,
            settings.load_timeout,
            settings.max_parallel_starts,
        )

    def test_are_made_in_code(self) -> None:
        """With a policy object, or a table in its place."""
        policy = DiscoveryPolicy(deny=frozenset({"evil-corp"}))
        table: Any = {"deny": ["Evil.Corp"]}

        assert policy is Settings(policy=policy).policy
        assert policy == Settings(policy=table).policy

    def test_do_not_change(self) -> None:
        """A registry reads them when it needs them."""
        settings = Settings()

        with pytest.raises(ValidationError, match="frozen"):
            settings.load_timeout = 3  # pyright: ignore[reportAttributeAccessIssue]  # the point

    def test_give_the_configuration_of_a_key(self) -> None:
        """As it was written; None where there is none, an empty one where it is empty."""
        settings = Settings.from_mapping(TABLE)

        assert {"threads": 8, "nested": {"a": [1, 2]}} == settings.config_of(DUCK)
        assert settings.config_of(PluginKey(PluginType.CATALOG, "polaris")) == {}
        assert settings.config_of(PluginKey(PluginType.COMPUTE, "spark")) is None
        assert settings.config_of(PluginKey(PluginType.STORAGE, "duckdb")) is None

    def test_name_the_keys_that_are_configured(self) -> None:
        """In the order in which they stand there."""
        assert [DUCK, PluginKey(PluginType.CATALOG, "polaris")] == Settings.from_mapping(TABLE).configured_keys()

    def test_show_no_configuration_when_printed(self) -> None:
        """Consoles and logs print objects."""
        settings = Settings(plugins={"computes": {"duckdb": {"password": SECRET}}})

        assert SECRET not in f"{settings!r}{settings}"

    def test_pickle(self) -> None:
        """They can be handed to another process."""
        settings = Settings.from_mapping(TABLE)

        assert settings == pickle.loads(pickle.dumps(settings))


class TestFromFile:
    @pytest.mark.parametrize("name", FILES)
    def test_reads_toml_json_and_yaml_alike(self, tmp_path: Path, name: str) -> None:
        """The ending of the name decides, case aside."""
        file = tmp_path / name
        file.write_text(FILES[name], encoding="utf-8")

        assert Settings.from_mapping(TABLE) == Settings.from_file(file)
        assert Settings.from_mapping(TABLE) == Settings.from_file(str(file))

    @pytest.mark.parametrize(
        ("name", "content", "place"),
        [
            ("a.toml", f'password = "{SECRET}"\nbroken', "at end of document"),
            ("a.toml", f"password = {SECRET}", "at line 1, column 12"),
            ("a.toml", f'a = "{SECRET}"\na = 2\n[b]\n', "at line 2, column 6"),
            ("a.toml", f"{SECRET} = {'1' * 5000}", "(ValueError)"),  # more digits than Python converts
            ("a.toml", f"{SECRET} = {'[' * 5000}", "(RecursionError)"),
            ("a.json", f'{{"password": "{SECRET}",\n  broken', "at line 2, column 3"),
            ("a.json", f'["{SECRET}", {"[" * 200_000}', "(RecursionError)"),
            ("a.json", "", "at line 1, column 1"),
            ("a.yaml", f"password: {SECRET}\n  broken: [", "at line 2, column 9"),
            ("a.yaml", f"password: {SECRET}\nx: !unknown {SECRET}", "at line 2, column 4"),
            ("a.yaml", f"password: {SECRET}\nday: 2026-13-45", "(ValueError)"),
            ("a.yaml", f"password: {SECRET}\n\x07", "(ReaderError)"),
        ],
    )
    def test_a_file_that_is_not_well_formed_is_told_by_its_place(
        self, tmp_path: Path, name: str, content: str, place: str
    ) -> None:
        """Line and column, counted from 1, and nothing of what stands there."""
        file = tmp_path / name
        file.write_text(content, encoding="utf-8")

        assert (
            f"Settings error in {file}: the file is not well-formed {place}. Mend the file, or let FLOE_SETTINGS name "
            in (message_of(lambda: Settings.from_file(file)))
        )

    def test_a_place_that_the_parser_words_otherwise_is_left_out(self) -> None:
        """Nothing of a message that is not understood gets through."""
        import tomllib

        assert "(TOMLDecodeError)" == settings_module._place_of(tomllib.TOMLDecodeError(f"odd: {SECRET}"))

    @pytest.mark.parametrize(
        ("name", "content", "problem"),
        [
            ("a.toml", b"\xff" + SECRET.encode(), "the file cannot be read (UnicodeDecodeError)"),
            ("a.json", json.dumps([SECRET]).encode(), "the file does not hold a table of settings"),
            ("a.yaml", SECRET.encode(), "the file does not hold a table of settings"),
            ("a.yaml", b"", "the file does not hold a table of settings"),
            ("a.ini", SECRET.encode(), "the ending is none of .toml, .json, .yaml, .yml"),
            ("a", SECRET.encode(), "the ending is none of .toml, .json, .yaml, .yml"),
        ],
    )
    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path, name: str, content: bytes, problem: str) -> None:
        """With the reason, under the file's name."""
        file = tmp_path / name
        file.write_bytes(content)

        assert message_of(lambda: Settings.from_file(file)) == (
            f"Settings error in {file}: {problem}. Mend the file, or let FLOE_SETTINGS name another."
        )

    @pytest.mark.parametrize(
        ("name", "error"),
        [("missing.toml", "FileNotFoundError"), ("", "IsADirectoryError"), ("a\0.toml", "ValueError")],
    )
    def test_a_file_that_cannot_be_read_is_told(self, tmp_path: Path, name: str, error: str) -> None:
        """Missing, a folder, or no name at all."""
        file = tmp_path / name

        assert f"Settings error in {file}: the file cannot be read ({error})." in message_of(
            lambda: Settings.from_file(file)
        )

    def test_yaml_without_pyyaml_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It comes with an extra."""
        file = tmp_path / "floe.yaml"
        file.write_text(YAML)
        monkeypatch.setitem(sys.modules, "yaml", None)

        with pytest.raises(SettingsError, match=r"reading YAML needs PyYAML; install floe-core\[yaml\], or write TOML"):
            Settings.from_file(file)

    def test_a_wrong_field_is_told_under_the_name_of_the_file(self, tmp_path: Path) -> None:
        """By its dotted path."""
        file = tmp_path / "floe.toml"
        file.write_text(f'[plugins.computes]\nduckdb = "{SECRET}"\n')

        assert message_of(lambda: Settings.from_file(file)) == (
            f"Settings error in {file}: plugins.computes.duckdb: a table goes here. Mend what is named "
            "here; nothing was discovered."
        )


class TestFromMapping:
    def test_keeps_nothing_of_the_mapping(self) -> None:
        """Later changes of the caller's do not reach the settings; any mapping will do."""
        table = {"defaults": {"computes": "duckdb"}}
        settings = Settings.from_mapping(MappingProxyType(table))

        table["defaults"]["computes"] = "spark"

        assert {"computes": "duckdb"} == settings.defaults

    @pytest.mark.parametrize(
        ("table", "faults"),
        [
            (SECRET, ["a table goes here"]),
            ({"defaults": {"compute": SECRET}}, [f"defaults.compute: there is no plugin group 'compute'; the groups are {GROUPS}"]),
            ({"defaults": {"computes": 3}}, ["defaults.computes: Input should be a valid string"]),
            ({"defaults": {"computes": ""}}, ["defaults.computes: String should have at least 1 character"]),
            ({"plugins": SECRET}, ["plugins: a table goes here"]),
            ({"plugins": {"compute": {}}}, [f"plugins.compute: there is no plugin group 'compute'; the groups are {GROUPS}"]),
            ({"plugins": {"computes": [SECRET]}}, ["plugins.computes: a table goes here"]),
            ({"plugins": {"computes": {"duckdb": SECRET}}}, ["plugins.computes.duckdb: a table goes here"]),
            ({"plugins": {"computes": {"duckdb": {3: SECRET}}}}, ["plugins.computes.duckdb.3: Input should be a valid string"]),
            ({"policy": SECRET}, ["policy: a table goes here"]),
            (
                {"policy": {"allow": ["acme", f"{SECRET}!"]}},
                ["policy.allow.1: no distribution can be called this; write a name such as acme-duck"],
            ),
            ({"policy": {"deny": SECRET}}, ["policy.deny: Input should be a valid list"]),
            (
                {"policy": {"disable": ["COMPUTE:duckdb", SECRET]}},
                [f"policy.disable.1: this is no plugin key; write TYPE:name, where TYPE is one of {TYPES}"],
            ),
            (
                {"policy": {"prefer": {"duckdb": "acme"}}},
                [f"policy.prefer.duckdb: this is no plugin key; write TYPE:name, where TYPE is one of {TYPES}"],
            ),
            ({"policy": {"prefer": {"COMPUTE:duckdb": [SECRET]}}}, ["policy.prefer.COMPUTE:duckdb: Input should be a valid string"]),
            ({"policy": {"denny": [SECRET]}}, ["policy.denny: there is no such setting; there are allow, deny, disable, prefer"]),
            (
                {"plugin": {"computes": {"duckdb": {"password": SECRET}}}},
                ["plugin: there is no such setting; there are defaults, plugins, policy, load_timeout, max_parallel_starts"],
            ),
            ({"load_timeout": 0}, ["load_timeout: Input should be greater than 0"]),
            ({"load_timeout": float("nan")}, ["load_timeout: Input should be a finite number"]),
            ({"load_timeout": 1e300}, [f"load_timeout: Input should be less than or equal to {threading.TIMEOUT_MAX:.0f}"]),
            ({"load_timeout": SECRET}, ["load_timeout: Input should be a valid number, unable to parse string as a number"]),
            ({"max_parallel_starts": 0}, ["max_parallel_starts: Input should be greater than or equal to 1"]),
            (
                {"defaults": {"computes": 3}, "load_timeout": -1},
                ["defaults.computes: Input should be a valid string", "load_timeout: Input should be greater than 0"],
            ),
        ],
    )  # fmt: skip
    def test_every_fault_is_told_by_dotted_path(self, table: Any, faults: list[str]) -> None:
        """All of them at once, none with a value."""
        assert message_of(lambda: Settings.from_mapping(table)) == (
            f"Settings error in settings: {'; '.join(faults)}. Mend what is named here; nothing was discovered."
        )

    def test_faults_are_data_too(self) -> None:
        """Field, message and type, under the source that the caller names."""
        with pytest.raises(SettingsError) as info:
            Settings.from_mapping({"load_timeout": SECRET}, source="the console")

        assert "the console" == info.value.source
        assert [
            {
                "field": "load_timeout",
                "message": "Input should be a valid number, unable to parse string as a number",
                "type": "float_parsing",
            }
        ] == info.value.errors


class TestFromEnvironment:
    def test_reads_the_file_that_floe_settings_names(self, tmp_path: Path) -> None:
        """Relative names are relative to the working directory, as everywhere."""
        (tmp_path / "floe.toml").write_text(TOML)

        settings = Settings.from_environment({"FLOE_SETTINGS": str(tmp_path / "floe.toml")})

        assert Settings.from_mapping(TABLE) == settings

    @pytest.mark.parametrize("environ", [dict[str, str](), {"FLOE_SETTINGS": ""}])
    def test_is_empty_when_unset_or_empty(self, environ: dict[str, str]) -> None:
        """No file, no settings."""
        assert Settings() == Settings.from_environment(environ)

    def test_reads_the_process_by_default(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable of this process."""
        (tmp_path / "floe.toml").write_text("load_timeout = 3")
        monkeypatch.setenv("FLOE_SETTINGS", os.fspath(tmp_path / "floe.toml"))

        assert 3.0 == Settings.from_environment().load_timeout
