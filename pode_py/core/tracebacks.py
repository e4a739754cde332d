"""Tracebacks as users want them: from their own frame on, and to their own line if it is at fault.

Our frames before the user's are left out, and those behind it if a line of ours raises the error on
purpose. What then is left of a PodeError that no line of the user's has caused is its sentence.
"""

from __future__ import annotations

import asyncio
import opcode
import threading
from concurrent import futures
from pathlib import Path
from traceback import StackSummary, TracebackException, walk_stack
from types import FrameType, TracebackType

from pode_py.core.errors import PodeError
from pode_py.core.paths import is_library, is_ours

# What carries handlers besides us: nobody's fault lies there.
_CARRIERS = (
    str(Path(asyncio.__file__).parent),
    str(Path(futures.__file__).parent),
    threading.__file__,
)
_RAISE = bytes([opcode.opmap["RAISE_VARARGS"]])


def described(error: BaseException) -> TracebackException:
    """What a traceback prints, without keeping the frames alive, as users want it."""
    trace = TracebackException.from_exception(error, lookup_lines=False, compact=True)
    _fold(trace, error)
    return trace


def text_of(error: BaseException) -> str:
    """The lines of `described`."""
    return "".join(described(error).format())


def users_part(error: BaseException) -> TracebackType | None:
    """The exception's traceback as users want it."""
    entries = _entries(error)
    return _joined(entries, _shown([_file(entry) for entry in entries], error))


def behind_call(error: BaseException) -> TracebackType | None:
    """What users see behind their own line, of an error that their call of ours raises."""
    entries = _entries(error)
    carried = [_carries(_file(entry)) for entry in entries]
    if _is_on_purpose(error):
        return _joined(entries, [not one for one in carried])
    return error.__traceback__ if all(carried) else users_part(error)


def text_of_frame(frame: FrameType) -> str:
    """Where a thread is, from the user's frame on; all of it if there is none."""
    stack = StackSummary.extract(walk_stack(frame))
    stack.reverse()
    _drop_carriers(stack)
    return "".join(stack.format())


def place_in(frame: FrameType) -> str:
    """The innermost of the user's frames, for messages: ``home (server.py:14)``."""
    for inner, line in walk_stack(frame):
        name = inner.f_code.co_filename
        if not (_carries(name) or is_library(name) or "-packages" in name):
            return f"{inner.f_code.co_qualname} ({Path(name).name}:{line})"
    return ""


def _fold(trace: TracebackException, error: BaseException) -> None:
    chain = [(trace, error)]
    while chain:
        part, raised = chain.pop()
        shown = _shown([frame.filename for frame in part.stack], raised)
        kept = zip(part.stack, shown, strict=True)
        part.stack[:] = [frame for frame, is_shown in kept if is_shown]
        if not part.stack:  # no headline without a line below it
            part.stack = None  # type: ignore[assignment]
        for below, before in (
            (part.__cause__, raised.__cause__),
            (part.__context__, raised.__context__),
        ):
            if below is not None and before is not None:
                chain.append((below, before))
        if part.exceptions and isinstance(raised, BaseExceptionGroup):
            chain += zip(part.exceptions, raised.exceptions, strict=False)


def _shown(files: list[str], error: BaseException) -> list[bool]:
    """Which of the frames in these files are shown, from the outermost on.

    Those before the user's first one are not. Of an error that is raised on purpose none of ours
    is: its message says all. If none is the user's, all are; but of a PodeError none is.
    """
    carried = [_carries(name) for name in files]
    if all(carried):
        return [not isinstance(error, PodeError)] * len(files)
    if _is_on_purpose(error):
        return [not one for one in carried]
    first = carried.index(False)
    return [index >= first for index in range(len(files))]


def _entries(error: BaseException) -> list[TracebackType]:
    trace, entries = error.__traceback__, []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    return entries


def _file(entry: TracebackType) -> str:
    return entry.tb_frame.f_code.co_filename


def _joined(entries: list[TracebackType], shown: list[bool]) -> TracebackType | None:
    """A traceback of these entries."""
    made = None
    for entry, is_shown in zip(reversed(entries), reversed(shown), strict=True):
        if is_shown:
            made = TracebackType(made, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return made


def _is_on_purpose(error: BaseException) -> bool:
    """Whether a line of ours raises it, and not one that went wrong itself."""
    entries = _entries(error)
    if not entries or not is_ours(_file(entries[-1])):
        return False
    code, place = entries[-1].tb_frame.f_code, entries[-1].tb_lasti
    if isinstance(error, PodeError) or code.co_code[place : place + 1] == _RAISE:
        return True
    return code.co_name == "__getattr__"  # of what stands for an object: the name is the user's


def _drop_carriers(stack: StackSummary) -> None:
    for index, frame in enumerate(stack):
        if not _carries(frame.filename):
            del stack[:index]
            return


def _carries(filename: str) -> bool:
    return is_ours(filename) or filename.startswith(_CARRIERS)
