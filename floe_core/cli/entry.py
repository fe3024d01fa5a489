"""From the arguments to an exit code. The parser is imported only where the arguments need one."""

from __future__ import annotations

import logging
import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

FINE = 0
PLUGINS_AT_FAULT = 1
WRONG_USE = 2
INTERRUPTED = 130

_INSTALL = """\
floe-plugins needs the extra "cli", and the module {module!r} is not installed.
Install it beside the plugins:  python -m pip install "floe-core[cli]"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command, and say how it went.

    Args:
        arguments: As on the command line, without the program's name. None: those of the process.

    Returns:
        0: all is well. 1: something is wrong with plugins. 2: wrong use, settings that cannot be read included. 130:
        interrupted from the keyboard.

    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    logging.getLogger("floe_core").addHandler(logging.NullHandler())  # what it would log is what we print
    try:
        if set(arguments) <= {"list", "--json"} and arguments.count("list") == 1:
            return _list(as_json="--json" in arguments)
        return _parsed(arguments)
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        sys.stderr.write(_INSTALL.format(module=exc.name))
        return WRONG_USE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parsed(arguments: Sequence[str]) -> int:
    from floe_core.cli.app import app

    code: object = None
    try:
        app(arguments, prog_name="floe-plugins")
    except SystemExit as exc:  # how the parser ends
        code = exc.code
    return code if isinstance(code, int) else FINE


def _list(*, as_json: bool) -> int:
    """The command that people and scripts use most, without the parser: that alone would take longer than the answer."""
    from floe_core.cli import listing
    from floe_core.cli.session import Session

    return Session(as_json=as_json).run(listing.command)


def run() -> NoReturn:
    """The console script: as ``main``, and the process ends, whatever threads the plugins left behind."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FINE
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        sys.stderr.flush()
        os._exit(code)  # Python would wait for them, perhaps for ever
    sys.exit(code)
