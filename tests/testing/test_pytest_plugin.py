"""The fixtures named ``floe_...``: what they give, what they keep out, and what they cost those who do not use them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.testing.runs import Outcomes

Project = Callable[..., Outcomes]

HEADER = """
import sys
import pytest
from floe_core.plugin_errors import PluginError
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
from floe_core.plugins import ComputePlugin

class Fake(ComputePlugin):
    name = "fake"
    version = "1.0.0"
    floe_api_version = "1.0"
"""


def passed(run: Outcomes) -> list[str]:
    """The tests of a run, once all of them are known to have passed."""
    assert run.status == 0, run.output
    return sorted(name for _, name in run.tests)


def test_costs_nothing_until_used(project: Project) -> None:
    """A project without any test of plugins imports neither pydantic nor dependency-injector nor the registry for it."""
    run = project(
        {
            "conftest.py": """
                import sys
                HEAVY = ("pydantic", "dependency_injector", "floe_containers", "floe_core.plugin_registry")
                def pytest_sessionfinish():
                    assert "floe_core.testing.pytest_plugin" in sys.modules
                    print("HEAVY", [name for name in HEAVY if name in sys.modules])
            """,
        },
        "--collect-only",
        "-s",
        "-p",
        "no:hypothesispytest",
        environment={"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""},
    )

    assert "HEAVY []" in run.output


def test_names_begin_with_floe(project: Project) -> None:
    """No fixture can be mistaken for one of the project's own."""
    run = project({"test_it.py": "def test_nothing(): ..."}, "--fixtures")

    ours = [
        line.split()[0] for line in run.output.splitlines() if "pytest_plugin.py" in line and line.startswith("floe")
    ]
    assert sorted(set(ours)) == [
        "floe_container",
        "floe_environment",
        "floe_global_registry",
        "floe_install",
        "floe_override",
        "floe_path",
        "floe_registry",
        "floe_settings",
        "floe_site",
    ]


class TestRegistry:
    def test_sees_what_the_test_installed_and_nothing_else(self, project: Project) -> None:
        """A plugin of the machine is there for get_registry() and not for floe_registry; the operator's policy is for neither."""
        run = project(
            {
                "conftest.py": """
                    import os, pathlib
                    from floe_core.plugin_types import PluginType
                    from floe_core.testing import install_plugin
                    install_plugin(pathlib.Path(__file__).parent, PluginType.COMPUTE, "of-the-machine")
                """,
                "test_it.py": HEADER
                + """
def test_isolated(floe_registry, floe_install):
    assert get_registry().list_all()[PluginType.COMPUTE] == ["of-the-machine"]
    floe_install(PluginType.COMPUTE, "duckdb")
    assert floe_registry.list_all()[PluginType.COMPUTE] == ["duckdb"]
    assert floe_registry.get(PluginType.COMPUTE, "duckdb").name == "duckdb"

def test_fresh(floe_registry, floe_site):
    assert floe_registry.list_all() == {kind: [] for kind in PluginType}
    assert list(floe_site.iterdir()) == []
    assert not [name for name in sys.modules if name.startswith("floe_test_")]

class TestAsked:
    @pytest.fixture
    def floe_path(self, floe_site):
        return [str(floe_site), *sys.path]

    def test_asked(self, floe_registry):
        assert floe_registry.list_all()[PluginType.COMPUTE] == ["of-the-machine"]

class TestSettings:
    @pytest.fixture
    def floe_settings(self):
        return {"plugins": {"computes": {"duckdb": {"threads": 7}}}}

    def test_settings(self, floe_container, floe_registry, floe_install):
        floe_install(PluginType.COMPUTE, "duckdb", schema="threads: int = 4")
        assert floe_container.registry() is floe_registry
        assert floe_container.computes("duckdb").config.threads == 7
""",
            },
            environment={"FLOE_PLUGINS_DENY": "floe-test-compute-of-the-machine"},
        )

        assert passed(run) == ["test_asked", "test_fresh", "test_isolated", "test_settings"]

    def test_stops_what_a_test_left_running(self, project: Project) -> None:
        """What is active at the end of a test is shut down before the next begins."""
        run = project(
            {
                "test_it.py": HEADER
                + """
stopped = []

class Running(Fake):
    def shutdown(self):
        stopped.append(self.name)

def test_1_leaves_it_running(floe_registry):
    floe_registry.register(Running())
    floe_registry.activate_all()

def test_2_it_was_stopped():
    assert stopped == ["fake"]
"""
            }
        )

        assert passed(run) == ["test_1_leaves_it_running", "test_2_it_was_stopped"]

    def test_leaves_sys_path_as_it_was(self, project: Project) -> None:
        """The folder of a test is on sys.path during it, and nothing that the test added is afterwards."""
        run = project(
            {
                "test_it.py": HEADER
                + """
before = sys.path.copy()

def test_1(floe_site):
    assert sys.path == [str(floe_site), *before]
    sys.path.append("/nowhere")

def test_2():
    assert sys.path == before
"""
            }
        )

        assert passed(run) == ["test_1", "test_2"]


