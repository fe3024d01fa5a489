"""Plugins that break while they are imported or constructed: one error with its cause, and nobody else notices."""

from __future__ import annotations

import builtins
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from floe_core.plugin_errors import (
    CircularDependencyError,
    PluginConfigurationError,
    PluginIncompatibleError,
    PluginLoadError,
)
from floe_core.plugin_types import PluginKey
from floe_core.testing.distributions import plugin_source
from tests.faults.conftest import BAD, CATALOG, COMPUTE, SECRET, VERSION, Bench
from tests.processes import run_script
from tests.threads import Threads, wait_for

TAKES_TOKEN = "token: str = ''"


def _fails_with(bench: Bench, cause: type[BaseException], state: str, *words: str) -> PluginLoadError:
    """Getting the plugin fails with this cause; error and report say all there is to say."""
    error: PluginLoadError = bench.get_fails(PluginLoadError)
    assert type(error.__cause__) is cause
    _tells_everything(bench, error, state, cause.__name__, *words)
    return error


def _refused(bench: Bench, *words: str) -> PluginLoadError:
    """Getting the plugin fails although none of its code raised."""
    error: PluginLoadError = bench.get_fails(PluginLoadError)
    assert error.__cause__ is None
    _tells_everything(bench, error, "failed", *words)
    return error


def _tells_everything(bench: Bench, error: PluginLoadError, state: str, *words: str) -> None:
    assert error.key == BAD
    assert error.origin is not None
    assert error.origin[:2] == ("acme-broken", VERSION)
    assert error.origin.entry_point == "acme_broken:Plugin"
    for word in [*words, "COMPUTE:bad", "acme-broken", VERSION, str(bench.site)]:
        assert word in str(error)
    bench.assert_reported(state, *words)
    bench.assert_contained()
    [warning] = [
        record
        for record in bench.caplog.records
        if record.levelname == "WARNING" and record.__dict__.get("floe_key") == str(BAD)
    ]
    assert warning.__dict__["floe_distribution"] == "acme-broken"


def test_20_a_module_that_is_missing(bench: Bench) -> None:
    """The entry point leads nowhere."""
    bench.install("acme-broken", {COMPUTE: {"bad": "acme_broken:Plugin"}}, version=VERSION)

    _fails_with(bench, ModuleNotFoundError, "failed", "acme_broken")


@pytest.mark.parametrize("wanted", ["snowflake_connector", "snowflake_connector.cursor"])
def test_21_a_missing_library_makes_the_plugin_unavailable(bench: Bench, wanted: str) -> None:
    """The message names the module that is not installed."""
    bench.install_bad(f"import {wanted}")

    error = _fails_with(bench, ModuleNotFoundError, "unavailable", "snowflake_connector")

    assert "Install" in error.advice


def test_22_a_module_that_python_cannot_read(bench: Bench) -> None:
    """The place is the line of the module."""
    bench.install_bad("x = 1\ndef broken(:\n")

    _fails_with(bench, SyntaxError, "failed", "acme_broken.py:2")


def test_23_an_exception_at_import(bench: Bench) -> None:
    """Type and place are told, the text stands in the cause alone."""
    bench.install_bad(f"raise OSError({SECRET!r})")

    error = _fails_with(bench, OSError, "failed", "acme_broken.py:1")

    assert str(error.__cause__) == SECRET


def test_24_an_exit_at_import_does_not_end_the_platform(bench: Bench) -> None:
    """SystemExit is a failure like any other."""
    bench.install_bad("import sys\nsys.exit(3)")

    _fails_with(bench, SystemExit, "failed", "acme_broken.py:2")


def test_25_an_interrupt_at_import_passes_through_and_is_not_held_against_the_plugin(bench: Bench) -> None:
    """KeyboardInterrupt is the user's; the next get works."""
    bench.install_bad(
        "import signals\nsignals.calls.append(1)\nif len(signals.calls) == 1: raise KeyboardInterrupt\n"
        + plugin_source(COMPUTE, name="bad", schema=TAKES_TOKEN)
    )

    with pytest.raises(KeyboardInterrupt):
        bench.registry.get(*BAD)

    assert bench.report().state == "discovered"
    assert bench.registry.get(*BAD).name == "bad"
    bench.assert_contained()


