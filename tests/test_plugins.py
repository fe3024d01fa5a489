"""One base class per type."""

from __future__ import annotations

import inspect

import pytest

from floe_core import plugins
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginType

BASES: list[type[PluginMetadata]] = [getattr(plugins, name) for name in plugins.__all__]


class TestBaseClasses:
    def test_there_is_one_for_every_type_and_no_other(self) -> None:
        """Eleven classes, eleven types."""
        assert 11 == len(BASES)
        assert {*PluginType} == {base.plugin_type for base in BASES}

    @pytest.mark.parametrize("base", BASES)
    def test_is_named_after_its_type(self, base: type[PluginMetadata]) -> None:
        """TELEMETRY_BACKEND has TelemetryBackendPlugin: nobody has to look it up."""
        assert base.plugin_type is not None
        words = base.plugin_type.name.split("_")

        assert f"{''.join(word.title() for word in words)}Plugin" == base.__name__

    @pytest.mark.parametrize("base", BASES)
    def test_carries_its_type_and_nothing_else(self, base: type[PluginMetadata]) -> None:
        """A plugin written against PluginMetadata can change its base without changing its behaviour."""
        own = {name for name in vars(base) if not name.startswith("_")}

        assert {"plugin_type"} == own
        assert (PluginMetadata,) == base.__bases__
        assert PluginMetadata.__abstractmethods__ == base.__abstractmethods__

    @pytest.mark.parametrize("base", BASES)
    def test_says_what_such_a_plugin_does(self, base: type[PluginMetadata]) -> None:
        """Each has a sentence of its own."""
        sentences = [inspect.getdoc(other) for other in BASES]

        assert 1 == sentences.count(inspect.getdoc(base))
        assert inspect.getdoc(base) != inspect.getdoc(PluginMetadata)
