"""AsgiExchange: answers a request through an ASGI server, from the worker that handles it.

The worker only says what is to be sent. Each *step* of that is a coroutine, which the request's
own task carries out on the loop, in order. A worker waits for a step only where the body is an
iterator, so that it is asked for its next piece when the client has taken the last one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from pode_py.engine.asgi.channel import AsgiWire, Gone
from pode_py.engine.asgi.messages import Message, body_message, start_message
from pode_py.engine.asgi.stream import AsgiStream
from pode_py.engine.asgi.timer import LoopTimer
from pode_py.engine.h11.exchange import plain_body
from pode_py.exchange.exchange import Exchange, Keepalive
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.http.request import Request
from pode_py.http.response import FileBody, Response, close_body, pieces
from pode_py.http.statuses import has_body

# A large body goes in pieces, so that a slow client is seen to take some of it in time.
_PIECE = 64 * 1024

Step = Callable[[], Awaitable[None]]
_Entry = tuple[Step, "Future[None] | None", bool]


class Home(Protocol):
    """What an exchange needs of its engine."""

    server_name: str
    parting: bool
    timer: LoopTimer
    event_loop: asyncio.AbstractEventLoop

    def notify(self, stream: AsgiStream) -> None: ...
    def adopt(self, stream: AsgiStream) -> None: ...
    def forget(self, stream: AsgiStream) -> None: ...


class AsgiExchange(Exchange):
    """One request from an ASGI server. `carry_out` is the loop's side, the rest the worker's."""

    def __init__(self, request: Request, endpoint: Any, wire: AsgiWire, home: Home) -> None:
        super().__init__(request, endpoint)
        self._wire = wire
        self._home = home
        self._stream: AsgiStream | None = None
        self._file: FileBody | None = None
        self._steps: asyncio.Queue[_Entry] = asyncio.Queue()
        self._over = False
        self.decided = False  # the last step has been said
        self._head_only = request.http_method == "HEAD"

    # The worker's side.

    def reply(self, response: Response) -> None:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        if not isinstance(response.body, (bytes, FileBody)):
            response.body = plain_body(response.body)
        body = response.body
        start = start_message(response, head_only=self._head_only, server=self._home.server_name)
        if self._home.parting:
            self._close_after(start)
        # What is wrong with the head has been raised by now: another response may still be sent.
        self.replied = True
        if self._head_only or not has_body(response.status_code):
            close_body(body)
            self._say(partial(self._send_bytes, start, b""), last=True)
        elif isinstance(body, bytes):
            self.bytes_sent += len(body)
            self._say(partial(self._send_bytes, start, body), last=True)
        elif isinstance(body, FileBody):
            self.bytes_sent += body.length
            self._file = body
            self._say(partial(self._send_file, start, body), last=True)
        else:
            self._send_pieces(start, body)

    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        if self.replied or self.upgraded:
            raise RuntimeError("This request has been answered already.")
        home = self._home
        start = start_message(
            head, head_only=self._head_only, streams=True, server=home.server_name
        )
        self._close_after(start)
        stream = AsgiStream(self._wire, home.timer, start, keepalive)
        stream.outbox = Outbox(lambda: home.notify(stream), limits, held=True)
        self.upgraded = True
        self._stream = stream
        home.adopt(stream)
        if self._head_only:
            stream.head_only = True
            stream.outbox.end()
        self._say(self._run_stream, last=True)
        return stream.outbox

    def _close_after(self, start: Message) -> None:
        """Have the connection close after this answer, where one is a request's own."""
        if self._wire.line is not None and self.request.http_version.startswith("1"):
            start["headers"].append((b"connection", b"close"))

    def on_close(self, callback: Callable[[], None]) -> None:
        assert self._stream is not None
        self._stream.call_at_end(callback)

    def abort(self) -> None:
        # Anything else is cut when the handler ends, after what it still has to say elsewhere.
        if self._stream is not None:
            self._stream.outbox.end(ending=Ending.CUT)

    def finish(self) -> None:
        """The handler has ended. What has no end by now, aborted or forgotten, is cut."""
        if not self.decided:
            with suppress(ConnectionError):
                self._say(self._cut, last=True)

    def _send_pieces(self, start: Message, body: Iterable[bytes | str]) -> None:
        try:
            self._say_and_wait(partial(self._send_start, start))
            for piece in pieces(body):
                self._say_and_wait(partial(self._wire.send, body_message(piece, more=True)))
                self.bytes_sent += len(piece)
        finally:  # after an error nothing more is said, and so the connection is cut
            close_body(body)
        self._say(partial(self._wire.send, body_message(b"", more=False)), last=True)

    def _say(self, step: Step, *, last: bool) -> None:
        self.decided = self.decided or last
        self._post((step, None, last))

    def _say_and_wait(self, step: Step) -> None:
        done: Future[None] = Future()
        self._post((step, done, False))
        done.result()

    def _post(self, entry: _Entry) -> None:
        try:
            self._home.event_loop.call_soon_threadsafe(self._take, entry)
        except RuntimeError as error:  # the ASGI server has ended its loop
            raise ConnectionAbortedError("The server has ended.") from error

    # The loop's side.

    async def carry_out(self) -> None:
        """Do what the worker says, until it has said its last, or the client is gone."""
        try:
            last = False
            while not last:
                step, done, last = await self._steps.get()
                await _settle(step, done)
        except Gone:
            pass
        finally:
            self._over = True
            while not self._steps.empty():
                self._drop(self._steps.get_nowait()[1])

    def cut(self) -> None:
        """End it now, whatever its worker does."""
        self._wire.cut(reset=True)
        self._steps.put_nowait((self._cut, None, True))

    def _take(self, entry: _Entry) -> None:
        if self._over:
            self._drop(entry[1])
        else:
            self._steps.put_nowait(entry)

    def _drop(self, done: Future[None] | None) -> None:
        """A step that comes too late: free what it would have freed."""
        if done is not None:
            done.set_exception(ConnectionAbortedError("The client has gone."))
        if self._file is not None:
            self._file.close()
        if self._stream is not None:
            self._home.forget(self._stream)
            self._stream.mark_ended()

    async def _run_stream(self) -> None:
        assert self._stream is not None
        try:
            await self._stream.run()
        finally:
            self._home.forget(self._stream)

    async def _send_start(self, start: Message) -> None:
        self._wire.listen()
        await self._wire.send(start)

    async def _send_bytes(self, start: Message, body: bytes) -> None:
        await self._wire.send(start)
        view = memoryview(body)
        while len(view) > _PIECE:
            await self._wire.send(body_message(view[:_PIECE], more=True))
            view = view[_PIECE:]
        await self._wire.send(body_message(view, more=False))

    async def _send_file(self, start: Message, file: FileBody) -> None:
        try:
            await self._wire.send(start)
            while file.length:
                piece = file.read(_PIECE)
                if not piece:  # it became shorter: less than Content-Length can only be cut
                    await self._cut()
                await self._wire.send(body_message(piece, more=bool(file.length)))
            if not self.bytes_sent:  # the file is empty
                await self._wire.send(body_message(b"", more=False))
        finally:
            file.close()

    async def _cut(self) -> None:
        self._wire.cut()
        raise Gone


async def _settle(step: Step, done: Future[None] | None) -> None:
    try:
        await step()
    except BaseException:
        if done is not None:
            done.set_exception(ConnectionAbortedError("The client has gone."))
        raise
    if done is not None:
        done.set_result(None)
