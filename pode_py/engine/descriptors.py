"""Descriptors: how many connections fit, and what it means that no more can be accepted.

A listener that can't accept stays readable: polling it on would be a busy loop. So both engines of
ours take it out of their poller for a moment, and say so once.
"""

from __future__ import annotations

import contextlib
import errno
import resource
from typing import Final

# File descriptors kept for files, logs and pipes of the process.
_SPARE = 64

#: Connections that are accepted in a row.
TURN: Final = 64
#: Seconds without accepting.
PAUSE: Final = 1.0

NO_ROOM: Final = "The limit of open connections is reached; new ones wait."

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def why_exhausted(error: OSError) -> str | None:
    """Why no connection can be accepted at the moment; None if this one could not."""
    if error.errno not in _EXHAUSTED:
        return None
    return f"No new connection can be accepted: {error.strerror}."


def descriptor_room() -> int:
    """How many connections fit: the limit of file descriptors, raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(16, (1 << 20 if soft == resource.RLIM_INFINITY else soft) - _SPARE)
