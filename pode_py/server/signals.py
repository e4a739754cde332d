"""Signals: SIGINT, SIGTERM, SIGHUP and others as flags. Who looks at them is not decided here.

A handler only sets flags. Python's C code writes a byte to a socket at every signal, so that the
main thread wakes up even if the system delivered the signal to another thread. While the user's
set-up runs nobody looks at flags: there, and only there, a signal raises.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

# Process managers pass a Ctrl+C on that the terminal has sent to everybody already. What comes
# this soon after the first signal is the same request, not a second one.
_SAME_WISH = 0.2


class Signals:
    """Taken in `with`, given back at its end. Outside of the main thread Python has no signals.

    `stop` is up after the first signal, `at_once` after a second one; `first` is its number.
    `raising` is set by the main thread around the set-up. `fileno` is readable when there was a
    signal. With `ignore_interrupt` Ctrl+C does nothing. SIGHUP, by which a terminal goes away, is
    one of those that stop, unless the program has a handler of its own; but never "at once": shells
    and the system both send it. Signals of `also` are only noted, in `others`.
    """

    def __init__(self, *, ignore_interrupt: bool = False, also: Collection[int] = ()) -> None:
        self.stop = False
        self.at_once = False
        self.raising = False
        self.first = 0
        self.others: set[int] = set()
        self._also = also
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        self._ignore_interrupt = ignore_interrupt
        self._first = 0.0
        self._previous: dict[int, Any] = {}
        self._previous_descriptor = -1

    def fileno(self) -> int:
        return self._reading.fileno()

    def clear(self) -> None:
        """Forget the bytes, so that `fileno` is readable at the next signal only."""
        with suppress(BlockingIOError):
            while self._reading.recv(4096):
                pass

    def expect_hurry(self) -> None:
        """The server stops, for whatever reason: the next signal means "at once"."""
        if not self.stop:
            self._first = time.monotonic()
            self.stop = True

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._previous_descriptor = signal.set_wakeup_fd(
            self._writing.fileno(), warn_on_full_buffer=False
        )
        hang_up = () if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL else (signal.SIGHUP,)
        for number in {signal.SIGINT, signal.SIGTERM, *hang_up, *self._also}:
            # A shell without job control starts background jobs with SIGINT ignored: a Ctrl+C
            # meant for another program must not end this one; nohup ignores SIGHUP. While
            # SIGCHLD is ignored, nobody can wait for a child.
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGCHLD:
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def abandon(self) -> None:
        """In a forked process: they are the parent's. Its handlers stay until others are set."""
        signal.set_wakeup_fd(-1)
        self._reading.close()
        self._writing.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            self._give_back()
        self._reading.close()
        self._writing.close()

    def _give_back(self) -> None:
        for number, handler in self._previous.items():
            if handler is not None:  # one that C code had set can't be given back
                signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        with suppress(ValueError, OSError):  # its owner may have closed it meanwhile
            signal.set_wakeup_fd(self._previous_descriptor)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number in self._also:
            self.others.add(number)
            return
        if number == signal.SIGINT and self._ignore_interrupt:
            return
        self.first = self.first or number
        if not self.stop:
            self.expect_hurry()
        elif number != signal.SIGHUP and time.monotonic() - self._first > _SAME_WISH:
            self.at_once = True
        if self.raising:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


class Terminal:
    """Looks at its creation whether there is a terminal. SIGHUP comes from one that goes away,
    and from somebody who wants a restart."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def has_gone(self) -> bool:
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
