"""What can be wrong with an installed plugin, by name, and plugins on disk that have exactly that wrong with them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from floe_core.plugin_types import PluginType
from floe_core.testing._fault_recipes import (
    GET_REGISTRY,
    Recipe,
    ShowsIn,
    circle_of,
    folder,
    leftover,
    link_to,
    near_namesake,
    packed,
    partner,
    partner_that_gets_it,
    rival,
    stale_build,
    two_partners,
    wants,
)
from floe_core.testing.distributions import InstalledDistribution, default_module

__all__ = ["Fault", "ShowsIn", "install_faulty_plugin"]


def _body(code: str) -> dict[str, Any]:
    return {"body": code}


_CONFIG = "threads: int = 4\ntoken: SecretStr = SecretStr('')\n"
_FOREVER = "threading.Event().wait()"
_THREADING = "import threading\n"
_FINISH = f"{_THREADING}finish = threading.Event()\n"
_ONCE = (
    "from pathlib import Path\n\nmark = Path(__file__).with_suffix('.was-imported')\n"
    "if not mark.exists():\n    mark.touch()\n    raise {error}\n"
)


class Fault(Enum):
    """
    What is wrong with a plugin. ``fault.shows_in`` says at which step the registry notices.

    A few concern the search path; ``path_entries`` of what is installed says what belongs there besides the folder. A few bring
    a second plugin, on which this one depends or which it gets.
    """

    # On disk
    ENTRY_POINTS_NOT_UTF8 = Recipe(ShowsIn.DISCOVERY, b"[{group}]\n{name} = {module}:Plugin\n# \xff\xfe\n")
    ENTRY_POINTS_LINE_WITHOUT_EQUALS = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name}\n")
    ENTRY_POINTS_SECTION_NOT_CLOSED = Recipe(ShowsIn.DISCOVERY, "[{group}\n{name} = {module}:Plugin\n")
    ENTRY_POINTS_SECTION_TWICE = Recipe(ShowsIn.NOWHERE, "[{group}]\n[{group}]\n{name} = {module}:Plugin\n")
    ENTRY_POINT_NAME_TWICE = Recipe(
        ShowsIn.DISCOVERY, "[{group}]\n{name} = {module}:Plugin\n{name} = {module}_gone:Plugin\n"
    )
    ENTRY_POINT_VALUE_EMPTY = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} =\n")
    ENTRY_POINT_VALUE_IS_A_FILE = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = a/file.yaml\n")
    ENTRY_POINT_VALUE_WITH_A_SPACE = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = a b:Plugin\n")
    ENTRY_POINT_VALUE_WITHOUT_MODULE = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = :Plugin\n")
    ENTRY_POINT_VALUE_WITHOUT_CLASS = Recipe(ShowsIn.DISCOVERY, "[{group}]\n{name} = {module}:\n")
    ENTRY_POINTS_UNREADABLE = Recipe(ShowsIn.DISCOVERY, None, then=link_to("entry_points.txt"))
    """A link to itself, which the superuser cannot open either."""
    ENTRY_POINTS_IS_A_FOLDER = Recipe(ShowsIn.DISCOVERY, None, then=folder)
    ENTRY_POINTS_IS_A_BROKEN_LINK = Recipe(ShowsIn.DISCOVERY, None, then=link_to("no-such-file"))
    ENTRY_POINTS_OF_TEN_MEGABYTES = Recipe(
        ShowsIn.DISCOVERY, "[{group}]\n{name} = {module}:Plugin\n" + "#" * 10_000_000
    )
    METADATA_MISSING = Recipe(ShowsIn.NOWHERE, metadata=None)
    METADATA_EMPTY = Recipe(ShowsIn.NOWHERE, metadata="\n")
    METADATA_WITHOUT_VERSION = Recipe(ShowsIn.NOWHERE, metadata="Metadata-Version: 2.1\nName: {distribution}\n")
    LEFTOVER_FOLDER = Recipe(ShowsIn.DISCOVERY, None, None)
    LEFTOVER_BESIDE = Recipe(ShowsIn.NOWHERE, then=leftover)
    STALE_BUILD_BESIDE = Recipe(ShowsIn.NOWHERE, then=stale_build)
    CLAIMED_BY_TWO = Recipe(ShowsIn.GET, then=rival)
    NEAR_NAMESAKE_BESIDE = Recipe(ShowsIn.NOWHERE, then=near_namesake)
    """Another plugin's name is this one's in the other case."""
    ON_THE_PATH_TWICE = Recipe(ShowsIn.NOWHERE, path=("{site}/../{folder}",))
    """The same folder in two spellings."""
    ON_AN_ODD_PATH = Recipe(ShowsIn.NOWHERE, path=("{site}/no-such-folder", "{site}/{module}.py"))
    """A missing folder and a file are on it, too."""
    IN_AN_ARCHIVE = Recipe(ShowsIn.NOWHERE, then=packed, path=("{site}/{module}.zip",))

    # Import and construction
    MODULE_MISSING = Recipe(ShowsIn.GET, "[{group}]\n{name} = {module}_gone:Plugin\n")
    LIBRARY_MISSING = Recipe(ShowsIn.GET, options={"prologue": "import floe_no_such_library\n"})
    SYNTAX_ERROR = Recipe(ShowsIn.GET, source="class Plugin(:\n")
    IMPORT_RAISES = Recipe(ShowsIn.GET, source="raise RuntimeError('at import')\n")
    IMPORT_EXITS = Recipe(ShowsIn.GET, source="raise SystemExit(3)\n")
    IMPORT_INTERRUPTED_ONCE = Recipe(ShowsIn.GET, options={"prologue": _ONCE.replace("{error}", "KeyboardInterrupt")})
    """By a KeyboardInterrupt, which passes through; the second import works."""
    IMPORT_RAISES_ONCE = Recipe(ShowsIn.GET, options={"prologue": _ONCE.replace("{error}", "RuntimeError('not yet')")})
    IMPORT_WAITS_FOR_A_THREAD = Recipe(
        ShowsIn.NOWHERE,
        options={
            "prologue": f"{_THREADING}def ask():\n{GET_REGISTRY}    get_registry().get(PluginType.{{other}}, {{partner!r}})\n"
            "\nthread = threading.Thread(target=ask, daemon=True)\nthread.start()\nthread.join(30)\n"
            "assert not thread.is_alive()\n"
        },
        then=partner(),
    )
    """The thread asks ``get_registry()`` for another plugin."""
    IMPORT_GETS_ITS_IMPORTER = Recipe(
        ShowsIn.NOWHERE,
        options={
            "prologue": f"def get():\n{GET_REGISTRY}    get_registry().get(PluginType.{{other}}, {{partner!r}})\n\nget()\n"
        },
        then=partner(prologue="import {module}\n"),
    )
    """The import gets a plugin whose import needs this module; from two threads at once, each waits for the other."""
    CLASS_MISSING = Recipe(ShowsIn.GET, source="")
    CLASS_IS_NONE = Recipe(ShowsIn.GET, source="Plugin = object()\n")
    CLASS_IS_NO_PLUGIN = Recipe(ShowsIn.GET, source="class Plugin:\n    pass\n")
    CLASS_IS_ABSTRACT = Recipe(
        ShowsIn.GET,
        source="from floe_core.plugin_metadata import PluginMetadata\n\nclass Plugin(PluginMetadata):\n    pass\n",
    )
    CLASS_OF_NO_TYPE = Recipe(ShowsIn.GET, options=_body("plugin_type = {type!r}"))
    """Its ``plugin_type`` is a string."""
    CLASS_OF_ANOTHER_TYPE = Recipe(ShowsIn.GET, of_another_type=True)
    CONSTRUCTOR_RAISES = Recipe(
        ShowsIn.GET, options=_body("def __init__(self):\n    raise RuntimeError('in the constructor')")
    )
    CONSTRUCTOR_ERROR_IS_ITS_OWN_CAUSE = Recipe(
        ShowsIn.GET,
        options=_body("def __init__(self):\n    error = RuntimeError('a circle')\n    raise error from error"),
    )
    CONSTRUCTOR_MAKES_NO_PLUGIN = Recipe(ShowsIn.GET, options=_body("def __new__(cls):\n    return None"))
    CONSTRUCTOR_EXITS = Recipe(ShowsIn.GET, options=_body("def __init__(self):\n    raise SystemExit(3)"))
    CONSTRUCTOR_IS_SLOW = Recipe(
        ShowsIn.NOWHERE, options={"prologue": "import time\n", **_body("def __init__(self):\n    time.sleep(0.3)")}
    )
    CONSTRUCTOR_WANTS_ARGUMENTS = Recipe(
        ShowsIn.GET, options=_body("def __init__(self, path, *, mode):\n    self.path = path")
    )
    CONSTRUCTOR_WANTS_CONFIG = Recipe(
        ShowsIn.GET,
        options={"schema": "path: str", **_body("def __init__(self, config: Config):\n    self.path = config.path")},
    )
    CONSTRUCTOR_GETS_ITSELF = Recipe(
        ShowsIn.GET,
        options=_body(f"def __init__(self):\n{GET_REGISTRY}    get_registry().get(PluginType.{{type}}, {{name!r}})"),
    )
    CONSTRUCTORS_GET_ONE_ANOTHER = Recipe(
        ShowsIn.GET,
        options=_body(
            f"def __init__(self):\n{GET_REGISTRY}    get_registry().get(PluginType.{{other}}, {{partner!r}})"
        ),
        then=partner_that_gets_it,
    )
    """From one thread or from two."""
    CONSTRUCTOR_WAITS_FOR_A_THREAD = Recipe(
        ShowsIn.NOWHERE,
        options={
            "prologue": _THREADING,
            **_body(
                f"def __init__(self):\n{GET_REGISTRY}"
                "    get = lambda: get_registry().get(PluginType.{other}, {partner!r})\n"
                "    thread = threading.Thread(target=get, daemon=True)\n    thread.start()\n    thread.join(30)\n"
                "    assert not thread.is_alive()"
            ),
        },
        then=partner(),
    )
    """The thread gets another plugin."""
    CONSTRUCTOR_WAITS_FOR_ITSELF = Recipe(
        ShowsIn.GET,
        options={
            "prologue": "from concurrent.futures import ThreadPoolExecutor\n",
            **_body(
                f"def __init__(self):\n{GET_REGISTRY}"
                "    with ThreadPoolExecutor(1) as pool:\n"
                "        pool.submit(get_registry().get, PluginType.{type}, {name!r}).result()"
            ),
        },
    )
    """It waits for a thread that gets this very plugin: for ``Settings.load_timeout``, 60 seconds by default."""
    SPECIAL_METHODS_RAISE = Recipe(
        ShowsIn.NOWHERE,
        options=_body(
            "def refuse(self, *_):\n    raise RuntimeError('a special method')\n\n"
            "__eq__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = refuse"
        ),
    )
    NAME_RAISES = Recipe(ShowsIn.GET, options=_body("@property\ndef name(self):\n    raise RuntimeError('no name')"))
    NAME_RAISES_LATER = Recipe(
        ShowsIn.NOWHERE,
        options=_body("names = [{name!r}]\n\n@property\ndef name(self):\n    return self.names.pop()"),
    )
    """It can be read once."""
    NAME_IS_NO_STRING = Recipe(ShowsIn.GET, options=_body("name = 42"))
    VERSION_RAISES = Recipe(ShowsIn.GET, options=_body("@property\ndef version(self):\n    raise RuntimeError('none')"))
    VERSION_IS_NO_STRING = Recipe(ShowsIn.GET, options=_body("version = 1.0"))
    API_VERSION_RAISES = Recipe(
        ShowsIn.GET, options=_body("@property\ndef floe_api_version(self):\n    raise RuntimeError('none')")
    )
    API_VERSION_MALFORMED = Recipe(ShowsIn.GET, options={"api_version": "v1.0"})
    API_VERSION_MAJOR_NEWER = Recipe(ShowsIn.GET, options={"api_version": "2.0"})
    API_VERSION_MINOR_NEWER = Recipe(ShowsIn.GET, options={"api_version": "1.99"})
    API_VERSION_TOO_OLD = Recipe(ShowsIn.GET, options={"api_version": "0.9"})

    # Configuration
    SCHEMA_IS_NO_MODEL = Recipe(ShowsIn.CONFIGURE, options=_body("def get_config_schema(self):\n    return dict"))
    SCHEMA_RAISES = Recipe(
        ShowsIn.CONFIGURE, options=_body("def get_config_schema(self):\n    raise RuntimeError('no schema')")
    )
    VALIDATOR_RAISES_OTHER_ERROR = Recipe(
        ShowsIn.CONFIGURE,
        options={
            "schema": _CONFIG
            + "@field_validator('threads')\n@classmethod\ndef check(cls, value):\n    raise KeyError(value)"
        },
    )
    VALIDATOR_QUOTES_SECRET = Recipe(
        ShowsIn.CONFIGURE,
        options={
            "schema": _CONFIG
            + "@field_validator('token')\n@classmethod\ndef check(cls, value):\n"
            + "    raise ValueError(f'{value.get_secret_value()} is no token')"
        },
    )
    DEFAULT_FACTORY_RAISES = Recipe(
        ShowsIn.CONFIGURE, options={"schema": _CONFIG + "more: int = Field(default_factory=lambda: 1 // 0)"}
    )
    CONFIGURE_RAISES = Recipe(
        ShowsIn.CONFIGURE,
        options={"schema": _CONFIG, **_body("def configure(self, config):\n    raise RuntimeError(str(config))")},
    )
    CONFIGURE_IS_ASYNC = Recipe(
        ShowsIn.CONFIGURE, options={"schema": _CONFIG, **_body("async def configure(self, config):\n    pass")}
    )
    CONFIG_RAISES_AT_FIRST = Recipe(
        ShowsIn.NOWHERE,
        options={
            "schema": _CONFIG,
            **_body(
                "@property\ndef config(self):\n    return self.given\n\n"
                "@config.setter\ndef config(self, config):\n    self.given = config"
            ),
        },
    )
    """A property that cannot be read before there is a configuration."""
    TAKES_NO_CONFIGURATION = Recipe(ShowsIn.CONFIGURE)

    # Dependencies
    DEPENDENCY_MISSING = Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["CATALOG:no-such-plugin"]})
    DEPENDENCY_ON_ITSELF = Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["{key}"]})
    DEPENDENCIES_IN_A_CIRCLE_OF_TWO = circle_of(2)
    DEPENDENCIES_IN_A_CIRCLE_OF_THREE = circle_of(3)
    DEPENDENCIES_IN_A_CIRCLE_OF_A_THOUSAND = circle_of(1000)
    DEPENDENCY_SHARED_BY_TWO_TYPES = Recipe(ShowsIn.ACTIVATE, options=wants("{partner}"), then=two_partners)
    """Its bare name is."""
    DEPENDENCY_OF_ANOTHER_VERSION = Recipe(ShowsIn.ACTIVATE, options=wants("{partner}>=2"), then=partner())
    DEPENDENCY_LISTED_TWICE = Recipe(
        ShowsIn.NOWHERE, options={"dependencies": ["{partner}", "{other}:{partner}"]}, then=partner()
    )
    DEPENDENCY_FAILS = Recipe(ShowsIn.ACTIVATE, options=wants("{partner}"), then=partner(IMPORT_RAISES))
    DEPENDENCY_INCOMPATIBLE = Recipe(
        ShowsIn.ACTIVATE, options=wants("{partner}"), then=partner(API_VERSION_MAJOR_NEWER)
    )
    DEPENDENCY_CONFLICTING = Recipe(ShowsIn.ACTIVATE, options=wants("{partner}"), then=partner(CLAIMED_BY_TWO))
    DEPENDENCY_MALFORMED = Recipe(ShowsIn.ACTIVATE, options={"dependencies": ["CATALOG:polaris>=not-a-version"]})
    DEPENDENCIES_ARE_A_STRING = Recipe(ShowsIn.ACTIVATE, options=_body("dependencies = 'CATALOG:polaris'"))
    DEPENDENCIES_RAISE = Recipe(
        ShowsIn.ACTIVATE, options=_body("@property\ndef dependencies(self):\n    raise RuntimeError('no dependencies')")
    )

    # Running
    STARTUP_RAISES = Recipe(ShowsIn.ACTIVATE, options=_body("def startup(self):\n    raise RuntimeError('at startup')"))
    DEPENDENCY_DOES_NOT_START = Recipe(ShowsIn.ACTIVATE, options=wants("{partner}"), then=partner(STARTUP_RAISES))
    STARTUP_EXITS = Recipe(ShowsIn.ACTIVATE, options=_body("def startup(self):\n    raise SystemExit(3)"))
    STARTUP_IS_ASYNC = Recipe(ShowsIn.ACTIVATE, options=_body("async def startup(self):\n    pass"))
    STARTUP_WANTS_ARGUMENTS = Recipe(ShowsIn.ACTIVATE, options=_body("def startup(self, timeout):\n    pass"))
    STARTUP_HANGS = Recipe(
        ShowsIn.ACTIVATE, options={"prologue": _THREADING, **_body(f"def startup(self):\n    {_FOREVER}")}
    )
    STARTUP_IS_LATE = Recipe(
        ShowsIn.ACTIVATE, options={"prologue": _FINISH, **_body("def startup(self):\n    finish.wait()")}
    )
    """It ends when ``finish``, an event in the plugin's module, is set; so do the next two."""
    SHUTDOWN_IS_LATE = Recipe(
        ShowsIn.SHUTDOWN, options={"prologue": _FINISH, **_body("def shutdown(self):\n    finish.wait()")}
    )
    HEALTH_IS_LATE = Recipe(
        ShowsIn.HEALTH,
        options={
            "prologue": _FINISH,
            **_body("def health_check(self):\n    finish.wait()\n    return HealthStatus(HealthState.HEALTHY)"),
        },
    )
    SHUTDOWN_RAISES = Recipe(
        ShowsIn.SHUTDOWN, options=_body("def shutdown(self):\n    raise RuntimeError('at shutdown')")
    )
    SHUTDOWN_IS_ASYNC = Recipe(ShowsIn.SHUTDOWN, options=_body("async def shutdown(self):\n    pass"))
    SHUTDOWN_HANGS = Recipe(
        ShowsIn.SHUTDOWN, options={"prologue": _THREADING, **_body(f"def shutdown(self):\n    {_FOREVER}")}
    )
    HEALTH_RAISES = Recipe(ShowsIn.HEALTH, options=_body("def health_check(self):\n    raise RuntimeError('not well')"))
    HEALTH_EXITS = Recipe(ShowsIn.HEALTH, options=_body("def health_check(self):\n    raise SystemExit(3)"))
    HEALTH_HANGS = Recipe(
        ShowsIn.HEALTH, options={"prologue": _THREADING, **_body(f"def health_check(self):\n    {_FOREVER}")}
    )
    HEALTH_IS_ASYNC = Recipe(
        ShowsIn.HEALTH,
        options=_body("async def health_check(self):\n    return HealthStatus(HealthState.HEALTHY)"),
    )
    HEALTH_IS_NONE = Recipe(ShowsIn.HEALTH, options=_body("def health_check(self):\n    return None"))
    HEALTH_USES_THE_REGISTRY = Recipe(
        ShowsIn.NOWHERE,
        options=_body(
            f"def health_check(self):\n{GET_REGISTRY}"
            "    assert get_registry().get(PluginType.{type}, {name!r}) is self\n"
            "    get_registry().health_check_all(0.2)\n    return HealthStatus(HealthState.HEALTHY)"
        ),
    )
    """It gets itself, and checks the health of all."""
    HEALTH_STATE_IS_A_STRING = Recipe(
        ShowsIn.HEALTH, options=_body("def health_check(self):\n    return HealthStatus('healthy')")
    )

    @property
    def shows_in(self) -> ShowsIn:
        """The first step at which the registry notices."""
        recipe: Recipe = self.value
        return recipe.shows_in

    def __repr__(self) -> str:
        return f"<Fault.{self.name}: shows in {self.shows_in.value}>"


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
    recipe: Recipe = fault.value
    return recipe.install(site, plugin_type, name, module or default_module(plugin_type, name), version)


def _fault_named(name: str) -> Fault:
    try:
        return Fault[name.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(fault.name for fault in Fault)
        raise ValueError(f"there is no fault {name!r}; the faults are {known}") from None
