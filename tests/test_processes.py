"""Keys, handles and errors in other processes: they pickle, and are resolved by the registry of the process they reach."""

from __future__ import annotations

import copy
import importlib.util
import pickle
from pathlib import Path

import pytest

from floe_core import plugin_errors
from floe_core.plugin_errors import PluginError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import Origin, PluginKey, PluginType
from tests.conftest import InstallPlugin
from tests.processes import run_script

COMPUTE = PluginType.COMPUTE
KEY = PluginKey(COMPUTE, "duck")
ORIGIN = Origin("acme-duck", "1.2", "/site/acme_duck-1.2.dist-info", "acme:Duck")

ERRORS: list[PluginError] = [
    plugin_errors.PluginError("plain"),
    plugin_errors.PluginNotFoundError(COMPUTE, "duk", available=["duck"]),
    plugin_errors.PluginNotFoundError(COMPUTE, "duk", reason="policy"),
    plugin_errors.PluginIncompatibleError("duck", "2.0", "1.0", minimum="1.0", key=KEY, origin=ORIGIN),
    plugin_errors.PluginConfigurationError(
        "duck", [{"field": "a.0", "message": "m", "type": "t"}], key=KEY, origin=ORIGIN
    ),
    plugin_errors.DuplicatePluginError(COMPUTE, "duck", origins=[ORIGIN, ORIGIN]),
    plugin_errors.CircularDependencyError(["a", "b", "a"], keys=[KEY]),
    plugin_errors.MissingDependencyError(KEY, "", chain=[KEY], advice="do"),
    plugin_errors.PluginLoadError(KEY, "it broke", origin=ORIGIN, advice="mend it"),
    plugin_errors.PluginStartupError(KEY, "it hangs"),
    plugin_errors.PluginShutdownError(KEY, "it hangs"),
    plugin_errors.PluginStateError(None, "none"),
    plugin_errors.PluginTypeError(KEY, "no duck"),
    plugin_errors.SettingsError("a file", [{"field": "x", "message": "m", "type": "t"}]),
]
ERRORS.append(plugin_errors.PluginErrorGroup("several", [*ERRORS]))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_survives_pickling_and_copying(error: PluginError) -> None:
    """Type, text and all that it holds, on every protocol."""
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(error, protocol))
        assert (type(error), str(error)) == (type(twin), str(twin))
        assert {**error.__dict__}.keys() == {**twin.__dict__}.keys()
    assert str(error) == str(copy.copy(error))


def test_every_kind_of_error_is_tried_here() -> None:
    """A new one is not forgotten."""
    assert {*plugin_errors.__all__} == {type(error).__name__ for error in ERRORS}


def test_keys_and_handles_pickle_by_name_alone(install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
    """No plugin is imported for it, and what arrives is equal."""
    install_plugin("acme_duck", COMPUTE, "duck", source="raise SystemExit")
    registry.discover_all()
    [handle] = registry.list(COMPUTE)

    twin = pickle.loads(pickle.dumps(handle))

    assert pickle.loads(pickle.dumps(KEY)) == KEY
    assert repr(twin) == "<PluginHandle COMPUTE:duck>"
    assert len(pickle.dumps(handle)) < 300


WORKER = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from floe_core.plugin_errors import PluginError
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginKey, PluginType

def resolve(key, handle):
    plugin = get_registry().get(*key)
    assert handle.load() is plugin and handle.version == "1.0.0"
    return key, handle, os.getpid(), plugin.where

def fail(handle):
    return handle.startup()  # loads it, which fails

def start_and_stop(key):
    with get_registry().running([key]):
        return str(get_registry().state(*key))
"""

CHECKS = """
def check(call, me):
    key, bad = PluginKey(PluginType.COMPUTE, "duck"), PluginKey(PluginType.COMPUTE, "lame")
    handles = {handle.key: handle for handle in get_registry().list(PluginType.COMPUTE)}
    get_registry().activate_plugin(*key)
    got, handle, worker, where = call(resolve, key, handles[key])
    print(got == key, handle.key == key, handle.load().name, worker == where != me)
    try:
        call(fail, handles[bad])
    except PluginError as exc:
        print(type(exc).__name__, exc.key, exc.origin.distribution)
    print(call(start_and_stop, key))
"""

EXPECTED = ["True True duck True", "PluginLoadError COMPUTE:lame lame", "PluginState.ACTIVE"]


def _install(install_plugin: InstallPlugin) -> None:
    install_plugin(
        "acme_duck", COMPUTE, "duck", prologue="import os\n", body="def __init__(self): self.where = os.getpid()"
    )
    install_plugin("lame", COMPUTE, "lame", source="raise ValueError('lame')")


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_worker_processes_resolve_in_their_own_registry(site: Path, install_plugin: InstallPlugin, method: str) -> None:
    """A pool of the standard library, by each way to start a worker; also when the parent has loaded the plugin."""
    _install(install_plugin)

    done = run_script(
        site,
        WORKER
        + CHECKS
        + """
if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(sys.argv[1])) as pool:
        check(lambda *call: pool.submit(*call).result(90), os.getpid())
""",
        method,
    )

    assert done.lines == EXPECTED


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs Dask's distributed")
def test_workers_of_dask_resolve_in_their_own_registry(site: Path, install_plugin: InstallPlugin) -> None:
    """A local cluster of processes."""
    _install(install_plugin)

    done = run_script(
        site,
        WORKER
        + CHECKS
        + """
if __name__ == "__main__":
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster, timeout=60) as client:
            check(lambda *call: client.submit(*call, pure=False).result(timeout=90), os.getpid())
""",
        patience=180,
    )

    assert done.lines == EXPECTED
