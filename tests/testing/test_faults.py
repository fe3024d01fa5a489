"""Every fault can be installed by name, and shows where it says and nowhere before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from os import PathLike
from pathlib import Path
from time import monotonic

import pytest

from floe_core.plugin_errors import CircularDependencyError, MissingDependencyError, PluginError, PluginLoadError
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing import Fault, install_faulty_plugin, install_plugin, isolated_container, swapped_registry
from floe_core.testing.faults import ShowsIn

SECRET = "hunter2-hunter2"
CONFIG = {"threads": 4, "token": SECRET}


def first_sign(registry: PluginRegistry, *, configured: bool) -> ShowsIn:
    """Take ``COMPUTE:duckdb`` through its life, with a configuration or without, and say where something is wrong."""
    key = PluginType.COMPUTE, "duckdb"
    if "duckdb" not in registry.list_all()[PluginType.COMPUTE]:
        return ShowsIn.DISCOVERY
    steps: dict[ShowsIn, Callable[[], object]] = {
        ShowsIn.GET: lambda: registry.get(*key),
        ShowsIn.CONFIGURE: lambda: registry.configure(*key, CONFIG) if configured else None,
        ShowsIn.ACTIVATE: lambda: registry.activate_plugin(*key, timeout=2.0),
        ShowsIn.HEALTH: lambda: _check_health(registry),
        ShowsIn.SHUTDOWN: lambda: registry.shutdown_plugin(*key, timeout=2.0),
    }
    for shows_in, step in steps.items():
        try:
            step()
        except (PluginError, KeyboardInterrupt) as exc:
            told = str(exc)
        else:
            continue
        assert SECRET not in told
        return shows_in
    return ShowsIn.NOWHERE


def _check_health(registry: PluginRegistry) -> None:
    status = registry.health_check_all(timeout=2.0)["COMPUTE:duckdb"]
    if status.state is not HealthState.HEALTHY:
        raise PluginError(status.message)


@pytest.fixture
def registry_of(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Fault], PluginRegistry]]:
    """Installs ``COMPUTE:duckdb`` with a fault; the registry that finds it is that of the process meanwhile."""
    with ExitStack() as scopes:

        def install(fault: Fault) -> PluginRegistry:
            entries = install_faulty_plugin(site, fault, PluginType.COMPUTE, "duckdb").path_entries
            monkeypatch.setattr(sys, "path", [*sys.path, *entries])
            registry = isolated_container([site, *entries], {"load_timeout": 0.5}).registry()
            return scopes.enter_context(swapped_registry(registry))

        yield install


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_shows_where_it_says(fault: Fault, site: Path, registry_of: Callable[[Fault], PluginRegistry]) -> None:
    """The steps before go well; and a healthy plugin beside it is not affected."""
    install_plugin(site, PluginType.CATALOG, "polaris")
    registry = registry_of(fault)

    shown = first_sign(registry, configured=fault.shows_in is ShowsIn.CONFIGURE)

    assert fault.shows_in is shown
    assert registry.get(PluginType.CATALOG, "polaris").name == "polaris"


def test_all_faults_at_once_leave_the_healthy_plugins_working(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault and fifty healthy plugins, over all eleven groups, from discovery to shutdown."""
    types = cycle(PluginType)
    path: list[str | PathLike[str]] = [site]
    for number, fault in enumerate(Fault):
        path += install_faulty_plugin(site, fault, next(types), f"faulty-{number}").path_entries
    healthy = {PluginKey(next(types), f"healthy-{number}") for number in range(50)}
    for key in healthy:
        install_plugin(site, *key)
    monkeypatch.setattr(sys, "path", [*sys.path, *map(str, path)])
    fine = {str(key): None for key in healthy}

    with swapped_registry(isolated_container(path, {"load_timeout": 0.5}).registry()) as registry:
        with pytest.raises(KeyboardInterrupt):  # one of them, once
            registry.activate_all(plugin_types=PluginType, timeout=2.0)
        started = registry.activate_all(plugin_types=PluginType, timeout=2.0)
        health = registry.health_check_all(timeout=5.0)
        stopped = registry.shutdown_all(timeout=2.0)

    assert fine == {key: started[key] for key in fine}
    assert {HealthState.HEALTHY} == {health[key].state for key in fine}
    assert fine == {key: stopped[key] for key in fine}
    unusable = {plugin.key for plugin in registry.report().plugins if plugin.reason}
    assert {key for key, error in started.items() if error} - {"CATALOG:no-such-plugin"} <= unusable


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.CONSTRUCTORS_GET_ONE_ANOTHER, CircularDependencyError, ["duckdb -> duckdb-partner -> duckdb"]),
        (Fault.CONSTRUCTOR_WAITS_FOR_ITSELF, PluginLoadError, ["constructing Plugin raised PluginLoadError"]),
        (Fault.CONSTRUCTOR_EXITS, PluginLoadError, ["SystemExit"]),
        (Fault.IMPORT_RAISES_ONCE, PluginLoadError, ["RuntimeError"]),
        (Fault.IMPORT_INTERRUPTED_ONCE, KeyboardInterrupt, []),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Fault) else "",
)
def test_get_tells_of(
    fault: Fault, kind: type[BaseException], words: list[str], registry_of: Callable[[Fault], PluginRegistry]
) -> None:
    """The error is that of the fault, and of no other that came about on the way."""
    with pytest.raises(kind) as caught:
        registry_of(fault).get(PluginType.COMPUTE, "duckdb")

    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.DEPENDENCIES_IN_A_CIRCLE_OF_TWO, CircularDependencyError, ["duckdb -> duckdb-1 -> duckdb"]),
        (
            Fault.DEPENDENCIES_IN_A_CIRCLE_OF_THREE,
            CircularDependencyError,
            ["duckdb -> duckdb-1 -> duckdb-2 -> duckdb"],
        ),
        (Fault.DEPENDENCIES_IN_A_CIRCLE_OF_A_THOUSAND, CircularDependencyError, ["duckdb-999"]),
        (
            Fault.DEPENDENCY_SHARED_BY_TWO_TYPES,
            MissingDependencyError,
            ["CATALOG:duckdb-partner", "ORCHESTRATOR:duckdb-partner"],
        ),
        (Fault.DEPENDENCY_OF_ANOTHER_VERSION, MissingDependencyError, ["CATALOG:duckdb-partner", ">=2", "1.0.0"]),
        (Fault.DEPENDENCY_FAILS, MissingDependencyError, ["CATALOG:duckdb-partner", "RuntimeError"]),
        (Fault.DEPENDENCY_INCOMPATIBLE, MissingDependencyError, ["CATALOG:duckdb-partner", "v2.0"]),
        (Fault.DEPENDENCY_CONFLICTING, MissingDependencyError, ["CATALOG:duckdb-partner", "FLOE_PLUGINS_PREFER"]),
        (Fault.DEPENDENCY_DOES_NOT_START, MissingDependencyError, ["CATALOG:duckdb-partner", "RuntimeError"]),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Fault) else "",
)
def test_activation_tells_of(
    fault: Fault, kind: type[PluginError], words: list[str], registry_of: Callable[[Fault], PluginRegistry]
) -> None:
    """Who is in the circle, or what is wrong with the dependency."""
    with pytest.raises(kind) as caught:
        registry_of(fault).activate_plugin(PluginType.COMPUTE, "duckdb")

    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("fault", [Fault.IMPORT_RAISES_ONCE, Fault.IMPORT_INTERRUPTED_ONCE])
