"""The report: what was found, what became of it, why some is not used, and how long each step took."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from floe_containers import PluginContainer
from floe_core.plugin_errors import PluginError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.testing import install_distribution
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
SECRET = "hunter2"


class TestReport:
    def test_of_nothing_is_empty(self, registry: PluginRegistry) -> None:
        """And discovers nothing by itself."""
        assert (registry.report().plugins, registry.report().unused) == ((), ())

    def test_tells_state_and_origin_of_each_key(self, install_plugin: InstallPlugin) -> None:
        """Sorted by key: used ones, broken ones, those left out, those in conflict, and one made by hand."""
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b")
        install_plugin("acme_c", COMPUTE, "c", source=f"raise RuntimeError('{SECRET}')")
        install_plugin("acme_d", COMPUTE, "d")
        install_plugin("acme_e", COMPUTE, "e")
        install_plugin("other_e", COMPUTE, "e")
        registry = PluginContainer(settings={"policy": {"disable": ["COMPUTE:d"]}}).registry()
        registry.register(MadeCompute("f"))
        registry.activate_plugin(COMPUTE, "b")
        registry.get_all(COMPUTE)

        report = registry.report()

        states = ["loaded", "active", "failed", "disabled", "conflicting", "loaded"]
        assert [(f"COMPUTE:{name}", state) for name, state in zip("abcdef", states, strict=True)] == [
            (plugin.key, plugin.state) for plugin in report.plugins
        ]
        distributions = ["acme-a", "acme-b", "acme-c", "acme-d", None, None]
        assert distributions == [plugin.distribution for plugin in report.plugins]
        assert [bool(plugin.reason) for plugin in report.plugins] == [False, False, True, True, True, False]
        assert {"disabled", "conflicting"} == {candidate.rejection for candidate in report.unused}
        assert SECRET not in str(report)

    def test_a_container_discovers_for_it(self, install_plugin: InstallPlugin) -> None:
        """As for any verb."""
        install_plugin("acme_a", COMPUTE, "a")

        (plugin,) = PluginContainer().registry().report().plugins

        assert (plugin.key, plugin.state, plugin.entry_point) == ("COMPUTE:a", "discovered", "acme_a:Plugin")

    def test_tells_how_long_each_step_took(self, install_plugin: InstallPlugin) -> None:
        """In seconds; only of the steps that were taken."""
        install_plugin("acme_a", COMPUTE, "a", schema="threads: int = 4")
        install_plugin("acme_b", COMPUTE, "b")
        registry = PluginContainer(settings={"plugins": {"computes": {"a": {}}}}).registry()
        registry.activate_plugin(COMPUTE, "a")

        report = registry.report()

        a, b = report.plugins
        assert {"import", "construct", "configure", "start"} == set(a.timings)
        assert b.timings == {}
        assert (a.is_configured, b.is_configured) == (True, False)
        assert all(0 <= seconds < 60 for seconds in [*a.timings.values(), report.timings["discover"]])

    def test_tells_the_causes_down_to_the_root(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Our errors in words, others by type and place; never the text of what a plugin raised."""
        source = f"try:\n    int('{SECRET}')\nexcept ValueError as exc:\n    raise RuntimeError('{SECRET}') from exc"
        install_plugin("acme_a", COMPUTE, "a", source=source)
        registry.discover_all()
        with pytest.raises(PluginError) as caught:
            registry.get(COMPUTE, "a")

        (plugin,) = registry.report().plugins

        ours, outer, inner = plugin.causes
        assert str(caught.value) == ours == plugin.reason
        assert outer.startswith("RuntimeError at ")
        assert "acme_a.py:4" in outer
        assert inner.startswith("ValueError at ")
        assert "acme_a.py:2" in inner

    def test_forgets_a_failure_that_is_over(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Once the plugin has loaded."""
        installed = install_plugin("acme_a", COMPUTE, "a", source="raise RuntimeError")
        registry.discover_all()
        registry.get_all(COMPUTE)
        installed.modules["acme_a"].write_text(
            "from floe_core.plugin_metadata import PluginMetadata\n"
            "class Plugin(PluginMetadata):\n    name, version, floe_api_version = 'other', '1', '1.0'\n"
        )
        registry.get(COMPUTE, "a")

        (plugin,) = registry.report().plugins

        assert ("loaded", "", ()) == (plugin.state, plugin.reason, plugin.causes)
        assert plugin.remarks == ("it calls itself 'other'; it is known under its entry-point name",)

    def test_what_cannot_be_used_is_told(self, site: Path, registry: PluginRegistry) -> None:
        """With the entry point as it stands, and where."""
        installed = install_distribution(site, "acme-broken", "[floe.computes]\na = a/file.yaml\n")
        registry.discover_all()

        (candidate,) = registry.report().unused

        assert ("COMPUTE:a", "malformed") == (candidate.key, candidate.rejection)
        assert ("acme-broken", "1.0.0", str(installed.metadata), "a/file.yaml") == (
            candidate.distribution,
            candidate.version,
            candidate.path,
            candidate.entry_point,
        )

    def test_a_file_that_cannot_be_read_has_no_key(self, site: Path, registry: PluginRegistry) -> None:
        """The whole of it is at fault."""
        install_distribution(site, "acme-broken", b"[floe.computes]\na = m\xff:x\n")
        registry.discover_all()

        (candidate,) = registry.report().unused

        assert (None, "acme-broken") == (candidate.key, candidate.distribution)

    def test_a_plugin_made_by_hand_hides_an_installed_one(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Registered before discovery: it keeps the key, and is not passed off as the distribution's."""
        install_plugin("acme_a", COMPUTE, "a")
        registry.register(MadeCompute("a"))
        registry.discover_all()

        (plugin,) = registry.report().plugins

        assert (plugin.state, plugin.distribution) == ("loaded", None)

    def test_can_be_written_as_json(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """As dictionaries, lists, strings and numbers."""
        install_plugin("acme_a", COMPUTE, "a")
        install_plugin("acme_b", COMPUTE, "b", source="raise RuntimeError")
        registry.discover_all()
        registry.get_all(COMPUTE)

        plain = registry.report().to_dict()

        assert plain == json.loads(json.dumps(plain))
        assert ["COMPUTE:a", "COMPUTE:b"] == [plugin["key"] for plugin in plain["plugins"]]
        assert type(plain["plugins"][1]["causes"]) is list
