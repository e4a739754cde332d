"""Connection: one socket, who owns it, and what is still to be read or written.

A connection has one owner at a time: the worker that claimed it, the pusher after an upgrade or
while a slow download drains, nobody while it is parked. `claim` and `release` are the only ways
to change that; what arrives while somebody owns it is remembered as `again`. Nobody but the
owner touches the socket, but for a thread that writes directly to a stream (exchange/outbox.py).
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from typing import Any, Final, Literal

from pode_py.engine.client_certificates import shown_by
from pode_py.engine.h11.fast_lane import RequestLines
from pode_py.engine.h11.reader import RequestReader
from pode_py.engine.listener import drop_unsent
from pode_py.engine.options import Limits
from pode_py.http.request import Peer
from pode_py.http.response import FileBody

READ_SIZE = 64 * 1024
# A turn of reading ends here, so that one fast upload does not keep a worker from the others.
READ_TURN = 1024 * 1024

# Not the end of a view: that would keep all of what was sent.
NOTHING_LEFT: Final = memoryview(b"")

_TLS_RECORD = 16 * 1024
_TLS_TURN = 1024 * 1024

# The client sends nothing more; poll reports a broken connection in any case.
_HALF: Final = getattr(select, "POLLRDHUP", 0)

Socket = socket.socket | ssl.SSLSocket
HangUp = Literal["none", "half", "whole"]


class Connection:
    """The state of one client connection."""

    __slots__ = (
        "__weakref__",
        "_busy",
        "_lock",
        "again",
        "close_after",
        "closed",
        "deadline",
        "deferred",
        "endpoint",
        "eof",
        "exchange",
        "fd",
        "file",
        "handshaken",
        "is_tls",
        "leftover",
        "peer",
        "phase_seen",
        "reader",
        "request_began",
        "sock",
        "stream",
        "watched_until",
    )

    def __init__(
        self,
        sock: Socket,
        peer: Peer,
        endpoint: Any,
        limits: Limits,
        lines: RequestLines | None = None,
    ) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.peer = peer
        self.endpoint = endpoint
        self.reader = RequestReader(limits, peer, lines)
        self.is_tls = isinstance(sock, ssl.SSLSocket)
        self.handshaken = not self.is_tls
        self.eof = False
        self.again = False
        # What a response left behind because the socket took no more.
        self.leftover = NOTHING_LEFT
        self.file: FileBody | None = None
        self.close_after = False
        self.closed = False
        # The monotonic time at which the pusher acts on a parked connection, and the time at
        # which it will look next. See Pusher.watch.
        self.deadline = float("inf")
        self.watched_until = float("inf")
        # When the head or the body that is arriving began, for its deadline.
        self.request_began: float | None = None
        self.phase_seen = "idle"
        self.stream: Any = None
        # The exchange that is being answered; and whether it holds no thread meanwhile.
        self.exchange: Any = None
        self.deferred: Any = None
        self._lock = threading.Lock()
        self._busy = False

    def claim(self) -> bool:
        """Become the owner. If somebody else is, leave a note that there is more to do."""
        with self._lock:
            if self._busy:
                self.again = True
                return False
            self._busy = True
            return True

    def claim_parked(self) -> bool:
        """Become the owner if there is none; leave no note otherwise."""
        with self._lock:
            if self._busy:
                return False
            self._busy = True
            return True

    def release(self) -> bool:
        """Park the connection. False if there is more to do: the caller still owns it then."""
        with self._lock:
            if self.again:
                self.again = False
                return False
            self._busy = False
            return True

    def become_stream(self, stream: Any) -> None:
        """No request will be read any more: what that needs is let go."""
        self.stream = stream
        del self.reader, self.peer, self.endpoint

    @property
    def has_leftover(self) -> bool:
        return bool(self.leftover) or self.file is not None

    @property
    def hang_up(self) -> HangUp:
        """How much of the connection its client has ended."""
        if self.closed:
            return "whole"
        poll = select.poll()
        poll.register(self.fd, _HALF)
        for _, mask in poll.poll(0):
            if mask & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                return "whole"
            if mask & _HALF:
                return "half"
        return "none"

    def handshake(self) -> bool:
        """Go on with the TLS handshake. False if it needs more from the client."""
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        self.peer.certificate = shown_by(self.sock)
        self.handshaken = True
        return True

    def read(self) -> None:
        """Read what is there, into the reader. Raises OSError for a broken connection."""
        total = 0
        while total < READ_TURN:
            data = self.try_recv()
            if data is None:
                return
            if not data:
                self.eof = True
                return
            total += len(data)
            self.reader.feed(data)
            # A short read has emptied the socket; what comes later is another edge. A TLS
            # object may hold more than the socket shows, so it is asked until it has none.
            if len(data) < READ_SIZE and not self.is_tls:
                return
        self.again = True

    def try_recv(self) -> bytes | None:
        """What has arrived; b"" at the end, None if nothing has."""
        try:
            return self.sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""

    def try_send(self, data: bytes | memoryview) -> int:
        """Send what the socket takes now. Raises OSError for a broken connection."""
        try:
            return self._send_records(data) if self.is_tls else self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _send_records(self, data: bytes | memoryview) -> int:
        # OpenSSL remembers a write that the socket did not take, and breaks the connection if
        # the next one is shorter. Writes of one record each can always be repeated.
        view = memoryview(data)[:_TLS_TURN]
        sent = 0
        with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
            while sent < len(view):
                sent += self.sock.send(view[sent : sent + _TLS_RECORD])
        return sent

    def send(self, data: bytes) -> None:
        """Send, and keep what the socket does not take as leftover."""
        if self.leftover:
            self.leftover = memoryview(bytes(self.leftover) + data)
            return
        sent = self.try_send(data)
        if sent < len(data):
            self.leftover = memoryview(data)[sent:]

    def send_leftover(self, turn: int) -> bool:
        """Send about `turn` bytes of what is left, then of the file. True if any went out.

        Raises OSError if the connection is broken or the file has become shorter: more than
        Content-Length promised would be sent otherwise, or less without an end.
        """
        progress = False
        while turn > 0 and self.has_leftover:
            if not self.leftover:
                self._next_piece()
                continue
            sent = self.try_send(self.leftover[:turn])
            if not sent:
                return progress
            progress = True
            turn -= sent
            self.leftover = self.leftover[sent:] or NOTHING_LEFT
        return progress

    def _next_piece(self) -> None:
        file = self.file
        assert file is not None
        if file.length:
            piece = file.read(256 * 1024)
            if not piece:
                raise OSError("The file became shorter while it was sent.")
            self.leftover = memoryview(piece)
        if not file.length:
            file.close()
            self.file = None

    def shutdown(self) -> None:
        """Tell the client that nothing more will come."""
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                # Sends close_notify; without it the client must suspect a cut. Then it would
                # wait for the client's, which nobody here does.
                with contextlib.suppress(ssl.SSLError):
                    self.sock.unwrap()
            self.sock.shutdown(socket.SHUT_WR)

    def cut_off(self) -> None:
        """Have `close` drop what the client has not taken."""
        with contextlib.suppress(OSError, ValueError):
            drop_unsent(self.sock)

    def close(self) -> None:
        """Free the socket and the file."""
        self.closed = True
        if self.file is not None:
            self.file.close()
            self.file = None
        self.leftover = NOTHING_LEFT
        with contextlib.suppress(OSError):
            self.sock.close()
