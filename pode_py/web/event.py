"""WebEvent: all that handlers know of one request, and the ambient name under which users find it.

Most requests look at few of the fields. So the constructor sets what every request needs, and
every other field is made when it is read first. No `__getattr__` does that: a class that has one
pays for it with each read of any attribute (measured: 6 % of a plain request).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from uuid import uuid4

from pode_py.core import ambient
from pode_py.core.ambient import AmbientEvent
from pode_py.core.clock import Clock
from pode_py.core.errors import PodeError
from pode_py.exchange.exchange import Exchange
from pode_py.http.accept import best_of
from pode_py.http.charsets import field_text
from pode_py.http.cookies import Cookie, CookieFields, parse_cookies
from pode_py.http.fields import AnyCaseFields, Fields
from pode_py.http.forms import parse_pairs
from pode_py.http.headers import RequestHeaders
from pode_py.http.ranges import Range, parse_ranges
from pode_py.http.request import Request
from pode_py.http.response import Response

if TYPE_CHECKING:
    from pode_py.push.sse.connection import SseConnection, SseReference
    from pode_py.web.routing.route import Route

__all__ = [
    "WebEvent",
    "web_event",
]

Finisher = Callable[[BaseException | None], None]


class RequestEndpoint(NamedTuple):
    """Where a request came in. `address` is the host that the client asked for, with its port."""

    protocol: str
    address: str
    name: str


class BodyReader(Protocol):
    """Makes `data` and `files` of a request's body. Raises StatusError for a bad one."""

    def read(self, event: WebEvent) -> tuple[Any, dict[str, Any]]: ...

    def content_type_of(self, event: WebEvent) -> str: ...


class EndpointFinder(Protocol):
    """Says for which endpoint a request came in."""

    def of_request(self, exchange: Exchange) -> RequestEndpoint: ...


@dataclass(frozen=True, slots=True)
class EventServices:
    """What the lazy fields of an event are made with."""

    clock: Clock
    bodies: BodyReader
    endpoints: EndpointFinder
    lockable: RLock = field(default_factory=RLock)


class WebEvent:
    """One request and its response, as handlers see them. Pode: $WebEvent.

    Used by the one thread that handles the request. Fields are Pode's, in snake case; all can be
    set, and handlers can add attributes of their own. Most fields are made when they are read
    first. `finishers` are called with what ended the handler, or None, before `on_end` and endware;
    `before_head` right before the head of the answer is made, also that of a stream.
    """

    exchange: Exchange
    request: Request
    response: Response
    path: str
    method: str
    on_end: list[Any]
    before_head: tuple[Callable[[WebEvent], object], ...] = ()
    finishers: list[Finisher]
    accept_encoding: str | None
    auth: Any
    content_type: str
    context_id: str
    cookies: Fields
    data: Any
    endpoint: RequestEndpoint
    error_type: str | None
    files: dict[str, Any]
    lockable: RLock
    metadata: dict[str, Any]
    parameters: AnyCaseFields
    pending_cookies: dict[str, Cookie]
    query: AnyCaseFields
    ranges: list[Range] | None
    route: Route | None
    session: Any
    signal: Any
    sse: SseConnection | SseReference | None
    static_content: Any
    streamed: bool
    timestamp: datetime
    transfer_encoding: str | None

    def __init__(self, exchange: Exchange, services: EventServices) -> None:
        request = exchange.request
        self.exchange = exchange
        self.request = request
        self.response = Response()
        self.path = request.path
        # Methods are case-sensitive (RFC 9110, 9.1), and Pode writes POST as "post". So what was
        # sent as "post", which is another method, must not become "post", too.
        self.method = request.http_method.swapcase()
        self.on_end = []
        self.finishers = []
        self._services = services
        self._started = services.clock.monotonic()

    def make_ready(self) -> None:
        """Call what waits in `before_head`, once: the head of the answer is about to be made."""
        waiting, self.before_head = self.before_head, ()
        for callback in waiting:
            callback(self)

    @property
    def headers(self) -> RequestHeaders:
        """The request's headers."""
        return self.request.headers

    @property
    def is_cancelled(self) -> bool:
        """Whether the client has left, or has ended its side: it may still wait for the answer."""
        return self.exchange.has_client_left

    @property
    def elapsed(self) -> float:
        """Seconds since the request was complete."""
        return self._services.clock.monotonic() - self._started

    def known(self, name: str) -> Any:
        """A field that was set or asked for before; None, without making it, otherwise."""
        return vars(self).get(name)

    def __repr__(self) -> str:
        return f"<WebEvent {self.request.http_method} {self.path}>"


def _data(event: WebEvent) -> Any:
    data, files = event._services.bodies.read(event)
    event.files = files
    return data


def _files(event: WebEvent) -> dict[str, Any]:
    data, files = event._services.bodies.read(event)
    event.data = data
    return files


def _cookies(event: WebEvent) -> Fields:
    return CookieFields(parse_cookies(event.headers.get_all("cookie")))


def _query(event: WebEvent) -> AnyCaseFields:
    text = event.request.query_string
    if not text.isascii():  # an ASGI server has let it through without its percent-encoding
        text = field_text(text.encode("latin-1"))
    return AnyCaseFields.of_pairs("query parameter", parse_pairs(text))


def _timestamp(event: WebEvent) -> datetime:
    return event._services.clock.now() - timedelta(seconds=event.elapsed)


def _none(_: WebEvent) -> None:
    return None


_LAZY: dict[str, Callable[[WebEvent], Any]] = {
    "accept_encoding": lambda event: best_of(
        event.headers.get("accept-encoding"), ("gzip", "deflate")
    ),
    "auth": lambda _: SimpleNamespace(user=None),
    "content_type": lambda event: event._services.bodies.content_type_of(event),
    "context_id": lambda _: str(uuid4()),
    "cookies": _cookies,
    "data": _data,
    "endpoint": lambda event: event._services.endpoints.of_request(event.exchange),
    "error_type": _none,
    "files": _files,
    "lockable": lambda event: event._services.lockable,
    "metadata": lambda _: {},
    "parameters": lambda _: AnyCaseFields("path parameter"),
    "pending_cookies": lambda _: {},
    "query": _query,
    "ranges": lambda event: parse_ranges(event.headers.get("range")),
    "route": _none,
    "session": _none,
    "signal": _none,
    "sse": _none,
    "static_content": _none,
    "streamed": lambda _: True,
    "timestamp": _timestamp,
    "transfer_encoding": lambda event: event.headers.get("transfer-encoding"),
}


class _Lazy:
    """A field that is made when it is read first. From then on the event has it itself."""

    __slots__ = ("_make", "_name")

    def __init__(self, name: str, make: Callable[[WebEvent], Any]) -> None:
        self._name = name
        self._make = make

    def __get__(self, event: WebEvent | None, _: type[WebEvent]) -> Any:
        if event is None:
            return self
        value = self._make(event)
        setattr(event, self._name, value)
        return value


for _name, _make in _LAZY.items():
    setattr(WebEvent, _name, _Lazy(_name, _make))


def current_event() -> WebEvent:
    """The event itself that `web_event` stands for. PodeError outside of a request."""
    event = ambient.WEB.variable.get(None)
    if event is None:
        raise PodeError("This only works while a request is handled: in a route or middleware.")
    return cast("WebEvent", event)


#: The event of the request that this code handles.
web_event: WebEvent = cast(WebEvent, AmbientEvent(ambient.WEB))  # unquoted: editors follow it
