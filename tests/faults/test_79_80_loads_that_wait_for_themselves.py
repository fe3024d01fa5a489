"""Loads that wait for themselves in ways that no lock shows: each ends, within its bound or before."""

from __future__ import annotations

from time import perf_counter

import pytest

from floe_core.plugin_errors import CircularDependencyError, PluginError, PluginLoadError
from floe_core.plugin_types import PluginType
from floe_core.testing.distributions import plugin_source
from tests.faults.conftest import BAD, COMPUTE, VERSION, Bench
from tests.processes import run_script

LOAD_TIMEOUT = 1.0


@pytest.mark.parametrize("waits", ["thread.join(60)", "list(pool.map(get, [0]))"])
def test_79_a_constructor_that_joins_a_thread_which_gets_the_same_plugin(bench: Bench, waits: str) -> None:
    """The thread is given up after the bound, with the place where the constructor is; the constructor then goes on."""
    bench.settings["load_timeout"] = LOAD_TIMEOUT
    bench.install_bad(
        prologue="import signals\nimport threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from floe_core.plugin_types import PluginType\n",
        schema="token: str = ''",
        body=f"""
        def __init__(self):
            def get(_=None):
                try:
                    signals.calls.append(signals.registry.get(PluginType.COMPUTE, 'bad'))
                except Exception as exc:
                    signals.calls.append(exc)
            pool = ThreadPoolExecutor(1)
            thread = threading.Thread(target=get, daemon=True)
            if {"join" in waits}: thread.start()
            {waits}
            pool.shutdown()
        """,
    )
    bench.signals.__dict__["registry"] = bench.registry
    begun = perf_counter()

    plugin = bench.registry.get(*BAD)

    assert perf_counter() - begun < LOAD_TIMEOUT + 30
    assert plugin is bench.registry.get(*BAD)
    [error] = bench.signals.calls
    assert isinstance(error, PluginError)
    assert isinstance(error, PluginLoadError | CircularDependencyError)
    if isinstance(error, PluginLoadError):
        assert "acme_broken.py" in str(error)
    bench.errors.append(error)
    bench.assert_reported("loaded")
    bench.assert_contained()


def test_80_imports_and_constructors_of_two_modules_that_wait_for_one_another(bench: Bench) -> None:
    """A's import gets B, while B's import imports A's module: two threads end within the bound, in an interpreter apart."""
    gets_b = plugin_source(
        COMPUTE,
        name="bad",
        prologue="import floe_hooks\nfloe_hooks.a_is_in.set()\nfloe_hooks.b_is_in.wait(60)\n"
        "from floe_core.plugin_types import PluginType\nfrom floe_core.plugin_errors import PluginError\n"
        "try:\n    floe_hooks.registry.get(PluginType.COMPUTE, 'worse')\nexcept PluginError as exc:\n    floe_hooks.errors.append(exc)\n",
    )
    imports_a = plugin_source(
        COMPUTE,
        name="worse",
        prologue="import floe_hooks\nfloe_hooks.b_is_in.set()\nfloe_hooks.a_is_in.wait(60)\nimport acme_broken\n",
    )
    hooks = "import threading\na_is_in, b_is_in, errors, registry = threading.Event(), threading.Event(), [], None\n"
    modules = {"acme_broken": gets_b, "acme_worse": imports_a, "floe_hooks": hooks}
    entry_points: dict[PluginType | str, dict[str, str]] = {
        COMPUTE: {"bad": "acme_broken:Plugin", "worse": "acme_worse:Plugin"}
    }
    bench.install("acme-broken", entry_points, version=VERSION, modules=modules)

    done = run_script(
        bench.site,
        """
        import threading, time
        import floe_hooks
        from floe_containers import PluginContainer
        from floe_core.plugin_errors import PluginError
        from floe_core.plugin_types import PluginType

        registry = floe_hooks.registry = PluginContainer(settings={"load_timeout": 2}).registry()
        registry.discover_all()

        def get(name):
            try:
                registry.get(PluginType.COMPUTE, name)
            except PluginError as exc:
                floe_hooks.errors.append(exc)

        begun = time.monotonic()
        threads = [threading.Thread(target=get, args=(name,), daemon=True) for name in ("bad", "worse")]
        for thread in threads: thread.start()
        for thread in threads: thread.join(60)
        print([thread.is_alive() for thread in threads], time.monotonic() - begun < 40)
        print(len(floe_hooks.errors) >= 1)
        print(registry.get(PluginType.CATALOG, "good").name)
        print(registry.get(PluginType.COMPUTE, "bad").name, registry.get(PluginType.COMPUTE, "worse").name)
        """,
    )

    assert done.lines == ["[False, False] True", "True", "good", "bad worse"]
