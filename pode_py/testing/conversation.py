"""Requests over real sockets: `converse` for raw bytes, `fetch` for plain ones."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any
from urllib.parse import urlencode, urlsplit

from pode_py.testing.messages import ClientResponse
from pode_py.testing.wire import DEADLINE, Wire, WireTimeout

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_METHOD = re.compile(rb"([A-Za-z]+) ")


@dataclass(frozen=True)
class Conversation:
    """The result of `converse`: the responses, the bytes after them, and whether it closed."""

    responses: list[ClientResponse]
    rest: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        return [response.status_code for response in self.responses]


def converse(
    target: str | int,
    *pieces: bytes,
    deadline: float = DEADLINE,
    responses: int | None = 1,
    methods: Sequence[str] = (),
    pause: float = 0.0,
    half_close: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Conversation:
    """Send raw bytes and return what the server answers.

    target: a URL, or a port of 127.0.0.1.
    pieces: what is sent, one piece after the other.
    deadline: seconds for all of it.
    responses: number of whole responses to read, not counting those with a status below 200; then
        it looks whether the server closes. With None it reads until the server closes.
    methods: those of the requests, because an answer to HEAD has no body; by default that of the
        first line counts for all.
    pause: seconds between the pieces.
    half_close: end the sending.
    tls: the context for https; by default one that accepts any certificate.

    Raises WireTimeout if less comes in time, MalformedResponse for what is not HTTP.

        answer = converse(live.port, b"GET / HTTP/1.1\\r\\n\\r\\n")
        assert answer.statuses == [400]
        assert answer.closed
    """
    with Wire(target, deadline=deadline, tls=tls) as wire:
        until = time.monotonic() + deadline
        # A server may refuse a request and close before all of it was sent.
        with contextlib.suppress(ConnectionError):
            wire.send(*pieces, pause=pause)
            if half_close:
                wire.finish_sending()
        first = _METHOD.match(pieces[0] if pieces else b"")
        usual = first[1].decode() if first else "GET"
        found: list[ClientResponse] = []
        finals = 0
        while finals != responses:
            if responses is None and _ended(wire, until):
                break
            method = methods[finals] if finals < len(methods) else usual
            found.append(wire.read_response(method, deadline=until - time.monotonic()))
            finals += found[-1].status_code >= 200
        closed = wire.at_end or _closes(wire, found)
        return Conversation(found, wire.received, closed)


def fetch(
    url: str,
    method: str = "GET",
    *,
    headers: Headers = (),
    data: Any = None,
    json: Any = None,
    deadline: float = DEADLINE,
    tls: ssl.SSLContext | None = None,
) -> ClientResponse:
    """Send one request on a connection of its own, and return the response.

    data: bytes, text, or a dict of form fields.
    json: a value that is sent as JSON.
    deadline: seconds for the whole response.
    tls: the context for https; by default one that accepts any certificate.

    Raises WireTimeout if the response does not come in time.

        assert fetch(live.url + "/").text == "Hello"
    """
    with Wire(url, deadline=deadline, tls=tls) as wire:
        wire.send(
            request_bytes(method, url, [("Connection", "close"), *pairs(headers)], data, json)
        )
        response = wire.read_response(method)
        while response.status_code < 200:
            response = wire.read_response(method)
        return response


def request_bytes(
    method: str, url: str, headers: Headers, data: Any = None, json: Any = None
) -> bytes:
    """A whole request, ready to be sent."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body, content_type = body_of(data, json)
    fields = list(pairs(headers))
    known = {name.lower() for name, _ in fields}
    if "host" not in known:
        fields.insert(0, ("Host", parts.netloc))
    if content_type and "content-type" not in known:
        fields.append(("Content-Type", content_type))
    if body is not None:
        fields.append(("Content-Length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + (body or b"")


def body_of(data: Any, json_value: Any) -> tuple[bytes | None, str]:
    """A request's body and its Content-Type."""
    if json_value is not None:
        return dumps(json_value).encode(), "application/json"
    if data is None or isinstance(data, bytes):
        return data, ""
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"


def pairs(headers: Headers) -> Iterable[tuple[str, str]]:
    """Header fields one by one, from a dict or from pairs."""
    return headers.items() if isinstance(headers, Mapping) else headers


def _ended(wire: Wire, until: float) -> bool:
    """Whether the server closes, or more comes."""
    try:
        data = wire.read(until)
    except TimeoutError:
        raise WireTimeout("The server did not close in time.") from None
    wire.give_back(data)
    return not data


def _closes(wire: Wire, found: Sequence[ClientResponse]) -> bool:
    """Whether the connection ends now. One that was announced to close is given time for it."""
    announced = any("close" in one.headers.get("Connection", "").lower() for one in found)
    wait = wire.deadline if announced else 0.05
    try:
        data = wire.read(time.monotonic() + wait)
    except TimeoutError:
        return False
    wire.give_back(data)
    return not data
