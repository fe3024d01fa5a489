"""The command line: ``run``, ``query``, ``health``, ``plugins``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from floe_lakehouse.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from floe_lakehouse.console import Console

__all__ = ["main"]

REFUSED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Do what *arguments* say; ``sys.argv`` by default.

    Returns:
        The exit status: 0 when all went well, 1 for an error, 2 for arguments that make no sense, 3 when the caller may
        not do this.
    """
    options = _parser().parse_args(arguments)
    from floe_lakehouse import commands
    from floe_lakehouse.console import Console
    from floe_lakehouse.settings import LakehouseSettings

    console: Console = Console()
    command = getattr(commands, options.command)
    try:
        settings = LakehouseSettings.load(options.settings, lake=options.lake)
        return int(command(settings, options, console))
    except PermissionError as exc:
        console.error(f"Refused: {exc}")
        return REFUSED
    except (LookupError, ValueError, OSError, RuntimeError) as exc:
        console.error(f"{type(exc).__name__}: {exc}")
        return 1
