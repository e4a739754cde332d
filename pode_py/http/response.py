"""Response: what a handler answers, and the bytes of its head."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from pode_py.http.headers import ResponseHeaders, is_field_value
from pode_py.http.statuses import REASONS, RESET_CONTENT, has_body


@dataclass(slots=True)
class FileBody:
    """A part of an open file, sent piece by piece. Whoever sends it closes it."""

    file: IO[bytes]
    offset: int
    length: int

    def read(self, size: int) -> bytes:
        """The next piece; empty at the end, or if the file was cut meanwhile."""
        piece = os.pread(self.file.fileno(), min(size, self.length), self.offset)
        self.offset += len(piece)
        self.length -= len(piece)
        return piece

    def close(self) -> None:
        self.file.close()


class PushedBody(ABC):
    """A body whose pieces somebody puts into an outbox, at the pace of the client."""

    @abstractmethod
    def send_to(self, outbox: Any) -> None:
        """Put the pieces there, and end it after them. Does not wait."""

    @abstractmethod
    def close(self) -> None:
        """Nothing of it will be sent."""


# What is sent by the thread that answers, and what may come later.
SentBody = bytes | FileBody | Iterable[bytes | str]
Body = SentBody | PushedBody


class Response:
    """Status, headers and body. Belongs to the thread that handles the request.

    `written` says that somebody decided what to answer: a handler that did must return nothing.
    `page` is the body of the error page, or what middleware wrote: what a handler returns takes
    its place.
    """

    __slots__ = ("body", "headers", "page", "reason", "status_code", "written")

    def __init__(self, status_code: int = 200, body: Body = b"") -> None:
        self.status_code = status_code
        self.reason: str | None = None
        self.headers = ResponseHeaders()
        self.body: Body = body
        self.page: bytes | None = None
        self.written = False

    @property
    def is_page(self) -> bool:
        """Whether what would be sent now gives way to what a handler returns."""
        return self.page is not None and self.body is self.page

    def reset(self, status_code: int) -> None:
        """Forget body and what describes it; keep the other headers."""
        close_body(self.body)
        self.status_code = status_code
        self.reason = None
        self.body = b""
        self.page = None
        for name in ("Content-Type", "Content-Encoding", "Content-Disposition", "ETag"):
            self.headers.pop(name, None)


def plain_body(body: Body) -> Body:
    """Text and other kinds of bytes are one piece, not an iterator of theirs."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return body


def close_body(body: Body) -> None:
    """Free what a body that will not be sent holds: a file, a generator."""
    close = getattr(body, "close", None)
    if close is not None:
        close()


def pieces(body: Iterable[bytes | str]) -> Iterator[bytes]:
    """The pieces of an iterator body as bytes. Empty ones are left out: one ends a chunked body."""
    for piece in body:
        # join refuses what is no bytes, where bytes(5) would make five NULs.
        data = piece.encode() if isinstance(piece, str) else b"".join([piece])
        if data:
            yield data


# Set by the engine alone: a handler that names them can't break the framing.
FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date"})

_STATUS_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in REASONS.items()}


def first_lines(response: Response, server: str) -> bytes:
    """The head as far as the handler decides it: status, fields, and the server's name."""
    status = response.status_code
    if response.reason is None:
        line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    else:
        line = f"HTTP/1.1 {status} {checked_reason(response.reason)}\r\n"
    fields = response.headers.fields()
    names = [name.lower() for name, _ in fields]
    if not FRAMING.isdisjoint(names):
        fields = [field for field in fields if field[0].lower() not in FRAMING]
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    named = "" if not server or "server" in names else f"Server: {server}\r\n"
    return f"{line}{lines}{named}".encode("latin-1")


def last_lines(date: str) -> bytes:
    """The end of the head, behind the engine's own lines."""
    return f"Date: {date}\r\n\r\n".encode("latin-1")


def checked_reason(reason: str) -> str:
    """The reason phrase as it may be sent; ValueError for one that can't."""
    if not is_field_value(reason):
        raise ValueError(
            f"The reason {reason!r} can't be sent: use visible ASCII characters and spaces."
        )
    return reason


def framing_lines(response: Response, *, head_only: bool, keep_alive: bool, chunks: bool) -> bytes:
    """Content-Length or Transfer-Encoding, and Connection, for this response.

    A response to HEAD announces the length its GET would have (RFC 9110, 9.3.2).
    """
    connection = b"" if keep_alive else b"Connection: close\r\n"
    if not has_body(response.status_code):
        if response.status_code == RESET_CONTENT:
            return b"Content-Length: 0\r\n" + connection
        return connection
    length = announced_length(response, head_only=head_only)
    if length is not None:
        return f"Content-Length: {length}\r\n".encode() + connection
    return b"Transfer-Encoding: chunked\r\n" + connection if chunks else connection


def announced_length(response: Response, *, head_only: bool) -> int | str | None:
    """The Content-Length of a response that may have a body; None if nobody knows it yet."""
    body = response.body
    if isinstance(body, bytes):
        given = response.headers.get("Content-Length", "")
        if head_only and not body and given.isascii() and given.isdigit():
            return given
        return len(body)
    return body.length if isinstance(body, FileBody) else None
