"""Opening: what a route asks of a new connection, whether its request can become one, the head of
the answer, and what the stream begins with."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pode_py.core.arguments import as_list
from pode_py.core.errors import ClientDisconnected, PodeError, StatusError
from pode_py.exchange.stream import Keepalive
from pode_py.http.accept import parse_accept
from pode_py.http.request import Request
from pode_py.http.response import Response
from pode_py.push.connections.client_ids import to_header
from pode_py.push.sse import frames
from pode_py.push.sse.connection import SseConnection, SseOptions, Style
from pode_py.push.sse.history import MAX_CURSOR, Replay
from pode_py.web.event import WebEvent

_METHODS = ("GET", "POST")
# A browser opens no more connections than this to one host over HTTP/1.1 (Chromium and Firefox);
# the next one waits for ever, and so does every plain request of that page.
BROWSER_LIMIT = 6
# Of so many addresses it is remembered that they were warned of; then nobody is any more.
_MOST_WARNINGS = 1000
_BREAKING = re.compile(r"[\r\n\x00]")
_ALWAYS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-cache, no-transform"),
    # nginx holds a response back until its buffer is full, unless it is asked not to.
    ("X-Accel-Buffering", "no"),
)
# What described a body that will not come, and what a stream says of itself.
_OUR_HEADERS = frozenset(
    {"content-type", "content-encoding", "content-disposition", "cache-control", "etag"}
    | {"last-modified", "x-accel-buffering"}
    | {"x-pode-sse-client-id", "x-pode-sse-name", "x-pode-sse-group"}
)
_NOTHING_MISSED = Replay(None)


class StayAway(StatusError):
    """204: an EventSource that gets it stops trying. Not an error, but the end of the request."""

    def __init__(self) -> None:
        super().__init__(400, "The connection was closed permanently.")
        self.status = 204


def check_request(event: WebEvent, *, force: bool) -> None:
    """Raise unless the event's request can become a stream."""
    if event.request.http_method not in _METHODS:
        raise StatusError(
            405,
            "Only GET and POST requests can become SSE connections.",
            headers={"Allow": ", ".join(_METHODS)},
        )
    deadline = event.exchange.deadline
    if deadline is not None and deadline.is_expired:
        raise ClientDisconnected  # it has got 503
    if event.exchange.upgraded or event.exchange.replied:
        raise PodeError("This request is an SSE connection already. Convert it once.")
    if not force and not _wants_events(event):
        raise StatusError(
            406,
            "This is an event stream: the request's Accept header must name text/event-stream.",
        )
    if cursor_of(event) == frames.CLOSED_FOR_GOOD:
        raise StayAway


def cursor_of(event: WebEvent) -> str | None:
    """Where a returning client was. The query serves clients that can't set the header at first."""
    cursor = event.headers.get("last-event-id")
    if cursor is None and event.request.query_string:
        cursor = event.query.get("last_event_id")
    if isinstance(cursor, list):
        cursor = cursor[-1]
    # A longer one is nobody's, and need not be kept as long as the connection.
    return cursor[: MAX_CURSOR + 1] if cursor else None


def head_for(event: WebEvent, options: SseOptions, client_id: str) -> Response:
    """The head of the stream, with every header that was set before: cookies, CORS, security."""
    head = Response(200)
    add = head.headers.add
    for name, value in event.response.headers.fields():
        if name.lower() not in _OUR_HEADERS:
            add(name, value)
    head.headers.add_known(*_ALWAYS)
    if options.style == "pode":
        # What `to_header` has made can be sent.
        head.headers.add_known(
            ("X-Pode-Sse-Client-Id", to_header(client_id)),
            ("X-Pode-Sse-Name", ",".join(map(to_header, options.names))),
        )
        if options.groups:
            head.headers.add_known(("X-Pode-Sse-Group", ",".join(map(to_header, options.groups))))
    if options.allow_all_origins:
        head.headers["Access-Control-Allow-Origin"] = "*"
    return head


@lru_cache(maxsize=16)
def keepalive_of(style: Style, interval: float) -> Keepalive:
    """What the engine sends automatically: one object for all connections that are alike."""
    if style == "plain":
        return Keepalive(frames.PLAIN_PING, interval)
    return Keepalive(frames.PING, interval, frames.CLOSE)


def first_frames(connection: SseConnection, replay: Replay | None = None) -> list[bytes]:
    """`pode.open` and what the client has missed; on a plain stream the events alone."""
    replay = replay or _NOTHING_MISSED
    if connection.is_plain:
        return list(replay.frames)
    opened = frames.open_frame(
        connection.client_id, connection.names, connection.groups, replay.cursor
    )
    return [opened, *(() if replay.reset is None else (replay.reset,)), *replay.frames]


def checked_name(argument: str, value: Any) -> str:
    """A name, group or client id that can travel in a header and in `pode.open`."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise TypeError(f"{argument} takes a str, not {value!r}.")
    if not text:
        raise ValueError(f"{argument} must not be empty.")
    if _BREAKING.search(text):
        raise ValueError(f"{argument}={text!r} must not contain CR, LF or NUL.")
    return text


def checked_texts(argument: str, value: Any) -> tuple[str, ...]:
    """One or several names, groups or client ids, quickly for a str: events are sent by the
    million."""
    if value is None:
        return ()
    if type(value) is str:
        return (value,)
    return tuple(one if type(one) is str else checked_name(argument, one) for one in as_list(value))


class BrowserWarnings:
    """`warn` hears once of each address that has as many streams as a browser can have over
    HTTP/1.1."""

    def __init__(self, warn: Callable[[str, str], None]) -> None:
        self._warn = warn
        self._warned: set[str] = set()

    def count(self, request: Request, streams: int) -> None:
        """The client of this request has that many streams now."""
        # HTTP/2 carries many streams over one connection.
        if streams != BROWSER_LIMIT or not request.http_version.startswith("1"):
            return
        address = request.client_address
        if address in self._warned or len(self._warned) >= _MOST_WARNINGS:
            return
        self._warned.add(address)
        self._warn(
            f"{address} has {BROWSER_LIMIT} event streams open. A browser opens no more "
            "connections than that to one host over HTTP/1.1: give one stream several names, or "
            "share it among tabs with /pode/sse-shared.js.",
            "SSE",
        )


def _wants_events(event: WebEvent) -> bool:
    """Whether the Accept header names event streams. ``*/*`` alone is any client's default."""
    accept = event.headers.get("accept")
    if accept == "text/event-stream":  # what an EventSource sends
        return True
    choices = dict(reversed(parse_accept(accept)))
    return choices.get("text/event-stream", choices.get("text/*", 0.0)) > 0
