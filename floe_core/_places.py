"""Where code is, in words: the line that raised an error, or the line at which a thread stands."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType, TracebackType

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_SITE = os.path.join(_LIBRARY, "site-packages")


def place_of_error(error: BaseException) -> str:
    """The innermost line of *error*'s traceback, or an empty string when it was never raised."""
    return _innermost(_lines_of_traceback(error.__traceback__))


def place_of_thread(ident: int) -> str:
    """The line at which the thread *ident* stands now, or an empty string when it has ended."""
    frame = sys._current_frames().get(ident)
    return _innermost(reversed([*_lines_of_stack(frame)]))


def _lines_of_traceback(traceback: TracebackType | None) -> Iterator[tuple[CodeType, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def _lines_of_stack(frame: FrameType | None) -> Iterator[tuple[CodeType, int]]:
    while frame is not None:
        yield frame.f_code, frame.f_lineno or 0
        frame = frame.f_back


def _innermost(outermost_first: Iterator[tuple[CodeType, int]]) -> str:
    """The innermost line outside the standard library: what waits in ``threading`` was called from somewhere telling."""
    lines = [*outermost_first]
    telling = [line for line in lines if not _is_library(line[0].co_filename)] or lines
    if not telling:
        return ""
    code, line = telling[-1]
    return f"{code.co_filename}:{line} in {code.co_name}"


def _is_library(file: str) -> bool:
    return file.startswith("<frozen") or (file.startswith(_LIBRARY) and not file.startswith(_SITE))
