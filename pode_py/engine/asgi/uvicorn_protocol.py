"""UvicornProtocol: stands between a socket of uvicorn's and uvicorn's protocol, and looks after
what uvicorn does not.

- What is not plainly one request never reaches uvicorn's parser (engine/asgi/gate.py), and one
  request at a time does: the next comes when the last was answered.
- A head that does not arrive in time: uvicorn waits for ever; here it gets 408.
- A client that half-closes after its request: uvicorn hangs up; here it gets its answer.
- A client of an open stream that talks on: uvicorn stops reading, and hears no hang-up any more;
  here it is read and forgotten.
- A client that was refused while it still sends: uvicorn closes, and the answer is lost to a reset
  (RFC 9112, 9.6); here it is read for a moment.
- A cut that does not wait for the client; a look at what the system has not taken yet.

Everything on the loop's thread. The inner protocol is one of uvicorn's, untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from pode_py.engine.asgi.gate import RequestGate
from pode_py.engine.asgi.timer import NEVER, LoopTimer
from pode_py.engine.client_certificates import shown_by
from pode_py.engine.listener import drop_unsent, prepare, watch_stream
from pode_py.engine.options import Limits
from pode_py.engine.port import Refused
from pode_py.engine.replies import simple_response
from pode_py.http.request import ClientCertificate
from pode_py.http.response import first_lines, framing_lines, last_lines
from pode_py.http.strictness import Framing, PlainHead, ProtocolError, too_slow

# How long a client that was refused may go on sending before it is cut.
_LINGER = 2.0
# A client that sends requests ahead of their answers is not read beyond this.
_MOST_AHEAD = 64 * 1024
# What uvicorn sees of a request whose head was refused: just enough to have it answered.
_STAND_IN = b"%b / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class UvicornProtocol(asyncio.Protocol):
    """One connection. `inner` is uvicorn's protocol for it, and knows its `cycle`: the request
    that is being served, with `response_complete`, `more_body` and `keep_alive`."""

    def __init__(
        self, timer: LoopTimer, limits: Limits, server_name: str, refused: Refused
    ) -> None:
        self.inner: Any = None
        self.certificate: ClientCertificate | None = None
        self.is_lost = False
        self.watched_until = NEVER
        #: The head of the request that is being served, if it was refused.
        self.refused_head: PlainHead | None = None
        self._timer = timer
        self._limits = limits
        self._server_name = server_name
        self._refused = refused
        self._gate = RequestGate(limits)
        self._transport: asyncio.Transport
        self._is_tls = False
        self._is_stream = False
        self._when_lost: Callable[[], None] | None = None
        self._ended = False  # nothing more comes from the client
        # What came that is no request, who is to hear of it, and when its client is cut.
        self._refusal: ProtocolError | None = None
        self._hear: Callable[[ProtocolError], None] | None = None
        self._cut_at = NEVER
        # The request seen last, and since when the head of the next has been arriving.
        self._seen: Any = None
        self._head_since = 0.0
        self._waits = True

    # What a channel asks of it (engine/asgi/channel.py).

    @property
    def is_closing(self) -> bool:
        return self.is_lost or self._is_parting or self._transport.is_closing()

    @property
    def framing(self) -> Framing | None:
        return None if self.refused_head is not None else self._gate.framing

    @property
    def unsent(self) -> int:
        return 0 if self.is_lost else self._transport.get_write_buffer_size()

    @property
    def has_ended(self) -> bool:
        return self._ended or self.is_lost

    def hear_refusal(self, refuse: Callable[[ProtocolError], None]) -> None:
        self._hear = refuse
        if self._refusal is not None:
            refuse(self._refusal)

    def be_served(self) -> None:
        self._hear = None
        if self.is_closing or self._is_stream:
            return
        if self._gate.waiting:
            self._keep_alive()
            self._wait_for_head()
            self._pass_on()
        if self._ended and self._is_free and not self.is_closing:
            self._transport.close()

    def watch(self, when_lost: Callable[[], None]) -> None:
        self._when_lost = when_lost
        if self.is_lost:
            when_lost()

    async def flushed(self) -> None:
        await self.inner.flow.drain()

    def keep_open(self, when_lost: Callable[[], None]) -> None:
        self._is_stream = True
        self._when_lost = when_lost
        if self._ended or self.is_lost:
            self.abort(reset=False)
            when_lost()
            return
        watch_stream(self._transport.get_extra_info("socket"), self._limits.write_timeout)
        # What uvicorn has buffered of a next request may have made it stop reading.
        self.inner.flow.resume_reading()

    def abort(self, *, reset: bool) -> None:
        if self.is_lost:
            return
        if reset:
            drop_unsent(self._transport.get_extra_info("socket"))
        self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        wire = transport.get_extra_info("ssl_object")
        self.certificate = None if wire is None else shown_by(wire)
        prepare(transport.get_extra_info("socket"), self._limits.write_timeout)
        self._wait_for_head()
        self.inner.connection_made(InnerTransport(transport, self.close_gently))
        # A write counts as taken when the system has it. asyncio's TLS pauses at the limit, other
        # transports above it.
        transport.set_write_buffer_limits(high=1 if self._is_tls else 0, low=0)

    def data_received(self, data: bytes) -> None:
        if self._is_stream or self._is_parting or self._refusal is not None:
            return
        if self._is_free:
            self._keep_alive()
            if not self._waits:
                self._wait_for_head()
        self._gate.feed(data)
        self._pass_on()

    def eof_received(self) -> bool:
        """True keeps the connection open for the answer to a request that has arrived."""
        self._ended = True
        cycle = self.inner.cycle
        if self._is_parting or self._is_stream or self._is_tls or self._is_free or cycle.more_body:
            return False
        cycle.keep_alive = bool(self._gate.waiting)
        return True

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._waits = False
        self.inner.connection_lost(error)
        if self._when_lost is not None:
            self._when_lost()

    # What uvicorn calls, by its transport.

    def close_gently(self) -> None:
        """Close after the last answer. A client that may still be sending is read meanwhile."""
        transport = self._transport
        sends = self._refusal is not None or not self._gate.at_head or self._gate.waiting
        if not sends or self._ended or transport.is_closing() or not transport.can_write_eof():
            transport.close()
        elif not self._is_parting:
            self._cut_at = self._timer.now() + _LINGER
            self._timer.look_at(self, _LINGER)
            transport.resume_reading()
            transport.write_eof()

    # What the timer calls.

    def look(self, now: float) -> None:
        """Refuse a head that takes too long; close a connection that never said a word, or that
        was refused long enough ago."""
        if self.is_lost:
            return
        if self._is_parting:
            self._look_again_or_close(self._cut_at - now)
        elif self._waits:
            left = self._head_since + self._limits.request_timeout - now
            if left <= 0 and self._gate.waiting:
                self._refuse(too_slow())
            else:
                self._look_again_or_close(left)

    def _look_again_or_close(self, left: float) -> None:
        if left > 0:
            self._timer.look_at(self, left)
        else:
            self._transport.close()

    @property
    def _is_parting(self) -> bool:
        """Whether the last answer has been given, and what still comes is forgotten."""
        return self._cut_at != NEVER

    @property
    def _is_free(self) -> bool:
        """Whether no request is being served."""
        return self.inner.cycle is None or bool(self.inner.cycle.response_complete)

    def _keep_alive(self) -> None:
        """uvicorn does not see that a next request begins."""
        idle = self.inner.timeout_keep_alive_task
        if idle is not None:
            idle.cancel()

    def _wait_for_head(self) -> None:
        self._waits = True
        self._head_since = self._timer.now()
        self._timer.look_at(self, self._limits.request_timeout)

    def _pass_on(self) -> None:
        """Give uvicorn what it may see."""
        gate = self._gate
        while not self.is_closing:
            if gate.at_head and not self._is_free:
                if gate.waiting > _MOST_AHEAD:
                    self.inner.flow.pause_reading()  # it goes on once it has answered
                return
            try:
                data = gate.take()
            except ProtocolError as error:
                self._refuse(error)
                return
            if not data:
                return
            self._give(data)

    def _give(self, data: bytes) -> None:
        self.inner.data_received(data)
        if self.inner.cycle is not self._seen:
            self._seen = self.inner.cycle
            self._waits = False
            if self._ended and not self._gate.waiting:
                self._seen.keep_alive = False

    def _refuse(self, error: ProtocolError) -> None:
        """Have it answered by whoever knows the request, or answer it here."""
        self._refusal = error
        self._waits = False
        head = self._gate.head
        if not self._gate.at_head:
            if self._hear is not None:
                self._hear(error)
        elif head is not None:
            self.refused_head = head
            self._give(_STAND_IN % (b"HEAD" if head.method == b"HEAD" else b"GET"))
        else:
            peer = self._transport.get_extra_info("peername") or ("",)
            self._refused(error, str(peer[0]))
            self._transport.write(_answer(error, self._server_name))
            self.close_gently()


class InnerTransport:
    """The transport as uvicorn sees it: to close is not for it to decide."""

    __slots__ = (
        "abort",
        "close",
        "get_extra_info",
        "is_closing",
        "pause_reading",
        "resume_reading",
        "write",
    )

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.close = close
        self.write = transport.write
        self.abort = transport.abort
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.get_extra_info = transport.get_extra_info


def _answer(error: ProtocolError, server_name: str) -> bytes:
    response = simple_response(error.status, str(error))
    assert isinstance(response.body, bytes)
    return b"".join(
        [
            first_lines(response, server_name),
            framing_lines(response, head_only=False, keep_alive=False, chunks=True),
            last_lines(formatdate(usegmt=True)),
            response.body,
        ]
    )
