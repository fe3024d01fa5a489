"""What an operator leaves in and out: from code, from the environment, and both at once."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from floe_containers import PluginContainer
from floe_core._discovery import Inventory, Rejection, discover
from floe_core.discovery_policy import DiscoveryPolicy, is_distribution_name, normalised
from floe_core.plugin_errors import DuplicatePluginError, PluginNotFoundError, SettingsError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginKey, PluginState, PluginType
from floe_core.settings import Settings
from floe_core.testing import install_distribution, plugin_source

COMPUTE = PluginType.COMPUTE
DUCK = PluginKey(COMPUTE, "duckdb")
SPARK = PluginKey(COMPUTE, "spark")
TYPES = ", ".join(PluginType.__members__)


@pytest.fixture
def rivals(tmp_path: Path) -> str:
    """A folder with two distributions that both claim COMPUTE:duckdb, and a third plugin beside."""
    folder = tmp_path / "rivals"
    install_distribution(folder, "Acme.Duck", {COMPUTE: {"duckdb": "acme_duck:Duck"}})
    install_distribution(folder, "vendor-b", {COMPUTE: {"duckdb": "vendor_b:Duck", "spark": "vendor_b:Spark"}})
    return str(folder)


def used(inventory: Inventory) -> dict[PluginKey, str]:
    return {key: candidate.distribution.name for key, candidate in inventory.usable.items()}


class TestNames:
    @pytest.mark.parametrize("spelling", ["acme-duck", "Acme_Duck", "ACME.DUCK", "acme--duck", "acme-_.duck"])
    def test_compare_normalised(self, spelling: str) -> None:
        """Case, dashes, dots and underscores do not tell distributions apart."""
        assert "acme_duck" == normalised(spelling)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("a", True), ("acme-duck", True), ("A.b_C-1", True), ("", False), ("-a", False), ("a.", False), ("a b", False), ("a/b", False), ("a=b", False), ("-", False)],
    )  # fmt: skip
    def test_consist_of_letters_and_digits_with_separators_between(self, text: str, expected: bool) -> None:
        """What no installer would accept is a mistake in the policy."""
        assert expected is is_distribution_name(text)


class TestDiscovery:
    def test_without_a_policy_everything_is_used(self, rivals: str) -> None:
        """Except what is in conflict: of two distributions with one key neither is taken."""
        inventory = discover(DiscoveryPolicy(), [rivals])

        assert {SPARK: "vendor-b"} == used(inventory)
        assert ["Acme.Duck", "vendor-b"] == sorted(c.distribution.name for c in inventory.conflicting[DUCK])
        assert {Rejection.CONFLICTING} == {candidate.rejection for candidate in inventory.unused}
        for candidate in inventory.unused:
            assert candidate.reason.startswith("COMPUTE:duckdb is claimed by ")
            assert candidate.reason.endswith(
                "; uninstall all but one, or choose one by policy.prefer (or FLOE_PLUGINS_PREFER)"
            )

    @pytest.mark.parametrize("spelling", ["Acme.Duck", "acme-duck", "ACME_DUCK"])
    def test_deny_leaves_a_distribution_out(self, rivals: str, spelling: str) -> None:
        """However it is spelled; what conflicted with it is used."""
        inventory = discover(DiscoveryPolicy(deny=frozenset({spelling})), [rivals])

        assert {DUCK: "vendor-b", SPARK: "vendor-b"} == used(inventory)
        assert ["policy.deny (or FLOE_PLUGINS_DENY) names the distribution 'acme_duck'"] == [
            candidate.reason for candidate in inventory.unused
        ]

    def test_deny_holds_for_the_published_name_and_for_the_folder(self, tmp_path: Path) -> None:
        """A distribution whose folder is called otherwise cannot slip through, whichever of the names is denied."""
        installed = install_distribution(
            tmp_path, "harmless", {COMPUTE: {"duckdb": "m:C"}}, metadata="Name: Evil-Corp\n"
        )

        assert installed.metadata.name.startswith("harmless")
        for name in ("evil_corp", "harmless"):
            inventory = discover(DiscoveryPolicy(deny=frozenset({name})), [str(tmp_path)])
            assert {} == used(inventory)
            assert [f"policy.deny (or FLOE_PLUGINS_DENY) names the distribution {name!r}"] == [
                candidate.reason for candidate in inventory.unused
            ]

    def test_allow_leaves_all_others_out(self, rivals: str) -> None:
        """What is not named is not used, and told."""
        inventory = discover(DiscoveryPolicy(allow=frozenset({"acme-duck"})), [rivals])

        assert {DUCK: "Acme.Duck"} == used(inventory)
        assert {SPARK} == set(inventory.disabled)
        assert {"policy.allow (or FLOE_PLUGINS_ALLOW) does not name the distribution 'vendor_b'"} == {
            candidate.reason for candidate in inventory.unused
        }

    def test_allow_goes_by_the_published_name(self, tmp_path: Path) -> None:
        """The name that the report shows; a folder that borrows an allowed one is not let in."""
        install_distribution(tmp_path, "trusted", {COMPUTE: {"duckdb": "m:C"}}, metadata="Name: Evil-Corp\n")

        assert {} == used(discover(DiscoveryPolicy(allow=frozenset({"trusted"})), [str(tmp_path)]))
        assert {DUCK: "Evil-Corp"} == used(discover(DiscoveryPolicy(allow=frozenset({"evil-corp"})), [str(tmp_path)]))

    def test_deny_goes_before_allow(self, rivals: str) -> None:
        """Named in both, it is out."""
        policy = DiscoveryPolicy(allow=frozenset({"acme-duck", "vendor-b"}), deny=frozenset({"vendor-b"}))

        assert {DUCK: "Acme.Duck"} == used(discover(policy, [rivals]))

    def test_disable_leaves_a_key_out_whoever_provides_it(self, rivals: str) -> None:
        """Both claims are rejected, so there is no conflict either."""
        inventory = discover(DiscoveryPolicy(disable=frozenset({DUCK})), [rivals])

        assert {SPARK: "vendor-b"} == used(inventory)
        assert {} == inventory.conflicting
        assert [(Rejection.DISABLED, "policy.disable (or FLOE_PLUGINS_DISABLE) names COMPUTE:duckdb")] * 2 == [
            (candidate.rejection, candidate.reason) for candidate in inventory.unused
        ]

    @pytest.mark.parametrize("spelling", ["vendor-b", "Vendor_B"])
    def test_prefer_settles_a_conflict(self, rivals: str, spelling: str) -> None:
        """The chosen one is used; the other is told, as a choice and not as a conflict."""
        inventory = discover(DiscoveryPolicy(prefer={DUCK: spelling}), [rivals])

        assert {DUCK: "vendor-b", SPARK: "vendor-b"} == used(inventory)
        assert {} == inventory.conflicting
        assert [
            (
                Rejection.NOT_PREFERRED,
                "Acme.Duck",
                "policy.prefer (or FLOE_PLUGINS_PREFER) takes COMPUTE:duckdb from 'vendor_b'",
            )
        ] == [(c.rejection, c.distribution.name, c.reason) for c in inventory.unused]

    def test_prefer_of_a_third_distribution_settles_nothing(self, rivals: str) -> None:
        """And the reason says that it names none of them."""
        inventory = discover(DiscoveryPolicy(prefer={DUCK: "acme"}), [rivals])

        assert {DUCK} == set(inventory.conflicting)
        assert all(", and policy.prefer names 'acme', which is none of them;" in c.reason for c in inventory.unused)

    def test_prefer_without_a_conflict_changes_nothing(self, rivals: str) -> None:
        """A key with one provider is provided by it."""
        policy = DiscoveryPolicy(prefer={SPARK: "acme-duck"}, deny=frozenset({"acme-duck"}))

        assert {DUCK: "vendor-b", SPARK: "vendor-b"} == used(discover(policy, [rivals]))


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"allow": "acme"}, TypeError, "allow is a collection, not one string; put it into a set"),
            ({"deny": "acme"}, TypeError, "deny is a collection, not one string; put it into a set"),
            ({"disable": "COMPUTE:x"}, TypeError, "disable is a collection, not one string; put it into a set"),
            ({"deny": [3]}, TypeError, "deny holds names of distributions, not objects of type int"),
            (
                {"disable": ["COMPUTE:x"]},
                TypeError,
                r"disable holds plugin keys, not objects of type str; PluginKey.parse\(\) makes them",
            ),
            (
                {"prefer": {"COMPUTE:x": "acme"}},
                TypeError,
                r"prefer holds plugin keys, not objects of type str; PluginKey.parse\(\) makes them",
            ),
            (
                {"allow": ["evil corp"]},
                ValueError,
                "allow holds what no distribution can be called; write names such as acme-duck",
            ),
            (
                {"prefer": {DUCK: "a/b"}},
                ValueError,
                "prefer holds what no distribution can be called; write names such as acme-duck",
            ),
            ({"disable": [("COMPUTE", "x")]}, TypeError, "a plugin type is a member of PluginType, not str"),
        ],
    )
    def test_in_code_fail_at_once(self, options: dict[str, Any], error: type[Exception], message: str) -> None:
        """A policy that would silently match nothing cannot be made."""
        with pytest.raises(error, match=f"^{message}$"):
            DiscoveryPolicy(**options)

    def test_are_not_made_by_giving_other_collections(self) -> None:
        """Lists will do, and tuples for keys; what is held is frozen, hashable and normalised."""
        policy: Any = DiscoveryPolicy
        made = policy(allow=["A.b"], deny=("C",), disable=[(COMPUTE, "duckdb")], prefer={(COMPUTE, "duckdb"): "X-y"})

        assert made == DiscoveryPolicy(frozenset({"a_b"}), frozenset({"c"}), frozenset({DUCK}), {DUCK: "x_y"})
        assert hash(made) == hash(DiscoveryPolicy(frozenset({"a_b"}), frozenset({"c"}), frozenset({DUCK})))
        assert {PluginKey} == {type(key) for key in [*made.disable, *made.prefer]}


class TestFromEnvironment:
    def test_reads_four_variables(self) -> None:
        """Lists separated by commas; white space and empty items do not matter."""
        policy = DiscoveryPolicy.from_environment(
            {
                "FLOE_PLUGINS_ALLOW": "acme-duck, Vendor.B,,",
                "FLOE_PLUGINS_DENY": "evil-corp",
                "FLOE_PLUGINS_DISABLE": "COMPUTE:duckdb , CATALOG:a:b",
                "FLOE_PLUGINS_PREFER": "COMPUTE:duckdb=vendor-b,COMPUTE:a=b = acme",
            }
        )

        assert DiscoveryPolicy(
            allow=frozenset({"acme_duck", "vendor_b"}),
            deny=frozenset({"evil_corp"}),
            disable=frozenset({DUCK, PluginKey(PluginType.CATALOG, "a:b")}),
            prefer={DUCK: "vendor_b", PluginKey(COMPUTE, "a=b"): "acme"},
        ) == policy  # fmt: skip

    @pytest.mark.parametrize("empty", ["", " ", ",", " , "])
    def test_takes_empty_as_unset(self, empty: str) -> None:
        """An empty allow-list allows everything."""
        variables = {f"FLOE_PLUGINS_{name}": empty for name in ("ALLOW", "DENY", "DISABLE", "PREFER")}

        assert DiscoveryPolicy() == DiscoveryPolicy.from_environment(variables)

    def test_reads_the_process_by_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variables of this process."""
        monkeypatch.setenv("FLOE_PLUGINS_DENY", "evil-corp")

        assert DiscoveryPolicy(deny=frozenset({"evil-corp"})) == DiscoveryPolicy.from_environment()

    @pytest.mark.parametrize(
        ("variable", "value", "message"),
        [
            ("ALLOW", "acme,hunter2!", "item 2: this is no distribution name"),
            ("DENY", "hunter2=x", "item 1: this is no distribution name"),
            ("DISABLE", "hunter2", f"item 1: this is no plugin key; write TYPE:name, where TYPE is one of {TYPES}"),
            ("DISABLE", "HUNTER2:x", f"item 1: this is no plugin key; write TYPE:name, where TYPE is one of {TYPES}"),
            ("DISABLE", "COMPUTE:", f"item 1: this is no plugin key; write TYPE:name, where TYPE is one of {TYPES}"),
            (
                "PREFER",
                "COMPUTE:duckdb=acme,,hunter2",
                (
                    "item 3: this is no preference; write TYPE:name=distribution, and as a key TYPE:name, where TYPE is one of "
                    f"{TYPES}"
                ),
            ),
            (
                "PREFER",
                "COMPUTE:duckdb=hunter2!",
                (
                    "item 1: this is no preference; write TYPE:name=distribution, and as a key TYPE:name, where TYPE is one of "
                    f"{TYPES}"
                ),
            ),
        ],
    )
    def test_a_malformed_item_is_an_error_that_tells_its_place(self, variable: str, value: str, message: str) -> None:
        """By its number, since what was mistyped may be anything."""
        with pytest.raises(SettingsError) as info:
            DiscoveryPolicy.from_environment({f"FLOE_PLUGINS_{variable}": value})

        assert str(info.value) == (
            f"Settings error in the environment variable FLOE_PLUGINS_{variable}: {message}. Mend or unset "
            f"FLOE_PLUGINS_{variable}, whose items are separated by commas; nothing was discovered."
        )
        assert "hunter2" not in f"{info.value!r}{info.value.errors}".lower()
        assert info.value.__context__ is None


