"""The plugin under test: found, imported, constructed, started and stopped, step by step, each breach by its rule."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from floe_core import _configuration, _loading
from floe_core._discovery import discover
from floe_core._places import type_and_place
from floe_core.discovery_policy import DiscoveryPolicy
from floe_core.plugin_errors import PluginConfigurationError, PluginError
from floe_core.plugin_metadata import HealthState, HealthStatus, PluginMetadata
from floe_core.plugin_types import PluginKey, PluginType
from floe_core.testing import _contract_rules as rules
from floe_core.testing._contract_calls import PREFIX, Call, Line
from floe_core.testing._contract_rules import Breach
from floe_core.testing.distributions import install_distribution
from floe_core.testing.pytest_plugin import ENVIRONMENT_AT_START
from floe_core.testing.registries import isolated_container

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from floe_core.plugin_registry import PluginRegistry

PROBE_TIMEOUT = 120.0
"""For how many seconds the import in a fresh process may go on before it counts as hung."""

SHORTEST_VALUE = 4

METADATA = ("name", "version", "floe_api_version", "description")


@dataclass(frozen=True)
class Budgets:
    """Seconds for each step."""

    startup: float
    shutdown: float
    health: float


@dataclass(frozen=True)
class ImportReport:
    """What importing the module did in a process of its own."""

    error: str
    seconds: float
    threads: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    path: bool = False
    environment: tuple[str, ...] = ()
    folder: bool = False
    output: str = ""


class Subject:
    """
    A plugin class under the key that it is announced as.

    Args:
        cls: The class; None, the default: the one that the installed entry point of *key* leads to.

        config: A valid configuration. None: none is given.

    Raises:
        Breach: The entry point leads to no plugin class, or its module cannot be imported.

    """

    def __init__(
        self,
        key: PluginKey,
        cls: type[PluginMetadata] | None,
        *,
        is_installed: bool,
        config: Mapping[str, Any] | None,
        budgets: Budgets,
    ) -> None:
        self.key = key
        self.config = config
        self.is_installed = is_installed
        self._budgets = budgets
        self._started: list[PluginMetadata] = []
        self._lines: list[Line] = []
        self.module, self.cls = self._installed(cls) if is_installed or cls is None else (cls.__module__, cls)

    def close(self) -> None:
        """Stop what was started and not stopped; whatever goes wrong in it has been told by then."""
        for plugin in self._started.copy():
            self.call(plugin, "shutdown")
        for line in self._lines:
            line.end()

    # Constructing

    def construct(self, config: Mapping[str, Any] | None = None) -> PluginMetadata:
        """
        A new instance, made the way the registry makes it, with *config* (None: the valid one).

        Raises:
            Breach: It cannot be made.

        """
        config = self.config if config is None else config
        cls = self.cls
        if inspect.isabstract(cls):
            missing = ", ".join(sorted(cls.__abstractmethods__))
            raise Breach(rules.CONSTRUCTION, f"the class does not define {missing}", "Define them in the class.")
        parameter = _configuration.constructor_parameter(cls)
        arguments: dict[str, BaseModel] = {}
        if parameter is not None and (config is not None or parameter.default is inspect.Parameter.empty):
            arguments["config"] = self.validated(self._schema_of_class(parameter), config or {})
        try:
            inspect.signature(cls).bind(**arguments)
        except TypeError as exc:
            mend = "Give every parameter but config a default, or read what they hold from the configuration."
            raise Breach(rules.CONSTRUCTION, f"the constructor cannot be called like this: {exc}", mend) from None
        try:
            plugin = cls(**arguments)
        except Exception as exc:
            mend = "Let the constructor keep what it is given, and move work that can fail to startup()."
            raise Breach(rules.CONSTRUCTION, f"the constructor raised {_told(exc)}", mend) from exc
        if config is not None and not arguments:
            self._configure(plugin, config)
        return plugin

    def schema(self) -> type[BaseModel] | None:
        """
        The configuration's schema, or None when the plugin has none.

        Raises:
            Breach: It cannot be told, or is no pydantic model.

        """
        parameter = _configuration.constructor_parameter(self.cls)
        if parameter is not None:
            return self._schema_of_class(parameter)
        return self._schema_of(self._without_config())

    def validated(self, schema: type[BaseModel] | None, config: Mapping[str, Any]) -> BaseModel:
        """*config* with its defaults filled in; a breach where it does not fit, since it is meant to."""
        try:
            return _configuration.validated(self.key, schema, config)
        except PluginConfigurationError as exc:
            what = f"the contract's own configuration does not fit: {exc.errors}"
            mend = "Set config in the contract's class, or redefine its fixture contract_config, to one that is valid."
            raise Breach(rules.ROUND_TRIP, what, mend) from None

    # Loading

    def registry(self, folder: Path) -> PluginRegistry:
        """A registry that finds the plugin through its entry point: the installed one, or one written into *folder*."""
        if "<locals>" in self.cls.__qualname__:
            what = f"{self.cls.__qualname__} is defined inside a function, where no entry point leads"
            raise Breach(rules.ENTRY_POINT, what, "Move the class to the top level of its module.")
        settings = (
            {"plugins": {self.key.plugin_type.group: {self.key.name: dict(self.config)}}} if self.config else None
        )
        if self.is_installed:
            from floe_containers import PluginContainer

            return PluginContainer(settings=settings).registry()
        entry_points: dict[PluginType | str, dict[str, str]] = {
            self.key.plugin_type: {self.key.name: f"{self.module}:{self.cls.__qualname__}"}
        }
        install_distribution(folder, "plugin-under-contract", entry_points)
        return isolated_container([folder], settings).registry()

    def loaded(self, registry: PluginRegistry) -> PluginMetadata:
        """The plugin out of *registry*, once the rules before are known to be kept."""
        self.check_metadata(self.construct())
        try:
            plugin = registry.get(self.key.plugin_type, self.key.name)
        except PluginError as exc:
            mend = "Name a class at the top level of a module that can be imported: name = module:Class."
            raise Breach(rules.ENTRY_POINT, str(exc), mend) from exc
        if type(plugin) is not self.cls:
            what = f"it leads to {type(plugin).__module__}:{type(plugin).__qualname__}, another class"
            raise Breach(rules.ENTRY_POINT, what, "Name the plugin's class in the entry point: name = module:Class.")
        return plugin

    def check_metadata(self, plugin: PluginMetadata) -> None:
        """
        Raises:
            Breach: What *plugin* says of itself is not what the registry takes.

        """
        for attribute in METADATA:
            try:
                value: object = getattr(plugin, attribute)
            except Exception as exc:
                mend = f"Let {attribute} return a constant."
                raise Breach(rules.METADATA, f"reading {attribute} raised {_told(exc)}", mend) from exc
            if not isinstance(value, str):
                what = f"{attribute} is of type {type(value).__name__}"
                raise Breach(rules.METADATA, what, f"Let {attribute} be a string.")
        _check_name(plugin.name)
        _check_version(plugin.version)
        try:
            _loading.check_api_version(self.key, plugin.floe_api_version, None)
        except PluginError as exc:
            raise Breach(rules.METADATA, str(exc), 'Let floe_api_version be "1.0".') from None

    # Running

    def start(self, plugin: PluginMetadata, line: Line | None = None) -> None:
        """Call ``startup()`` within its time; a breach where it fails."""
        self._started.append(plugin)
        call = self.call(plugin, "startup", line)
        if failure := self.failure(call):
            if call.error is None:
                self._started.remove(plugin)  # it still runs: nothing may be called beside it
            mend = (
                f"{_MEND_HOOK} Where it cannot start without a configuration, set config in the contract's class, or redefine "
                "its fixture contract_config. startup_budget says how many seconds it may take."
            )
            raise Breach(rules.STARTS, failure, mend)

    def stop(self, plugin: PluginMetadata, line: Line | None = None) -> None:
        """Call ``shutdown()`` within its time; a breach where it fails."""
        if failure := self.failure(self.call(plugin, "shutdown", line)):
            raise Breach(rules.STARTS, failure, f"{_MEND_HOOK} shutdown_budget says how many seconds it may take.")

    def check_health(self, plugin: PluginMetadata, line: Line | None = None, *, may_raise: bool = False) -> None:
        """Call ``health_check()`` within its time, and look at its answer."""
        call = self.call(plugin, "health_check", line)
        if may_raise and call.error is not None:
            return
        if failure := self.failure(call):
            mend = "Bound every wait in it, and answer with a HealthStatus where it fails; health_budget is in seconds."
            raise Breach(rules.HEALTH, failure, mend)
        answer = call.result
        state: object = answer.state if isinstance(answer, HealthStatus) else None
        if not isinstance(answer, HealthStatus) or not isinstance(state, HealthState):
            what = f"health_check() returned {type(answer).__name__}, with a state of type {type(state).__name__}"
            raise Breach(rules.HEALTH, what, "Return HealthStatus(HealthState.HEALTHY), or one of the other states.")

    def line(self) -> Line:
        """A thread for hooks, which ends with the test."""
        line = Line()
        self._lines.append(line)
        return line

    def call(self, plugin: PluginMetadata, hook: str, line: Line | None = None) -> Call:
        """Call a hook on *line*, by default a thread of its own, and wait for it as long as its budget says."""
        call = Call(plugin, hook)
        (line or self.line()).run(call)
        call.finished.wait(self._seconds(hook))
        if hook == "shutdown" and plugin in self._started:
            self._started.remove(plugin)
        return call

    def failure(self, call: Call) -> str:
        """What went wrong in *call*, or an empty string."""
        if not call.finished.is_set():
            return f"{call.hook}() did not return within {self._seconds(call.hook):g} s; it stands at {call.place()}"
        return f"{call.hook}() raised {_told(call.error)}" if call.error is not None else ""

    # What these have in common

    def _installed(self, expected: type[PluginMetadata] | None) -> tuple[str, type[PluginMetadata]]:
        inventory = discover(DiscoveryPolicy())
        candidate = inventory.usable.get(self.key)
        if candidate is None:
            claimed = [str(rival.origin) for rival in inventory.conflicting.get(self.key, ())]
            faulty = [f"{fault.reason} ({fault.origin})" for fault in inventory.unused if fault.key == self.key]
            what = f"no entry point leads to {self.key}"
            what = f"{' and '.join(claimed)} both claim it" if claimed else "; ".join([what, *faulty])
            group = self.key.plugin_type.entry_point_group
            mend = f"Install the distribution (pip install -e .) that announces {self.key.name!r} in the group {group}."
            raise Breach(rules.ENTRY_POINT, what, mend)
        module_name, attribute = candidate.target
        try:
            module = import_module(module_name)
        except Exception as exc:
            raise Breach(rules.IMPORTS, f"importing {module_name} raised {_told(exc)}", MEND_IMPORT) from exc
        except SystemExit:
            raise Breach(rules.IMPORTS, f"importing {module_name} exits", MEND_IMPORT) from None
        try:
            cls: Any = reduce(getattr, attribute.split("."), cast("Any", module))
        except AttributeError:
            mend = "Mend the entry point: name = module:Class; then install the distribution again."
            raise Breach(rules.ENTRY_POINT, f"the module {module_name} has no {attribute}", mend) from None
        if not isinstance(cls, type) or not issubclass(cls, PluginMetadata):
            mend = "Derive the class from the base class of its type in floe_core.plugins."
            raise Breach(rules.ENTRY_POINT, f"{candidate.value} is no plugin class", mend)
        if expected is not None and cls is not expected:
            mend = "Mend plugin or plugin_class in the contract's class, or the entry point."
            raise Breach(rules.ENTRY_POINT, f"it leads to {candidate.value}, not to {expected.__qualname__}", mend)
        try:
            _loading.check_type(self.key, cls, None)
        except PluginError as exc:
            mend = "Announce it in its own group, or derive it from the other base class."
            raise Breach(rules.ENTRY_POINT, str(exc), mend) from None
        return module_name, cls

    def _without_config(self) -> PluginMetadata:
        bare = Subject.__new__(Subject)
        bare.__dict__.update(self.__dict__, config=None)
        return bare.construct()

    def _schema_of_class(self, parameter: inspect.Parameter) -> type[BaseModel] | None:
        try:
            return _configuration.schema_of_class(self.cls, parameter)
        except _configuration.SchemaFault as exc:
            raise Breach(rules.SCHEMA, str(exc), _MEND_SCHEMA) from exc

    def _schema_of(self, plugin: PluginMetadata) -> type[BaseModel] | None:
        try:
            return _configuration.checked_schema(plugin.get_config_schema)
        except _configuration.SchemaFault as exc:
            raise Breach(rules.SCHEMA, str(exc), _MEND_SCHEMA) from exc

    def _configure(self, plugin: PluginMetadata, config: Mapping[str, Any]) -> None:
        validated = self.validated(self._schema_of(plugin), config)
        try:
            _loading.apply(self.key, plugin, validated, None)
        except PluginError as exc:
            mend = "Let configure() take whatever fits the schema; what is wrong with it is the schema's to find."
            raise Breach(rules.CONSTRUCTION, str(exc), mend) from None

    def _seconds(self, hook: str) -> float:
        return {
            "startup": self._budgets.startup,
            "shutdown": self._budgets.shutdown,
            "health_check": self._budgets.health,
        }[hook]


def import_report(module: str, within: float) -> ImportReport:
    """What importing *module* does in a fresh process; the fastest of up to three where it takes longer than *within*."""
    path = tuple(str(entry) for entry in sys.path)
    report = _import_report(module, path, 0)
    for again in (1, 2):
        if report.seconds > within and not report.error:  # a busy machine is no slow plugin
            report = min(report, _import_report(module, path, again), key=lambda one: one.seconds)
    return report


@lru_cache(maxsize=64)
def _import_report(module: str, path: tuple[str, ...], _attempt: int) -> ImportReport:
    """The same question is answered once for all the rules about imports."""
    with TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        try:
            ran = subprocess.run(  # noqa: S603  # a program of our own
                [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(result), module],
                input=json.dumps(path),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=ENVIRONMENT_AT_START,
                timeout=PROBE_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ImportReport(f"nothing: it did not return within {PROBE_TIMEOUT:g} s", PROBE_TIMEOUT)
        if not result.exists():
            return ImportReport(f"nothing: the process ended with status {ran.returncode}", 0.0)
        seen = json.loads(result.read_text(encoding="utf-8"))
    return ImportReport(
        error=seen["error"],
        seconds=seen["seconds"],
        threads=tuple(seen["threads"]),
        network=tuple(dict.fromkeys(seen["network"])),
        path=seen["path"],
        environment=tuple(seen["environment"]),
        folder=seen["folder"],
        output=ran.stdout + ran.stderr,
    )


def living_threads() -> set[threading.Thread]:
    """The threads that are alive, those on which hooks are called here left out."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith(PREFIX)}


