"""Every fault can be installed by name, and shows where it says and nowhere before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.plugin_errors import CircularDependencyError, PluginError
from floe_core.plugin_metadata import HealthState
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
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
        ShowsIn.ACTIVATE: lambda: registry.activate_plugin(*key, timeout=1.0),
        ShowsIn.HEALTH: lambda: _check_health(registry),
        ShowsIn.SHUTDOWN: lambda: registry.shutdown_plugin(*key, timeout=1.0),
    }
    for shows_in, step in steps.items():
        try:
            step()
        except PluginError as exc:
            told = str(exc)
        else:
            continue
        assert SECRET not in told
        return shows_in
    return ShowsIn.NOWHERE


def _check_health(registry: PluginRegistry) -> None:
    status = registry.health_check_all(timeout=1.0)["COMPUTE:duckdb"]
    if status.state is not HealthState.HEALTHY:
        raise PluginError(status.message)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_shows_where_it_says(fault: Fault, site: Path) -> None:
    """The steps before go well; and a healthy plugin beside it is not affected."""
    install_faulty_plugin(site, fault, PluginType.COMPUTE, "duckdb")
    install_plugin(site, PluginType.CATALOG, "polaris")
    registry = isolated_container([site]).registry()

    with swapped_registry(registry):
        shown = first_sign(registry, configured=fault.shows_in is ShowsIn.CONFIGURE)

    assert fault.shows_in is shown
    assert registry.get(PluginType.CATALOG, "polaris").name == "polaris"


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
