"""The command ``floe-plugins``: what is installed, what is wrong with it, and what to do. Needs the extra ``cli``."""

from __future__ import annotations

from floe_core.cli.entry import main, run

__all__ = ["main", "run"]
