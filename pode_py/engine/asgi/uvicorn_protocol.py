"""UvicornProtocol: stands between a socket of uvicorn's and uvicorn's protocol, and looks after
what uvicorn does not.

- A head that does not arrive in time: uvicorn waits for ever; here it gets 408.
- A client that half-closes after its request: uvicorn hangs up; here it gets its answer.
- A client of an open stream that talks on: uvicorn stops reading, and hears no hang-up any more;
  here it is read and forgotten.
- A cut that does not wait for the client; a look at what the system has not taken yet.

Everything on the loop's thread. The inner protocol is one of uvicorn's, untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pode_py.engine.asgi.timer import NEVER, LoopTimer
from pode_py.engine.listener import drop_unsent, prepare, watch_stream
from pode_py.engine.options import Limits

_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 37\r\nConnection: close\r\n\r\nThe request took too long to arrive.\n"
)


class UvicornProtocol(asyncio.Protocol):
    """One connection. `inner` is uvicorn's protocol for it, and knows its `cycle`: the request
    that is being served, with `response_complete`, `more_body` and `keep_alive`."""

    def __init__(self, timer: LoopTimer, limits: Limits) -> None:
        self.inner: Any = None
        self.certificate: dict[str, Any] | None = None
        self.is_lost = False
        self.watched_until = NEVER
        self._timer = timer
        self._limits = limits
        self._transport: asyncio.Transport
        self._is_tls = False
        self._is_stream = False
        self._when_lost: Callable[[], None] | None = None
        self._ended = False  # nothing more comes from the client
        # The request seen last, and since when the head of the next has been arriving.
        self._seen: Any = None
        self._head_since = 0.0
        self._waits = True
        self._has_begun = False

    # What a channel asks of it (engine/asgi/channel.py).

    @property
    def is_closing(self) -> bool:
        return self.is_lost or self._transport.is_closing()

    @property
    def unsent(self) -> int:
        return 0 if self.is_lost else self._transport.get_write_buffer_size()

    @property
    def has_ended(self) -> bool:
        return self._ended or self.is_lost

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
        self.certificate = transport.get_extra_info("peercert") or None
        prepare(transport.get_extra_info("socket"), self._limits.write_timeout)
        self._wait_for_head()
        self.inner.connection_made(transport)
        # A write counts as taken when the system has it. asyncio's TLS pauses at the limit, other
        # transports above it.
        transport.set_write_buffer_limits(high=1 if self._is_tls else 0, low=0)

    def data_received(self, data: bytes) -> None:
        if self._is_stream:
            return
        if not self._waits and self._is_free:
            self._wait_for_head()
        if self._waits and not self._has_begun:
            # RFC 9112, 2.2: ignore an empty line before a request.
            while data.startswith(b"\r\n"):
                data = data[2:]
            if not data:
                return
        self._has_begun = True
        self.inner.data_received(data)
        if self.inner.cycle is not self._seen:
            self._seen = self.inner.cycle
            self._waits = False

    def eof_received(self) -> bool:
        """True keeps the connection open for the answer to a request that has arrived."""
        self._ended = True
        cycle = self.inner.cycle
        if self._is_stream or self._is_tls or self._is_free or cycle.more_body:
            return False
        cycle.keep_alive = False
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

    # What the timer calls.

    def look(self, now: float) -> None:
        """Refuse a head that takes too long; close a connection that never said a word."""
        if not self._waits or self.is_lost:
            return
        left = self._head_since + self._limits.request_timeout - now
        if left > 0:
            self._timer.look_at(self, left)
            return
        if self._has_begun:
            self._transport.write(_TOO_SLOW)
        self._transport.close()

    @property
    def _is_free(self) -> bool:
        """Whether no request is being served."""
        return self.inner.cycle is None or bool(self.inner.cycle.response_complete)

    def _wait_for_head(self) -> None:
        self._waits = True
        self._has_begun = False
        self._head_since = self._timer.now()
        self._timer.look_at(self, self._limits.request_timeout)
