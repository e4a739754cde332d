"""Return values of handlers, made into responses."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.core.jsons import to_json
from pode_py.http.response import Response

TEXT = ("Content-Type", "text/plain; charset=utf-8")
JSON = ("Content-Type", "application/json; charset=utf-8")
BYTES = ("Content-Type", "application/octet-stream")

Run = Callable[[Any], Any]


class StreamedBody:
    """The pieces that a handler's iterator gives; `error` is what it raised, if it did."""

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes | str]:
        return self

    def __next__(self) -> bytes | str:
        piece: Any
        try:
            piece = next(self._pieces)
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
        if not isinstance(piece, (str, bytes, bytearray, memoryview)):
            self.error = PodeError(
                f"The handler's iterator gave {type(piece).__name__}. Give str or bytes."
            )
            raise self.error
        return piece if isinstance(piece, str) else bytes(piece)

    def close(self) -> None:
        """Free what the iterator holds; called when it will not be read to its end."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


class _Awaited:
    """An async iterator, read from a thread that waits for each piece."""

    def __init__(self, pieces: AsyncIterator[Any], run: Run) -> None:
        self._pieces = pieces
        self._run = run

    def __iter__(self) -> Iterator[bytes | str]:
        return self

    def __next__(self) -> Any:
        try:
            return self._run(_next_of(self._pieces))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            self._run(_close(close))


async def _next_of(pieces: AsyncIterator[Any]) -> Any:
    return await anext(pieces)


async def _close(close: Callable[[], Any]) -> None:
    await close()


def write_value(response: Response, value: Any, run: Run) -> None:
    """Fill `response` with what a handler returned. `run` runs coroutines.

    A Content-Type that is set already stays. Raises PodeError for values that mean no response.
    """
    response.body, content_type = _body_of(value, run)
    response.written = True
    response.headers.set_first(content_type)


def _body_of(value: Any, run: Run) -> tuple[Any, tuple[str, str]]:
    if isinstance(value, str):
        return value.encode("utf-8", "replace"), TEXT
    if isinstance(value, (dict, list)) or (is_dataclass(value) and not isinstance(value, type)):
        return to_json(value).encode(), JSON
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), BYTES
    if isinstance(value, Iterator):
        return StreamedBody(value), TEXT
    if inspect.isasyncgen(value) or isinstance(value, AsyncIterator):
        return StreamedBody(_Awaited(value, run)), TEXT
    raise PodeError(
        f"The handler returned {type(value).__name__}. Return a dict, list, dataclass, str, bytes "
        "or an iterator of them, or write a response and return None."
    )
