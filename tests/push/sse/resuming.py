"""What the tests of history share: a route for streams of several names, and returning clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pode_py import add_route, convert_to_sse_connection, set_sse_history, web_event
from pode_py.testing import SseClient, SseEvent


def with_history(more: Callable[[], Any] | None = None, **limits: Any) -> Callable[[], None]:
    """A set-up that keeps a history for all names, and has the route /many?name=A,B."""

    def setup() -> None:
        set_sse_history(**limits)
        add_route("get", "/many", many)
        if more is not None:
            more()

    return setup


def many() -> None:
    query = web_event.query
    convert_to_sse_connection(
        str(query["name"]).split(","),
        group=[one for one in str(query.get("group") or "").split(",") if one],
        client_id=query.get("id"),
    )


def back(client: SseClient, cursor: str | None = None) -> SseClient:
    """The client again, as its browser would come back; its pode.open has been read."""
    again = client.reconnect() if cursor is None else client
    assert again.next().type == "pode.open"
    return again


def texts(events: list[SseEvent]) -> list[str]:
    return [event.data for event in events]


def up_to(client: SseClient, marker: str) -> list[str]:
    """The data of what comes before the marker; types other than message as <type>."""
    got = []
    while (event := client.next()).data != marker:
        got.append(event.data if event.type == "message" else f"<{event.type}>")
    return got
