"""Tracebacks as users want them: from their own frame on. Our frames before it are left out."""

from __future__ import annotations

import asyncio
import threading
from concurrent import futures
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException, walk_stack
from types import FrameType, TracebackType

from pode_py.core.errors import PodeError
from pode_py.core.paths import is_library, is_ours

# What carries handlers besides us: nobody's fault lies there.
_CARRIERS = (
    str(Path(asyncio.__file__).parent),
    str(Path(futures.__file__).parent),
    threading.__file__,
)


def described(error: BaseException) -> TracebackException:
    """What a traceback prints, without keeping the frames alive, and from the user's frame on.

    Of a PodeError, which is raised on purpose, ours are left out behind the user's frame as well.
    """
    trace = TracebackException.from_exception(error, lookup_lines=False, compact=True)
    _fold(trace, error)
    return trace


def text_of(error: BaseException) -> str:
    """The lines of `described`."""
    return "".join(described(error).format())


def users_part(error: BaseException) -> TracebackType | None:
    """The exception's traceback from the user's frame on; all of it if there is none."""
    trace = error.__traceback__
    while trace is not None and _carries(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace or error.__traceback__


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
        _drop_carriers(part.stack)
        if isinstance(raised, PodeError):
            _drop_ours_behind(part.stack)
        for below, before in (
            (part.__cause__, raised.__cause__),
            (part.__context__, raised.__context__),
        ):
            if below is not None and before is not None:
                chain.append((below, before))
        if part.exceptions and isinstance(raised, BaseExceptionGroup):
            chain += zip(part.exceptions, raised.exceptions, strict=False)


def _drop_carriers(stack: StackSummary) -> None:
    for index, frame in enumerate(stack):
        if not _carries(frame.filename):
            del stack[:index]
            return


def _drop_ours_behind(stack: StackSummary) -> None:
    kept: list[FrameSummary] = list(stack)
    while kept and is_ours(kept[-1].filename):
        kept.pop()
    if kept:
        del stack[len(kept) :]


def _carries(filename: str) -> bool:
    return is_ours(filename) or filename.startswith(_CARRIERS)
