"""What can be wrong with an installed plugin, by name, and plugins on disk that have exactly that wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast

from floe_core.plugin_types import PluginType
from floe_core.testing.distributions import InstalledDistribution, install_distribution, plugin_source

__all__ = ["Fault", "ShowsIn", "install_faulty_plugin", "install_plugin"]


class ShowsIn(Enum):
    """The first step at which a fault is noticed. The steps before it succeed."""

    NOWHERE = "nowhere"
    """The registry copes; at most the report remarks on it."""
    DISCOVERY = "discovery"
    """The plugin is not found, or not listed."""
    GET = "get"
    CONFIGURE = "configure"
    """With ``{"threads": 4, "token": "..."}``, the configuration of plugins that are faulty in this step."""
    ACTIVATE = "activate"
    SHUTDOWN = "shutdown"
    HEALTH = "health"


@dataclass(frozen=True)
class _Recipe:
    """How a fault is made: which parts of a healthy distribution are replaced, and by what."""

    shows_in: ShowsIn
    entry_points: str | bytes | None = "[{group}]\n{name} = {module}:Plugin\n"
    metadata: str | None = ""
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    also: str = ""
    """What else is done, for what no replacement can express."""


def _body(code: str) -> dict[str, Any]:
    return {"body": code}


_CONFIG = "threads: int = 4\ntoken: SecretStr = SecretStr('')\n"
_FOREVER = "threading.Event().wait()"
_THREADING = "import threading\n"


class Fault(Enum):
    """
    What is wrong with a plugin. ``fault.shows_in`` says at which step the registry notices.

    Faults of a search path rather than of a distribution, and races between threads, are no part of it.
    """

    # On disk
    ENTRY_POINTS_NOT_UTF8 = _Recipe(ShowsIn.DISCOVERY, b"[{group}]\n{name} = {module}:Plugin\n# \xff\xfe\n")
    ENTRY_POINTS_LINE_WITHOUT_EQUALS = _Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name}\n")
    ENTRY_POINTS_SECTION_TWICE = _Recipe(ShowsIn.NOWHERE, "[{group}]\n[{group}]\n{name} = {module}:Plugin\n")
    ENTRY_POINT_VALUE_EMPTY = _Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} =\n")
    ENTRY_POINT_VALUE_IS_A_FILE = _Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = a/file.yaml\n")
    ENTRY_POINT_VALUE_WITHOUT_MODULE = _Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = :Plugin\n")
    ENTRY_POINT_VALUE_WITHOUT_CLASS = _Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = {module}:\n")
    ENTRY_POINTS_IS_A_FOLDER = _Recipe(ShowsIn.DISCOVERY, None, also="folder")
    ENTRY_POINTS_IS_A_BROKEN_LINK = _Recipe(ShowsIn.DISCOVERY, None, also="broken link")
    ENTRY_POINTS_OF_TEN_MEGABYTES = _Recipe(
        ShowsIn.DISCOVERY, "[{group}]\n{name} = {module}:Plugin\n" + "#" * 10_000_000
    )
    METADATA_MISSING = _Recipe(ShowsIn.NOWHERE, metadata=None)
    METADATA_WITHOUT_VERSION = _Recipe(ShowsIn.NOWHERE, metadata="Metadata-Version: 2.1\nName: {distribution}\n")
    LEFTOVER_FOLDER = _Recipe(ShowsIn.DISCOVERY, None, None)
    STALE_BUILD_BESIDE = _Recipe(ShowsIn.NOWHERE, also="stale build")
    CLAIMED_BY_TWO = _Recipe(ShowsIn.GET, also="rival")

    # Import and construction
    MODULE_MISSING = _Recipe(ShowsIn.GET, "[{group}]\n{name} = {module}_gone:Plugin\n")
    LIBRARY_MISSING = _Recipe(ShowsIn.GET, options={"prologue": "import floe_no_such_library\n"})
    SYNTAX_ERROR = _Recipe(ShowsIn.GET, source="class Plugin(:\n")
    IMPORT_RAISES = _Recipe(ShowsIn.GET, source="raise RuntimeError('at import')\n")
    IMPORT_EXITS = _Recipe(ShowsIn.GET, source="raise SystemExit(3)\n")
    CLASS_MISSING = _Recipe(ShowsIn.GET, source="")
    CLASS_IS_NONE = _Recipe(ShowsIn.GET, source="Plugin = object()\n")
    CLASS_IS_NO_PLUGIN = _Recipe(ShowsIn.GET, source="class Plugin:\n    pass\n")
    CLASS_IS_ABSTRACT = _Recipe(
        ShowsIn.GET,
        source="from floe_core.plugin_metadata import PluginMetadata\n\nclass Plugin(PluginMetadata):\n    pass\n",
    )
    CLASS_OF_ANOTHER_TYPE = _Recipe(ShowsIn.GET, also="another type")
    CONSTRUCTOR_RAISES = _Recipe(
        ShowsIn.GET, options=_body("def __init__(self):\n    raise RuntimeError('in the constructor')")
    )
    CONSTRUCTOR_WANTS_ARGUMENTS = _Recipe(
        ShowsIn.GET, options=_body("def __init__(self, path, *, mode):\n    self.path = path")
    )
    CONSTRUCTOR_WANTS_CONFIG = _Recipe(
        ShowsIn.GET,
        options={"schema": "path: str", **_body("def __init__(self, config: Config):\n    self.path = config.path")},
    )
    CONSTRUCTOR_GETS_ITSELF = _Recipe(
        ShowsIn.GET,
        options=_body(
            "def __init__(self):\n"
            "    from floe_core.plugin_registry import get_registry\n"
            "    get_registry().get(self.plugin_type, {name!r})"
        ),
    )
    NAME_RAISES = _Recipe(ShowsIn.GET, options=_body("@property\ndef name(self):\n    raise RuntimeError('no name')"))
    NAME_IS_NO_STRING = _Recipe(ShowsIn.GET, options=_body("name = 42"))
    VERSION_RAISES = _Recipe(
        ShowsIn.GET, options=_body("@property\ndef version(self):\n    raise RuntimeError('none')")
    )
    VERSION_IS_NO_STRING = _Recipe(ShowsIn.GET, options=_body("version = 1.0"))
    API_VERSION_RAISES = _Recipe(
        ShowsIn.GET, options=_body("@property\ndef floe_api_version(self):\n    raise RuntimeError('none')")
    )
    API_VERSION_MALFORMED = _Recipe(ShowsIn.GET, options={"api_version": "v1.0"})
    API_VERSION_MAJOR_NEWER = _Recipe(ShowsIn.GET, options={"api_version": "2.0"})
    API_VERSION_MINOR_NEWER = _Recipe(ShowsIn.GET, options={"api_version": "1.99"})
    API_VERSION_TOO_OLD = _Recipe(ShowsIn.GET, options={"api_version": "0.9"})

    # Configuration
    SCHEMA_IS_NO_MODEL = _Recipe(ShowsIn.CONFIGURE, options=_body("def get_config_schema(self):\n    return dict"))
    SCHEMA_RAISES = _Recipe(
        ShowsIn.CONFIGURE, options=_body("def get_config_schema(self):\n    raise RuntimeError('no schema')")
    )
    VALIDATOR_RAISES_OTHER_ERROR = _Recipe(
        ShowsIn.CONFIGURE,
        options={
            "schema": _CONFIG
            + "@field_validator('threads')\n@classmethod\ndef check(cls, value):\n    raise KeyError(value)"
        },
    )
    VALIDATOR_QUOTES_SECRET = _Recipe(
        ShowsIn.CONFIGURE,
        options={
            "schema": _CONFIG
            + "@field_validator('token')\n@classmethod\ndef check(cls, value):\n"
            + "    raise ValueError(f'{value.get_secret_value()} is no token')"
        },
    )
    DEFAULT_FACTORY_RAISES = _Recipe(
        ShowsIn.CONFIGURE, options={"schema": _CONFIG + "more: int = Field(default_factory=lambda: 1 // 0)"}
    )
    CONFIGURE_RAISES = _Recipe(
        ShowsIn.CONFIGURE,
        options={"schema": _CONFIG, **_body("def configure(self, config):\n    raise RuntimeError(str(config))")},
    )
    TAKES_NO_CONFIGURATION = _Recipe(ShowsIn.CONFIGURE)

    # Dependencies
    DEPENDENCY_MISSING = _Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["CATALOG:no-such-plugin"]})
    DEPENDENCY_ON_ITSELF = _Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["{key}"]})
    DEPENDENCY_MALFORMED = _Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["CATALOG:polaris>=not-a-version"]})
    DEPENDENCIES_ARE_A_STRING = _Recipe(ShowsIn.ACTIVATE, options=_body("dependencies = 'CATALOG:polaris'"))
    DEPENDENCIES_RAISE = _Recipe(
        ShowsIn.ACTIVATE, options=_body("@property\ndef dependencies(self):\n    raise RuntimeError('no dependencies')")
    )

    # Running
    STARTUP_RAISES = _Recipe(
        ShowsIn.ACTIVATE, options=_body("def startup(self):\n    raise RuntimeError('at startup')")
    )
    STARTUP_EXITS = _Recipe(ShowsIn.ACTIVATE, options=_body("def startup(self):\n    raise SystemExit(3)"))
    STARTUP_HANGS = _Recipe(
        ShowsIn.ACTIVATE, options={"prologue": _THREADING, **_body(f"def startup(self):\n    {_FOREVER}")}
    )
    SHUTDOWN_RAISES = _Recipe(
        ShowsIn.SHUTDOWN, options=_body("def shutdown(self):\n    raise RuntimeError('at shutdown')")
    )
    SHUTDOWN_HANGS = _Recipe(
        ShowsIn.SHUTDOWN, options={"prologue": _THREADING, **_body(f"def shutdown(self):\n    {_FOREVER}")}
    )
    HEALTH_RAISES = _Recipe(
        ShowsIn.HEALTH, options=_body("def health_check(self):\n    raise RuntimeError('not well')")
    )
    HEALTH_EXITS = _Recipe(ShowsIn.HEALTH, options=_body("def health_check(self):\n    raise SystemExit(3)"))
    HEALTH_HANGS = _Recipe(
        ShowsIn.HEALTH, options={"prologue": _THREADING, **_body(f"def health_check(self):\n    {_FOREVER}")}
    )
    HEALTH_IS_NONE = _Recipe(ShowsIn.HEALTH, options=_body("def health_check(self):\n    return None"))
    HEALTH_STATE_IS_A_STRING = _Recipe(
        ShowsIn.HEALTH, options=_body("def health_check(self):\n    return HealthStatus('healthy')")
    )

    @property
    def shows_in(self) -> ShowsIn:
        """The first step at which the registry notices."""
        recipe: _Recipe = self.value
        return recipe.shows_in

    def __repr__(self) -> str:
        return f"<Fault.{self.name}: shows in {self.shows_in.value}>"


def install_plugin(
    site: Path,
    plugin_type: PluginType,
    name: str = "example",
    *,
    module: str | None = None,
    version: str = "1.0.0",
    source: str | None = None,
    **options: Any,
) -> InstalledDistribution:
    """
    Write a distribution with one healthy plugin, the class ``Plugin`` of one module, into the folder *site*.

    Args:
        name: The entry point's name.

        module: The module's name, and with dashes the distribution's. None: made of type and name.

        version: The version of both distribution and plugin.

        source: The module's code. None, the default: ``plugin_source`` with *options*, such as ``schema=`` or
            ``dependencies=``.

    Raises:
        FileExistsError: This version of it is in *site* already.

    """
    module = module or _module_for(plugin_type, name)
    code = plugin_source(plugin_type, name=name, version=version, **options) if source is None else source
    return install_distribution(
        site,
        module.replace("_", "-"),
        f"[{plugin_type.entry_point_group}]\n{name} = {module}:Plugin\n",
        version=version,
        modules={module: code},
    )


def install_faulty_plugin(
    site: Path,
    fault: Fault | str,
    plugin_type: PluginType,
    name: str = "example",
    *,
    module: str | None = None,
    version: str = "1.0.0",
) -> InstalledDistribution:
    """
    As ``install_plugin``, with exactly one thing wrong.

    Args:
        fault: What is wrong, or the name of that member in any case: ``"startup_hangs"``.

    Raises:
        ValueError: No fault has this name; the message lists those that exist.

    """
    fault = _fault_named(fault) if isinstance(fault, str) else fault
    recipe: _Recipe = fault.value
    module = module or _module_for(plugin_type, name)
    distribution = module.replace("_", "-")
    words = {
        "{group}": plugin_type.entry_point_group,
        "{name!r}": repr(name),
        "{name}": name,
        "{module}": module,
        "{distribution}": distribution,
        "{key}": f"{plugin_type.name}:{name}",
    }
    source = recipe.source
    if source is None:
        kind = _another_than(plugin_type) if recipe.also == "another type" else plugin_type
        source = plugin_source(kind, name=name, version=version, **_filled_in(recipe.options, words))
    installed = install_distribution(
        site,
        distribution,
        _filled_in(recipe.entry_points, words),
        version=version,
        modules={module: source},
        metadata=_filled_in(recipe.metadata, words),
    )
    entry_points = installed.metadata / "entry_points.txt"
    match recipe.also:
        case "folder":
            entry_points.mkdir()
        case "broken link":
            entry_points.symlink_to("no-such-file")
        case "stale build":
            stale = f"[{plugin_type.entry_point_group}]\n{name} = {module}_stale:Plugin\n"
            install_distribution(site, distribution, stale, version="0.0.1", suffix=".egg-info")
        case "rival":
            text = entry_points.read_text(encoding="utf-8")
            install_distribution(site, f"{distribution}-rival", text, version=version)
        case _:
            pass
    return installed


def _fault_named(name: str) -> Fault:
    try:
        return Fault[name.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(fault.name for fault in Fault)
        raise ValueError(f"there is no fault {name!r}; the faults are {known}") from None


def _module_for(plugin_type: PluginType, name: str) -> str:
    word = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    return f"floe_test_{plugin_type.name.lower()}_{word}"


def _another_than(plugin_type: PluginType) -> PluginType:
    return PluginType.CATALOG if plugin_type is not PluginType.CATALOG else PluginType.COMPUTE


def _filled_in(value: Any, words: Mapping[str, str]) -> Any:
    """*value* with the words in braces replaced, in the strings and bytes of whatever holds them."""
    if isinstance(value, bytes):
        return _filled_in(value.decode("latin-1"), words).encode("latin-1")
    if isinstance(value, str):
        for word, replacement in words.items():
            value = value.replace(word, replacement)
        return value
    if isinstance(value, Mapping):
        return {name: _filled_in(item, words) for name, item in cast("Mapping[str, Any]", value).items()}
    return [_filled_in(item, words) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]  # mypy finds it known