@pytest.mark.parametrize("attribute", ["Plugin", "Outer.Plugin"])
def test_26_an_attribute_that_is_missing(bench: Bench, attribute: str) -> None:
    """The module is there, the class is not."""
    value = f"acme_broken:{attribute}"
    bench.install("acme-broken", {COMPUTE: {"bad": value}}, version=VERSION, modules={"acme_broken": "x = 1"})

    error = bench.get_fails(PluginLoadError)

    assert isinstance(error.__cause__, AttributeError)
    assert f"has no attribute {attribute}" in str(error)
    bench.assert_reported("failed", "AttributeError")
    bench.assert_contained()


@pytest.mark.parametrize("source", ["Plugin = 7", "def Plugin(): ...", "Plugin = None"])
def test_27_an_attribute_that_is_no_class(bench: Bench, source: str) -> None:
    """The message names the type of what was found."""
    bench.install_bad(source)

    _refused(bench, "is no class")


def test_28_a_class_that_is_no_plugin(bench: Bench) -> None:
    """The message says what to derive from."""
    bench.install_bad("class Plugin: ...")

    _refused(bench, "does not derive from PluginMetadata")


def test_29_abstract_methods_that_are_missing(bench: Bench) -> None:
    """The message lists them."""
    bench.install_bad("from floe_core.plugins import ComputePlugin\nclass Plugin(ComputePlugin):\n    name = 'bad'\n")

    _refused(bench, "floe_api_version, version")


@pytest.mark.parametrize("raised", ["RuntimeError", "SystemExit", "MemoryError", "GeneratorExit"])
def test_30_a_constructor_that_raises(bench: Bench, raised: str) -> None:
    """Whatever it raises, an exit included, becomes the cause."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"def __init__(self): raise {raised}({SECRET!r})")

    _fails_with(bench, getattr(builtins, raised), "failed", "acme_broken.py", "__init__")


@pytest.mark.parametrize(
    ("chain", "count"),
    [("raise error from error", 2), ("error.__cause__, other.__cause__ = other, error; raise error", 3)],
)
def test_30_a_constructor_whose_causes_go_in_a_circle(bench: Bench, chain: str, count: int) -> None:
    """The report tells them once around."""
    errors = f"error, other = RuntimeError({SECRET!r}), KeyError({SECRET!r})\n"
    bench.install_bad(schema=TAKES_TOKEN, prologue=errors, body=f"def __init__(self): {chain}")

    error: PluginLoadError = bench.get_fails(PluginLoadError)

    assert isinstance(error.__cause__, RuntimeError)
    assert count == len(bench.assert_reported("failed", "RuntimeError").causes)
    bench.assert_contained()


@pytest.mark.parametrize("made", ["None", "object()", "PluginMetadata"])
def test_30_a_class_that_makes_something_else(bench: Bench, made: str) -> None:
    """What comes of constructing it is no plugin; the message names its type."""
    bench.install_bad(
        prologue="from floe_core.plugin_metadata import PluginMetadata\n",
        schema=TAKES_TOKEN,
        body=f"def __new__(cls): return {made}",
    )

    _refused(bench, "constructing Plugin gave an object of type", "which is no plugin")


def test_30_an_error_whose_class_cannot_be_looked_at(bench: Bench) -> None:
    """
    Its metaclass hides even its name, so that there is nothing to tell but that, and where it comes from. The traceback
    module of Python 3.13 cannot print it, and so nothing is printed here.
    """
    hidden = """
    class Hidden(type):
        def __getattribute__(cls, name): raise RuntimeError(name)
    class Failure(Exception, metaclass=Hidden): ...
    """
    bench.install_bad(schema=TAKES_TOKEN, prologue=hidden, body=f"def __init__(self): raise Failure({SECRET!r})")

    with pytest.raises(PluginLoadError) as caught:
        bench.registry.get(*BAD)

    assert "constructing Plugin raised an error that cannot even be described" in str(caught.value)
    bench.assert_reported("failed", "acme-broken")
    bench.assert_contained()


def test_30_a_class_that_cannot_be_looked_at(bench: Bench) -> None:
    """The registry reads the names of classes for its messages; here that raises."""
    hidden = """
    class Hidden(type(PluginMetadata)):
        def __getattribute__(cls, name):
            if name in ("__name__", "__qualname__"): raise RuntimeError(name)
            return super().__getattribute__(name)
    class Plugin(PluginMetadata, metaclass=Hidden):
        name, version, floe_api_version = "bad", "1.0.0", "1.0"
    """
    bench.install_bad("from floe_core.plugin_metadata import PluginMetadata\n" + textwrap.dedent(hidden))

    _fails_with(bench, RuntimeError, "failed", "acme_broken.py")


@pytest.mark.parametrize("arguments", ["self, url", "self, config, url", "self, *, url"])
def test_31_a_constructor_that_wants_other_arguments(bench: Bench, arguments: str) -> None:
    """The message says how plugins are constructed."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"def __init__({arguments}): ...")

    _refused(bench, "constructor", "url")


