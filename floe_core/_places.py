"""Where code is, in words: the line that raised an error, or the line at which a thread stands."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    Line = tuple[FrameType, int]

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_SITES = (os.path.join(_LIBRARY, "site-packages"), os.path.join(_LIBRARY, "dist-packages"))
_OURS = ("floe_core.", "floe_containers.")


def place_of_error(error: BaseException) -> str:
    """The innermost telling line of *error*'s traceback, or an empty string when it was never raised."""
    return _innermost([*_lines_of_traceback(error.__traceback__)])


def place_of_thread(ident: int) -> str:
    """The innermost telling line at which the thread *ident* stands now, or an empty string when it has ended."""
    return _innermost([*_lines_of_stack(sys._current_frames().get(ident))][::-1])


def _lines_of_traceback(traceback: TracebackType | None) -> Iterator[Line]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _lines_of_stack(frame: FrameType | None) -> Iterator[Line]:
    while frame is not None:
        yield frame, frame.f_lineno or 0
        frame = frame.f_back


def _innermost(outermost_first: list[Line]) -> str:
    """
    The innermost line outside the standard library and this package, as its author can mend it: what waits in
    ``threading``, or in the registry, was called from somewhere telling. Where there is none, the innermost of all.
    """
    telling = [line for line in outermost_first if _is_telling(line[0])] or outermost_first
    if not telling:
        return ""
    frame, number = telling[-1]
    return f"{frame.f_code.co_filename}:{number} in {frame.f_code.co_name}"


def _is_telling(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    if file.startswith("<frozen") or (file.startswith(_LIBRARY) and not file.startswith(_SITES)):
        return False
    return not str(frame.f_globals.get("__name__")).startswith(_OURS)
