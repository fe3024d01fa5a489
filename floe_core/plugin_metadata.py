"""What a plugin is: the base class that authors derive from, and the answer of a health check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum

TYPE_CHECKING = False  # typing itself is never imported at run time: it would be a tenth of the import
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from pydantic import BaseModel

    from floe_core.plugin_types import PluginType

__all__ = ["HealthState", "HealthStatus", "PluginMetadata"]


class HealthState(Enum):
    """How well a plugin can do its work."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass
class HealthStatus:
    """
    The answer of one health check.

    Args:
        state: How well the plugin can work.

        message: What is the matter, for a person. Empty when nothing is.

        details: Figures for machines. The registry adds ``duration_s``, how long the check took in seconds.

    """

    state: HealthState
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]  # no Any at run time


class PluginMetadata(ABC):
    """
    Base class of every plugin: who it is, what it needs, and what the platform may ask of it.

    Derive from the base class of your plugin's type in ``floe_core.plugins``. Three properties are required; all else
    has a default. The registry constructs a plugin without arguments, or with ``config=`` where the constructor takes
    that parameter. ``super().__init__()`` need not be called.

    The registry calls ``startup``, ``health_check`` and ``shutdown`` of one plugin on one thread of its own,
    never two at a time; ``configure`` on the thread of whoever configures.
    """

    plugin_type: ClassVar[PluginType | None] = None
    """The type, set by the base classes in ``floe_core.plugins``. None: accepted in any group."""

    config: BaseModel | None = None
    """The configuration last applied, or None before the first."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the plugin calls itself, such as ``duckdb``. Installed plugins are found by their entry-point name."""
        ...

    @property
    @abstractmethod
    def version(self) -> str:
        """The plugin's own version, ``X.Y.Z``."""
        ...

    @property
    @abstractmethod
    def floe_api_version(self) -> str:
        """The version of the plugin API that it is written for, ``X.Y``; a third part is read and ignored."""
        ...

    @property
    def description(self) -> str:
        """One line for people. Empty by default."""
        return ""

    @property
    def dependencies(self) -> list[str]:
        """
        The plugins that must be up before this one. None by default.

        Each is a name (``polaris``) or a key (``CATALOG:polaris``), and may end in a version specifier of PEP 440
        (``CATALOG:polaris>=1.2,<2``), which is held against that plugin's ``version``.
        """
        return []

    @property
    def is_configured(self) -> bool:
        """Whether a configuration has been applied."""
        return self.config is not None

    def get_config_schema(self) -> type[BaseModel] | None:
        """
        The pydantic v2 model of the configuration, or None (the default) when there is nothing to configure.

        A constructor that takes ``config`` is called with one before there is an instance to ask. Annotate that parameter
        with the model, and this method is not needed; or make it a class or static method.
        """
        return None

    def configure(self, config: BaseModel) -> None:
        """
        Take a validated configuration. The default keeps it as ``config``.

        Raising rejects it: the one before stays in force.
        """
        self.config = config

    def health_check(self) -> HealthStatus:
        """Say how the plugin fares. Healthy by default; answer within 5 seconds, or be reported as unhealthy."""
        return HealthStatus(state=HealthState.HEALTHY)

    def startup(self) -> None:
        """Open what the plugin needs. Does nothing by default; return within 30 seconds, or be given up on."""

    def shutdown(self) -> None:
        """Close what ``startup`` opened. Does nothing by default; return within 30 seconds, or be given up on."""
