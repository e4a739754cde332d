"""OpenStream: an upgraded connection with its outbox, its pings, and callbacks for its end."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pode_py.exchange.outbox import Outbox
from pode_py.exchange.overflow import OutboxLimits

# A burst to one stream is sent in turns of this size, so that others get theirs.
TURN: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Keepalive:
    """What an engine sends automatically: `frame` on a stream that has been silent for `interval`
    seconds, and `last_frame` where the stream has to end before its room has ended it."""

    frame: bytes
    interval: float
    last_frame: bytes = b""


class OpenStream(ABC):
    """Each engine has its own kind. `head_only` is the answer to HEAD: nothing follows the head,
    whatever is put.

    There are many idle ones, so it keeps little; the streams of an engine may share a `lock`.
    """

    __slots__ = ("_at_end", "head_only", "keepalive", "outbox")

    def __init__(
        self,
        limits: OutboxLimits | None,
        keepalive: Keepalive | None,
        *,
        head_only: bool = False,
        lock: threading.Lock | None = None,
    ) -> None:
        self.keepalive = keepalive
        self.head_only = head_only
        self.outbox = Outbox(self.notify, limits, held=True, lock=lock)
        self._at_end: tuple[Callable[[], None], ...] | None = ()

    @abstractmethod
    def notify(self) -> None:
        """The outbox has something to do. Any thread may call this."""

    def call_at_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the connection is gone; at once if it is."""
        with self.outbox.lock:
            if self._at_end is not None:
                self._at_end += (callback,)
                return
        callback()

    def mark_ended(self) -> None:
        """The connection is gone, or will not come to be. A second call does nothing."""
        with self.outbox.lock:
            callbacks, self._at_end = self._at_end or (), None
        self.outbox.mark_closed()
        for callback in callbacks:
            callback()