class TestCombined:
    def test_deny_and_disable_unite_and_allow_intersects(self) -> None:
        """What either leaves out is out; on a preference the second decides."""
        one = DiscoveryPolicy(frozenset({"a", "b"}), frozenset({"x"}), frozenset({DUCK}), {DUCK: "a", SPARK: "a"})
        other = DiscoveryPolicy(frozenset({"b", "c"}), frozenset({"y"}), frozenset({SPARK}), {SPARK: "c"})

        assert DiscoveryPolicy(
            frozenset({"b"}), frozenset({"x", "y"}), frozenset({DUCK, SPARK}), {DUCK: "a", SPARK: "c"}
        ) == one.combined(other)

    @pytest.mark.parametrize(("one", "other"), [({"a"}, set[str]()), (set[str](), {"a"})])
    def test_an_empty_allow_list_leaves_the_other_one(self, one: set[str], other: set[str]) -> None:
        """Empty means unset, on either side."""
        combined = DiscoveryPolicy(allow=frozenset(one)).combined(DiscoveryPolicy(allow=frozenset(other)))

        assert DiscoveryPolicy(allow=frozenset({"a"})) == combined

    def test_two_allow_lists_with_nothing_in_common_allow_nothing(self, rivals: str) -> None:
        """Not everything, which an empty intersection would mean; and combining goes on from there."""
        nothing = DiscoveryPolicy(allow=frozenset({"acme-duck"})).combined(
            DiscoveryPolicy(allow=frozenset({"vendor-b"}))
        )

        assert {} == used(discover(nothing, [rivals]))
        assert {} == used(discover(nothing.combined(DiscoveryPolicy()), [rivals]))
        assert {} == used(discover(DiscoveryPolicy(allow=frozenset({"vendor-b"})).combined(nothing), [rivals]))


