"""What the registry writes to the standard library's log: little when all is well, and then what a person can act on."""

from __future__ import annotations

import logging
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import floe_core
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing.distributions import install_distribution
from tests.conftest import InstallPlugin
from tests.handmade import Hooked
from tests.processes import run_script

COMPUTE = PluginType.COMPUTE


def test_every_logger_is_named_after_its_module_under_floe_core() -> None:
    """So that an application can turn any of them up or down."""
    for module in pkgutil.walk_packages(floe_core.__path__, "floe_core."):
        if "__main__" in module.name or ".testing" in module.name or ".cli" in module.name:
            continue
        logger = getattr(import_module(module.name), "logger", None)
        assert logger is None or logger.name == module.name


def test_an_application_that_sets_up_no_log_sees_none(site: Path, install_plugin: InstallPlugin) -> None:
    """Not even the warnings that Python prints when nobody handles them."""
    install_plugin("lame", COMPUTE, "lame", source="raise ValueError('lame')")

    done = run_script(
        site,
        """
        import logging
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginType
        get_registry().get_all(PluginType.COMPUTE)
        print([type(handler).__name__ for handler in logging.getLogger("floe_core").handlers])
        """,
    )

    assert done.lines == ["['NullHandler']"]
    assert done.errors == ""


def test_a_healthy_start_is_one_line(
    install_plugin: InstallPlugin, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """At INFO, from discovery to fifty running plugins and back."""
    caplog.set_level(logging.INFO, "floe_core")
    for index in range(50):
        install_plugin(f"p{index}", COMPUTE, f"p{index}", schema="threads: int = 4")

    registry.discover_all()
    registry.configure(COMPUTE, "p0", {"threads": 8})
    registry.activate_all(plugin_types=[COMPUTE])
    registry.health_check_all()

    assert [record.getMessage() for record in caplog.records] == ["50 plugins are active"]


def test_a_malformed_entry_point_is_one_error(
    site: Path, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """With key and distribution as fields, and the file to mend in its text."""
    folder = install_distribution(site, "acme-duck", "[floe.computes]\nduck = no good\n").metadata

    registry.discover_all()
    registry.discover_all()

    [record] = caplog.records
    assert (
        record.levelname,
        record.__dict__["floe_key"],
        record.__dict__["floe_distribution"],
    ) == ("ERROR", "COMPUTE:duck", "acme-duck")
    assert str(folder) in record.getMessage()


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"source": "raise ValueError"}, "acme_duck.py:1"),
        ({"source": "import no_such_library"}, "Install what provides the module 'no_such_library'"),
        ({"api_version": "7.0"}, "Install a release of the plugin"),
        ({"body": "def startup(self): 1 / 0"}, "acme_duck.py"),
        ({"dependencies": ["polaris"]}, "Install or register that plugin"),
    ],
)
def test_any_other_fault_is_one_warning_to_act_upon(
    install_plugin: InstallPlugin,
    registry: PluginRegistry,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, str],
    advice: str,
) -> None:
    """However often it shows: get, list, activation and health in a row."""
    install_plugin("acme_duck", COMPUTE, "duck", **options)
    registry.discover_all()
    caplog.set_level(logging.WARNING, "floe_core")

    registry.activate_all([PluginKey(COMPUTE, "duck")])
    registry.list(COMPUTE)
    registry.health_check_all()
    registry.report()

    [record] = caplog.records
    assert (
        record.levelname,
        record.__dict__["floe_key"],
        record.__dict__["floe_distribution"],
    ) == ("WARNING", "COMPUTE:duck", "acme-duck")
    assert advice in record.getMessage()
    assert record.exc_info is None


def test_a_late_startup_is_told(registry: PluginRegistry, caplog: pytest.LogCaptureFixture) -> None:
    """Once, whether the plugin then shuts down or fails to."""
    import threading

    go_on, stopped = threading.Event(), threading.Event()
    registry.register(Hooked("a", startup=lambda: go_on.wait(120), shutdown=stopped.set))
    registry.activate_all(timeout=0.2)
    go_on.set()
    assert stopped.wait(60)

    told = [record for record in caplog.records if record.name == "floe_core._lifecycle"]
    assert [record.__dict__["floe_key"] for record in told] == ["COMPUTE:a"]
