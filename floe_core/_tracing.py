"""
Spans for what the registry does, where the application has OpenTelemetry set up. Without it, a span costs one look-up.

The names are ``floe.discover``, ``floe.load``, ``floe.configure``, ``floe.start``, ``floe.stop`` and ``floe.health``. Each but
the first carries the attribute ``floe.key``, written ``COMPUTE:duckdb``; a failed one has the status ERROR and ``error.type``.
"""

from __future__ import annotations

import sys

from floe_core.plugin_errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from floe_core.plugin_types import PluginKey

__all__ = ["span"]


class _NoSpan:
    """What a span is without OpenTelemetry."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


_NO_SPAN = _NoSpan()


def span(name: str, key: PluginKey | None = None) -> AbstractContextManager[None]:
    """
    What a with statement reports as ``floe.<name>``, a child of the span that is current.

    An application that has set up a tracer provider has imported ``opentelemetry.trace``; as long as nobody has, there is
    nobody to report to, and nothing is imported here.
    """
    trace = sys.modules.get("opentelemetry.trace")
    return _NO_SPAN if trace is None else _Span(trace, f"floe.{name}", key)


class _Span:
    """A span of OpenTelemetry. The text of a plugin's own error, which may hold a configuration value, stays out of it."""

    __slots__ = ("_attributes", "_name", "_scope", "_trace")

    def __init__(self, trace: Any, name: str, key: PluginKey | None) -> None:
        self._trace = trace
        self._name = name
        self._attributes = {} if key is None else {"floe.key": str(key)}
        self._scope: Any = None

    def __enter__(self) -> None:
        self._scope = self._trace.get_tracer("floe_core").start_as_current_span(
            self._name, attributes=self._attributes, record_exception=False, set_status_on_exception=False
        )
        self._scope.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if kind is not None:
            current = self._trace.get_current_span()
            current.set_attribute("error.type", kind.__qualname__)
            current.set_status(self._trace.StatusCode.ERROR, str(error) if isinstance(error, PluginError) else None)
        self._scope.__exit__(kind, error, traceback)