def test_32_a_constructor_that_wants_a_configuration_gets_the_defaults(bench: Bench) -> None:
    """Nothing was given, and the schema's defaults suffice."""
    bench.settings.clear()
    bench.install_bad(schema="threads: int = 4", body="def __init__(self, config): self.config = config")

    assert bench.registry.get(*BAD).config.threads == 4  # type: ignore[union-attr]  # Config of the test's plugin
    bench.assert_contained()


def test_32_a_constructor_that_wants_a_configuration_without_defaults_names_the_fields(bench: Bench) -> None:
    """Nothing was given, and the schema needs it."""
    bench.settings.clear()
    bench.install_bad(
        schema="host: str\nport: int\nuser: str = 'me'", body="def __init__(self, config): self.config = config"
    )

    error = bench.get_fails(PluginConfigurationError)

    assert [fault["field"] for fault in error.errors] == ["host", "port"]
    bench.assert_reported("failed", "host", "port")
    bench.assert_contained()


@pytest.mark.parametrize("attribute", ["name", "version", "floe_api_version"])
@pytest.mark.parametrize("value", ["raise RuntimeError('no')", "return None", "return 7"])
def test_33_identity_that_raises_or_is_no_string(bench: Bench, attribute: str, value: str) -> None:
    """The message names the attribute; a version of the API that is no string is incompatible."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"@property\ndef {attribute}(self): {value}")

    error = bench.get_fails(PluginLoadError, PluginIncompatibleError)

    incompatible = attribute == "floe_api_version" and value.startswith("return")
    assert type(error) is (PluginIncompatibleError if incompatible else PluginLoadError)
    assert attribute in str(error) or "API" in str(error)
    bench.assert_reported("incompatible" if incompatible else "failed")
    bench.assert_contained()


def test_33_identity_that_can_be_read_once_only(bench: Bench) -> None:
    """It was sound when the plugin was loaded; nothing of the registry's asks for it again."""
    name = "reads = []\n@property\ndef name(self):\n    self.reads.append(1)\n    return ['bad'][len(self.reads) - 1]"
    bench.install_bad(schema=TAKES_TOKEN, body=name)

    plugin = bench.registry.get(*BAD)

    assert plugin is bench.registry.get(*BAD)
    bench.assert_reported("loaded")
    bench.assert_contained()


