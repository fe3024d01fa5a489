"""The API version, and which plugins fit it."""

from __future__ import annotations

import inspect

import pytest

from floe_core.version_compat import FLOE_PLUGIN_API_MIN_VERSION, FLOE_PLUGIN_API_VERSION, is_compatible


class TestVersions:
    def test_the_platform_provides_and_requires_1_0(self) -> None:
        """Both are text."""
        assert ("1.0", "1.0") == (FLOE_PLUGIN_API_VERSION, FLOE_PLUGIN_API_MIN_VERSION)

    def test_the_parameters_have_fixed_names(self) -> None:
        """So that they can be passed by name."""
        assert ["plugin_api_version", "platform_api_version"] == list(inspect.signature(is_compatible).parameters)

    @pytest.mark.parametrize(
        ("plugin", "platform", "fits"),
        [
            ("1.0", "1.0", True),
            ("1.0", "1.5", True),  # a lower minor version
            ("1.5", "1.0", False),  # a higher one
            ("2.0", "1.0", False),  # another major version, higher
            ("1.0", "2.0", False),  # and lower
            ("1.9", "1.10", True),  # numbers, not text
            ("1.10", "1.9", False),
        ],
    )
    def test_the_major_version_is_the_same_and_the_minor_not_above(
        self, plugin: str, platform: str, *, fits: bool
    ) -> None:
        """The two rules of compatibility."""
        assert fits is is_compatible(plugin_api_version=plugin, platform_api_version=platform)
