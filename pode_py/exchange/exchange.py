"""Exchange: one request and whatever answers it. Engines make them, the pipeline finishes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pode_py.exchange.outbox import Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.http.request import Request
from pode_py.http.response import Response


@dataclass(frozen=True, slots=True)
class Keepalive:
    """What an engine sends by itself: `frame` on a stream that has been silent for `interval`
    seconds, and `farewell` where the stream has to end before anybody said so."""

    frame: bytes
    interval: float
    farewell: bytes = b""


class Exchange(ABC):
    """Answered exactly once: by `reply`, `upgrade` or `abort`.

    `endpoint` is what the listener was made for; engines pass it on without looking.
    """

    # What most exchanges never change costs them nothing.
    replied = False
    upgraded = False
    bytes_sent = 0

    def __init__(self, request: Request, endpoint: Any = None) -> None:
        self.request = request
        self.endpoint = endpoint

    @abstractmethod
    def reply(self, response: Response) -> None:
        """Send a whole response. An iterator body is sent piece by piece on this thread.

        What the iterator raises comes out of here after the connection was cut.
        """

    @abstractmethod
    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        """Send a head and keep the connection open. The outbox is held until released."""

    @abstractmethod
    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, soon, when an upgraded connection is gone. It must be quick."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the connection."""
