"""One run of a command: where the plugins come from, where the answer goes, and what an error means."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

from floe_core.cli.entry import FINE, INTERRUPTED, PLUGINS_AT_FAULT, WRONG_USE
from floe_core.cli.plain import Paper, printable, write_json
from floe_core.plugin_errors import PluginError, SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from floe_core.cli.output import Screen
    from floe_core.cli.source import Source

    Document = dict[str, Any]
    Command = Callable[["Session"], int]


class WrongUseError(Exception):
    """The command cannot be carried out as it was given. The text says what to do instead."""


class Session:
    """
    What the commands share.

    Args:
        settings: The settings file; None: the one that ``FLOE_SETTINGS`` names, if it does.

        app: ``module:attribute`` of the application's container or registry, whose settings are then used.

        as_json: Whether the answer is JSON.

        traceback: Whether the tracebacks of the errors met follow on standard error.

    """

    def __init__(
        self, *, settings: str | None = None, app: str | None = None, as_json: bool = False, traceback: bool = False
    ) -> None:
        self._settings = settings
        self._app = app
        self._as_json = as_json
        self._traceback = traceback
        self._stdout = sys.stdout
        self._source: Source | None = None
        self._screen: Screen | None = None
        self.errors: list[BaseException] = []

    @property
    def source(self) -> Source:
        """Where the plugins come from."""
        if self._source is None:
            from floe_core.cli.source import Source

            if self._settings and self._app:
                raise WrongUseError("--settings and --app exclude one another: the application has its own settings.")
            self._source = Source(self._settings, self._app)
        return self._source

    @property
    def is_json(self) -> bool:
        return self._as_json

    @property
    def screen(self) -> Screen:
        """The terminal, or whatever stands in for it."""
        if self._screen is None:
            from floe_core.cli.output import Screen

            self._screen = Screen(self._stdout)
        return self._screen

    def answer(self, document: Document, draw: Callable[[Screen, Document], None]) -> None:
        """Print *document* as JSON, or draw it."""
        if self._as_json:
            write_json(self._stdout, document)
        else:
            draw(self.screen, document)

    def answer_plainly(self, document: Document, draw: Callable[[Paper, Document], None]) -> None:
        """The same, drawn without a library."""
        if self._as_json:
            write_json(self._stdout, document)
        else:
            draw(Paper(self._stdout), document)

    def run(self, command: Command) -> int:
        """
        Carry out *command*. What plugins print meanwhile goes to standard error, so that the answer stays readable for
        machines.
        """
        try:
            with redirect_stdout(sys.stderr):
                code = command(self)
        except WrongUseError as exc:
            code = self._fail("wrong-use", str(exc), exc, WRONG_USE)
        except SettingsError as exc:
            code = self._fail("settings", str(exc), exc, WRONG_USE)
        except PluginError as exc:
            code = self._fail(type(exc).__name__, str(exc), exc, PLUGINS_AT_FAULT)
        except BrokenPipeError:
            raise
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception as exc:
            from floe_core._places import type_and_place

            text = f"An unexpected {type_and_place(exc)}; --traceback shows more."
            code = self._fail(type(exc).__name__, text, exc, PLUGINS_AT_FAULT)
        if self._traceback:
            self._print_tracebacks()
        return code

    def _fail(self, kind: str, text: str, error: BaseException, code: int) -> int:
        self.errors.append(error)
        text = self._redacted(text)
        if self._as_json:
            write_json(self._stdout, {"schema": "floe-plugins/error/1", "error": kind, "message": text, "exit": code})
        else:
            sys.stderr.write(f"floe-plugins: {text}\n")
        return code

    def _print_tracebacks(self) -> None:
        from traceback import format_exception

        for error in self.errors:
            text = "".join(format_exception(error))
            sys.stderr.write("\n" + "\n".join(printable(line) for line in self._redacted(text).splitlines()) + "\n")

    def _redacted(self, text: str) -> str:
        return self._source.redacted(text) if self._source is not None else text


__all__ = ["FINE", "PLUGINS_AT_FAULT", "WRONG_USE", "Session", "WrongUseError"]
