"""Forked children: locks are renewed, nothing counts as active, and everything works again."""

from __future__ import annotations

from pathlib import Path

from floe_core.plugin_types import PluginType
from tests.conftest import InstallPlugin
from tests.processes import run_script

COMPUTE, CATALOG = PluginType.COMPUTE, PluginType.CATALOG

IN_A_CHILD = """
import faulthandler, os, sys, threading, types
faulthandler.dump_traceback_later(100, exit=True)
hooks = sys.modules["hooks"] = types.ModuleType("hooks")
hooks.inside, hooks.go_on, hooks.calls = threading.Event(), threading.Event(), []
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
registry = get_registry()
COMPUTE, CATALOG = PluginType.COMPUTE, PluginType.CATALOG

def in_a_child(check):
    pid = os.fork()
    if not pid:
        code = 1
        try:
            check()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0

def everything_works():
    registry.refresh()
    assert registry.list_all()[CATALOG] == ["calm"]
    assert registry.get(CATALOG, "calm").name == "calm"
    with registry.running([(CATALOG, "calm")]):
        assert registry.health_check_all()["CATALOG:calm"].state is HealthState.HEALTHY
    assert get_registry() is registry
    assert registry.report().plugins
"""


def test_everything_works_in_a_child_of_a_process_whose_hooks_run(site: Path, install_plugin: InstallPlugin) -> None:
    """While a startup, a shutdown and a health check hang in threads of the parent, that is, which are not there."""
    hangs = "hooks.calls.append(1)\n    if len(hooks.calls) == 3: hooks.inside.set()\n    hooks.go_on.wait(100)"
    for name, hook in (("a", "startup"), ("b", "shutdown"), ("c", "health_check")):
        body = f"def {hook}(self):\n    {hangs}"
        install_plugin(name, COMPUTE, name, prologue="import hooks\n", body=body)
    install_plugin("calm", CATALOG, "calm")

    done = run_script(
        site,
        IN_A_CHILD
        + """
registry.activate_plugin(COMPUTE, "b")
registry.get(COMPUTE, "c")
calls = [
    lambda: registry.activate_plugin(COMPUTE, "a", timeout=90),
    lambda: registry.shutdown_plugin(COMPUTE, "b", timeout=90),
    lambda: registry.health_check_all(timeout=90),
]
threads = [threading.Thread(target=call, daemon=True) for call in calls]
for thread in threads: thread.start()
assert hooks.inside.wait(60)
def check():
    everything_works()
    hooks.go_on = threading.Event()
    hooks.go_on.set()
    keys = [(COMPUTE, name) for name in "abc"]
    assert set(registry.activate_all(keys).values()) == {None}
    assert {status.state for status in registry.health_check_all().values()} <= {HealthState.HEALTHY, HealthState.UNHEALTHY}
    assert set(registry.shutdown_all().values()) == {None}
    print("child")
in_a_child(check)
hooks.go_on.set()
for thread in threads: thread.join(60)
print("parent", [thread.is_alive() for thread in threads])
""",
    )

    assert done.lines == ["child", "parent [False, False, False]"]


def test_children_forked_while_other_threads_use_the_registry_never_hang(
    site: Path, install_plugin: InstallPlugin
) -> None:
    """Ten forks in a row, at moments that nobody chooses."""
    for name in ("a", "b", "c"):
        install_plugin(name, COMPUTE, name)
    install_plugin("calm", CATALOG, "calm")

    done = run_script(
        site,
        IN_A_CHILD
        + """
for name in "abc": registry.get(COMPUTE, name)  # what is being imported at a fork cannot be imported in the child
registry.get(CATALOG, "calm")
stop = threading.Event()
def churn():
    while not stop.is_set():
        registry.activate_all([(COMPUTE, name) for name in "abc"])
        registry.health_check_all()
        registry.list_all()
        registry.shutdown_all()
threads = [threading.Thread(target=churn, daemon=True) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(10): in_a_child(everything_works)
stop.set()
for thread in threads: thread.join(60)
print([thread.is_alive() for thread in threads])
""",
    )

    assert done.lines == ["[False, False, False]"]


def test_what_was_registered_or_configured_by_hand_is_there_in_the_child(
    site: Path, install_plugin: InstallPlugin
) -> None:
    """The plugin made by hand as it is; the installed one built anew, with the same configuration."""
    install_plugin("a", COMPUTE, "a", schema="threads: int = 1")

    done = run_script(
        site,
        IN_A_CHILD
        + """
from floe_core.plugins import CatalogPlugin
class Mine(CatalogPlugin):
    name, version, floe_api_version = "mine", "1.0", "1.0"
mine = Mine()
registry.register(mine)
registry.configure(COMPUTE, "a", {"threads": 8})
parents = registry.get(COMPUTE, "a")
def check():
    assert registry.get(CATALOG, "mine") is mine
    plugin = registry.get(COMPUTE, "a")
    assert plugin is not parents
    print(plugin.config.threads, registry.get_config(COMPUTE, "a").threads)
in_a_child(check)
""",
    )

    assert done.lines == ["8 8"]


def test_a_child_forked_inside_a_startup_goes_on(site: Path, install_plugin: InstallPlugin) -> None:
    """The thread of the hook is the child's main thread there; nothing of the registry keeps it from ending."""
    install_plugin(
        "a",
        COMPUTE,
        "a",
        prologue="import hooks, os\n",
        body="def startup(self):\n    pid = os.fork()\n    if not pid: hooks.check()\n    assert os.waitpid(pid, 0)[1] == 0",
    )
    install_plugin("calm", CATALOG, "calm")

    done = run_script(
        site,
        IN_A_CHILD
        + """
def check():
    code = 1
    try:
        everything_works()
        print("child", flush=True)
        code = 0
    finally:
        os._exit(code)
hooks.check = check
print(registry.activate_all([(COMPUTE, "a")]))
""",
    )

    assert done.lines == ["child", "{'COMPUTE:a': None}"]
