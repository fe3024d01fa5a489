"""Where code is, in words: the line that raised an error, or the line at which a thread stands."""

from __future__ import annotations

import gc
import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    Line = tuple[FrameType, int]

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_SITES = (os.path.join(_LIBRARY, "site-packages"), os.path.join(_LIBRARY, "dist-packages"))
_OURS = ("floe_core.", "floe_containers.", "dependency_injector.")


def type_and_place(error: BaseException) -> str:
    """What *error* is and where it was raised. Not what it says, since its text may hold values of a configuration."""
    try:
        return f"{type(error).__name__} at {place_of_error(error)}".removesuffix(" at ")
    except Exception:  # the class of an error is its author's code, too
        return "an error that cannot even be described"


def place_of_error(error: BaseException) -> str:
    """The innermost telling line of *error*'s traceback, or an empty string when it was never raised."""
    return _innermost([*_lines_of_traceback(error.__traceback__)])


def place_of_thread(ident: int) -> str:
    """The innermost telling line at which the thread *ident* stands now, or an empty string when it has ended."""
    return _innermost([*_lines_of_stack(_frame_of(ident))][::-1])


_looking = threading.Lock()
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows does not fork
    os.register_at_fork(before=_looking.acquire, after_in_parent=_looking.release, after_in_child=_looking.release)


def _frame_of(ident: int) -> FrameType | None:
    """
    Where the thread *ident* is.

    Before Python 3.12 the interpreter may search for garbage while it looks, with a lock held that the start and the end of
    any thread need. A finalizer that lets such a thread go on then stops the process for ever, so there is no search.
    """
    with _looking:
        was_enabled = gc.isenabled()
        try:
            gc.disable()
            return sys._current_frames().get(ident)
        finally:
            if was_enabled:
                gc.enable()


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
    The innermost line outside the standard library, this package and its container, as its author can mend it: what waits
    in ``threading``, or in the registry, was called from somewhere telling. Where there is none, the innermost of all.
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
    # What is compiled says its module in the name of the function.
    return not str(frame.f_globals.get("__name__", frame.f_code.co_name)).startswith(_OURS)
