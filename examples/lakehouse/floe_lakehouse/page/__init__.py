"""The page that a run leaves behind: one HTML file with everything in it, charts included."""

from __future__ import annotations

from floe_lakehouse.page.page import PageContent, PluginCard, render

__all__ = ["PageContent", "PluginCard", "render"]
