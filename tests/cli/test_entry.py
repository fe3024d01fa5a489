"""From arguments to exit codes."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from floe_core.cli import main
from floe_core.plugin_types import PluginType
from tests.cli.conftest import PATIENCE, Cli, Terminal, environment
from tests.conftest import InstallPlugin


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["list", "--no-such-option"],
        ["show"],
        ["show", "NO_TYPE:duckdb"],
        ["show", "no-such-plugin"],
        ["graph", "--format", "painting"],
        ["health", "--timeout", "soon"],
        ["list", "--settings", "no-such-file.toml"],
        ["list", "--settings", "a.toml", "--app", "module:container"],
        ["list", "--app", "module"],
        ["list", "--app", "no_such_module:container"],
        ["validate", "no-such-file.toml"],
        ["timeline", "--svg", "a.svg", "--html", "a.html"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_in_2(cli: Cli, arguments: list[str]) -> None:
    """What is wrong is told on standard error, without a traceback; nothing is on standard output."""
    ran = cli(*arguments)

    assert ran.code == 2
    assert ran.out == ""
    assert ran.err
    assert "Traceback" not in ran.err


def test_without_arguments_there_is_help(terminal: Terminal) -> None:
    """The help names every command and what the exit codes mean."""
    session = terminal()

    for command in ("list", "show", "doctor", "why", "graph", "schema", "validate", "health", "timeline"):
        assert f" {command} " in session.words
    assert "1 something is wrong with plugins" in session.words.replace("│ ", "")


def test_help_ends_in_0(cli: Cli) -> None:
    assert cli("--help").code == 0


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_says_what_to_install_where_the_extra_is_missing(process: Cli, module: str) -> None:
    """One message, no traceback, and the exit code of wrong use."""
    ran = process("doctor", before=f"import sys\nsys.modules[{module!r}] = None")

    assert ran.code == 2
    assert 'python -m pip install "floe-core[cli]"' in ran.err
    assert "Traceback" not in ran.err


def test_another_missing_module_is_not_taken_for_the_extra(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    """A broken installation of our own is no advice to install the extra."""
    monkeypatch.setitem(sys.modules, "floe_core.cli.app", None)

    with pytest.raises(ModuleNotFoundError, match=r"floe_core\.cli\.app"):
        main(["doctor"])


def test_python_m_is_the_same_command(install_plugin: InstallPlugin, process: Cli) -> None:
    """``python -m floe_core`` takes the arguments of the process and ends with the exit code."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    assert "duckdb" in process("list").out
    assert process("show", "no-such-plugin").code == 2


def test_importing_the_main_module_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("floe_core.__main__")

    assert capsys.readouterr().out == ""


def test_a_reader_that_goes_away_is_no_error(install_plugin: InstallPlugin, site: Path) -> None:
    """``floe-plugins list | head -1`` prints no complaint."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    done = subprocess.run(
        f"{sys.executable} -m floe_core list | true; {sys.executable} -m floe_core doctor | true",
        shell=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(site),
        check=False,
    )

    assert done.stderr == ""


def test_threads_that_a_plugin_leaves_behind_do_not_keep_the_command(
    install_plugin: InstallPlugin, process: Cli
) -> None:
    """A plugin whose import starts a thread that never ends: the answer comes, and the command ends with its code."""
    code = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue=code)

    begun = perf_counter()
    ran = process("show", "duckdb", "--json")

    assert ran.code == 0
    assert ran.answer["state"] == "loaded"
    assert perf_counter() - begun < PATIENCE / 2


def test_what_plugins_print_does_not_end_up_in_the_answer(install_plugin: InstallPlugin, process: Cli) -> None:
    """It goes to standard error, so that the JSON can be read."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue="print('hello from the plugin')\n")

    ran = process("show", "duckdb", "--json")

    assert ran.answer["key"] == "COMPUTE:duckdb"
    assert "hello from the plugin" in ran.err