def values_in(config: Any) -> Iterator[str]:
    """The values in a configuration that can be told from other text: keys are none, and short ones are anywhere."""
    if isinstance(config, Mapping | list | tuple | set | frozenset):
        items = cast("Iterable[Any]", config.values() if isinstance(config, Mapping) else config)
        for item in items:
            yield from values_in(item)
    elif isinstance(config, str | int | float) and len(text := str(config)) >= SHORTEST_VALUE:
        yield text


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and what led to it, as a traceback would print it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _check_name(name: str) -> None:
    if not name or name != name.strip():
        raise Breach(rules.METADATA, f"name is {name!r}", "Let name be a word without spaces around it.")


def _check_version(version: str) -> None:
    from packaging.version import InvalidVersion, Version

    try:
        numbers = Version(version).release
    except InvalidVersion:
        numbers = ()
    if len(numbers) != 3:
        raise Breach(rules.METADATA, f"version is {version!r}", 'Let version be X.Y.Z, such as "1.0.0".')


def _told(error: BaseException) -> str:
    return f"{type_and_place(error)}: {error}"


_PROGRAM = (
    "import json, sys; sys.path[:] = json.load(sys.stdin); "
    "from floe_core.testing._import_probe import main; main(*sys.argv[1:])"
)
MEND_IMPORT = (
    "Import whatever the module needs in the module itself, and declare it as a dependency. Where the module was moved, "
    "mend the entry point and install the distribution again."
)
_MEND_SCHEMA = (
    "Return a pydantic v2 model class, or None, from get_config_schema(). Where the constructor takes config, annotate "
    "that parameter with the model, or make get_config_schema a class method."
)
_MEND_HOOK = "Mend that line; a signal handler or an event loop of the main thread cannot be had in a hook."
