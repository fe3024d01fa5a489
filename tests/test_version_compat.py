"""Which plugin API versions fit which platform."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_core.version_compat import (
    FLOE_PLUGIN_API_MIN_VERSION,
    FLOE_PLUGIN_API_VERSION,
    is_compatible,
    parse_api_version,
)

numbers = st.integers(min_value=0, max_value=10**6)
few = st.integers(min_value=0, max_value=11)
patches = st.one_of(st.just(""), numbers.map(lambda number: f".{number}"))


class TestConstants:
    def test_the_platform_provides_1_0_and_takes_nothing_older(self) -> None:
        """The contract's figures."""
        assert "1.0" == FLOE_PLUGIN_API_VERSION
        assert "1.0" == FLOE_PLUGIN_API_MIN_VERSION
        assert is_compatible(FLOE_PLUGIN_API_MIN_VERSION, FLOE_PLUGIN_API_VERSION)


class TestIsCompatible:
    @pytest.mark.parametrize(
        ("plugin", "platform", "expected"),
        [
            ("1.0", "1.0", True),  # the same
            ("1.0", "1.5", True),  # an older minor version
            ("1.1", "1.0", False),  # a newer minor version
            ("2.0", "1.9", False),  # a newer major version
            ("1.0", "2.0", False),  # an older major version
            ("1.0.0", "1.0", True),  # the patch part is read and ignored
            ("1.0.7", "1.0.3", True),  # on both sides
            ("1.9", "1.10", True),  # numbers, not text
            ("1.10", "1.9", False),
        ],
    )
    def test_the_major_must_match_and_the_minor_not_exceed(self, plugin: str, platform: str, expected: bool) -> None:
        """A table of the rules."""
        assert expected is is_compatible(plugin, platform)

    @given(st.tuples(few, few), st.tuples(few, few), st.tuples(patches, patches))
    def test_holds_for_all_versions(
        self, plugin: tuple[int, int], platform: tuple[int, int], patch: tuple[str, str]
    ) -> None:
        """Exactly: the same major, and a minor that is not above the platform's, whatever the patches."""
        expected = plugin[0] == platform[0] and plugin[1] <= platform[1]

        written = [f"{major}.{minor}{end}" for (major, minor), end in zip((plugin, platform), patch, strict=True)]
        assert expected is is_compatible(*written)

    @given(numbers, numbers, patches)
    def test_every_version_fits_itself_and_all_later_minors(self, major: int, minor: int, patch: str) -> None:
        """A platform may be upgraded within its major version."""
        assert is_compatible(f"{major}.{minor}{patch}", f"{major}.{minor}")
        assert is_compatible(f"{major}.{minor}{patch}", f"{major}.{minor + 1}")
        assert not is_compatible(f"{major}.{minor + 1}{patch}", f"{major}.{minor}")

    @given(st.text())
    def test_anything_else_is_a_value_error_and_nothing_worse(self, text: str) -> None:
        """On either side, and for any text."""
        if re.fullmatch(r"[0-9]+\.[0-9]+(\.[0-9]+)?", text):
            assert is_compatible(text, text)
        else:
            with pytest.raises(ValueError, match="is no API version"):
                is_compatible(text, "1.0")
            with pytest.raises(ValueError, match="is no API version"):
                is_compatible("1.0", text)


class TestParseApiVersion:
    @pytest.mark.parametrize(
        "version",
        [
            "",
            "1",
            "1.",
            ".1",
            "1.x",
            "1.-5",
            "v1.0",
            " 1.0",
            "1.0\n",
            "1.0.0.0",
            "1.0.x",
            "1\u066b0",
            "\u0661.\u0660",
            None,
            1.0,
            1,
        ],
    )
    def test_reads_nothing_but_two_or_three_numbers(self, version: Any) -> None:
        """Other digits than ASCII's, white space, prefixes and other types included; the text says what to write."""
        with pytest.raises(ValueError, match=r"is no API version; write X\.Y, such as '1\.0'$"):
            parse_api_version(version)

    def test_gives_major_and_minor(self) -> None:
        """As numbers, the patch left out."""
        assert (1, 12) == parse_api_version("1.12.3")
