"""AsgiExchange: answers a request through an ASGI server, from the worker that handles it.

The worker only says what is to be sent. Each *step* of that is a coroutine, which the request's
own task carries out on the loop, in order. A worker waits for a step only where the body is an
iterator, so that it is asked for its next piece when the client has taken the last one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from pode_py.core.calls import Job
from pode_py.engine.asgi.channel import Channel, Gone
from pode_py.engine.asgi.messages import Message, body_message, start_message
from pode_py.engine.asgi.stream import AsgiHost, AsgiStream
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive
from pode_py.http.request import Request
from pode_py.http.response import FileBody, Response, SentBody, close_body, pieces

# A large body goes in pieces, so that a slow client is seen to take some of it in time.
_PIECE = 64 * 1024

Step = Callable[[], Awaitable[None]]
_Entry = tuple[Step, "Future[None] | None", bool]


class AsgiExchange(Exchange):
    """One request from an ASGI server. `carry_out` is the loop's side, the rest the worker's."""

    def __init__(self, request: Request, endpoint: Any, channel: Channel, host: AsgiHost) -> None:
        super().__init__(request, endpoint)
        self._channel = channel
        self._host = host
        self._file: FileBody | None = None
        self._steps: asyncio.Queue[_Entry] = asyncio.Queue()
        self.began = time.monotonic()
        self._over = False
        self.decided = False  # the last step is queued

    # The worker's side.

    def _prepare(self, response: Response) -> Message:
        head_only = self.request.http_method == "HEAD"
        host = self._host
        start = start_message(
            response, head_only=head_only, server=host.server_name, defaults=host.head_defaults
        )
        if self._host.closing or self.refusal is not None:
            self._close_after(start)
        return start

    def _send(self, head: Message, body: SentBody) -> None:
        if isinstance(body, bytes):
            self._queue(partial(self._send_bytes, head, body), last=True)
        elif isinstance(body, FileBody):
            self._file = body
            self._queue(partial(self._send_file, head, body), last=True)
        else:
            self._send_pieces(head, body)

    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> AsgiStream:
        head_only = self.request.http_method == "HEAD"
        host = self._host
        start = start_message(
            head,
            head_only=head_only,
            streams=True,
            server=host.server_name,
            defaults=host.head_defaults,
        )
        self._close_after(start)
        stream = AsgiStream(self._channel, host, start, limits, keepalive, head_only=head_only)
        self._stream = stream  # before the loop learns of it: the client may have gone
        host.adopt(stream)
        self._queue(stream.run, last=True)
        return stream

    def _open_body(self, head: Message) -> AsgiStream:
        stream = AsgiStream(self._channel, self._host, head, None, None, head_only=False)
        stream.is_body = True
        self._stream = stream
        self._host.adopt(stream)
        self._queue(stream.run, last=True)
        return stream

    def _defer(self) -> None:
        with suppress(RuntimeError):  # the ASGI server has ended its loop
            self._host.event_loop.call_soon_threadsafe(self._watch)

    def _watch(self) -> None:
        if not self._over:
            self._channel.watch(self.client_left)

    def _resume(self, job: Job) -> None:
        self._host.resume(self, job)

    def _is_ended(self) -> bool:
        return self._over or self._channel.has_ended

    def _cut(self) -> None:
        # What was queued before still goes out.
        if not self.decided:
            with suppress(ConnectionError):
                self._queue(self._cut_channel, last=True)

    def _close_after(self, start: Message) -> None:
        """Have the connection close after this answer, where one is a request's own."""
        ours = self._channel.transport is not None or self.refusal is not None
        if ours and self.request.http_version.startswith("1"):
            start["headers"].append((b"connection", b"close"))

    def _send_pieces(self, start: Message, body: Iterable[bytes | str]) -> None:
        try:
            self._queue_and_wait(partial(self._send_start, start))
            for piece in pieces(body):
                self._queue_and_wait(partial(self._channel.send, body_message(piece, more=True)))
                self.bytes_sent += len(piece)
        finally:
            close_body(body)
        self._queue(partial(self._channel.send, body_message(b"", more=False)), last=True)

    def _queue(self, step: Step, *, last: bool) -> None:
        self.decided = self.decided or last
        self._post((step, None, last))

    def _queue_and_wait(self, step: Step) -> None:
        done: Future[None] = Future()
        self._post((step, done, False))
        done.result()

    def _post(self, entry: _Entry) -> None:
        try:
            self._host.event_loop.call_soon_threadsafe(self._take, entry)
        except RuntimeError as error:  # the ASGI server has ended its loop
            raise ConnectionAbortedError("The server has ended.") from error

    # The loop's side.

    async def carry_out(self) -> None:
        """Do what the worker has queued, to its last step, or until the client is gone."""
        try:
            last = False
            while not last:
                step, done, last = await self._steps.get()
                await _do(step, done)
        except Gone:
            pass
        finally:
            self._over = True
            while not self._steps.empty():
                self._drop(self._steps.get_nowait()[1])

    def cut(self) -> None:
        """End it now, whatever its worker does."""
        self._channel.cut(reset=True)
        self._steps.put_nowait((self._cut_channel, None, True))

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
            self._stream.mark_ended()

    async def _send_start(self, start: Message) -> None:
        self._channel.listen()
        await self._channel.send(start)

    async def _send_bytes(self, start: Message, body: bytes) -> None:
        await self._channel.send(start)
        view = memoryview(body)
        while len(view) > _PIECE:
            await self._channel.send(body_message(view[:_PIECE], more=True))
            view = view[_PIECE:]
        if self.refusal is not None:
            await self._channel.send(body_message(view, more=True))
            await self._channel.linger()
            view = view[:0]
        await self._channel.send(body_message(view, more=False))

    async def _send_file(self, start: Message, file: FileBody) -> None:
        try:
            await self._channel.send(start)
            while file.length:
                piece = file.read(_PIECE)
                if not piece:  # it became shorter: less than Content-Length can only be cut
                    await self._cut_channel()
                await self._channel.send(body_message(piece, more=bool(file.length)))
            if not self.bytes_sent:  # the file is empty
                await self._channel.send(body_message(b"", more=False))
        finally:
            file.close()

    async def _cut_channel(self) -> None:
        self._channel.cut()
        raise Gone


async def _do(step: Step, done: Future[None] | None) -> None:
    try:
        await step()
    except BaseException:
        if done is not None:
            done.set_exception(ConnectionAbortedError("The client has gone."))
        raise
    if done is not None:
        done.set_result(None)
