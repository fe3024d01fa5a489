"""
For plugin authors and applications: what tests of plugins are made of.

The fixtures named ``floe_...`` are in ``floe_core.testing.pytest_plugin``, which pytest loads by itself. Each name here is
imported at its first use, so that none of them costs a test what it does not need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from floe_core.testing.distributions import (
        InstalledDistribution,
        install_distribution,
        install_plugin,
        plugin_source,
    )
    from floe_core.testing.faults import Fault, install_faulty_plugin
    from floe_core.testing.plugin_contract import PluginContract
    from floe_core.testing.registries import isolated_container, swapped_registry

__all__ = [
    "Fault",
    "InstalledDistribution",
    "PluginContract",
    "install_distribution",
    "install_faulty_plugin",
    "install_plugin",
    "isolated_container",
    "plugin_source",
    "swapped_registry",
]

_HOMES = {
    "Fault": "faults",
    "InstalledDistribution": "distributions",
    "PluginContract": "plugin_contract",
    "install_distribution": "distributions",
    "install_faulty_plugin": "faults",
    "install_plugin": "distributions",
    "isolated_container": "registries",
    "plugin_source": "distributions",
    "swapped_registry": "registries",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
