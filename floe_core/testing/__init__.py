"""For plugin authors and applications: what tests of plugins are made of."""

from __future__ import annotations

from floe_core.testing.distributions import InstalledDistribution, install_distribution, plugin_source

__all__ = ["InstalledDistribution", "install_distribution", "plugin_source"]
