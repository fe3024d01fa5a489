"""The eleven types, the key of a plugin, and the origin that errors and reports tell."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from floe_core.plugin_types import Origin, PluginKey, PluginState, PluginType


class TestPluginType:
    @pytest.mark.parametrize("plugin_type", PluginType)
    def test_tells_its_group_long_and_short(self, plugin_type: PluginType) -> None:
        """The long form is for pyproject.toml, the short one for settings and the container; both lead back."""
        assert f"floe.{plugin_type.group}" == plugin_type.entry_point_group
        assert plugin_type is PluginType.of_group(plugin_type.group)

    def test_an_unknown_group_is_an_error_that_lists_the_known_ones(self) -> None:
        """A mistyped group in the settings is answered with the eleven that exist."""
        with pytest.raises(
            ValueError, match="there is no plugin group 'compute'; the groups are computes, orch"
        ) as info:
            PluginType.of_group("compute")

        assert all(plugin_type.group in str(info.value) for plugin_type in PluginType)

    @pytest.mark.parametrize("plugin_type", PluginType)
    def test_members_stay_singletons_under_copy_and_pickle(self, plugin_type: PluginType) -> None:
        """They hash by identity, so identity has to survive."""
        assert plugin_type is pickle.loads(pickle.dumps(plugin_type))
        assert plugin_type is copy.deepcopy(plugin_type)
        assert {plugin_type: 1} == {PluginType[plugin_type.name]: 1}


class TestPluginState:
    def test_names_every_state_in_one_lower_case_word(self) -> None:
        """The words of the report, the messages and the command line."""
        words = {
            "discovered",
            "loaded",
            "active",
            "disabled",
            "conflicting",
            "unavailable",
            "incompatible",
            "failed",
        }

        assert words == {state.value for state in PluginState}


class TestPluginKey:
    def test_is_written_as_type_and_name_and_read_back(self) -> None:
        """COMPUTE:duckdb is the one spelling, in both directions."""
        key = PluginKey(PluginType.COMPUTE, "duckdb")

        assert "COMPUTE:duckdb" == str(key)
        assert "PluginKey('COMPUTE:duckdb')" == repr(key)
        assert key == PluginKey.parse("COMPUTE:duckdb")

    @pytest.mark.parametrize("name", ["a.b", "a b", "a-b_c", "k8s", "x:y", "naïve", "=", ":"])
    def test_takes_any_name_that_is_not_empty(self, name: str) -> None:
        """Real entry points have dots, dashes, spaces and colons in their names."""
        key = PluginKey(PluginType.STORAGE, name)

        assert key == PluginKey.parse(str(key))
        assert name == key.name

    def test_equals_and_finds_the_tuple_of_its_fields(self) -> None:
        """A look-up by (type, name) needs no key to be made."""
        key = PluginKey(PluginType.DBT, "core")

        assert (PluginType.DBT, "core") == key
        assert "found" == {key: "found"}[(PluginType.DBT, "core")]  # type: ignore[index]  # pyright: ignore[reportArgumentType]  # equal to the key

    def test_compares_names_exactly(self) -> None:
        """Case, dashes and underscores tell keys apart."""
        keys = {PluginKey(PluginType.COMPUTE, name) for name in ("duck-db", "duck_db", "Duck-DB")}

        assert 3 == len(keys)

    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            (("COMPUTE", "x"), TypeError, "a plugin type is a member of PluginType, not str"),
            ((PluginType.COMPUTE, 3), TypeError, "a plugin name is a string, not int"),
            ((PluginType.COMPUTE, ""), ValueError, "a plugin name is not empty"),
        ],
    )
    def test_a_malformed_one_cannot_be_made(self, fields: Any, error: type[Exception], message: str) -> None:
        """What takes a key need not look at it again."""
        with pytest.raises(error, match=f"^{message}$"):
            PluginKey(*fields)

    @pytest.mark.parametrize("text", ["", "duckdb", "COMPUTE:", "compute:duckdb", "NOPE:x", ":x"])
    def test_parsing_anything_else_is_an_error_that_says_what_to_write(self, text: str) -> None:
        """The type is spelled as the member, and both parts are there."""
        with pytest.raises(ValueError, match="is no plugin key; write TYPE:name, where TYPE is one of COMPUTE, ORCH"):
            PluginKey.parse(text)

    def test_pickles_as_itself(self) -> None:
        """Keys cross process boundaries as arguments."""
        key = PluginKey(PluginType.SECRETS, "vault")

        copied = pickle.loads(pickle.dumps(key))

        assert key == copied
        assert PluginKey is type(copied)


class TestOrigin:
    def test_says_distribution_version_entry_point_and_folder(self) -> None:
        """What an operator needs to find the culprit."""
        origin = Origin("acme-duck", "1.2", "/site/acme_duck-1.2.dist-info", "acme_duck:Duck")

        assert "acme-duck 1.2 (entry point 'acme_duck:Duck', /site/acme_duck-1.2.dist-info)" == str(origin)

    def test_leaves_out_what_is_not_known(self) -> None:
        """No version, and no entry point where a whole file is at fault."""
        assert "acme-duck (/site/acme)" == str(Origin("acme-duck", None, "/site/acme", ""))

    def test_pickles_as_itself(self) -> None:
        """Errors carry it across process boundaries."""
        origin = Origin("acme-duck", "1.2", "/site/acme", "acme_duck:Duck")

        assert origin == pickle.loads(pickle.dumps(origin))
