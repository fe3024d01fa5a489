"""What is active when the interpreter exits is shut down, within one deadline; exit itself is never held up."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from floe_core._exit import ShutdownAtExit
from floe_core.plugin_types import PluginType
from tests.conftest import InstallPlugin
from tests.processes import run_script
from tests.threads import Threads

COMPUTE = PluginType.COMPUTE
SAYS_STOPPED = "def shutdown(self): print('stopped', self.name, flush=True)"
ACTIVATE = """
import os, sys, threading
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
registry = get_registry()
keys = [(PluginType.COMPUTE, name) for name in registry.list_all()[PluginType.COMPUTE]]
"""


class TestExit:
    @pytest.mark.parametrize("timeout", ["30.0", "None"])
    def test_shuts_down_dependents_first(self, site: Path, install_plugin: InstallPlugin, timeout: str) -> None:
        """Whether startup ran on a thread of the plugin or on the main one."""
        install_plugin("above", COMPUTE, "above", dependencies=["below"], body=SAYS_STOPPED)
        install_plugin("below", COMPUTE, "below", body=SAYS_STOPPED)

        done = run_script(site, ACTIVATE + f"registry.activate_all(keys, timeout={timeout})\nprint('end', flush=True)")

        assert done.lines == ["end", "stopped above", "stopped below"]
        assert done.errors == ""

    def test_shuts_down_nothing_when_nothing_is_active(self, site: Path, install_plugin: InstallPlugin) -> None:
        """Neither what was never started, nor what was stopped before."""
        install_plugin("a", COMPUTE, "a", body=SAYS_STOPPED)

        done = run_script(
            site, ACTIVATE + "registry.activate_all(keys)\nregistry.shutdown_all()\nprint('end', flush=True)"
        )

        assert done.lines == ["stopped a", "end"]

    def test_a_plugin_that_fails_to_stop_is_no_failure_of_the_process(
        self, site: Path, install_plugin: InstallPlugin
    ) -> None:
        """The exit code stays, and the other plugin is stopped."""
        install_plugin("a", COMPUTE, "a", body="def shutdown(self): raise SystemExit(7)")
        install_plugin("b", COMPUTE, "b", body=SAYS_STOPPED)

        done = run_script(site, ACTIVATE + "registry.activate_all(keys)\nsys.exit(3)", code=3)

        assert done.lines == ["stopped b"]

    def test_takes_no_longer_than_the_deadline(self, site: Path, install_plugin: InstallPlugin) -> None:
        """A chain of forty that all hang, and one second for the whole: the first is tried, then the process ends."""
        hangs = "def shutdown(self): threading.Event().wait()"
        for index in range(40):
            needs = [f"p{index - 1}"] if index else []
            install_plugin(
                f"p{index}", COMPUTE, f"p{index}", dependencies=needs, prologue="import threading\n", body=hangs
            )

        done = run_script(
            site,
            ACTIVATE
            + """
from time import monotonic
import atexit
from floe_core._exit import ShutdownAtExit
begun = []
atexit.register(lambda: print(monotonic() - begun[0] < 20, monotonic() - begun[0] >= 1, flush=True))
registry._lifecycle.before_start = ShutdownAtExit(registry.shutdown_all, deadline=1.0).arm
registry.activate_all(keys)
begun.append(monotonic())
""",
        )

        assert done.lines == ["True True"]

    def test_activating_while_the_interpreter_exits_does_no_harm(
        self, site: Path, install_plugin: InstallPlugin
    ) -> None:
        """No thread can be started any more on newer interpreters: hooks then run where they are asked for."""
        install_plugin("a", COMPUTE, "a", body="def startup(self): print('started', flush=True)\n" + SAYS_STOPPED)

        done = run_script(
            site,
            ACTIVATE
            + """
import atexit
def late():
    print(registry.activate_all(keys), flush=True)
    print(registry.health_check_all()["COMPUTE:a"].state.value, flush=True)
    print(registry.shutdown_all(), flush=True)
atexit.register(late)
""",
        )

        assert done.lines == ["started", "{'COMPUTE:a': None}", "healthy", "stopped a", "{'COMPUTE:a': None}"]

    def test_a_forked_child_leaves_its_parents_plugins_alone_and_stops_its_own(
        self, site: Path, install_plugin: InstallPlugin
    ) -> None:
        """Each process stops what it started, once."""
        install_plugin(
            "a", COMPUTE, "a", body="def shutdown(self): print('stopped in', __import__('os').getpid(), flush=True)"
        )

        done = run_script(
            site,
            ACTIVATE
            + """
registry.activate_all(keys)
for starts_its_own in (False, True):
    pid = os.fork()
    if not pid:
        if starts_its_own:
            registry.activate_all(keys)
            print("child", os.getpid(), flush=True)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
print("parent", os.getpid(), flush=True)
""",
        )

        [child, stopped_child, parent, stopped_parent] = done.lines
        assert child.replace("child", "stopped in") == stopped_child
        assert parent.replace("parent", "stopped in") == stopped_parent

    def test_a_registry_of_ones_own_is_stopped_by_its_owner(self, site: Path, install_plugin: InstallPlugin) -> None:
        """Only the one of get_registry() is stopped at exit."""
        install_plugin("a", COMPUTE, "a", body=SAYS_STOPPED)

        done = run_script(
            site,
            ACTIVATE
            + """
from floe_core.plugin_registry import PluginRegistry
own = PluginRegistry()
own.discover_all()
own.activate_all(keys)
print("end", flush=True)
""",
        )

        assert done.lines == ["end"]


class TestArming:
    def test_happens_once_from_any_number_of_threads(self) -> None:
        """One thread waits for the exit, however often plugins are activated."""
        guard = ShutdownAtExit(lambda _: None, deadline=1.0)
        before = {thread.ident for thread in threading.enumerate()}

        Threads(*[guard.arm] * 8).values()
        guard.arm()

        new = [thread for thread in threading.enumerate() if thread.ident not in before]
        assert [thread.name for thread in new if thread.name.startswith("floe")] == ["floe shutdown at exit"]
