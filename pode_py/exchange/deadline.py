"""Deadline: decides who answers an exchange: whoever serves it, or the clock.

Whoever serves it calls `settle` before anything of the answer is sent, and the clock's thread calls
`expire`; the first of them decides. If it is the clock, `answered` lets the other one go on.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

from pode_py.http.response import Response

# The answer in place of the handler's is made and sent in milliseconds.
_PATIENCE = 5.0


class Deadline:
    """That of an exchange and its event. `thread` is the one on which it began; `response` is what
    was sent once it has expired."""

    __slots__ = (
        "_answered",
        "_lock",
        "_state",
        "event",
        "exchange",
        "is_warned",
        "response",
        "seconds",
        "thread",
    )

    def __init__(self, exchange: Any, event: Any, seconds: float) -> None:
        self.exchange = exchange
        self.event = event
        self.seconds = seconds
        self.thread = threading.get_ident()
        self.response: Response | None = None
        #: Whether what it awaits has been cancelled already.
        self.is_warned = False
        self._lock = threading.Lock()
        self._state: Literal["running", "settled", "expired"] = "running"
        self._answered = threading.Event()

    @property
    def is_expired(self) -> bool:
        return self._state == "expired"

    def settle(self) -> bool:
        """Whoever serves it is about to answer. False if the clock has done so."""
        with self._lock:
            if self._state != "expired":
                self._state = "settled"
                return True
        self._answered.wait(_PATIENCE)
        return False

    @property
    def is_awaited(self) -> bool:
        """Whether the client still waits for an answer."""
        exchange = self.exchange
        gone = bool(exchange.replied or exchange.upgraded or exchange.aborted)
        return self._state == "running" and not gone

    def expire(self) -> bool:
        """The time is over. True if the clock's thread is to answer now."""
        with self._lock:
            if not self.is_awaited:
                return False
            self._state = "expired"
        return True

    def answered(self, response: Response | None) -> None:
        """This was sent in place of the handler's answer; None if nothing could be."""
        self.response = response
        self._answered.set()
