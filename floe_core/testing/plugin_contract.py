"""What every plugin promises to every platform, as a test class: derive from it, name the plugin, run pytest."""

from __future__ import annotations

import os
import pickle
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, cast

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from floe_core import _loading
from floe_core._dependencies import DependencySpec
from floe_core.plugin_errors import PluginError
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginKey
from floe_core.testing import _contract_rules as rules
from floe_core.testing._contract_rules import Breach, Rule
from floe_core.testing._contract_subject import (
    MEND_IMPORT,
    METADATA,
    Budgets,
    ImportReport,
    Subject,
    chain_of,
    import_report,
    living_threads,
    values_in,
)
from floe_core.testing.registries import swapped_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["PluginContract"]

P = ParamSpec("P")


def _proves(rule: Rule) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a breach of *rule* the failure of the test, and a breach of any other a skip that names the test which tells."""

    def decorate(test: Callable[P, None]) -> Callable[P, None]:
        @wraps(test)
        def proof(*args: P.args, **kwargs: P.kwargs) -> None:
            contract: Any = args[0]
            try:
                return test(*args, **kwargs)
            except Breach as exc:
                breach = exc
            if breach.rule is rule:  # told outside of the handler, or pytest would print the breach as well
                rule.broken(contract._name, breach.what, breach.mend)
            pytest.skip(f"{contract._name} breaks another rule first; {breach.rule.test} tells")

        return proof

    return decorate


class PluginContract:
    """
    Derive a test class from it, and pytest proves that a plugin keeps the rules that platforms rely on.

    .. code-block:: python

        class TestDuck(PluginContract):
            plugin = "COMPUTE:duckdb"

    Each test stands for one rule. A failure says which rule is broken, why it matters and how to mend it; tests that
    cannot go on for it are skipped and name the test that tells. To make an exception, redefine that test with a reason.

    Every test gets new instances. Hooks are called on threads of their own and given up on after their budget. Variables
    named ``FLOE_...`` are unset meanwhile.
    """

    plugin: ClassVar[str | None] = None
    """The key, such as ``COMPUTE:duckdb``, of an installed plugin. This, ``plugin_class``, or both."""

    plugin_class: ClassVar[type[PluginMetadata] | None] = None
    """The class. Alone, it need not be installed: an entry point is written for it."""

    config: ClassVar[Mapping[str, Any] | None] = None
    """A valid configuration. None, the default: none is given. Redefine ``contract_config`` to make one per test."""

    invalid_configs: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Configurations that the plugin must refuse, beside those that are derived from its schema. None by default."""

    import_budget: ClassVar[float] = 1.0
    """Seconds for importing the module in a fresh process that has floe-core and pydantic loaded. 1 by default."""

    startup_budget: ClassVar[float] = 30.0
    """Seconds for ``startup()``. 30 by default, after which the registry gives up too."""

    shutdown_budget: ClassVar[float] = 30.0
    """Seconds for ``shutdown()``. 30 by default, after which the registry gives up too."""

    health_budget: ClassVar[float] = 5.0
    """Seconds for ``health_check()``. 5 by default, after which the registry gives up too."""

    _made: Subject | None = None

    @pytest.fixture
    def contract_config(self) -> Mapping[str, Any] | None:
        """The valid configuration: ``config``. Redefine it where one needs other fixtures, such as ``tmp_path``."""
        return self.config

    @pytest.fixture(autouse=True)
    def _contract(self, contract_config: Mapping[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        for variable in [name for name in os.environ if name.startswith("FLOE_")]:
            monkeypatch.delenv(variable)
        self._given_config = contract_config
        yield
        if self._made is not None:
            self._made.close()

    # Finding and importing

    @_proves(rules.ENTRY_POINT)
    def test_loads_through_its_entry_point(self, tmp_path: Path) -> None:
        """A real entry point leads a registry to the class, which it loads."""
        subject = self._subject()
        subject.loaded(subject.registry(tmp_path))

    @_proves(rules.IMPORTS)
    def test_imports_in_a_fresh_process(self) -> None:
        """Nothing else has to be imported first, and nothing exits."""
        self._import_report()

    @_proves(rules.IMPORT_BUDGET)
    def test_imports_within_its_budget(self) -> None:
        """The import takes no longer than ``import_budget``."""
        rule = rules.IMPORT_BUDGET
        report = self._import_report()
        if report.seconds > self.import_budget:
            what = f"importing {self._subject().module} took {report.seconds:.2f} s; import_budget is {self.import_budget:g}"
            mend = (
                "Import heavy libraries inside the methods that need them; python -X importtime shows which they are."
            )
            raise Breach(rule, what, mend)

    @_proves(rules.IMPORT_THREADS)
    def test_importing_starts_no_thread(self) -> None:
        """Threads begin in ``startup()``."""
        rule = rules.IMPORT_THREADS
        if threads := self._import_report().threads:
            raise Breach(rule, f"importing it started {', '.join(threads)}", "Start threads in startup().")

    @_proves(rules.IMPORT_OUTPUT)
    def test_importing_prints_nothing(self) -> None:
        """Neither standard output nor standard error gets a line."""
        rule = rules.IMPORT_OUTPUT
        if output := self._import_report().output.strip():
            raise Breach(rule, f"importing it printed {output[:200]!r}", "Use logging, inside functions.")

    @_proves(rules.IMPORT_NETWORK)
    def test_importing_leaves_the_network_alone(self) -> None:
        """No socket is connected and no name is looked up."""
        rule = rules.IMPORT_NETWORK
        if network := self._import_report().network:
            mend = "Connect in startup(), where there is a configuration and a deadline."
            raise Breach(rule, f"importing it did {', '.join(network)}", mend)

    @_proves(rules.IMPORT_PATH)
    def test_importing_leaves_sys_path_alone(self) -> None:
        """``sys.path`` is the same afterwards."""
        rule = rules.IMPORT_PATH
        if self._import_report().path:
            mend = "Make what you need an installed package, or a module of yours."
            raise Breach(rule, "importing it changed sys.path", mend)

    @_proves(rules.IMPORT_ENVIRONMENT)
    def test_importing_leaves_the_environment_alone(self) -> None:
        """Variables and working directory are the same afterwards."""
        rule = rules.IMPORT_ENVIRONMENT
        report = self._import_report()
        changed = [*report.environment, *(["the working directory"] if report.folder else [])]
        if changed:
            mend = "Hand options to the library by its arguments, or set them in startup() and put them back."
            raise Breach(rule, f"importing it changed {', '.join(changed)}", mend)

    # Constructing

    @_proves(rules.CONSTRUCTION)
    def test_is_constructed_as_the_registry_does_it(self) -> None:
        """Without arguments, or with ``config=`` alone, as often as wanted, each time a new instance."""
        rule = rules.CONSTRUCTION
        subject = self._subject()
        if subject.construct() is subject.construct():
            raise Breach(rule, "constructing it twice gives one object", "Let the registry share the instance.")

    @_proves(rules.CONSTRUCTION_THREADS)
    def test_constructing_starts_no_thread(self) -> None:
        """Threads begin in ``startup()``."""
        rule = rules.CONSTRUCTION_THREADS
        subject = self._subject()
        before = living_threads()
        subject.construct()
        if started := living_threads() - before:
            raise Breach(rule, f"constructing it started {_names(started)}", "Start threads in startup().")

    # What it says of itself

    @_proves(rules.METADATA)
    def test_metadata_is_valid(self) -> None:
        """Name, version, API version and description are strings of the right form."""
        subject = self._subject()
        subject.check_metadata(subject.construct())

    @_proves(rules.METADATA_STABLE)
    def test_metadata_is_stable(self) -> None:
        """Every instance says the same, however often it is asked."""
        rule = rules.METADATA_STABLE
        subject = self._subject()
        plugin, another = subject.construct(), subject.construct()
        subject.check_metadata(plugin)
        first = _said_by(plugin)
        for again in (_said_by(plugin), _said_by(another)):
            for attribute, value in first.items():
                if again[attribute] != value:
                    what = f"{attribute} was {value}, then {again[attribute]}"
                    raise Breach(rule, what, f"Let {attribute} return a constant.")

    @_proves(rules.DEPENDENCIES)
    def test_dependencies_are_qualified(self) -> None:
        """Each is written ``TYPE:name``, with a PEP 440 specifier or without, once, and none is the plugin itself."""
        rule = rules.DEPENDENCIES
        subject = self._subject()
        seen: set[PluginKey] = set()
        for written in _dependencies_of(subject.construct()):
            try:
                spec = DependencySpec.parse(written)
            except ValueError as exc:
                raise Breach(rule, str(exc), 'Write it as "TYPE:name" or "TYPE:name>=1.2,<2".') from None
            if spec.plugin_type is None:
                raise Breach(
                    rule, f"{written!r} names no type", f'Write it with its type, such as "CATALOG:{written}".'
                )
            key = PluginKey(spec.plugin_type, spec.name)
            if key in seen or key == subject.key:
                what = f"it depends on itself ({key})" if key == subject.key else f"it names {key} twice"
                raise Breach(rule, what, "Name every plugin that it needs once, and not itself.")
            seen.add(key)

    # Its configuration

    @_proves(rules.SCHEMA)
    def test_config_schema_is_a_pydantic_model(self) -> None:
        """The schema can be had before there is an instance, where the constructor takes ``config``."""
        self._subject().schema()

    @_proves(rules.ROUND_TRIP)
    def test_config_survives_a_round_trip(self) -> None:
        """What is written back, as Python objects or as JSON, validates to an equal configuration."""
        rule = rules.ROUND_TRIP
        subject = self._subject()
        schema, config = self._schema_and_config(subject)
        mend = "Let every field take what it gives: alias= rather than two different aliases, and types that JSON has."
        try:
            dumped = config.model_dump(by_alias=True)
            as_json = to_jsonable_python(_revealed(dumped), by_alias=True)
        except Exception as exc:
            raise Breach(rule, f"writing it raised {type(exc).__name__}: {exc}", mend) from None
        for form, written in (("Python", dumped), ("JSON", as_json)):
            try:
                again = schema.model_validate(written)
            except ValidationError as exc:
                fields = ", ".join(".".join(map(str, error["loc"])) for error in exc.errors(include_input=False))
                raise Breach(rule, f"written as {form}, it does not validate any more: {fields}", mend) from None
            if again != config:
                fields = ", ".join(_differing(config, again))
                raise Breach(rule, f"written as {form} and read back, it differs in {fields}", mend)

    @_proves(rules.JSON_SCHEMA)
    def test_config_schema_can_be_told_as_json_schema(self) -> None:
        """A JSON schema can be made of it."""
        rule = rules.JSON_SCHEMA
        schema, _ = self._schema_and_config(self._subject())
        try:
            schema.model_json_schema()
        except Exception as exc:
            mend = "Use types that JSON has, or describe the field: Annotated[T, WithJsonSchema({...})]."
            raise Breach(rule, f"model_json_schema() raised {type(exc).__name__}: {exc}", mend) from None

    @_proves(rules.INVALID_CONFIGS)
    def test_refuses_invalid_configs(self) -> None:
        """Every one of ``invalid_configs`` is refused, by the schema or by the plugin."""
        rule = rules.INVALID_CONFIGS
        subject = self._subject()
        subject.construct()
        if not self.invalid_configs:
            pytest.skip("invalid_configs is empty")
        for number, config in enumerate(self.invalid_configs):
            if self._refusal(subject, config) is None:
                what = f"it accepts invalid_configs[{number}], with {', '.join(config)}"
                mend = (
                    "Sharpen the schema: bounds, patterns, and extra='forbid' against mistyped names. If the configuration is "
                    "valid, take it off the list."
                )
                raise Breach(rule, what, mend)

    @_proves(rules.NO_VALUES)
    def test_config_errors_hold_no_values(self) -> None:
        """Neither the schema's validators nor the plugin quote what they refuse."""
        rule = rules.NO_VALUES
        mend = "Say what is expected, not what was given, and raise ValueError from validators."
        subject = self._subject()
        schema, config = self._schema_and_config(subject)
        for number, invalid in enumerate(self.invalid_configs):
            error = self._refusal(subject, invalid)
            for told in chain_of(error):
                if any(value in str(told) for value in values_in(invalid)):
                    what = f"refusing invalid_configs[{number}], the text of its {type(told).__name__} quotes a value"
                    raise Breach(rule, what, mend)
        given = config.model_dump(by_alias=True)
        for name, field in schema.model_fields.items():
            for value in (_MARKER, [_MARKER]):
                written = field.validation_alias if isinstance(field.validation_alias, str) else name
                if what := _quoted(schema, {**given, written: value}):
                    raise Breach(rule, f"for a wrong {name}, {what}", mend)

    # Running

    @_proves(rules.STARTS)
    def test_starts_and_stops_within_its_time(self) -> None:
        """``startup()`` and ``shutdown()`` return in time on a thread of the plugin's own."""
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        subject.start(plugin, line)
        subject.stop(plugin, line)

    @_proves(rules.STARTUP_TWICE)
    def test_startup_is_idempotent(self) -> None:
        """A second ``startup()`` is accepted and starts no more threads; and the plugin starts anew after a shutdown."""
        rule = rules.STARTUP_TWICE
        mend = "Begin startup() with: if it is open, return. End shutdown() in the state of a new instance."
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        subject.start(plugin, line)
        before = living_threads()
        if failure := subject.failure(subject.call(plugin, "startup", line)):
            raise Breach(rule, f"called again, {failure}", mend)
        if started := living_threads() - before:
            raise Breach(rule, f"called again, startup() started {_names(started)} once more", mend)
        subject.stop(plugin, line)
        if failure := subject.failure(subject.call(plugin, "startup", line)):
            raise Breach(rule, f"called after a shutdown, {failure}", mend)
        subject.stop(plugin, line)

    @_proves(rules.SHUTDOWN_TWICE)
    def test_shutdown_is_idempotent(self) -> None:
        """``shutdown()`` is accepted a second time, and without any startup."""
        rule = rules.SHUTDOWN_TWICE
        mend = "Begin shutdown() with: if nothing is open, return."
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        subject.start(plugin, line)
        subject.stop(plugin, line)
        if failure := subject.failure(subject.call(plugin, "shutdown", line)):
            raise Breach(rule, f"called again, {failure}", mend)
        if failure := subject.failure(subject.call(subject.construct(), "shutdown")):
            raise Breach(rule, f"called without a startup, {failure}", mend)

    @_proves(rules.THREADS_END)
    def test_shutdown_ends_the_threads(self) -> None:
        """No thread that ``startup()`` started is left."""
        rule = rules.THREADS_END
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        before = living_threads()
        subject.start(plugin, line)
        subject.stop(plugin, line)
        left = living_threads() - before
        for one in left:
            one.join(_GRACE)
        if left := {one for one in left if one.is_alive()}:
            mend = "Tell the threads to end in shutdown() and join them: executor.shutdown(), thread.join()."
            raise Breach(rule, f"after shutdown() there still runs {_names(left)}", mend)

    @_proves(rules.ANY_THREAD)
    def test_hooks_run_on_any_thread(self) -> None:
        """Startup, health check and shutdown on three threads do what they do on one."""
        rule = rules.ANY_THREAD
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        subject.start(plugin, line)
        subject.check_health(plugin, line)
        subject.stop(plugin, line)  # on one thread it works

        plugin = subject.construct()
        subject.start(plugin)
        for hook in ("health_check", "shutdown"):
            if failure := subject.failure(subject.call(plugin, hook)):
                mend = "Open what a thread owns where it is used, or let it cross: sqlite3's check_same_thread=False and a lock."
                raise Breach(rule, f"on another thread than startup(), {failure}", mend)

    @_proves(rules.HEALTH)
    def test_health_check_answers_within_its_time(self) -> None:
        """Started, it answers with a HealthStatus; not started, it may fail, and returns in time all the same."""
        subject = self._subject()
        plugin, line = subject.construct(), subject.line()
        subject.check_health(plugin, may_raise=True)
        subject.start(plugin, line)
        subject.check_health(plugin, line)
        subject.stop(plugin, line)

    # Leaving the process

    @_proves(rules.PICKLES)
    def test_handle_and_config_pickle(self, tmp_path: Path) -> None:
        """Where they are unpickled, the handle becomes the plugin, and the configuration is equal."""
        rule = rules.PICKLES
        subject = self._subject()
        registry = subject.registry(tmp_path)
        (handle,) = (one for one in registry.list(subject.key.plugin_type) if one.name == subject.key.name)
        plugin = subject.loaded(registry)
        with swapped_registry(registry):
            restored = pickle.loads(pickle.dumps(handle))  # noqa: S301  # pickled in this line
            assert restored.load() is plugin
        config = registry.get_config(*subject.key)
        try:
            is_same = pickle.loads(pickle.dumps(config)) == config  # noqa: S301  # pickled in this line
        except Exception as exc:
            mend = "Define the schema at the top level of a module, and give it fields that pickle."
            raise Breach(rule, f"pickling its configuration raised {type(exc).__name__}", mend) from None
        if not is_same:
            raise Breach(rule, "its configuration comes back different", "Leave pickling to pydantic.")

    # What the tests have in common

    @property
    def _name(self) -> str:
        cls = type(self) if self.plugin_class is None else self.plugin_class
        return self.plugin or cls.__qualname__

    def _subject(self) -> Subject:
        if self._made is None:
            budgets = Budgets(self.startup_budget, self.shutdown_budget, self.health_budget)
            is_installed = self.plugin is not None
            self._made = Subject(
                self._key(), self.plugin_class, is_installed=is_installed, config=self._given_config, budgets=budgets
            )
        return self._made

    def _key(self) -> PluginKey:
        if self.plugin is not None:
            try:
                return PluginKey.parse(self.plugin)
            except ValueError as exc:
                told = str(exc)
            pytest.fail(f"{type(self).__qualname__}.plugin: {told}", pytrace=False)
        if self.plugin_class is None or self.plugin_class.plugin_type is None:
            pytest.fail(
                f'{type(self).__qualname__} names no plugin. Set plugin = "TYPE:name" for an installed one, or plugin_class '
                "to a class that derives from the base class of its type in floe_core.plugins.",
                pytrace=False,
            )
        return PluginKey(self.plugin_class.plugin_type, self.plugin_class.__name__)

    def _import_report(self) -> ImportReport:
        module = self._subject().module
        report = import_report(module, self.import_budget)
        if report.error:
            raise Breach(rules.IMPORTS, f"importing {module} raised {report.error}", MEND_IMPORT)
        return report

    def _schema_and_config(self, subject: Subject) -> tuple[type[BaseModel], BaseModel]:
        schema = subject.schema()
        config = subject.validated(schema, subject.config or {})
        if schema is None:
            pytest.skip("the plugin has no configuration")
        return schema, config

    def _refusal(self, subject: Subject, config: Mapping[str, Any]) -> PluginError | None:
        """The error with which the registry refuses *config*, or None when it takes it."""
        try:
            _loading.construct(subject.key, subject.cls, config, None)
        except PluginError as exc:
            return exc
        return None


_MARKER = "floe-contract-marker"
_GRACE = 2.0
"""Seconds for a thread to end that was told to."""


def _said_by(plugin: PluginMetadata) -> dict[str, str]:
    said = {attribute: repr(getattr(plugin, attribute)) for attribute in METADATA}
    try:
        said["dependencies"] = repr(plugin.dependencies)
    except Exception as exc:  # the author's property; another rule tells
        said["dependencies"] = type(exc).__name__
    return said


def _dependencies_of(plugin: PluginMetadata) -> list[Any]:
    try:
        written: Any = plugin.dependencies
    except Exception as exc:
        mend = "Let dependencies return a list of constants."
        raise Breach(rules.DEPENDENCIES, f"reading dependencies raised {type(exc).__name__}", mend) from exc
    if not isinstance(written, list):
        what = f"dependencies is of type {type(written).__name__}"
        raise Breach(rules.DEPENDENCIES, what, "Let dependencies be a list of strings.")
    return [*written]


def _quoted(schema: type[BaseModel], config: Mapping[str, Any]) -> str:
    """What is wrong with the way in which *schema* refuses *config*, or an empty string."""
    try:
        schema.model_validate(config)
    except ValidationError as exc:
        quoting = [
            error["type"] for error in exc.errors(include_input=False, include_url=False) if _MARKER in error["msg"]
        ]
        return f"the message of its validator quotes the value ({quoting[0]})" if quoting else ""
    except Exception as exc:
        return f"its validator raises {type(exc).__name__}, which is no ValueError"
    return ""


def _revealed(value: Any) -> Any:
    """*value* with secrets in the open, as they stand in a settings file."""
    if isinstance(value, dict):
        return {name: _revealed(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_revealed(item) for item in cast("Iterable[Any]", value)]
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _differing(one: BaseModel, other: BaseModel) -> list[str]:
    names = type(one).model_fields
    return [name for name in names if getattr(one, name) != getattr(other, name, None)] or ["its private attributes"]


def _names(threads: set[Any]) -> str:
    return ", ".join(sorted(thread.name for thread in threads))