def test_33_a_class_that_cannot_be_asked_for(bench: Bench) -> None:
    """dependency-injector asks each instance for it."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"@property\ndef __class__(self): raise RuntimeError({SECRET!r})")

    _fails_with(bench, RuntimeError, "failed", "reading __class__", "acme_broken.py")


@pytest.mark.parametrize("version", ["1", "1.x", "1.-5", "v1.0", "", None, "1.0.0.0", " 1.0", "1.0-beta"])
def test_34_a_malformed_api_version_is_incompatible(bench: Bench, version: str | None) -> None:
    """Where it is a string, nothing is constructed: the class tells already."""
    constructor = "\ndef __init__(self): raise AssertionError" if version is not None else ""
    bench.install_bad(schema=TAKES_TOKEN, body=f"floe_api_version = {version!r}{constructor}")

    error = bench.get_fails(PluginIncompatibleError)

    assert f"requires API v{version}" in str(error) or version is None
    bench.assert_reported("incompatible", "API")
    bench.assert_contained()


@pytest.mark.parametrize(
    "version",
    [
        "2.0",  # a newer major
        "1.1",  # a newer minor
        "0.9",  # below the minimum
    ],
)
def test_35_another_version_of_the_api_is_incompatible(bench: Bench, version: str) -> None:
    """The message names both versions, and the report the distribution to replace."""
    bench.install_bad(api_version=version, schema=TAKES_TOKEN)

    error = bench.get_fails(PluginIncompatibleError)

    assert f"Plugin 'bad' requires API v{version}, but platform provides v1.0" in str(error)
    bench.assert_reported("incompatible", version)
    bench.assert_contained()


def test_36_a_base_class_of_another_type_than_the_group(bench: Bench) -> None:
    """The message names both types."""
    bench.install_bad(plugin_source(CATALOG, name="bad"))

    _refused(bench, "CATALOG", "COMPUTE", "floe.catalogs")


@pytest.mark.parametrize("stated", ["'COMPUTE'", "property(lambda self: 1 / 0)", "0"])
def test_36_a_type_that_is_none(bench: Bench, stated: str) -> None:
    """The message names what stands there."""
    bench.install_bad(schema=TAKES_TOKEN, body=f"plugin_type = {stated}")

    _refused(bench, "its plugin_type is of type", "no PluginType")


GETS = "from floe_core.plugin_types import PluginType\nimport signals\n"


def test_37_a_constructor_that_gets_its_own_plugin(bench: Bench) -> None:
    """A circle of one is refused at once."""
    bench.install_bad(
        prologue=GETS, schema=TAKES_TOKEN, body="def __init__(self): signals.registry.get(PluginType.COMPUTE, 'bad')"
    )
    bench.signals.__dict__["registry"] = bench.registry

    error = bench.get_fails(CircularDependencyError)

    assert error.cycle == ["bad", "bad"]
    bench.assert_reported("failed", "bad -> bad")
    bench.assert_contained()


def _install_circle(bench: Bench, before: str = "pass") -> None:
    """``COMPUTE:bad`` and ``COMPUTE:worse`` get one another when they are constructed."""
    for name, wanted in (("bad", "worse"), ("worse", "bad")):
        code = plugin_source(
            COMPUTE,
            name=name,
            schema=TAKES_TOKEN,
            prologue=GETS,
            body=f"def __init__(self):\n    {before}\n    signals.registry.get(PluginType.COMPUTE, {wanted!r})",
        )
        distribution = "acme-broken" if name == "bad" else "acme-worse"
        module = distribution.replace("-", "_")
        bench.install(distribution, {COMPUTE: {name: f"{module}:Plugin"}}, version=VERSION, modules={module: code})
    bench.signals.__dict__["registry"] = bench.registry


def test_38_two_constructors_that_get_one_another_in_one_thread(bench: Bench) -> None:
    """The error tells the circle."""
    _install_circle(bench)

    error = bench.get_fails(CircularDependencyError)

    assert error.cycle == ["bad", "worse", "bad"]
    bench.assert_reported("failed", "bad -> worse -> bad")
    bench.assert_contained()


def test_39_two_constructors_that_get_one_another_from_two_threads(bench: Bench) -> None:
    """Both are inside their constructors before either asks; both get the error, neither waits for ever."""
    bench.signals.__dict__["barrier"] = threading.Barrier(2)
    _install_circle(bench, before="signals.barrier.wait(60)")

    threads = Threads(*(lambda name=name: bench.registry.get(COMPUTE, name) for name in ("bad", "worse"))).join()

    bench.errors += [error for error in threads.errors if error]
    assert [CircularDependencyError, CircularDependencyError] == [type(error) for error in threads.errors]
    bench.assert_contained()


def test_40_a_constructor_that_waits_for_a_thread_that_gets_another_plugin(bench: Bench) -> None:
    """No lock is held that the other thread needs."""
    bench.install_plugin(PluginKey(CATALOG, "other"))
    bench.install_bad(
        prologue=GETS + "import threading\n",
        schema=TAKES_TOKEN,
        body="""
        def __init__(self):
            thread = threading.Thread(
                target=lambda: signals.calls.append(signals.registry.get(PluginType.CATALOG, 'other')), daemon=True
            )
            thread.start()
            thread.join(60)
            assert not thread.is_alive()
        """,
    )
    bench.signals.__dict__["registry"] = bench.registry

    assert bench.registry.get(*BAD).name == "bad"
    assert [bench.registry.get(CATALOG, "other")] == bench.signals.calls
    bench.assert_contained()


def test_41_an_import_that_waits_for_a_thread_which_asks_for_the_registry(bench: Bench) -> None:
    """The thread gets the very registry that is importing, and another plugin of it."""
    bench.install_bad(
        prologue="""
        import threading
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginType
        seen = []
        thread = threading.Thread(
            target=lambda: seen.append((get_registry(), get_registry().get(PluginType.CATALOG, 'good'))), daemon=True
        )
        thread.start()
        thread.join(60)
        """,
    )

    done = run_script(
        bench.site,
        """
        from floe_core.plugin_registry import get_registry
        from floe_core.plugin_types import PluginType
        registry = get_registry()
        print(registry.get(PluginType.COMPUTE, "bad").name)
        import acme_broken
        print(acme_broken.seen == [(registry, registry.get(PluginType.CATALOG, "good"))])
        """,
    )

    assert done.lines == ["bad", "True"]


def test_42_a_get_that_fails_is_tried_again_by_the_next_one(bench: Bench) -> None:
    """The failure is not remembered beyond the report, which forgets it too."""
    bench.install_bad(
        "import signals\nsignals.calls.append(1)\nif len(signals.calls) == 1: raise OSError('not yet')\n"
        + plugin_source(COMPUTE, name="bad", schema=TAKES_TOKEN)
    )

    bench.get_fails(PluginLoadError)
    bench.assert_reported("failed", "OSError")

    plugin = bench.registry.get(*BAD)
    assert plugin is bench.registry.get(*BAD)
    assert len(bench.signals.calls) == 2
    assert bench.assert_reported("loaded").reason == ""
    bench.assert_contained()


@pytest.mark.parametrize("method", ["__eq__", "__hash__", "__repr__", "__str__", "__bool__", "__len__"])
def test_43_a_plugin_whose_special_methods_raise(bench: Bench, method: str) -> None:
    """Nothing of what the registry does compares, hashes, prints or weighs a plugin."""
    arguments = "self, other" if method == "__eq__" else "self"
    bench.install_bad(schema=TAKES_TOKEN, body=f"def {method}({arguments}): raise RuntimeError('never call this')")
    registry = bench.registry

    plugin = registry.get(*BAD)
    registry.configure(*BAD, {"token": SECRET + "2"})

    assert plugin is registry.get(*BAD)
    assert plugin is registry.list(COMPUTE)[0]
    assert plugin is registry.get_default(COMPUTE)
    assert plugin is registry.get_all(COMPUTE)[0]
    assert plugin is registry.resolve_dependencies([plugin])[0]
    assert {str(BAD): None} == registry.activate_all([plugin])
    assert registry.health_check_all()[str(BAD)].state.value == "healthy"
    with registry.override(*BAD, plugin):
        assert plugin is registry.get(*BAD)
    assert plugin is not registry.create(*BAD)
    assert {str(BAD): None} == registry.shutdown_all()
    bench.assert_reported("loaded")
    bench.assert_contained()


def test_44_eight_threads_get_one_slow_plugin_and_share_one_instance(bench: Bench) -> None:
    """The constructor goes on only when all the others have asked, or the first is proven to be alone inside."""
    bench.install_bad(
        prologue="import signals\n",
        schema=TAKES_TOKEN,
        body="def __init__(self):\n    signals.calls.append(1)\n    signals.inside.set()\n    assert signals.go_on.wait(60)",
    )
    inside, go_on = threading.Event(), threading.Event()
    bench.signals.__dict__.update(inside=inside, go_on=go_on)
    registry = bench.registry

    threads = Threads(*[lambda: registry.get(*BAD)] * 8)
    wait_for(inside)
    assert registry.get(CATALOG, "good").name == "good"  # another one loads meanwhile
    go_on.set()

    [plugin] = {id(plugin) for plugin in threads.values()}
    assert id(registry.get(*BAD)) == plugin
    assert bench.signals.calls == [1]
    bench.assert_contained()
    assert Path(str(sys.modules["acme_broken"].__file__)).is_relative_to(bench.site)
