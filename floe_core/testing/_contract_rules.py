"""The rules that a plugin keeps: what each says, and why. How to mend a breach is told where it is found."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from floe_core.plugin_types import PluginKey


@dataclass(frozen=True)
class Rule:
    """
    One rule.

    Args:
        title: What a plugin that keeps it does.

        why: What goes wrong on a platform when it is broken.

        test: The test that tells of it.

    """

    title: str
    why: str
    test: str

    def broken(self, key: PluginKey | str, what: str, mend: str) -> NoReturn:
        """Fail the test, in words rather than in a traceback: what happened, why it matters, how to mend it."""
        parts = [f"{key} breaks a rule for plugins: {self.title}."]
        for head, text in (("What", what), ("Why", self.why), ("Mend", mend)):
            wrapped = textwrap.fill(f"{head + ':':<6}{text}", 100, subsequent_indent=" " * 6, break_long_words=False)
            parts.append(textwrap.indent(wrapped, "  "))
        pytest.fail("\n".join(parts), pytrace=False)


class Breach(Exception):
    """A rule is broken. The test of that rule reports it; tests of other rules, which cannot go on, are skipped."""

    def __init__(self, rule: Rule, what: str, mend: str) -> None:
        super().__init__(what)
        self.rule = rule
        self.what = what
        self.mend = mend


ENTRY_POINT = Rule(
    "it loads through its entry point",
    "The entry point is all that a platform knows of an installed plugin; what it does not lead to does not exist.",
    "test_loads_through_its_entry_point",
)
IMPORTS = Rule(
    "it imports in a fresh process",
    "On a platform nothing has been imported before: what only works after something else ran fails there.",
    "test_imports_in_a_fresh_process",
)
IMPORT_BUDGET = Rule(
    "it imports within its budget",
    "Whoever asks for the plugin first waits for its import: a request, a command line, a worker that starts.",
    "test_imports_within_its_budget",
)
IMPORT_THREADS = Rule(
    "importing it starts no thread",
    "Nobody stops a thread that an import started; it does not survive a fork, and may keep the process from ending.",
    "test_importing_starts_no_thread",
)
IMPORT_OUTPUT = Rule(
    "importing it prints nothing",
    "A platform's standard output may be a protocol or a file for a machine; one stray line spoils it.",
    "test_importing_prints_nothing",
)
IMPORT_NETWORK = Rule(
    "importing it leaves the network alone",
    "An import cannot be bounded in time or configured; without a network it hangs, and with one it tells on the user.",
    "test_importing_leaves_the_network_alone",
)
IMPORT_PATH = Rule(
    "importing it leaves sys.path alone",
    "A changed search path decides which modules all other plugins get.",
    "test_importing_leaves_sys_path_alone",
)
IMPORT_ENVIRONMENT = Rule(
    "importing it leaves environment and working directory alone",
    "They belong to the whole process, and to every process that it starts: other plugins find them changed.",
    "test_importing_leaves_the_environment_alone",
)
CONSTRUCTION = Rule(
    "it is constructed without arguments, or with config= alone",
    "The registry has nothing else to give. It makes one instance to share, and create() makes more.",
    "test_is_constructed_as_the_registry_does_it",
)
CONSTRUCTION_THREADS = Rule(
    "constructing it starts no thread",
    "A plugin is constructed when somebody looks at it; only startup() says that it is to run, and only then comes shutdown().",
    "test_constructing_starts_no_thread",
)
METADATA = Rule(
    "its metadata is valid",
    "The registry decides by it whether the plugin is loaded at all, and holds other plugins' dependencies against it.",
    "test_metadata_is_valid",
)
METADATA_STABLE = Rule(
    "its metadata is stable",
    "The registry reads it whenever it needs it, and from any instance; two answers make two plugins of one.",
    "test_metadata_is_stable",
)
DEPENDENCIES = Rule(
    "its dependencies are qualified",
    "What the registry cannot read keeps the plugin from starting, and a bare name is ambiguous as soon as plugins of two "
    "types share it, which the author cannot know beforehand.",
    "test_dependencies_are_qualified",
)
SCHEMA = Rule(
    "its configuration schema is a pydantic model",
    "The registry holds every configuration against it, before there is an instance where the constructor takes config.",
    "test_config_schema_is_a_pydantic_model",
)
ROUND_TRIP = Rule(
    "its configuration survives a round trip",
    "Configurations come from files and go to other processes; what is written back must mean the same.",
    "test_config_survives_a_round_trip",
)
JSON_SCHEMA = Rule(
    "its configuration schema can be told as JSON schema",
    "Editors, forms and checks of settings files are made from it.",
    "test_config_schema_can_be_told_as_json_schema",
)
INVALID_CONFIGS = Rule(
    "it refuses invalid configurations",
    "A mistake that is accepted shows later, far from the settings file that holds it.",
    "test_refuses_invalid_configs",
)
NO_VALUES = Rule(
    "its configuration errors hold no values",
    "Configurations hold secrets; errors go to logs, tickets and screens.",
    "test_config_errors_hold_no_values",
)
STARTS = Rule(
    "it starts and stops within its time",
    "Hooks run on a thread of the plugin's own; the registry gives up on one that takes longer, and leaves it behind.",
    "test_starts_and_stops_within_its_time",
)
STARTUP_TWICE = Rule(
    "startup() may be called again",
    "Applications start plugins themselves too, and start them anew after a shutdown; nothing may be opened twice.",
    "test_startup_is_idempotent",
)
SHUTDOWN_TWICE = Rule(
    "shutdown() may be called at any time",
    "It is called to clean up after a start that failed, and again at exit: there may be nothing left to close.",
    "test_shutdown_is_idempotent",
)
THREADS_END = Rule(
    "shutdown() ends the threads of the plugin",
    "One that is left goes on with what has been closed under it, and may keep the process from ending, for ever.",
    "test_shutdown_ends_the_threads",
)
ANY_THREAD = Rule(
    "its hooks run on any thread",
    "The registry promises no thread: a health check or a shutdown may come from another one than the startup.",
    "test_hooks_run_on_any_thread",
)
HEALTH = Rule(
    "its health check answers within its time",
    "A check that hangs or gives no status is reported as unhealthy, and a supervisor may restart the platform for it.",
    "test_health_check_answers_within_its_time",
)
PICKLES = Rule(
    "its handle and its configuration pickle",
    "They are what is sent to worker processes, which load and configure the plugin anew.",
    "test_handle_and_config_pickle",
)
