"""Faults at import and construction: what the plugin's own code does wrong reaches the caller as one kind of error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from floe_core.plugin_errors import (
    PluginConfigurationError,
    PluginError,
    PluginIncompatibleError,
    PluginLoadError,
)
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginState, PluginType
from floe_core.testing import install_distribution, plugin_source, swapped_registry
from tests.handmade import MadeCompute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import InstallPlugin

COMPUTE = PluginType.COMPUTE
SECRET = "hunter2"
HEALTHY = plugin_source(COMPUTE, name="duckdb")
PLAIN = """
from floe_core.plugin_metadata import PluginMetadata
class Plugin(PluginMetadata):
    name, version, floe_api_version = "duckdb", "1.0.0", "1.0"
"""


def broken(registry: PluginRegistry, name: str = "duckdb") -> PluginError:
    """The error of get(), which names the plugin and where it comes from, and holds no secret."""
    registry.discover_all()
    with pytest.raises(PluginError) as caught:
        registry.get(COMPUTE, name)
    error = caught.value
    assert error.origin is not None
    assert (error.origin.distribution, error.origin.version) == ("acme-duck", "1.0.0")
    assert error.origin.path.endswith("acme_duck-1.0.0.dist-info")
    assert str(error.origin) in str(error)
    (report,) = registry.report().plugins
    assert (report.key, report.distribution, report.version) == ("COMPUTE:duckdb", "acme-duck", "1.0.0")
    assert report.path == error.origin.path
    assert report.reason == report.causes[0] == str(error)
    assert SECRET not in f"{error} {report}"
    return error


class TestImport:
    @pytest.mark.parametrize(
        ("source", "cause", "told"),
        [
            ("import acme_nowhere", ModuleNotFoundError, "ModuleNotFoundError for 'acme_nowhere'"),
            ("def :", SyntaxError, "SyntaxError at "),
            ("raise RuntimeError('hunter2')", RuntimeError, "importing acme_duck raised RuntimeError at "),
            ("raise SystemExit('hunter2')", SystemExit, "importing acme_duck raised SystemExit at "),
            ("raise ImportError('hunter2')", ImportError, "importing acme_duck raised ImportError at "),
            ("raise ModuleNotFoundError('hunter2')", ModuleNotFoundError, "raised ModuleNotFoundError at "),
            ("Other = 1", AttributeError, "the module acme_duck has no attribute Plugin"),
            ("def __getattr__(name): raise KeyError('hunter2')", KeyError, "reading acme_duck:Plugin raised KeyError"),
            ("Plugin = 7", None, "acme_duck:Plugin is no class but an object of type int"),
            ("class Plugin: pass", None, "acme_duck:Plugin does not derive from PluginMetadata"),
            (HEALTHY.replace("    version", "    _version"), None, "Plugin does not define version"),
            (plugin_source(PluginType.CATALOG), None, "Plugin is a CATALOG plugin, announced as COMPUTE"),
        ],
    )
    def test_is_a_load_error_with_its_cause(
        self,
        install_plugin: InstallPlugin,
        registry: PluginRegistry,
        source: str,
        cause: type[BaseException] | None,
        told: str,
    ) -> None:
        """It says what happened and where; the text of the plugin's own error stands in the cause alone."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)

        error = broken(registry)

        assert isinstance(error, PluginLoadError)
        assert cause is (type(error.__cause__) if error.__cause__ else None)
        assert told in str(error)

    def test_a_module_that_is_missing(self, site: Path, registry: PluginRegistry) -> None:
        """The entry point leads nowhere: that is the plugin's fault, not a missing library."""
        install_distribution(site, "acme-duck", {COMPUTE: {"duckdb": "acme_duck.gone:Plugin"}})

        assert isinstance(broken(registry), PluginLoadError)
        assert PluginState.FAILED is registry.state(COMPUTE, "duckdb")

    def test_a_missing_library_makes_it_unavailable(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The message names the module that has to be installed."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source="import acme_library.part")

        assert "Install what provides the module 'acme_library'" in str(broken(registry))
        assert PluginState.UNAVAILABLE is registry.state(COMPUTE, "duckdb")

    def test_an_interrupt_passes_through(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """It is meant for the program; the next get() works."""
        source = f"import sys\nif not hasattr(sys, '_acme'):\n    sys._acme = 1\n    raise KeyboardInterrupt\n{HEALTHY}"
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)
        registry.discover_all()

        try:
            with pytest.raises(KeyboardInterrupt):
                registry.get(COMPUTE, "duckdb")
            assert registry.get(COMPUTE, "duckdb").name == "duckdb"
        finally:
            del sys._acme  # type: ignore[attr-defined]  # put there by the plugin

    def test_a_second_get_tries_again(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """What was mended meanwhile works."""
        installed = install_plugin("acme_duck", COMPUTE, "duckdb", source="raise RuntimeError")
        broken(registry)

        installed.modules["acme_duck"].write_text(HEALTHY + "\n# and longer than before\n")

        assert registry.get(COMPUTE, "duckdb").name == "duckdb"
        assert PluginState.LOADED is registry.state(COMPUTE, "duckdb")

    def test_an_attribute_path_and_extras(self, site: Path, registry: PluginRegistry) -> None:
        """An entry point may point into a class, and name extras, which nothing reads here."""
        source = "class Home:\n" + "\n".join(f"    {line}" for line in PLAIN.splitlines())
        install_distribution(
            site, "acme-duck", {COMPUTE: {"duckdb": "acme_duck:Home.Plugin [a-b,c]"}}, modules={"acme_duck": source}
        )
        registry.discover_all()

        assert type(registry.get(COMPUTE, "duckdb")).__qualname__ == "Home.Plugin"

    def test_a_plugin_of_no_type_fits_everywhere(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """One that derives from PluginMetadata alone."""
        install_plugin("acme_duck", COMPUTE, "duckdb", source=PLAIN)
        install_plugin("acme_cat", PluginType.CATALOG, "duckdb", source=PLAIN)
        registry.discover_all()

        assert registry.get(COMPUTE, "duckdb") is not registry.get(PluginType.CATALOG, "duckdb")


class TestConstruction:
    @pytest.mark.parametrize(
        ("body", "cause", "told"),
        [
            (
                "def __init__(self): raise RuntimeError('hunter2')",
                RuntimeError,
                "constructing Plugin raised RuntimeError",
            ),
            ("def __init__(self): raise SystemExit('hunter2')", SystemExit, "constructing Plugin raised SystemExit"),
            ("def __init__(self, path): pass", None, "cannot be called as the registry calls it"),
            ("def __new__(cls): return 7", None, "constructing Plugin gave an object of type int, which is no plugin"),
        ],
    )
    def test_is_a_load_error_with_its_cause(
        self,
        install_plugin: InstallPlugin,
        registry: PluginRegistry,
        body: str,
        cause: type[BaseException] | None,
        told: str,
    ) -> None:
        """As at import."""
        install_plugin("acme_duck", COMPUTE, "duckdb", body=body)

        error = broken(registry)

        assert isinstance(error, PluginLoadError)
        assert cause is (type(error.__cause__) if error.__cause__ else None)
        assert told in str(error)

    @pytest.mark.parametrize("attribute", ["name", "version"])
    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ("raise RuntimeError('hunter2')", "raised RuntimeError"),
            ("return 7", "is of type int"),
            ("return None", "is of type NoneType"),
            ("return ''", "is empty"),
        ],
    )
    def test_a_plugin_that_does_not_say_who_it_is(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, attribute: str, value: str, told: str
    ) -> None:
        """Name and version are strings."""
        install_plugin("acme_duck", COMPUTE, "duckdb", body=f"@property\ndef {attribute}(self): {value}")

        error = broken(registry)

        assert isinstance(error, PluginLoadError)
        assert f"{attribute} {told}" in str(error)

    def test_the_place_is_in_the_plugin_and_not_in_what_it_calls_here(
        self, site: Path, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Its constructor gets a plugin that does not load: its own line is told, past registry and container."""
        install_plugin("acme_bad", PluginType.CATALOG, "bad", source="1 / 0")
        prologue = "from floe_core.plugin_registry import get_registry\nfrom floe_core.plugin_types import PluginType\n"
        body = "def __init__(self):\n    get_registry().get(PluginType.CATALOG, 'bad')"
        installed = install_plugin("acme_duck", COMPUTE, "duckdb", prologue=prologue, body=body)
        registry.discover_all()
        with swapped_registry(registry), pytest.raises(PluginLoadError) as caught:
            registry.get(COMPUTE, "duckdb")

        file = installed.modules["acme_duck"]
        line = 1 + file.read_text().splitlines().index("        get_registry().get(PluginType.CATALOG, 'bad')")
        assert f"raised PluginLoadError at {file}:{line} in __init__" in str(caught.value)

    def test_an_api_version_that_raises(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """As any other code of the plugin."""
        install_plugin("acme_duck", COMPUTE, "duckdb", body="@property\ndef floe_api_version(self): return 1 / 0")

        assert isinstance(broken(registry).__cause__, ZeroDivisionError)

    def test_a_constructor_that_nobody_can_read(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Its signature is not to be had, so calling it has to tell."""
        install_plugin("acme_duck", COMPUTE, "duckdb", body="__signature__ = 7")
        registry.discover_all()

        assert registry.get(COMPUTE, "duckdb").name == "duckdb"


class TestVersions:
    @pytest.mark.parametrize("version", ["1", "1.x", "1.-5", "v1.0", "", None, 1.0, "2.0", "1.1", "0.9"])
    @pytest.mark.parametrize("is_property", [True, False])
    def test_a_version_that_does_not_fit(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, version: object, *, is_property: bool
    ) -> None:
        """Malformed, newer or older: an incompatibility, whether it stands on the class or is made by the instance."""
        body = f"@property\ndef floe_api_version(self): return {version!r}" if is_property else ""
        source = plugin_source(COMPUTE, name="duckdb", body=body)
        if not is_property:
            source = source.replace("floe_api_version = '1.0'", f"floe_api_version = {version!r}")
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)

        error = broken(registry)

        assert isinstance(error, PluginIncompatibleError)
        assert PluginState.INCOMPATIBLE is registry.state(COMPUTE, "duckdb")
        assert (error.platform_version, error.minimum_version) == ("1.0", "1.0")

    def test_is_checked_before_construction_where_the_class_tells_it(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The constructor of an incompatible plugin does not run."""
        body = "def __init__(self): raise RuntimeError"
        install_plugin("acme_duck", COMPUTE, "duckdb", api_version="2.0", body=body)

        assert isinstance(broken(registry), PluginIncompatibleError)

    def test_the_patch_part_does_not_count(self, install_plugin: InstallPlugin, registry: PluginRegistry) -> None:
        """Real plugins write 1.0.0 beside 1.0."""
        install_plugin("acme_duck", COMPUTE, "duckdb", api_version="1.0.7")
        registry.discover_all()

        assert registry.get(COMPUTE, "duckdb").floe_api_version == "1.0.7"

    @pytest.mark.parametrize("version", ["1", None, "2.0"])
    def test_registered_plugins_are_held_to_it_too(self, registry: PluginRegistry, version: object) -> None:
        """register() checks as loading does."""
        with pytest.raises(PluginIncompatibleError):
            registry.register(MadeCompute(floe_api_version=version))


class TestConfigInTheConstructor:
    def test_a_required_one_is_tried_with_the_defaults(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Where nobody configured the plugin."""
        body = "def __init__(self, config):\n    self.seen = config"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()

        plugin: Any = registry.get(COMPUTE, "duckdb")

        assert plugin.seen.threads == 4
        assert plugin.seen is plugin.config is registry.get_config(COMPUTE, "duckdb")

    def test_the_error_names_the_fields_when_the_defaults_do_not_suffice(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """And where to put them."""
        body = "def __init__(self, config): pass"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="path: str\nthreads: int", body=body)

        error = broken(registry)

        assert isinstance(error, PluginConfigurationError)
        assert ["path", "threads"] == [fault["field"] for fault in error.errors]
        assert "Mend path, threads in plugins.computes.duckdb" in str(error)

    def test_an_optional_one_is_passed_only_where_there_is_one(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """Otherwise the author's own default counts."""
        body = "def __init__(self, *, config: Config | None = None):\n    self.seen = config"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()

        plugin: Any = registry.get(COMPUTE, "duckdb")

        assert plugin.seen is None
        assert plugin.config is None

    @pytest.mark.parametrize("annotation", ["Config", "'Config'", "Config | None", "'Config | None'"])
    def test_the_schema_may_be_the_annotation(
        self, install_plugin: InstallPlugin, registry: PluginRegistry, annotation: str
    ) -> None:
        """Where get_config_schema is no class method; then configure() finds it there too."""
        source = f"from pydantic import BaseModel\nclass Config(BaseModel):\n    threads: int = 4\n{PLAIN}"
        source += f"    def __init__(self, config: {annotation}): self.seen = config\n"
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)
        registry.discover_all()

        plugin: Any = registry.get(COMPUTE, "duckdb")

        assert type(plugin.seen) is sys.modules["acme_duck"].Config
        assert plugin.seen == registry.configure(COMPUTE, "duckdb", {"threads": 4})

    def test_a_schema_that_cannot_be_told_before_there_is_an_instance(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The error tells the author how to mend it."""
        source = f"{PLAIN}    def __init__(self, config): pass\n"
        install_plugin("acme_duck", COMPUTE, "duckdb", source=source)

        error = broken(registry)

        assert isinstance(error, PluginLoadError)
        assert "make get_config_schema a class method" in str(error)

    def test_a_read_only_config_attribute_is_left_alone(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """The author shows the configuration by a property."""
        body = "def __init__(self, config):\n    self._mine = config\n\n@property\ndef config(self):\n    return 'mine'"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()

        plugin: Any = registry.get(COMPUTE, "duckdb")

        assert plugin.config == "mine"
        assert plugin._mine is registry.get_config(COMPUTE, "duckdb")

    @pytest.mark.parametrize("schema", ["return 7", "raise RuntimeError('hunter2')", "return int"])
    def test_a_schema_that_is_none(self, install_plugin: InstallPlugin, registry: PluginRegistry, schema: str) -> None:
        """No pydantic model, or an error: told when somebody configures the plugin."""
        install_plugin("acme_duck", COMPUTE, "duckdb", body=f"def get_config_schema(self): {schema}")
        registry.discover_all()

        with pytest.raises(PluginConfigurationError, match="pydantic v2 model") as caught:
            registry.configure(COMPUTE, "duckdb", {})

        assert SECRET not in str(caught.value)

    def test_an_interrupt_while_configuring_passes_through(
        self, install_plugin: InstallPlugin, registry: PluginRegistry
    ) -> None:
        """It is meant for the program."""
        body = "def configure(self, config): raise KeyboardInterrupt"
        install_plugin("acme_duck", COMPUTE, "duckdb", schema="threads: int = 4", body=body)
        registry.discover_all()

        with pytest.raises(KeyboardInterrupt):
            registry.configure(COMPUTE, "duckdb", {})