class TestInstall:
    def test_installs_healthy_and_faulty_plugins(self, project: Project) -> None:
        """A fault is given by member or by name; a registry that has looked finds what came later after refresh()."""
        run = project(
            {
                "test_it.py": HEADER
                + """
from floe_core.testing import Fault

def test_faults(floe_registry, floe_install):
    floe_install(PluginType.COMPUTE, "raises", fault=Fault.IMPORT_RAISES)
    floe_install(PluginType.COMPUTE, "old", fault="api_version_too_old", version="2.1.0")
    floe_registry.discover_all()
    floe_install(PluginType.COMPUTE, "late")
    assert floe_registry.list_all()[PluginType.COMPUTE] == ["old", "raises"]
    for name in ("raises", "old"):
        with pytest.raises(PluginError):
            floe_registry.get(PluginType.COMPUTE, name)
    floe_registry.refresh()
    assert floe_registry.get(PluginType.COMPUTE, "late").name == "late"

def test_fault_of_the_path(floe_registry, floe_install):
    floe_install(PluginType.COMPUTE, "packed", fault=Fault.IN_AN_ARCHIVE)
    assert floe_registry.get(PluginType.COMPUTE, "packed").name == "packed"

def test_path_is_as_before(floe_site):
    assert not [entry for entry in sys.path if entry.endswith(".zip") and str(floe_site.parent.parent) in entry]

def test_unknown_fault(floe_install):
    with pytest.raises(ValueError, match="there is no fault 'no-such'; the faults are .*STARTUP_HANGS"):
        floe_install(PluginType.COMPUTE, "x", fault="no-such")
"""
            }
        )

        assert passed(run) == ["test_fault_of_the_path", "test_faults", "test_path_is_as_before", "test_unknown_fault"]


class TestGlobalRegistry:
    def test_swaps_get_registry_for_one_test(self, project: Project) -> None:
        """get_registry() gives the test's registry, in threads too, and what it gave before afterwards."""
        run = project(
            {
                "test_it.py": HEADER
                + """
from concurrent.futures import ThreadPoolExecutor

before = get_registry()

def test_1(floe_global_registry, floe_registry):
    assert get_registry() is floe_global_registry is floe_registry
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(get_registry).result() is floe_registry

def test_2():
    assert get_registry() is before
"""
            }
        )

        assert passed(run) == ["test_1", "test_2"]


class TestOverride:
    def test_replaces_a_plugin_until_the_test_ends(self, project: Project) -> None:
        """In floe_registry, or in the one that is named; installed or not; several at once."""
        run = project(
            {
                "test_it.py": HEADER
                + """
def test_1(floe_registry, floe_install, floe_override):
    floe_install(PluginType.COMPUTE, "duckdb")
    for name in ("duckdb", "not-installed"):
        fake = Fake()
        assert floe_override(PluginType.COMPUTE, name, fake) is fake
        assert floe_registry.get(PluginType.COMPUTE, name) is fake

def test_2(floe_override):
    fake = floe_override(PluginType.COMPUTE, "duckdb", Fake(), registry=get_registry())
    assert get_registry().get(PluginType.COMPUTE, "duckdb") is fake

def test_3():
    with pytest.raises(PluginError):
        get_registry().get(PluginType.COMPUTE, "duckdb")
"""
            }
        )

        assert passed(run) == ["test_1", "test_2", "test_3"]

    def test_keeps_to_its_process_under_xdist(self, project: Project) -> None:
        """Each worker of pytest-xdist has registries and overrides of its own."""
        pytest.importorskip("xdist")
        test = """
@pytest.mark.parametrize("number", range(6))
def test_it(number, floe_global_registry, floe_override):
    fake = floe_override(PluginType.COMPUTE, "duckdb", Fake())
    assert get_registry().get(PluginType.COMPUTE, "duckdb") is fake
"""
        run = project({"test_it.py": HEADER + test}, "-n", "2")

        assert len(passed(run)) == 6
