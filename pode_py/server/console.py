"""Console: what the server says to the person who started it, and how a failed start ends."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

from pode_py.core.errors import StartError
from pode_py.observability.logs.streams import StandardStream

# A terminal that is held, or a pipe that nobody reads, must not hold the server.
_TIMEOUT = 1.0


def say(text: str) -> None:
    """Write lines to standard output at once. A closed or broken one does no harm."""
    with suppress(OSError, ValueError, AttributeError):  # no standard output at all: None
        sys.stdout.flush()
    # Past Python's buffer: what a broken pipe leaves in it would fail again at exit.
    with suppress(OSError, ValueError):
        StandardStream("stdout").write(f"{text}\n", _TIMEOUT)


def complain(text: str) -> None:
    """Write a line to standard error at once, as `say` does."""
    with suppress(OSError, ValueError):
        StandardStream("stderr").write(f"pode_py: {text}\n", _TIMEOUT)


def hold_standard_descriptors() -> None:
    """Put the null device where standard input, output or error was closed.

    Otherwise the next socket gets its number, and what some library prints goes to a client.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def exit_for(error: StartError) -> BaseException:
    """What ends a program that can't start: one sentence on standard error, exit code 1.

    A thread would end without a word, and an interactive session would end with everything in
    it: both get the error itself.
    """
    if threading.current_thread() is not threading.main_thread() or hasattr(sys, "ps1"):
        return error
    return SystemExit(f"pode_py: {error}")
