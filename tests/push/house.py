"""A server for the tests of streams: one route that makes the stream its query asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pode_py import (
    add_route,
    convert_to_sse_connection,
    enable_log_error_type,
    new_log_custom_method,
    send_sse_event,
    set_sse_ping,
    web_event,
)
from pode_py.observability.logs.logs import Logs
from pode_py.push.sse.hub import SseHub
from pode_py.testing import LiveServer, SseClient

#: How long a test waits for what must happen soon; a busy machine is given time.
SOON = 30.0
#: What does not wait for a stuck client takes no longer than this; what waits takes ten minutes.
AT_ONCE = 30.0


class House:
    """A running server, the streams opened on it, and the errors it logged."""

    def __init__(self, live: LiveServer, errors: list[dict[str, Any]]) -> None:
        self.live = live
        self._errors = errors

    @property
    def url(self) -> str:
        return self.live.url

    @property
    def hub(self) -> SseHub:
        return self.live.server.room(SseHub)

    @property
    def connections(self) -> int:
        """Open client connections, streams included."""
        return self.live.server.engine.connections

    def open(self, name: str = "Events", *, wait: bool = True, **query: Any) -> SseClient:
        """A client of /events; `headers`, `receive_buffer` and so on go to it, the rest to the
        query. With `wait`, its pode.open has been read."""
        own = ("headers", "receive_buffer", "last_event_id", "deadline")
        options = {key: query.pop(key) for key in own if key in query}
        options.setdefault("deadline", SOON)
        client = self.live.sse(f"/events?{urlencode({'name': name, **query})}", **options)
        if wait:
            assert client.next().type == "pode.open"
        return client

    def send(self, data: Any, name: Any = "Events", **options: Any) -> Any:
        return self.live.call(send_sse_event, data, name=name, **options)

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return self.live.call(function, *arguments, **named)

    def client_ids(self, name: str = "Events") -> list[str]:
        return [one.client_id for one in self.hub.store.select(name)]

    def errors(self) -> list[str]:
        """The messages of the errors that were logged so far.

        That one address has many streams open is said once; here it always has.
        """
        assert self.live.server.room(Logs).flush()
        messages = [str(error["message"]) for error in self._errors]
        return [message for message in messages if "event streams open" not in message]


def build(
    live_server: Callable[..., LiveServer], more: Callable[[], Any] | None = None, **options: Any
) -> House:
    """Start a house; `more` adds to its set-up."""
    errors: list[dict[str, Any]] = []

    def setup() -> None:
        enable_log_error_type(new_log_custom_method(errors.append), raw=True)
        if "clock" not in options:  # or a machine that is busy for long would have us ping
            set_sse_ping(0)
        add_route(["get", "post"], "/events", stream_as_asked)
        add_route("get", "/quick", lambda: "quick")
        add_route("get", "/who", who)
        if more is not None:
            more()

    return House(live_server(setup, **{"dead_client_timeout": 600, **options}), errors)


def stream_as_asked() -> None:
    """The route: name, group, id, scope, style, retry and force come from the query."""
    query = web_event.query
    convert_to_sse_connection(
        query.get("name") or "Events",
        group=query.get("group"),
        client_id=query.get("id"),
        scope=query.get("scope") or "default",
        style=query.get("style") or "pode",
        retry_duration=int(query.get("retry") or 0),
        allow_all_origins=bool(query.get("origins")),
        force=bool(query.get("force")),
    )


def who() -> dict[str, Any] | str:
    """A route that says which stream its request belongs to."""
    sse = web_event.sse
    if sse is None:
        return "nobody"
    return {
        "name": sse.name,
        "group": sse.group,
        "client_id": sse.client_id,
        "last_event_id": sse.last_event_id,
        "is_local": sse.is_local,
    }


def eventually(condition: Callable[[], Any], what: str, seconds: float = SOON) -> None:
    """Wait until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"In {seconds:g} seconds it did not come true: {what}"
        time.sleep(0.002)


def stick(house: House, name: str = "Events") -> None:
    """Send to `name` until the sockets of its one client, which must not read, take no more."""
    [connection] = house.hub.store.select(name)
    for _ in range(2000):
        delivery = house.send("x" * 16384, name)
        assert delivery.queued
        if is_full(house, connection) and not delivery.wait(0.2) and is_full(house, connection):
            return
        # Sent faster than the pusher runs, on a busy machine, they would overflow the queue.
        until = time.monotonic() + SOON
        while not (delivery.wait(0.02) or is_full(house, connection)):
            if connection.outbox.closed:  # on a busy machine it may have been cut by now
                return
            assert time.monotonic() < until
    raise AssertionError("The sockets took everything.")


def is_full(house: House, connection: Any) -> bool:
    """Whether the system takes nothing more for this connection."""
    streams = house.live.server.engine.open_streams
    return any(one.wants_write and one.outbox is connection.outbox for one in streams)
