"""Return values of handlers, made into responses.

The first piece of an iterator is made before the head is sent, so that one that fails at once is
answered with an error like any other handler.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import copy_context
from dataclasses import is_dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from pode_py.core.calls import no_generator_exit
from pode_py.core.errors import ClientDisconnected, PodeError, StatusError
from pode_py.core.jsons import to_json
from pode_py.core.loop import EventLoop, RunningCoroutine
from pode_py.exchange.outbox import Outbox
from pode_py.http.response import PushedBody, Response
from pode_py.web.bodies.values import NoFields

TEXT = ("Content-Type", "text/plain; charset=utf-8")
JSON = ("Content-Type", "application/json; charset=utf-8")
BYTES = ("Content-Type", "application/octet-stream")

# An async iterator is asked for its next piece while no more than this waits for the client.
_AHEAD = 64 * 1024


class StreamedBody:
    """The pieces that a handler's iterator makes; `error` is what it raised, if it did."""

    def __init__(self, pieces: Iterator[Any], handler: object) -> None:
        self._pieces = pieces
        self._handler = handler
        self._first: bytes | None = None
        self.is_empty = False
        self.error: BaseException | None = None

    def begin(self) -> None:
        """Make the first piece. Raises what the iterator raises."""
        self._first = next(self, None)
        self.is_empty = self._first is None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        try:
            return checked_piece(next(self._pieces), self._handler)
        except StopIteration:
            raise
        except GeneratorExit as error:
            self.error = no_generator_exit(error)
            raise self.error from error
        except BaseException as error:
            self.error = error
            raise

    def close(self) -> None:
        """Free what the iterator holds; called when it will not be read to its end."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


class AsyncBody(PushedBody):
    """The pieces that a handler's async iterator makes: one task, in one context, to its end.

    `begin` and `finished` are awaited on the loop, before the head is sent and after; in between
    a worker calls `send_to` or `close`. Pieces wait in the outbox for a client that reads slowly,
    and the iterator with them; no thread does.
    """

    def __init__(self, pieces: AsyncIterator[Any], loop: EventLoop, handler: object) -> None:
        self._pieces = pieces
        self._handler = handler
        self._loop = loop
        self._task: RunningCoroutine | None = None
        self._first: asyncio.Future[None]
        self._outbox: asyncio.Future[Outbox | None]
        self._over: asyncio.Future[None]
        self.is_empty = False
        self.size = 0

    async def begin(self) -> None:
        """Start the iterator; return when its first piece is there. Raises what it raised."""
        loop = asyncio.get_running_loop()
        self._first, self._outbox, self._over = (
            loop.create_future(),
            loop.create_future(),
            loop.create_future(),
        )
        self._task = self._loop.start(self._make(), copy_context(), self._ended)
        await asyncio.shield(self._first)  # cancelled itself, it would look as if it were there

    def send_to(self, outbox: Outbox) -> None:
        """Send the pieces there, and end it after them."""
        self._loop.call_soon(self._decide, outbox)

    def close(self) -> None:
        """Nothing more is to be sent: end the iterator."""
        self._loop.call_soon(self._decide, None)

    async def finished(self) -> None:
        """Wait until the iterator has ended. Raises what it raised."""
        if self._task is not None:
            await asyncio.shield(self._over)

    def _decide(self, outbox: Outbox | None) -> None:
        if self._task is None:
            return
        if self._first.done() and not self._outbox.done():
            self._outbox.set_result(outbox)
        elif outbox is None:
            self._task.cancel_now(ClientDisconnected())

    async def _make(self) -> None:
        outbox: Outbox | None = None
        try:
            async for made in self._pieces:
                data = checked_piece(made, self._handler)
                if not self._first.done():
                    outbox = await self._head()
                if outbox is None:
                    return
                if data:
                    await self._put(outbox, data)
            if not self._first.done():  # there was no piece at all
                self.is_empty = True
                outbox = await self._head()
            if outbox is not None:
                outbox.end()
        finally:
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()

    async def _head(self) -> Outbox | None:
        """Have the head sent. None if no body follows it."""
        self._first.set_result(None)
        return await self._outbox

    async def _put(self, outbox: Outbox, data: bytes) -> None:
        if outbox.pending_bytes > _AHEAD:
            room = asyncio.get_running_loop().create_future()
            tell = partial(self._loop.call_soon, _happened, room)
            if outbox.call_when_settled(outbox.queued, tell):
                await room
        if not outbox.send(data):
            raise ClientDisconnected
        self.size += len(data)

    def _ended(self, value: Any, error: BaseException | None) -> None:
        del value
        for future in (self._first, self._over):
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                future.exception()  # it is raised where it is awaited; if it is not, nowhere


def _happened(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def checked_piece(piece: Any, handler: object) -> bytes:
    """A piece as it is sent; PodeError for anything but text and bytes."""
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, str):
        return piece.encode("utf-8", "replace")
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(piece)
    if piece is None:
        advice = " Leave out what is None; in an event stream, return after the last event."
    elif isinstance(piece, (dict, list)):
        advice = ' One JSON text a line: `yield json.dumps(value) + "\\n"`.'
    else:
        advice = _advice(piece, "yield")
    what = "None" if piece is None else _described(piece)
    raise PodeError(f"{handler}, yielded {what}. Yield str or bytes.{advice}")


def write_value(response: Response, value: Any, loop: EventLoop, handler: object) -> None:
    """Fill `response` with what `handler` returned. `loop` runs async iterators.

    A Content-Type that is set already stays, but for that of an error page. Raises PodeError for
    values that mean no response.
    """
    if type(value) is tuple:
        value = _unpacked(response, value, handler)
        if value is None:
            return
    try:
        body, content_type = _body_of(value, loop, handler)
    except (TypeError, ValueError) as error:
        what = _described(value)
        raise PodeError(f"{handler}, returned {what} without a JSON text. {error}") from None
    if response.page is not None:
        _drop_page(response)
    response.body = body
    response.written = True
    response.headers.set_first(content_type)


def put_body(response: Response, body: Any) -> None:
    """Make these pieces the body, also in place of an error page. As in `write_value`."""
    _drop_page(response)
    response.body = body
    response.written = True
    response.headers.set_first(TEXT)


def _drop_page(response: Response) -> None:
    if response.is_page:
        response.headers.pop("Content-Type", None)


def _unpacked(response: Response, value: tuple[Any, ...], handler: object) -> Any:
    """The value of `(value, status)` or `(value, status, headers)`; the response gets the rest."""
    status: Any = value[1] if len(value) in (2, 3) else None
    headers: Any = value[2] if len(value) == 3 else {}
    is_number = isinstance(status, int) and not isinstance(status, bool)
    if not is_number or not isinstance(headers, Mapping):
        kinds = ", ".join(type(one).__name__ for one in value) or "nothing"
        raise PodeError(
            f"{handler}, returned a tuple of {kinds}. Return (value, status) or (value, status, "
            'headers), such as (user, 201, {"Location": "/users/7"}). For a JSON array return a '
            "list."
        )
    if not 200 <= status <= 599:
        raise PodeError(f"{handler}, returned the status {status!r}. Use a number from 200 to 599.")
    response.status_code, response.reason = int(status), None
    try:
        for name, one in headers.items():
            response.headers.pop(name, None)
            for text in one if isinstance(one, list | tuple) else (one,):
                response.headers.add(name, text)
    except (AttributeError, TypeError, ValueError) as error:
        raise PodeError(f"{handler}, returned headers that can't be sent. {error}") from None
    if value[0] is None:
        response.reset(int(status))
        response.written = status < 400  # else its page
    return value[0]


def _body_of(value: Any, loop: EventLoop, handler: object) -> tuple[Any, tuple[str, str]]:
    if isinstance(value, str):
        return value.encode("utf-8", "replace"), TEXT
    if isinstance(value, (dict, list)) or (is_dataclass(value) and not isinstance(value, type)):
        return to_json(value).encode(), JSON
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), BYTES
    if isinstance(value, Iterator):
        return StreamedBody(value, handler), TEXT
    if isinstance(value, NoFields):  # a body that is passed on as it came: a number, true, null
        return to_json(value).encode(), JSON
    if inspect.isasyncgen(value) or isinstance(value, AsyncIterator):
        return AsyncBody(value, loop, handler), TEXT
    if isinstance(value, Mapping):
        return to_json(value).encode(), JSON
    raise PodeError(
        f"{handler}, returned {_described(value)}. Return a dict, list, dataclass, str, bytes "
        f"or an iterator of them, or write a response and return None.{_advice(value)}"
    )


def _described(value: Any) -> str:
    if callable(value):
        name = getattr(value, "__qualname__", type(value).__name__).rpartition("<locals>.")[2]
        return f"the {'class' if isinstance(value, type) else 'function'} `{name}`"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _advice(value: Any, verb: str = "return") -> str:
    """What was most likely meant, as code."""
    if isinstance(value, StatusError) or value is StatusError:
        return f" Raise it: `raise StatusError({getattr(value, 'status', 404)})`."
    if verb == "yield":
        is_number = isinstance(value, bool | int | float | Decimal)
        return f' As text: `yield "{value}"`.' if is_number else ""
    if isinstance(value, set | frozenset):
        return " A list here: `return sorted(...)`."
    if isinstance(value, tuple):
        return " A list here: `return list(...)`."
    if isinstance(value, bool | int | float | Decimal):
        return f' As text: `return "{value}"`; as JSON: `return {{"value": {value}}}`.'
    if callable(value):
        return " Call it: `return name()`."
    return ""
