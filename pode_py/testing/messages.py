"""Responses as clients see them, and what takes them off the bytes of a connection.

Strict on purpose: what no client should have to accept is a MalformedResponse, which fails the
test that sees it. No socket here; see wire.py.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from pode_py.http.headers import ResponseHeaders
from pode_py.http.statuses import RESET_CONTENT, has_body

_STATUS_LINE = re.compile(r"HTTP/(1\.[01]) ([1-5][0-9]{2}) (.*)")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")


class MalformedResponse(AssertionError):
    """The server sent something that is not an HTTP response."""


@dataclass(frozen=True)
class ClientResponse:
    """One response, complete with its body.

    `headers` ignores case; `headers.get_all(name)` has repeated fields one by one. `complete` is
    False for a body that was cut: shorter than announced, or without its last chunk.
    """

    status_code: int
    headers: ResponseHeaders = field(default_factory=ResponseHeaders)
    body: bytes = b""
    reason: str = ""
    http_version: str = "1.1"
    complete: bool = True

    @property
    def text(self) -> str:
        """Return the body as text, in the charset of its Content-Type, or UTF-8."""
        _, _, charset = self.headers.get("Content-Type", "").lower().partition("charset=")
        return self.body.decode(charset.split(";")[0].strip(" \"'") or "utf-8")

    def json(self) -> Any:
        """Return the value of a JSON body."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<ClientResponse {self.status_code} {self.body[:60]!r}>"


class BodyDecoder:
    """Takes the framing off a body. `length` None and not chunked means: until the end."""

    def __init__(self, *, chunked: bool = False, length: int | None = None) -> None:
        self._chunked = chunked
        self._left = 0 if chunked else length
        self._buffer = bytearray()
        self._phase = "size" if chunked else "data"
        #: The body has ended as its framing asks.
        self.complete = length == 0 and not chunked

    @property
    def until_close(self) -> bool:
        """Only the end of the connection ends this body."""
        return not self._chunked and self._left is None

    def feed(self, data: bytes) -> bytes:
        """The part of the body that has arrived. `rest` has what came after the body."""
        self._buffer += data
        parts: list[bytes] = []
        while not self.complete and self._step(parts):
            pass
        return b"".join(parts)

    def rest(self) -> bytes:
        return bytes(self._buffer)

    def _step(self, parts: list[bytes]) -> bool:
        if self._phase == "data":
            return self._take_data(parts)
        if self._phase == "size":
            return self._take_size()
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if self._phase == "end":
            if line:
                raise MalformedResponse(f"{line[:40]!r} follows a chunk, where CR LF belongs.")
            self._phase = "size"
        elif not line:  # the end of the trailer
            self.complete = True
        return True

    def _take_data(self, parts: list[bytes]) -> bool:
        piece = bytes(self._buffer if self._left is None else self._buffer[: self._left])
        if not piece:
            return False
        del self._buffer[: len(piece)]
        parts.append(piece)
        if self._left is not None:
            self._left -= len(piece)
            if not self._left:
                self._phase = "end" if self._chunked else "data"
                self.complete = not self._chunked
        return True

    def _take_size(self) -> bool:
        if b"\r\n" not in self._buffer:
            if len(self._buffer) > 18:
                raise MalformedResponse(f"{bytes(self._buffer[:40])!r} is no chunk size.")
            return False
        match = _SIZE_LINE.match(self._buffer)
        if match is None:
            raise MalformedResponse(f"{bytes(self._buffer[:40])!r} is no chunk size.")
        self._left = int(match[1], 16)
        del self._buffer[: match.end()]
        self._phase = "data" if self._left else "trailer"
        return True


def parse_head(head: bytes) -> ClientResponse:
    """A response without its body, from the bytes before the empty line."""
    status_line, *lines = head.decode("latin-1").split("\r\n")
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise MalformedResponse(f"{status_line!r} is no status line.")
    headers = ResponseHeaders()
    for line in lines:
        field_match = _FIELD.fullmatch(line)
        if field_match is None:
            raise MalformedResponse(f"{line!r} is no header field.")
        headers.add(field_match[1], field_match[2])
    return ClientResponse(int(match[2]), headers, b"", match[3], match[1])


def body_decoder(head: ClientResponse, method: str) -> BodyDecoder:
    """What ends the body of this response to a request with `method` (RFC 9112, 6.3)."""
    encoding = head.headers.get("Transfer-Encoding")
    lengths = head.headers.get_all("Content-Length")
    if encoding is not None and lengths:
        raise MalformedResponse("The response has Transfer-Encoding and Content-Length.")
    if len(set(lengths)) > 1 or not all(one.isascii() and one.isdigit() for one in lengths):
        raise MalformedResponse(f"Content-Length can't be {', '.join(lengths)!r}.")
    ends_at_head = not has_body(head.status_code) and head.status_code != RESET_CONTENT
    if method.upper() == "HEAD" or ends_at_head:
        return BodyDecoder(length=0)
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise MalformedResponse(f"Transfer-Encoding can't be {encoding!r}.")
        return BodyDecoder(chunked=True)
    return BodyDecoder(length=int(lengths[0]) if lengths else None)
