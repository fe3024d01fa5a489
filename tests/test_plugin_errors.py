"""What each error holds, what it says, and that it crosses from one process to another whole."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from floe_core import plugin_errors
from floe_core.plugin_errors import (
    CircularDependencyError,
    DuplicatePluginError,
    MissingDependencyError,
    PluginConfigurationError,
    PluginError,
    PluginErrorGroup,
    PluginIncompatibleError,
    PluginLoadError,
    PluginNotFoundError,
    PluginShutdownError,
    PluginStartupError,
    PluginStateError,
    PluginTypeError,
    SettingsError,
)
from floe_core.plugin_types import Origin, PluginKey, PluginType

COMPUTE = PluginType.COMPUTE
KEY = PluginKey(COMPUTE, "duckdb")
POLARIS = PluginKey(PluginType.CATALOG, "polaris")
ACME = Origin("acme-duck", "1.2", "/site/acme_duck-1.2.dist-info", "acme_duck:Duck")
VENDOR = Origin("vendor-b", None, "/site/vendor_b.dist-info", "vendor_b:Duck")
ACME_TEXT = "acme-duck 1.2 (entry point 'acme_duck:Duck', /site/acme_duck-1.2.dist-info)"
VENDOR_TEXT = "vendor-b (entry point 'vendor_b:Duck', /site/vendor_b.dist-info)"
FAULT = {"field": "threads", "message": "Input should be a valid integer", "type": "int_type"}
TOP_FAULT = {"field": "", "message": "a configuration is a mapping", "type": "mapping_type"}

MESSAGES: list[tuple[PluginError, str]] = [
    (PluginError(), ""),
    (PluginError("Something is odd"), "Something is odd."),
    (
        PluginNotFoundError(COMPUTE, "duckdb"),
        (
            "Plugin not found: COMPUTE:duckdb. No COMPUTE plugin is installed; one announces itself in the entry-point group "
            "floe.computes."
        ),
    ),
    (
        PluginNotFoundError(COMPUTE, "dukdb", available=["duckdb", "spark"]),
        "Plugin not found: COMPUTE:dukdb. Available COMPUTE plugins: duckdb, spark. Did you mean 'duckdb'?",
    ),
    (
        PluginNotFoundError(COMPUTE, "zzz", available=iter(["duckdb", "spark"])),
        "Plugin not found: COMPUTE:zzz. Available COMPUTE plugins: duckdb, spark.",
    ),
    (
        PluginNotFoundError(COMPUTE, "duckdb", available=["spark"], reason="It is left out by policy"),
        "Plugin not found: COMPUTE:duckdb. It is left out by policy.",
    ),
    (
        PluginIncompatibleError("duckdb", "2.0", "1.0"),
        (
            "Plugin 'duckdb' requires API v2.0, but platform provides v1.0. Install a release of the plugin that is written "
            "for API 1.0, or mend its floe_api_version (X.Y)."
        ),
    ),
    (
        PluginIncompatibleError("duckdb", "1.0", "1.4", minimum="1.2", key=KEY, origin=ACME),
        (
            f"Plugin 'duckdb' requires API v1.0, but platform provides v1.4. It comes from {ACME_TEXT}. Install a release of "
            "the plugin that is written for API 1.2 to 1.4, or mend its floe_api_version (X.Y)."
        ),
    ),
    (
        PluginConfigurationError("duckdb", [FAULT]),
        (
            f"Configuration error for plugin 'duckdb': {[FAULT]}. Mend threads in the plugin's settings, or in the call that "
            "configures it."
        ),
    ),
    (
        PluginConfigurationError("duckdb", [TOP_FAULT], key=KEY, origin=ACME),
        f"Configuration error for plugin 'duckdb': {[TOP_FAULT]}. It comes from {ACME_TEXT}. Mend plugins.computes.duckdb.",
    ),
    (
        PluginConfigurationError("duckdb", [FAULT], advice="Ask the author."),
        f"Configuration error for plugin 'duckdb': {[FAULT]}. Ask the author.",
    ),
    (
        DuplicatePluginError(COMPUTE, "duckdb"),
        "Duplicate plugin: COMPUTE:duckdb. Unregister the other one first, or use override() to replace it for a while.",
    ),
    (
        DuplicatePluginError(COMPUTE, "duckdb", origins=[ACME, VENDOR]),
        (
            f"Duplicate plugin: COMPUTE:duckdb. It is claimed by {ACME_TEXT} and {VENDOR_TEXT}. Uninstall one of them, or "
            "choose: prefer 'COMPUTE:duckdb=acme-duck' in the settings' policy, or "
            "FLOE_PLUGINS_PREFER='COMPUTE:duckdb=acme-duck'."
        ),
    ),
    (
        CircularDependencyError(["a", "b", "a"], keys=[KEY, POLARIS, KEY]),
        "Circular dependency: a -> b -> a. Break the circle: one of them has to do without the next.",
    ),
    (
        MissingDependencyError(KEY, "CATALOG:polaris is not installed", origin=ACME, advice="Install it."),
        (
            f"Plugin COMPUTE:duckdb lacks a dependency: CATALOG:polaris is not installed. It comes from {ACME_TEXT}. "
            "Install it."
        ),
    ),
    (
        MissingDependencyError(KEY, "", chain=[POLARIS, PluginKey(PluginType.STORAGE, "s3")]),
        "Plugin COMPUTE:duckdb lacks a dependency: CATALOG:polaris -> STORAGE:s3 cannot be used.",
    ),
    (
        PluginLoadError(KEY, "importing acme_duck raised ImportError", origin=ACME, advice="Reinstall it."),
        (
            f"Plugin COMPUTE:duckdb could not be loaded: importing acme_duck raised ImportError. It comes from {ACME_TEXT}. "
            "Reinstall it."
        ),
    ),
    (
        PluginStartupError(KEY, "it took longer than 30 s"),
        "Plugin COMPUTE:duckdb did not start: it took longer than 30 s.",
    ),
    (PluginShutdownError(KEY, "it raised"), "Plugin COMPUTE:duckdb did not shut down cleanly: it raised."),
    (
        PluginStateError(None, "the container has a registry already", advice="Use container.registry()."),
        "The container has a registry already. Use container.registry().",
    ),
    (
        PluginTypeError(KEY, "it is a Duck, which is no Spark"),
        "Plugin COMPUTE:duckdb refuses the type: it is a Duck, which is no Spark.",
    ),
    (
        SettingsError("floe.toml", [{**FAULT, "field": "load_timeout"}, TOP_FAULT], advice="Mend these fields."),
        (
            "Settings error in floe.toml: load_timeout: Input should be a valid integer; a configuration is a mapping. Mend "
            "these fields."
        ),
    ),
    (
        PluginErrorGroup(
            "2 of 3 plugins did not start", [PluginStartupError(KEY, "a"), PluginStartupError(POLARIS, "b")]
        ),
        (
            "2 of 3 plugins did not start.\n- Plugin COMPUTE:duckdb did not start: a.\n- Plugin CATALOG:polaris did not start: "
            "b."
        ),
    ),
]
ERRORS = [error for error, _ in MESSAGES]


def named(error: object) -> str:
    return type(error).__name__ if isinstance(error, PluginError) else ""


def state_of(error: BaseException) -> dict[str, Any]:
    """Everything that an error holds, nested errors included, in a form that compares."""
    held = {name: value for name, value in vars(error).items() if not name.startswith("__")}
    nested = getattr(error, "exceptions", ())
    return {"type": type(error), "text": str(error), "held": held, "nested": [state_of(inner) for inner in nested]}


class TestMessages:
    @pytest.mark.parametrize(("error", "text"), MESSAGES, ids=named)
    def test_say_what_happened_and_what_to_do(self, error: PluginError, text: str) -> None:
        """Word for word: an operator sees nothing else."""
        assert text == str(error)

    def test_every_error_is_covered_here(self) -> None:
        """An error that is added gets its row in the table above."""
        assert set(plugin_errors.__all__) == {type(error).__name__ for error in ERRORS}

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (PluginNotFoundError(COMPUTE, "x"), "Plugin not found: COMPUTE:x"),
            (PluginIncompatibleError("x", "2.0", "1.0"), "Plugin 'x' requires API v2.0, but platform provides v1.0"),
            (PluginConfigurationError("x", [FAULT]), f"Configuration error for plugin 'x': {[FAULT]}"),
            (DuplicatePluginError(COMPUTE, "x"), "Duplicate plugin: COMPUTE:x"),
            (CircularDependencyError(["a", "b", "a"]), "Circular dependency: a -> b -> a"),
        ],
        ids=named,
    )
    def test_begin_with_the_text_of_the_contract(self, error: PluginError, text: str) -> None:
        """The bare text is the argument, and str() goes on from there."""
        assert (text,) == error.args
        assert str(error).startswith(f"{text}.")


class TestAttributes:
    def test_hold_what_the_contract_names(self) -> None:
        """Callers read attributes instead of parsing text; arguments are positional as there."""
        not_found = PluginNotFoundError(COMPUTE, "x")
        incompatible = PluginIncompatibleError("x", "2.0", "1.0")
        configuration = PluginConfigurationError("x", [FAULT])
        duplicate = DuplicatePluginError(COMPUTE, "x")
        circular = CircularDependencyError(["a", "a"])

        assert (COMPUTE, "x") == (not_found.plugin_type, not_found.name)
        assert ("x", "2.0", "1.0") == (
            incompatible.name,
            incompatible.required_version,
            incompatible.platform_version,
        )
        assert ("x", [FAULT]) == (configuration.name, configuration.errors)
        assert (COMPUTE, "x") == (duplicate.plugin_type, duplicate.name)
        assert ["a", "a"] == circular.cycle

    def test_hold_the_key_and_the_origin(self) -> None:
        """Of every error about one plugin."""
        error = PluginLoadError(KEY, "why", origin=ACME, advice="What to do.")

        assert (KEY, "why", ACME, "What to do.") == (error.key, error.reason, error.origin, error.advice)

    def test_the_origin_is_none_where_it_is_not_known(self) -> None:
        """And then the text does not speak of it."""
        assert [None, None] == [PluginError("x").origin, PluginStartupError(KEY, "x").origin]
        assert "comes from" not in str(PluginStartupError(KEY, "x"))

    @pytest.mark.parametrize("error", ERRORS, ids=named)
    def test_all_derive_from_plugin_error(self, error: Exception) -> None:
        """``except PluginError`` catches each, a group included."""
        assert isinstance(error, PluginError)

    def test_two_are_what_python_calls_them_too(self) -> None:
        """A wrong type is a TypeError, a malformed setting a ValueError."""
        assert issubclass(PluginTypeError, TypeError)
        assert issubclass(SettingsError, ValueError)

    def test_configuration_errors_name_each_faulty_field_once(self) -> None:
        """Sorted; faults of the whole have no field to name."""
        faults = [{**FAULT, "field": field} for field in ("b.0", "a", "b.0", "")]

        assert "Mend a, b.0 in plugins.computes.duckdb, or in the call that configures it." == (
            PluginConfigurationError("duckdb", faults, key=KEY).advice
        )


class TestPluginErrorGroup:
    def test_is_caught_as_a_plugin_error_and_by_parts(self) -> None:
        """Both ways of handling an error work."""
        group = PluginErrorGroup("Several", [PluginStartupError(KEY, "a"), PluginShutdownError(KEY, "b")])

        with pytest.raises(PluginError):
            raise group
        caught: list[BaseException] = []
        try:
            raise group
        except* PluginStartupError as part:
            caught.extend(part.exceptions)
        except* PluginError as rest:
            caught.extend(rest.exceptions)
        assert [*group.exceptions] == caught

    def test_its_parts_are_groups_of_its_kind(self) -> None:
        """split() and subgroup() keep the class, and with it the text."""
        group = PluginErrorGroup("Several", [PluginStartupError(KEY, "a"), PluginShutdownError(KEY, "b")])

        part = group.subgroup(PluginStartupError)

        assert isinstance(part, PluginErrorGroup)
        assert "Several.\n- Plugin COMPUTE:duckdb did not start: a." == str(part)


@pytest.fixture(scope="module", params=["spawn", "forkserver"])
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers start with nothing of this process's memory."""
    method: str = request.param
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as executor:
        yield executor


