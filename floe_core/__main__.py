"""``python -m floe_core`` is the command ``floe-plugins``."""

from __future__ import annotations

from floe_core.cli import run

if __name__ == "__main__":
    run()
