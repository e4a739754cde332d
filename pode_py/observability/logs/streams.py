"""Writing to descriptors that may be full, closed or gone, without ever hanging for long.

Descriptors are written directly: a thread that hung inside sys.stdout's buffer would hold its
lock, and Python aborts when it finds that lock taken at exit.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import Any, Literal

# A pipe that poll calls writable takes this much at once (POSIX: at least PIPE_BUF).
_PIECE = 4096


def write_all(descriptor: int, data: bytes, patience: float) -> tuple[int, OSError | None]:
    """Write `data`; how much of it was taken, and why no more was.

    For what is not a regular file, waits up to `patience` seconds whenever its reader is slow.
    """
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError as error:
        return 0, error
    view = memoryview(data)
    while view:
        try:
            if not regular and not _writable(descriptor, patience):
                return len(data) - len(view), TimeoutError("nobody reads what is written")
            view = view[os.write(descriptor, view if regular else view[:_PIECE]) :]
        except OSError as error:
            return len(data) - len(view), error
    return len(data), None


class StandardStream:
    """sys.stdout or sys.stderr, whatever they are at the time of writing."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self.name = name

    def is_terminal(self) -> bool:
        """Whether a human looks at it."""
        descriptor = _descriptor(getattr(sys, self.name))
        return descriptor is not None and os.isatty(descriptor)

    def write(self, text: str, patience: float) -> None:
        """Raises OSError if not all of `text` could be written."""
        stream: Any = getattr(sys, self.name)
        if stream is None or getattr(stream, "closed", False):
            raise OSError(f"{self.name} is closed")
        descriptor = _descriptor(stream)
        if descriptor is None:  # redirected to an object of the user's
            stream.write(text)
            stream.flush()
            return
        encoding = getattr(stream, "encoding", None) or "utf-8"
        _, error = write_all(descriptor, text.encode(encoding, "backslashreplace"), patience)
        if error is not None:
            raise error


def _writable(descriptor: int, patience: float) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    return bool(poller.poll(patience * 1000))


def _descriptor(stream: Any) -> int | None:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None
