"""The page that a run leaves behind: one HTML file with everything in it, charts included."""

from __future__ import annotations

from floe_lakehouse.page.content import PageContent, PluginCard, content_of
from floe_lakehouse.page.render import render

__all__ = ["PageContent", "PluginCard", "content_of", "render"]
