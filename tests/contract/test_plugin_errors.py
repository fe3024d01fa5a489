"""The six exceptions: their parents, parameters, attributes, and how their messages begin."""

from __future__ import annotations

import inspect
import pickle

import pytest

from floe_core.plugin_errors import (
    CircularDependencyError,
    DuplicatePluginError,
    PluginConfigurationError,
    PluginError,
    PluginIncompatibleError,
    PluginNotFoundError,
)
from floe_core.plugin_types import PluginType

FAULTS = [{"field": "threads", "message": "Input should be greater than 0", "type": "greater_than"}]

# error, its attributes, how its message begins
CASES = [
    (
        PluginNotFoundError(PluginType.COMPUTE, "duckdb"),
        {"plugin_type": PluginType.COMPUTE, "name": "duckdb"},
        "Plugin not found: COMPUTE:duckdb",
    ),
    (
        PluginIncompatibleError("duckdb", "2.0", "1.0"),
        {"name": "duckdb", "required_version": "2.0", "platform_version": "1.0"},
        "Plugin 'duckdb' requires API v2.0, but platform provides v1.0",
    ),
    (
        PluginConfigurationError("duckdb", FAULTS),
        {"name": "duckdb", "errors": FAULTS},
        f"Configuration error for plugin 'duckdb': {FAULTS}",
    ),
    (
        DuplicatePluginError(PluginType.CATALOG, "polaris"),
        {"plugin_type": PluginType.CATALOG, "name": "polaris"},
        "Duplicate plugin: CATALOG:polaris",
    ),
    (
        CircularDependencyError(["a", "b", "a"]),
        {"cycle": ["a", "b", "a"]},
        "Circular dependency: a -> b -> a",
    ),
]
IDS = [type(error).__name__ for error, _, _ in CASES]


class TestErrors:
    def test_the_base_is_a_plain_exception(self) -> None:
        """It takes a message like any other."""
        assert (Exception,) == PluginError.__bases__
        assert str(PluginError("something failed")).startswith("something failed")

    @pytest.mark.parametrize(("error", "attributes", "begins"), CASES, ids=IDS)
    def test_each_is_a_plugin_error(self, error: PluginError, attributes: dict[str, object], begins: str) -> None:
        """One except clause catches them all."""
        assert isinstance(error, PluginError)

    @pytest.mark.parametrize(("error", "attributes", "begins"), CASES, ids=IDS)
    def test_each_holds_what_it_was_given(self, error: PluginError, attributes: dict[str, object], begins: str) -> None:
        """As attributes of these names."""
        assert attributes == {name: getattr(error, name) for name in attributes}

    @pytest.mark.parametrize(("error", "attributes", "begins"), CASES, ids=IDS)
    def test_each_message_begins_as_fixed(self, error: PluginError, attributes: dict[str, object], begins: str) -> None:
        """What to do about it may follow."""
        assert begins == str(error)[: len(begins)]

    @pytest.mark.parametrize(("error", "attributes", "begins"), CASES, ids=IDS)
    def test_each_survives_pickling(self, error: PluginError, attributes: dict[str, object], begins: str) -> None:
        """With type, attributes and text."""
        again = pickle.loads(pickle.dumps(error))

        assert (type(error), str(error)) == (type(again), str(again))
        assert attributes == {name: getattr(again, name) for name in attributes}

    @pytest.mark.parametrize(
        ("cls", "parameters"),
        [
            (PluginNotFoundError, ["plugin_type", "name"]),
            (PluginIncompatibleError, ["name", "required", "platform"]),
            (PluginConfigurationError, ["name", "errors"]),
            (DuplicatePluginError, ["plugin_type", "name"]),
            (CircularDependencyError, ["cycle"]),
        ],
    )
    def test_the_parameters_are_these_and_more_only_by_keyword(
        self, cls: type[PluginError], parameters: list[str]
    ) -> None:
        """What goes beyond them is optional."""
        signature = inspect.signature(cls)
        positional = [
            name
            for name, parameter in signature.parameters.items()
            if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]
        required = [
            name for name, parameter in signature.parameters.items() if parameter.default is inspect.Parameter.empty
        ]

        assert parameters == positional == required
