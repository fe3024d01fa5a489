"""The contract passes plugins that keep its rules, and catches each breach by exactly the rule meant for it."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from floe_core.plugin_types import PluginType
from floe_core.testing import PluginContract, _contract_rules, _contract_subject, install_distribution, plugin_source
from floe_core.testing._contract_rules import Rule
from tests.testing.runs import Outcomes, run_pytest

RULES = [rule for rule in vars(_contract_rules).values() if isinstance(rule, Rule)]
SECRET = "hunter2-hunter2"
SCHEMA = "threads: int = 4\ntoken: SecretStr = SecretStr('')\n"
TAKES_CONFIG = "def __init__(self, config: Config):\n    self.threads = config.threads\n"


@dataclass(frozen=True)
class Case:
    """
    A plugin, and what the contract says of it.

    Args:
        rule: The rule that it breaks; None where it keeps all of them.

        says: What the message must hold beside the rule.

        source: The module; where empty, it is made of the options, as by ``plugin_source()``.

        contract: More of the test class.

        entry_point: The installed entry point's value; the contract then goes by ``plugin = "COMPUTE:<name>"``.

    """

    name: str
    rule: Rule | None = None
    says: str = ""
    source: str = ""
    schema: str = ""
    body: str = ""
    prologue: str = ""
    dependencies: tuple[str, ...] = ()
    api_version: str = "1.0"
    contract: str = ""
    entry_point: str = ""

    @property
    def has_its_own_module(self) -> bool:
        return bool(self.source or self.entry_point or self.name.startswith(("import_", "exempt")))


GOOD = [
    Case("plain"),
    Case("installed", entry_point="good_installed:Plugin"),
    Case("both_ways", entry_point="good_both_ways:Plugin", contract="plugin_class = good_both_ways.Plugin"),
    Case("configured", schema=SCHEMA, contract=f"config = {{'threads': 2, 'token': {SECRET!r}}}"),
    Case("configured_by_default", schema=SCHEMA, contract="invalid_configs = [{'threads': 'many'}]"),
    Case(
        "config_in_the_constructor",
        schema="path: str\nlevels: list[tuple[str, SecretStr]] = []\nat: float = 0.5\n",
        body="def __init__(self, config: Config):\n    self.path = config.path\n",
        contract="config = {'path': '/data', 'levels': [['a', 'secret-a']]}\ninvalid_configs = [{}, {'path': 4000}]",
    ),
    Case("config_only_wanted", schema=SCHEMA, body="def __init__(self, config: Config | None = None):\n    pass\n"),
    Case(
        "aliased", schema="lanes: int = Field(4, alias='number-of-lanes')", contract="config = {'number-of-lanes': 7}"
    ),
    Case(
        "with_fixture",
        schema="folder: str",
        body="def startup(self):\n    open(self.config.folder + '/lock', 'a').close()",
        contract="""
            @pytest.fixture
            def contract_config(self, tmp_path):
                return {"folder": str(tmp_path)}
        """,
    ),
    Case(
        "with_worker",
        prologue="import threading",
        body="""
            worker = None
            def startup(self):
                if self.worker is None:
                    self.done = threading.Event()
                    self.worker = threading.Thread(target=self.done.wait)
                    self.worker.start()
            def shutdown(self):
                if self.worker is not None:
                    self.done.set()
                    self.worker.join()
                    self.worker = None
        """,
    ),
    Case("depending", dependencies=("CATALOG:polaris>=1.2,<2", "STORAGE:local")),
    Case(
        "sick_until_started",
        body="def health_check(self):\n    return self.status\n"
        "def startup(self):\n    self.status = HealthStatus(HealthState.UNHEALTHY)",
    ),
    Case(
        "exempt",
        prologue="print('hello')",
        contract="def test_importing_prints_nothing(self):\n    pytest.skip('tradition')",
    ),
]

WRONG = [
    # finding
    Case("not_installed", _contract_rules.ENTRY_POINT, "no entry point leads to COMPUTE:nothing", contract="plugin_class = None\nplugin = 'COMPUTE:nothing'"),
    Case("no_such_class", _contract_rules.ENTRY_POINT, "has no Plugnin", entry_point="wrong_no_such_class:Plugnin"),
    Case("malformed_value", _contract_rules.ENTRY_POINT, "wrong_malformed_value.yaml", entry_point="a/wrong_malformed_value.yaml"),
    Case("function_for_a_class", _contract_rules.ENTRY_POINT, "is no plugin class", source="def Plugin(): ...", entry_point="wrong_function_for_a_class:Plugin", contract="plugin_class = None"),
    Case("leads_elsewhere", _contract_rules.ENTRY_POINT, "not to Plugin.Other", body="class Other(ComputePlugin): ...", entry_point="wrong_leads_elsewhere:Plugin", contract="plugin_class = wrong_leads_elsewhere.Plugin.Other"),
    Case("other_group", _contract_rules.ENTRY_POINT, "is a CATALOG plugin, announced as COMPUTE", source=plugin_source(PluginType.CATALOG), entry_point="wrong_other_group:Plugin"),
    Case("local_class", _contract_rules.ENTRY_POINT, "defined inside a function", source="def make():\n" + textwrap.indent(plugin_source(PluginType.COMPUTE), "    ") + "    return Plugin\nPlugin = make()\n"),
    Case("hidden_class", _contract_rules.ENTRY_POINT, "has no attribute Hidden", body="__qualname__ = 'Hidden'"),
    Case("stand_in", _contract_rules.ENTRY_POINT, "another class", source=plugin_source(PluginType.COMPUTE, body="def __new__(cls):\n    return object.__new__(Other) if cls is Plugin else object.__new__(cls)") + "class Other(Plugin): ...\n"),
    # importing
    Case("import_raises", _contract_rules.IMPORTS, "RuntimeError", source="raise RuntimeError('no')", entry_point="wrong_import_raises:Plugin"),
    Case("import_exits", _contract_rules.IMPORTS, "exits", source="raise SystemExit(0)", entry_point="wrong_import_exits:Plugin"),
    Case("import_needs_pytest", _contract_rules.IMPORTS, "RuntimeError", prologue="import sys\nif 'pytest' not in sys.modules:\n    raise RuntimeError('no')"),
    Case("import_ends_the_process", _contract_rules.IMPORTS, "ended with status 7", prologue="import os, sys\nif 'pytest' not in sys.modules:\n    os._exit(7)"),
    Case("import_slow", _contract_rules.IMPORT_BUDGET, "import_budget is 0.1", prologue="import threading\nthreading.Event().wait(0.3)", contract="import_budget = 0.1"),
    Case("import_thread", _contract_rules.IMPORT_THREADS, "started sweeper", prologue="import threading\nthreading.Thread(target=print, args=('',), kwargs={'end': ''}, name='sweeper').start()"),
    Case("import_lasting_thread", _contract_rules.IMPORT_THREADS, "started keeper", prologue="import sys, threading\nif 'pytest' not in sys.modules:\n    threading.Thread(target=threading.Event().wait, name='keeper').start()"),
    Case("import_output", _contract_rules.IMPORT_OUTPUT, "'hello'", prologue="print('hello')"),
    Case("import_network", _contract_rules.IMPORT_NETWORK, "socket.connect", prologue="import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.connect(('127.0.0.1', 9))"),
    Case("import_path", _contract_rules.IMPORT_PATH, "sys.path", prologue="import sys\nsys.path.append('/nowhere')"),
    Case("import_environment", _contract_rules.IMPORT_ENVIRONMENT, "changed TF_LEVEL", prologue="import os\nos.environ['TF_LEVEL'] = '3'"),
    Case("import_folder", _contract_rules.IMPORT_ENVIRONMENT, "the working directory", prologue="import os, sys\nif 'pytest' not in sys.modules:\n    os.chdir('/')"),
    # constructing
    Case("abstract", _contract_rules.CONSTRUCTION, "does not define version", source="from floe_core.plugins import ComputePlugin\nclass Plugin(ComputePlugin):\n    name = 'x'\n    floe_api_version = '1.0'\n"),
    Case("wants_arguments", _contract_rules.CONSTRUCTION, "'path'", body="def __init__(self, path):\n    self.path = path"),
    Case("constructor_raises", _contract_rules.CONSTRUCTION, "ZeroDivisionError", body="def __init__(self):\n    1 // 0"),
    Case("one_for_all", _contract_rules.CONSTRUCTION, "one object", body="one = None\ndef __new__(cls):\n    cls.one = cls.one or object.__new__(cls)\n    return cls.one"),
    Case("configure_raises", _contract_rules.CONSTRUCTION, "configure() raised RuntimeError", schema=SCHEMA, body="def configure(self, config):\n    raise RuntimeError('no')", contract="config = {'threads': 2}"),
    Case("constructor_thread", _contract_rules.CONSTRUCTION_THREADS, "started poller", prologue="import threading", body="def __init__(self):\n    threading.Thread(target=threading.Event().wait, name='poller', daemon=True).start()"),
    # what it says of itself
    Case("nameless", _contract_rules.METADATA, "name is ''", body="name = ''"),
    Case("name_raises", _contract_rules.METADATA, "reading name raised KeyError", body="@property\ndef name(self):\n    raise KeyError('name')"),
    Case("version_is_a_number", _contract_rules.METADATA, "version is of type float", body="version = 1.0"),
    Case("version_is_no_version", _contract_rules.METADATA, "version is 'latest'", body="version = 'latest'"),
    Case("version_of_two_parts", _contract_rules.METADATA, "version is '1.0'", body="version = '1.0'"),
    Case("api_too_new", _contract_rules.METADATA, "requires API v9.0", api_version="9.0"),
    Case("description_is_none", _contract_rules.METADATA, "description is of type NoneType", body="description = None"),
    Case("changing_version", _contract_rules.METADATA_STABLE, "version was '1.0.", prologue="import itertools\nn = itertools.count()", body="@property\ndef version(self):\n    return f'1.0.{next(n)}'"),
    Case("changing_dependencies", _contract_rules.METADATA_STABLE, "dependencies was", prologue="import itertools\nn = itertools.count()", body="@property\ndef dependencies(self):\n    return [f'CATALOG:c{next(n)}']"),
    Case("bare_dependency", _contract_rules.DEPENDENCIES, "'polaris' names no type", dependencies=("polaris",)),
    Case("malformed_dependency", _contract_rules.DEPENDENCIES, "specifier", dependencies=("CATALOG:polaris>=x",)),
    Case("needs_itself", _contract_rules.DEPENDENCIES, "depends on itself", dependencies=("COMPUTE:TestNeedsItselfPlugin",)),
    Case("dependency_twice", _contract_rules.DEPENDENCIES, "twice", dependencies=("CATALOG:a", "CATALOG:a>=1")),
    Case("dependencies_raise", _contract_rules.DEPENDENCIES, "raised RuntimeError", body="@property\ndef dependencies(self):\n    raise RuntimeError"),
    Case("dependencies_in_a_string", _contract_rules.DEPENDENCIES, "of type str", body="dependencies = 'CATALOG:a'"),
    # its configuration
    Case("schema_is_a_dict", _contract_rules.SCHEMA, "pydantic v2 model", body="def get_config_schema(self):\n    return {}"),
    Case("schema_needs_an_instance", _contract_rules.SCHEMA, "class method", body="def __init__(self, config):\n    pass\ndef get_config_schema(self):\n    return None"),
    Case("no_config_to_try", _contract_rules.ROUND_TRIP, "'path'", schema="path: str"),
    Case("two_aliases", _contract_rules.ROUND_TRIP, "written as Python, it does not validate any more: in", schema="lanes: int = Field(validation_alias='in', serialization_alias='out')", contract="config = {'in': 3}"),
    Case("cannot_be_written", _contract_rules.ROUND_TRIP, "writing it raised PydanticSerializationError", schema="model_config = ConfigDict(arbitrary_types_allowed=True)\nhook: object = print"),
    Case("forgetful", _contract_rules.ROUND_TRIP, "differs in lanes", schema="lanes: int = Field(4, exclude=True)", contract="config = {'lanes': 3}"),
    Case("no_json_schema", _contract_rules.JSON_SCHEMA, "PydanticInvalidForJsonSchema", schema="model_config = ConfigDict(arbitrary_types_allowed=True)\nhook: 'Callable | None' = None", prologue="from typing import Callable"),
    Case("accepts_anything", _contract_rules.INVALID_CONFIGS, "invalid_configs[1], with thread", schema=SCHEMA, contract="invalid_configs = [{'threads': 'x'}, {'thread': 4}]"),
    Case("validator_quotes", _contract_rules.NO_VALUES, "for a wrong token, the message of its validator quotes", schema=SCHEMA + "@field_validator('token')\n@classmethod\ndef check(cls, v):\n    if len(v) > 15:\n        raise ValueError(f'{v.get_secret_value()} is too long')\n    return v"),
    Case("validator_raises_other", _contract_rules.NO_VALUES, "its validator raises KeyError", schema=SCHEMA + "@field_validator('threads', mode='before')\n@classmethod\ndef check(cls, v):\n    return {4: 4}[v] if not isinstance(v, list) else 4"),
    Case("constructor_quotes", _contract_rules.NO_VALUES, "the text of its ValueError quotes a value", schema=SCHEMA, body="def __init__(self, config: Config):\n    if len(config.token) > 3:\n        raise ValueError(f'{config.token.get_secret_value()} is too long')", contract=f"invalid_configs = [{{'token': {SECRET!r}}}]"),
    # running
    Case("startup_raises", _contract_rules.STARTS, "startup() raised OSError", body="def startup(self):\n    raise OSError('no')"),
    Case("startup_exits", _contract_rules.STARTS, "startup() raised SystemExit", body="def startup(self):\n    raise SystemExit(3)"),
    Case("startup_hangs", _contract_rules.STARTS, "startup() did not return within 0.2 s; it stands at", prologue="import threading", body="def startup(self):\n    threading.Event().wait()", contract="startup_budget = 0.2"),
    Case("startup_wants_the_main_thread", _contract_rules.STARTS, "signal only works in main thread", prologue="import signal", body="def startup(self):\n    signal.signal(signal.SIGUSR1, signal.SIG_IGN)"),
    Case("shutdown_raises", _contract_rules.STARTS, "shutdown() raised OSError", body="def shutdown(self):\n    raise OSError('no')"),
    Case("shutdown_hangs", _contract_rules.STARTS, "shutdown() did not return within 0.2 s", prologue="import threading", body="def shutdown(self):\n    threading.Event().wait()", contract="shutdown_budget = 0.2"),
    Case("starts_once", _contract_rules.STARTUP_TWICE, "called again, startup() raised AssertionError", body="up = False\ndef startup(self):\n    assert not self.up\n    self.up = True\ndef shutdown(self):\n    self.up = False"),
    Case("starts_never_again", _contract_rules.STARTUP_TWICE, "called after a shutdown, startup() raised AssertionError", body="down = False\ndef startup(self):\n    assert not self.down\ndef shutdown(self):\n    self.down = True"),
    Case("starts_threads_again", _contract_rules.STARTUP_TWICE, "started ticker once more", prologue="import threading", body="ends = ()\ndef startup(self):\n    self.ends += (threading.Event(),)\n    threading.Thread(target=self.ends[-1].wait, name='ticker').start()\ndef shutdown(self):\n    for end in self.ends:\n        end.set()"),
    Case("stops_once", _contract_rules.SHUTDOWN_TWICE, "called again, shutdown() raised AttributeError", body="file = None\ndef startup(self):\n    self.file = open(__file__)\ndef shutdown(self):\n    if self.file is None:\n        return\n    self.file.close()\n    self.file = 4"),
    Case("stops_only_after_start", _contract_rules.SHUTDOWN_TWICE, "called without a startup, shutdown() raised AttributeError", body="def startup(self):\n    self.lines = []\ndef shutdown(self):\n    self.lines.clear()"),
    Case("leaves_a_thread", _contract_rules.THREADS_END, "there still runs loader", prologue="import threading", body="once = False\ndef startup(self):\n    if not self.once:\n        self.once = True\n        threading.Thread(target=threading.Event().wait, name='loader').start()"),
    Case("thread_bound", _contract_rules.ANY_THREAD, "ProgrammingError", prologue="import sqlite3", body="db = None\ndef startup(self):\n    if self.db is None:\n        self.db = sqlite3.connect(':memory:')\ndef shutdown(self):\n    if self.db is not None:\n        self.db.close()\n        self.db = None\ndef health_check(self):\n    self.db.execute('select 1')\n    return HealthStatus(HealthState.HEALTHY)"),
    Case("health_raises", _contract_rules.HEALTH, "health_check() raised OSError", body="def health_check(self):\n    raise OSError('no')"),
    Case("health_hangs", _contract_rules.HEALTH, "health_check() did not return within 0.2 s; it stands at", prologue="import threading", body="def health_check(self):\n    threading.Event().wait()", contract="health_budget = 0.2"),
    Case("health_is_true", _contract_rules.HEALTH, "health_check() returned bool", body="def health_check(self):\n    return True"),
    Case("health_is_a_word", _contract_rules.HEALTH, "state of type str", body="def health_check(self):\n    return HealthStatus('healthy')"),
    # leaving the process
    Case("config_does_not_pickle", _contract_rules.PICKLES, "pickling its configuration raised", schema="threads: int = 4", body="Inner = type('Inner', (Config,), {})\n@classmethod\ndef get_config_schema(cls):\n    return cls.Inner", contract="config = {'threads': 2}"),
    Case("config_pickles_wrong", _contract_rules.PICKLES, "comes back different", schema="threads: int = 4\ndef __reduce__(self):\n    return Config, ()", contract="config = {'threads': 2}"),
]  # fmt: skip


def class_of(case: Case) -> str:
    return "Test" + "".join(word.title() for word in case.name.split("_"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """
    All plugins in one run of pytest, in a process of its own.

    Plugins whose module is beside the point share one, since every module is imported in one more process.
    """
    folder = tmp_path_factory.mktemp("contracts")
    shared: list[str] = []
    tests = ["import pytest", "from floe_core.testing import PluginContract", "import shared"]
    for kind, cases in (("good", GOOD), ("wrong", WRONG)):
        for case in cases:
            if case.has_its_own_module:
                tests.append(_installed(folder, f"{kind}_{case.name}", case))
            else:
                shared.append(_source(case, class_name=f"{class_of(case)}Plugin"))
                tests.append(_test_class(case, f"plugin_class = shared.{class_of(case)}Plugin", "import_budget = 30"))
    (folder / "shared.py").write_text("\n".join(shared))
    (folder / "test_contracts.py").write_text("\n".join(tests))
    return run_pytest(folder, "-q")


def _source(case: Case, class_name: str = "Plugin") -> str:
    source = plugin_source(
        PluginType.COMPUTE,
        class_name,
        name=case.name,
        schema=case.schema,
        body=case.body,
        prologue=textwrap.dedent(case.prologue) + "\n",
        dependencies=case.dependencies,
        api_version=case.api_version,
    )
    return re.sub(r"\bConfig\b", f"{class_name}Config", source)


def _installed(folder: Path, module: str, case: Case) -> str:
    (folder / f"{module}.py").write_text(case.source or _source(case))
    if not case.entry_point:
        return f"import {module}\n{_test_class(case, f'plugin_class = {module}.Plugin')}"
    install_distribution(folder, f"dist-{module}", {PluginType.COMPUTE: {case.name: case.entry_point}})
    imports = f"import {module}\n" if module in case.contract else ""
    return imports + _test_class(case, f"plugin = 'COMPUTE:{case.name}'")


def _test_class(case: Case, *lines: str) -> str:
    body = "\n".join([*lines, textwrap.dedent(case.contract).strip("\n")])
    return f"class {class_of(case)}(PluginContract):\n{textwrap.indent(body, '    ')}\n"


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_passes_a_plugin_that_keeps_the_rules(case: Case, outcomes: Outcomes) -> None:
    """Whatever way a plugin is configured and run, a sound one passes every rule that applies to it."""
    failed = outcomes.failed(class_of(case))

    assert not failed, failed
    assert len(RULES) == len(outcomes.of(class_of(case)))


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_catches_a_breach_by_its_rule(case: Case, outcomes: Outcomes) -> None:
    """Exactly one test fails, that of the rule, and says what happened, why it matters and how to mend it."""
    assert case.rule is not None
    failed = outcomes.failed(class_of(case))

    assert [case.rule.test] == list(failed), failed
    message = failed[case.rule.test]
    assert case.says in message
    assert f"breaks a rule for plugins: {case.rule.title}." in message
    assert f"Why: {case.rule.why}" in message
    assert "Mend: " in message


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.test)
def test_has_a_test_and_a_breach_for_each_rule(rule: Rule) -> None:
    """No rule is stated and not proved, and each is shown to catch something."""
    assert callable(getattr(PluginContract, rule.test))
    assert any(case.rule is rule for case in WRONG)


def test_has_a_rule_for_each_test() -> None:
    """No test is without a rule that says why."""
    assert {rule.test for rule in RULES} == {name for name in vars(PluginContract) if name.startswith("test_")}


def test_skips_what_cannot_go_on(outcomes: Outcomes) -> None:
    """A test that another breach keeps from its work is skipped, and says which test tells."""
    outcome, message = outcomes.tests["TestStartupRaises", "test_shutdown_is_idempotent"]

    assert outcome == "skipped"
    assert "test_starts_and_stops_within_its_time tells" in message


def test_no_message_holds_a_value(outcomes: Outcomes) -> None:
    """What the contract says of a plugin whose errors quote a secret does not quote it again."""
    assert not [message for _, message in outcomes.tests.values() if SECRET in message]


def test_tells_an_author_who_names_no_plugin(project: Callable[..., Outcomes]) -> None:
    """Neither key nor class, a class without a type, or a key of no type: each test says what to set, in a line or two."""
    run = project(
        {
            "test_it.py": """
                from floe_core.plugin_metadata import PluginMetadata
                from floe_core.testing import PluginContract
                class TestNothing(PluginContract): ...
                class TestTypeless(PluginContract):
                    plugin_class = PluginMetadata
                class TestMistyped(PluginContract):
                    plugin = "COMPUTER:duckdb"
            """
        },
        "-k",
        "test_metadata_is_valid",
    )

    for test_class in ("TestNothing", "TestTypeless"):
        message = run.failed(test_class)["test_metadata_is_valid"]
        assert f'{test_class} names no plugin. Set plugin = "TYPE:name"' in message
    message = run.failed("TestMistyped")["test_metadata_is_valid"]
    assert "TestMistyped.plugin: 'COMPUTER:duckdb' is no plugin key; write TYPE:name, where TYPE is one of" in message
    assert "Traceback" not in message


def test_unsets_the_operators_variables(project: Callable[..., Outcomes]) -> None:
    """A policy of the machine on which the tests run does not keep a plugin from being proved."""
    run = project(
        {
            "it.py": plugin_source(PluginType.COMPUTE),
            "test_it.py": """
                import it
                from floe_core.testing import PluginContract
                class TestIt(PluginContract):
                    plugin_class = it.Plugin
            """,
        },
        "-k",
        "test_loads_through_its_entry_point",
        environment={"FLOE_PLUGINS_ALLOW": "nobody"},
    )

    assert run.of("TestIt") == {"test_loads_through_its_entry_point": "passed"}


def test_reports_an_import_that_does_not_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The fresh process is given up on, and the rule about imports told."""
    (tmp_path / "floe_test_endless.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(_contract_subject, "PROBE_TIMEOUT", 1.0)

    report = _contract_subject.import_report("floe_test_endless", within=5.0)

    assert "it did not return within 1 s" in report.error


def test_takes_the_fastest_of_several_imports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One slow import on a busy machine is no breach: the first here takes longer than those after it."""
    slow_once = "import pathlib, threading\nmark = pathlib.Path(__file__).with_suffix('.mark')\n"
    slow_once += "if not mark.exists():\n    mark.touch()\n    threading.Event().wait(3)\n"
    (tmp_path / "floe_test_slow_once.py").write_text(slow_once)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert _contract_subject.import_report("floe_test_slow_once", within=2.5).seconds < 2.5
