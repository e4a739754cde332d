"""EnginePort: what a server asks of its engine, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pode_py.engine.listener import Listener, ListenerSettings
from pode_py.exchange.batches import StreamEngine
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.outbox import Outbox
from pode_py.http.strictness import ProtocolError

Report = Callable[[BaseException | str, str], None]
#: Hears of what was refused before its head was known, and whose address it came from.
Refused = Callable[[ProtocolError, str], object]


class StreamView(Protocol):
    """An open stream, as far as others see it."""

    outbox: Outbox

    @property
    def wants_write(self) -> bool:
        """Whether the system takes nothing more for its client."""


class EnginePort(StreamEngine, Protocol):
    """Start it once; stop it in the order accepting, handlers, streams, threads."""

    def start(self, settings: Sequence[ListenerSettings]) -> list[Listener]:
        """Listen and serve. Raises StartError, and then nothing of it is left open."""

    @property
    def connections(self) -> int:
        """Open client connections, streams included."""

    @property
    def streams(self) -> int: ...

    @property
    def open_streams(self) -> Sequence[StreamView]:
        """Those that are open at this moment, to see how they are doing."""

    @property
    def waiting(self) -> int:
        """Requests that no worker has taken up yet."""

    @property
    def unfinished(self) -> Sequence[Exchange]:
        """Those whose handler has not ended, whether it holds a thread or awaits something. Not
        those of streams."""

    def stop_listening(self) -> None:
        """Close the listening sockets; connections close after their next answer."""

    def wait_last_requests(self, timeout: float) -> bool:
        """Wait until every connection but streams has had its last answer. False if some have not.

        A client must not find its connection closed just as it sends its next request.
        """

    def stop_accepting(self) -> None:
        """Close the listening sockets; connections close after their current answer."""

    def wait_handlers(self, timeout: float) -> bool:
        """Wait until no handler runs. False if some still do."""

    def drain(self, timeout: float) -> bool:
        """Wait until streams and slow downloads have ended. False if some have not."""

    def stop(self, timeout: float) -> None:
        """End all threads and close every connection. A second call does nothing."""