def raise_unpickled(data: bytes) -> None:
    raise pickle.loads(data)


class TestPickling:
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("error", ERRORS, ids=named)
    def test_keeps_type_attributes_and_text(self, error: PluginError, protocol: int) -> None:
        """Under every protocol, the oldest included."""
        copied = pickle.loads(pickle.dumps(error, protocol))

        assert state_of(error) == state_of(copied)
        assert error.args[:1] == copied.args[:1]

    @pytest.mark.parametrize("error", ERRORS, ids=named)
    def test_crosses_from_a_worker_process(self, error: PluginError, pool: ProcessPoolExecutor) -> None:
        """Raised there, caught here, whole; and the pool lives on."""
        with pytest.raises(type(error)) as info:
            pool.submit(raise_unpickled, pickle.dumps(error)).result(timeout=60)

        assert state_of(error) == state_of(info.value)

    def test_keeps_notes(self) -> None:
        """What was added on the way up is not lost."""
        error = PluginLoadError(KEY, "why")
        error.add_note("while starting the platform")

        assert ["while starting the platform"] == pickle.loads(pickle.dumps(error)).__notes__

    @pytest.mark.parametrize("error", ERRORS, ids=named)
    def test_copies_are_independent(self, error: PluginError) -> None:
        """A copy that is changed leaves the original as it was."""
        twin = copy.copy(error)
        twin.args = ("changed",)

        assert state_of(error) == state_of(copy.copy(error))
        assert ("changed",) != error.args