class TestInTheRegistry:
    @pytest.fixture
    def installed(self, site: Path) -> Path:
        """Two distributions that both provide COMPUTE:policy-duck, and work."""
        for name in ("policy_acme", "policy_vendor"):
            install_distribution(
                site,
                name,
                {COMPUTE: {"policy-duck": f"{name}:Plugin"}},
                modules={name: plugin_source(COMPUTE, name=name)},
            )
        return site

    def test_a_conflict_is_told_with_both_distributions_and_how_to_choose(
        self, installed: Path, registry: PluginRegistry, caplog: pytest.LogCaptureFixture
    ) -> None:
        """get() raises, list_all() still shows the name, the report and the log know."""
        registry.discover_all()

        with pytest.raises(DuplicatePluginError) as info:
            registry.get(COMPUTE, "policy-duck")

        assert {"policy_acme", "policy_vendor"} == {origin.distribution for origin in info.value.origins}
        assert "FLOE_PLUGINS_PREFER='COMPUTE:policy-duck=policy_" in str(info.value)
        assert "policy-duck" in registry.list_all()[COMPUTE]
        assert PluginState.CONFLICTING is registry.state(COMPUTE, "policy-duck")
        assert {"policy_acme", "policy_vendor"} == {
            vars(record)["floe_distribution"]
            for record in caplog.records
            if vars(record).get("floe_key") == "COMPUTE:policy-duck" and record.levelno == logging.WARNING
        }

    def test_a_choice_made_is_not_warned_about(
        self,
        installed: Path,
        registry: PluginRegistry,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The preferred one works, and the report tells of the other."""
        monkeypatch.setenv("FLOE_PLUGINS_PREFER", "COMPUTE:policy-duck=policy-vendor")
        registry.discover_all()

        assert "policy_vendor" == registry.get(COMPUTE, "policy-duck").name
        assert [] == [record for record in caplog.records if vars(record).get("floe_key") == "COMPUTE:policy-duck"]
        assert ["not preferred"] == [
            row.rejection for row in registry.report().unused if row.key == "COMPUTE:policy-duck"
        ]

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("DENY", "Policy.Acme,policy-vendor"),
            ("DISABLE", "COMPUTE:policy-duck"),
            ("ALLOW", "something-else"),
        ],
    )
    def test_what_it_leaves_out_is_neither_listed_nor_imported(
        self,
        installed: Path,
        registry: PluginRegistry,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
        value: str,
    ) -> None:
        """get() says which setting leaves it out; the report shows it as disabled."""
        monkeypatch.setenv(f"FLOE_PLUGINS_{variable}", value)
        registry.discover_all()

        with pytest.raises(
            PluginNotFoundError, match=f"left out: policy.{variable.lower()} .or FLOE_PLUGINS_{variable}."
        ):
            registry.get(COMPUTE, "policy-duck")

        assert "policy-duck" not in registry.list_all()[COMPUTE]
        assert [] == registry.get_all(COMPUTE)
        assert {"policy_acme", "policy_vendor"}.isdisjoint(sys.modules)
        assert ["disabled"] == [row.state for row in registry.report().plugins if row.key == "COMPUTE:policy-duck"]

    def test_that_is_malformed_stops_discovery_before_it_begins(
        self, installed: Path, registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Better nothing than plugins which the operator meant to leave out; once mended, it works."""
        monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "policy-duck")

        with pytest.raises(SettingsError):
            registry.discover_all()
        assert [] == registry.list(COMPUTE)

        monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "COMPUTE:policy-duck")
        registry.discover_all()
        assert PluginState.DISABLED is registry.state(COMPUTE, "policy-duck")

    def test_from_settings_and_environment_is_combined(self, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One denies the one, the other the other."""
        monkeypatch.setenv("FLOE_PLUGINS_DENY", "policy-acme")
        container = PluginContainer(settings=Settings(policy=DiscoveryPolicy(deny=frozenset({"policy-vendor"}))))

        registry = container.registry()

        assert "policy-duck" not in registry.list_all()[COMPUTE]

    def test_does_not_hold_for_what_is_registered_by_hand(
        self, installed: Path, registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Code that registers a plugin has made its choice."""
        monkeypatch.setenv("FLOE_PLUGINS_DISABLE", "COMPUTE:by-hand")
        monkeypatch.setenv("FLOE_PLUGINS_DENY", "policy-vendor")
        registry.discover_all()
        plugin = type(registry.get(COMPUTE, "policy-duck"))()
        vars(type(plugin))  # the class comes from the allowed distribution
        type(plugin).name = "by-hand"  # type: ignore[assignment,method-assign]  # pyright: ignore[reportAttributeAccessIssue]  # an attribute there

        registry.register(plugin)

        assert plugin is registry.get(COMPUTE, "by-hand")
