"""Wire: a client's connection for tests of the protocol itself. Every wait has a deadline.

`converse`, `fetch` and SseClient are made of it. It sends the bytes that the test says, no others.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from urllib.parse import urlsplit

from pode_py.testing.messages import BodyDecoder, ClientResponse, body_decoder, parse_head

#: Seconds that a wait may take unless the test says otherwise.
DEADLINE = 5.0

_PORTS = {"http": 80, "https": 443}


class WireTimeout(AssertionError):
    """The server did not answer, or did not close, in time."""


class Wire:
    """One connection to a server, for raw bytes.

    target: a URL, or a port of 127.0.0.1.
    deadline: seconds for each wait.
    tls: the context for https; by default one that accepts any certificate, because servers in
        tests make their own.
    receive_buffer: bytes of the socket's buffer: with a small one the server notices a slow reader
        sooner.
    source: the address that it connects from, such as 127.0.0.2.
    sock: a socket that is connected already.

        with Wire(live.port) as wire:
            wire.send(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            assert wire.read_response().status_code == 200
    """

    def __init__(
        self,
        target: str | int,
        *,
        deadline: float = DEADLINE,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
        source: str | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        self.deadline = deadline
        self._received = b""
        #: The server has ended its side.
        self.at_end = False
        #: It did so by a reset: something was cut.
        self.was_reset = False
        url = urlsplit(f"http://127.0.0.1:{target}" if isinstance(target, int) else target)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        self.host = url.netloc
        self.sock = sock or _connect(host, port, deadline, receive_buffer, source)
        if url.scheme == "https":
            with contextlib.closing(self.sock):  # wrapped, it is another object's
                self.sock = (tls or _trusting()).wrap_socket(self.sock, server_hostname=host)

    def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Send the pieces, each in a packet of its own if there is a `pause` between them."""
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            self.sock.settimeout(self.deadline)
            self.sock.sendall(piece)

    def finish_sending(self) -> None:
        """Half-close: end the sending, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def read(self, until: float) -> bytes:
        """Return what has arrived; b"" at the end. Wait for it until the monotonic time `until`."""
        if self._received:
            data, self._received = self._received, b""
            return data
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        try:
            data = b"" if self.at_end else self.sock.recv(256 * 1024)
        except (ConnectionError, ssl.SSLEOFError):
            data = b""
            self.was_reset = True
        except ssl.SSLZeroReturnError:
            data = b""
        self.at_end = not data
        return data

    @property
    def received(self) -> bytes:
        """What has arrived and was not read yet."""
        return self._received

    def give_back(self, data: bytes) -> None:
        """Have the next `read` begin with these bytes."""
        self._received = data + self._received

    def read_head(self, *, deadline: float | None = None) -> ClientResponse:
        """Return the head of the next response. WireTimeout if it does not come, or not whole."""
        until, data = self._until(deadline), b""
        while b"\r\n\r\n" not in data:
            try:
                piece = self.read(until)
            except TimeoutError:
                raise WireTimeout(f"No response came in time, but {_shown(data)}.") from None
            if not piece:
                self.give_back(data)
                raise WireTimeout(f"The server closed without a response, after {_shown(data)}.")
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        self.give_back(rest)
        return parse_head(head)

    def read_response(
        self, method: str = "GET", *, deadline: float | None = None
    ) -> ClientResponse:
        """Return the next response; `complete` is False if the server closed within its body."""
        until = self._until(deadline)
        head = self.read_head(deadline=until - time.monotonic())
        decoder = body_decoder(head, method)
        body = b"".join(self._body(decoder, until))
        complete = decoder.complete or (decoder.until_close and not self.was_reset)
        return replace(head, body=body, complete=complete)

    def read_to_end(self, *, deadline: float | None = None) -> bytes:
        """Return everything until the server closes. WireTimeout if it does not."""
        until, data = self._until(deadline), b""
        try:
            while piece := self.read(until):
                data += piece
        except TimeoutError:
            raise WireTimeout(f"The server did not close. It sent {_shown(data)}.") from None
        return data

    def close(self) -> None:
        """Close the connection, and notify the server."""
        self.sock.close()

    def reset(self) -> None:
        """Cut the connection: the server sees an error, not an end."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sock.close()

    def _body(self, decoder: BodyDecoder, until: float) -> Iterator[bytes]:
        while not decoder.complete:
            try:
                data = self.read(until)
            except TimeoutError:
                raise WireTimeout("The response did not end in time.") from None
            if not data:
                return
            yield decoder.feed(data)
        self.give_back(decoder.rest())

    def _until(self, deadline: float | None) -> float:
        return time.monotonic() + (self.deadline if deadline is None else deadline)

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _connect(
    host: str, port: int, deadline: float, receive_buffer: int | None, source: str | None
) -> socket.socket:
    if receive_buffer is None:
        origin = None if source is None else (source, 0)
        sock = socket.create_connection((host, port), deadline, origin)
    else:  # must be set before the connection is made
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(deadline)
        if source is not None:
            sock.bind((source, 0))
        sock.connect((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _shown(data: bytes) -> str:
    return f"{len(data)} bytes: {data[:200]!r}" if data else "no bytes"