def test_an_interrupt_ends_in_130(install_plugin: InstallPlugin, cli: Cli) -> None:
    """What a plugin raises when the keyboard interrupts it ends the command, quietly."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", prologue="raise KeyboardInterrupt\n")

    ran = cli("show", "duckdb")

    assert (ran.code, ran.out) == (130, "")


def test_an_interrupt_outside_a_command_ends_in_130(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "floe_core.cli.app", Interrupting())

    assert main(["doctor"]) == 130


def test_errors_are_json_where_json_is_asked_for(cli: Cli) -> None:
    """The kind, the text and the exit code, in a shape of their own."""
    ran = cli("show", "no-such-plugin", "--json")

    assert ran.answer["schema"] == "floe-plugins/error/1"
    assert (ran.answer["error"], ran.answer["exit"]) == ("wrong-use", 2)
    assert "floe-plugins list" in ran.answer["message"]


def test_completion_knows_the_keys(install_plugin: InstallPlugin, process: Cli) -> None:
    """What the shell asks for after ``show COM``."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

    ran = process(env={"_FLOE_PLUGINS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "floe-plugins show COM"})

    assert "COMPUTE" in ran.out
    assert "duckdb" in ran.out


def test_completion_keeps_quiet_where_the_settings_are_broken(process: Cli) -> None:
    ran = process(
        env={
            "_FLOE_PLUGINS_COMPLETE": "complete_zsh",
            "_TYPER_COMPLETE_ARGS": "floe-plugins show COM",
            "FLOE_PLUGINS_DISABLE": "nonsense",
        }
    )

    assert "Traceback" not in ran.err


class TestKeys:
    def test_may_be_written_by_name_alone(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        """``duckdb``, ``compute:duckdb`` and ``COMPUTE:duckdb`` mean the same plugin."""
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        for written in ("duckdb", "compute:duckdb", "COMPUTE:duckdb"):
            assert cli("why", written, "--json").answer["key"] == "COMPUTE:duckdb"

    def test_a_name_of_two_types_is_not_guessed(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        install_plugin("acme_one", PluginType.COMPUTE, "k8s")
        install_plugin("acme_two", PluginType.ORCHESTRATOR, "k8s")

        ran = cli("why", "k8s")

        assert ran.code == 2
        assert "COMPUTE:k8s or ORCHESTRATOR:k8s" in ran.err

    def test_a_mistyped_name_gets_a_suggestion(self, install_plugin: InstallPlugin, cli: Cli) -> None:
        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")

        assert "Did you mean COMPUTE:duckdb?" in cli("why", "dukdb").err


class TestApp:
    """``--app module:container``."""

    APP = """
        from floe_containers import PluginContainer
        from floe_core.plugin_registry import PluginRegistry

        container = PluginContainer(settings={"policy": {"disable": ["COMPUTE:spark"]}})
        loading = PluginContainer()
        class Application:
            plugins = loading
        def make():
            return PluginContainer()
        registry = PluginRegistry()
        something = 5
        class Odd:
            def registry(self):
                return "no registry"
        odd = Odd()
        from floe_core.plugin_types import PluginType
        from floe_core.plugin_errors import PluginError
        loading.registry().get(PluginType.COMPUTE, "duckdb")
        try:
            loading.registry().get(PluginType.COMPUTE, "broken")
        except PluginError:
            pass
    """

    @pytest.fixture
    def app(self, site: Path, install_plugin: InstallPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
        from textwrap import dedent

        install_plugin("acme_duck", PluginType.COMPUTE, "duckdb", dependencies=["COMPUTE:spark"])
        install_plugin("acme_spark", PluginType.COMPUTE, "spark")
        install_plugin("acme_broken", PluginType.COMPUTE, "broken", prologue="import no_such_driver\n")
        (site / "platform_app.py").write_text(dedent(self.APP))
        monkeypatch.chdir(site)

    @pytest.mark.parametrize("name", ["container", "make", "registry", "Application.plugins"])
    def test_may_be_a_container_a_registry_or_what_makes_one(self, app: None, cli: Cli, name: str) -> None:
        keys = [plugin["key"] for plugin in cli("list", "--json", "--app", f"platform_app:{name}").answer["plugins"]]

        assert "COMPUTE:duckdb" in keys

    def test_shows_the_state_that_the_application_is_in(self, app: None, cli: Cli) -> None:
        """What the application loaded, and what failed, is told as it is, without loading anything."""
        states = {
            plugin["key"]: plugin["state"]
            for plugin in cli("list", "--json", "--app", "platform_app:loading").answer["plugins"]
        }

        assert states == {
            "COMPUTE:broken": "unavailable",
            "COMPUTE:duckdb": "loaded",
            "COMPUTE:spark": "discovered",
        }
        assert "no_such_driver" in cli("why", "broken", "--app", "platform_app:loading").words
        assert cli("why", "duckdb", "--app", "platform_app:loading", "--json").answer["unknown"] == []
        assert cli("schema", "duckdb", "--app", "platform_app:loading").code == 0

    def test_its_policy_is_in_force(self, app: None, cli: Cli) -> None:
        ran = cli("why", "duckdb", "--app", "platform_app:container")

        assert ran.code == 1
        assert "policy.disable" in ran.words

    @pytest.mark.parametrize("name", ["something", "odd", "missing"])
    def test_may_be_nothing_else(self, app: None, cli: Cli, name: str) -> None:
        ran = cli("list", "--app", f"platform_app:{name}")

        assert ran.code == 2
        assert f"platform_app:{name}" in ran.err

    def test_errors_of_its_settings_are_told_as_such(
        self, site: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Wrong settings are wrong use, and keep their words."""
        (site / "wrong_app.py").write_text(
            "from floe_core.settings import Settings\ncontainer = Settings.from_mapping({'plugin': {}})\n"
        )
        monkeypatch.chdir(site)

        ran = cli("list", "--app", "wrong_app:container")

        assert ran.code == 2
        assert "plugin" in ran.err


def test_the_settings_of_the_environment_are_in_force(
    site: Path, install_plugin: InstallPlugin, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FLOE_SETTINGS names them; --settings goes before it."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    (site / "deny.toml").write_text("[policy]\ndeny = ['acme-duck']\n")
    (site / "empty.toml").write_text("")
    monkeypatch.setenv("FLOE_SETTINGS", str(site / "deny.toml"))

    assert cli("list", "--json").answer["plugins"][0]["state"] == "disabled"
    assert cli("list", "--json", "--settings", str(site / "empty.toml")).answer["plugins"][0]["state"] == "discovered"


def test_an_unexpected_error_is_told_by_type_and_place(
    site: Path, install_plugin: InstallPlugin, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback unless it is asked for, and then the whole one."""
    install_plugin("acme_duck", PluginType.COMPUTE, "duckdb")
    (site / "app.py").write_text(
        "from floe_core.plugin_registry import PluginRegistry\n"
        "class Broken(PluginRegistry):\n    def report(self):\n        raise ZeroDivisionError('secret')\n"
        "registry = Broken()\n"
    )
    monkeypatch.chdir(site)

    ran = cli("list", "--app", "app:registry")

    assert ran.code == 1
    assert "ZeroDivisionError at" in ran.err
    assert "secret" not in ran.err
    assert "Traceback" in cli("list", "--app", "app:registry", "--traceback").err


def test_what_a_broken_policy_says_is_wrong_use(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "nonsense")

    ran = cli("list")

    assert ran.code == 2
    assert "FLOE_PLUGINS_DISABLE" in ran.err