def test_the_second_get_works(fault: Fault, registry_of: Callable[[Fault], PluginRegistry]) -> None:
    """The fault is over after the first import."""
    registry = registry_of(fault)
    with pytest.raises((PluginLoadError, KeyboardInterrupt)):
        registry.get(PluginType.COMPUTE, "duckdb")

    assert registry.get(PluginType.COMPUTE, "duckdb").name == "duckdb"


@pytest.mark.parametrize("fault", [Fault.STARTUP_IS_LATE, Fault.SHUTDOWN_IS_LATE, Fault.HEALTH_IS_LATE])
def test_the_late_hook_ends_when_it_is_told_to(
    fault: Fault, site: Path, registry_of: Callable[[Fault], PluginRegistry]
) -> None:
    """Afterwards the plugin lives its life."""
    registry = registry_of(fault)
    assert fault.shows_in is first_sign(registry, configured=False)
    module = sys.modules["floe_test_compute_duckdb"]
    assert str(module.__file__).startswith(str(site))

    module.finish.set()

    deadline = monotonic() + 60
    while first_sign(registry, configured=False) is not ShowsIn.NOWHERE:
        assert monotonic() < deadline


def test_a_folder_may_be_added_later(site: Path) -> None:
    """The registry looks through a list of folders anew, at each refresh."""
    path: list[str | PathLike[str]] = [site]
    registry = isolated_container(path).registry()
    assert registry.list_all()[PluginType.COMPUTE] == []

    installed = install_faulty_plugin(site, Fault.IN_AN_ARCHIVE, PluginType.COMPUTE, "duckdb")
    registry.refresh()
    assert registry.list_all()[PluginType.COMPUTE] == []
    path += installed.path_entries
    registry.refresh()

    assert registry.list_all()[PluginType.COMPUTE] == ["duckdb"]


def test_a_healthy_plugin_shows_nothing(site: Path) -> None:
    """The steps that faults are measured by find nothing in a plugin without one."""
    install_plugin(site, PluginType.COMPUTE, "duckdb", schema="threads: int = 4\ntoken: str = ''")

    assert first_sign(isolated_container([site]).registry(), configured=True) is ShowsIn.NOWHERE


def test_a_constructor_that_gets_itself_is_a_circle(site: Path) -> None:
    """The name of the entry point reaches into the faulty code."""
    install_faulty_plugin(site, "constructor-gets-itself", PluginType.CATALOG, "polaris")
    registry = isolated_container([site]).registry()

    with swapped_registry(registry), pytest.raises(CircularDependencyError):
        registry.get(PluginType.CATALOG, "polaris")


def test_another_type_than_catalog_exists_too(site: Path) -> None:
    """A plugin of another type can be made for every group."""
    install_faulty_plugin(site, Fault.CLASS_OF_ANOTHER_TYPE, PluginType.CATALOG, "polaris")

    with pytest.raises(PluginError, match="is a COMPUTE plugin, announced as CATALOG"):
        isolated_container([site]).registry().get(PluginType.CATALOG, "polaris")


def test_names_may_be_anything(site: Path) -> None:
    """Dots, dashes and spaces in a name become something that can be imported."""
    for name in ("aws.glue", "a-b", "a b"):
        installed = install_plugin(site, PluginType.CATALOG, name, module=f"m{len(name)}_{ord(name[1])}")
        assert installed.modules
    assert install_plugin(site, PluginType.CATALOG, "x.y").modules["floe_test_catalog_x_y"].is_file()


def test_repr_tells_where_it_shows() -> None:
    """A fault prints as its name and the step, not as the recipe behind it."""
    assert repr(Fault.STARTUP_HANGS) == "<Fault.STARTUP_HANGS: shows in activate>"


def test_no_fault_is_another_under_a_second_name() -> None:
    """Every name makes something of its own."""
    assert len(Fault.__members__) == len(list(Fault))
