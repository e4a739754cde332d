"""RequestGate: what of a connection's bytes an ASGI server of ours may see. No socket, no thread.

Whole heads that are plain, and bodies in plain framing: the same checks as in front of our own
engine (http/strictness.py). So what is refused there is refused here, whatever the server's own
parser would have taken.
"""

from __future__ import annotations

from pode_py.engine.options import Limits
from pode_py.http.strictness import (
    ChunkGuard,
    Framing,
    PlainHead,
    ProtocolError,
    begun_head,
    check_head,
    read_head,
    take_head,
)

_PIECE = 64 * 1024


class RequestGate:
    """Feed it what arrives; `take` what may pass. One request after the other."""

    __slots__ = ("_buffer", "_guard", "_left", "_limits", "_scanned", "at_head", "framing", "head")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._left = 0
        self._guard: ChunkGuard | None = None
        #: Whether the head of a request comes next.
        self.at_head = True
        #: The head that was read, or refused, last; None if it is not known.
        self.head: PlainHead | None = None
        #: What that head said for its body.
        self.framing: Framing | None = None

    @property
    def waiting(self) -> int:
        """How many bytes have not passed."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    def take(self) -> bytes:
        """What may pass now; empty if more has to arrive. Raises ProtocolError."""
        return self._take_head() if self.at_head else self._take_body()

    def _take_head(self) -> bytes:
        self.head = None
        try:
            data, self._scanned = take_head(self._buffer, self._scanned, self._limits.header_size)
        except ProtocolError as error:
            if error.status == 431:
                self.head = begun_head(self._buffer, self._limits.header_size)
            raise
        if data is None:
            return b""
        head = self.head = read_head(data[:-4])
        framing = self.framing = check_head(head.method, head.target, head.version, head.fields)
        self._left = framing.length or 0
        self._guard = ChunkGuard(self._limits.body_size) if framing.chunked else None
        self.at_head = not framing.has_body
        return data

    def _take_body(self) -> bytes:
        piece = bytes(self._buffer[:_PIECE])
        guard = self._guard
        if guard is None:
            piece = piece[: self._left]
            self._left -= len(piece)
            self.at_head = not self._left
            del self._buffer[: len(piece)]
            return piece
        del self._buffer[: guard.feed(piece)]
        self.at_head = guard.at_end
        return guard.take()
