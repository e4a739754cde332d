"""The Server-Sent Events area of the Pode API: connections and what is sent to them. Thin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any, Literal, cast

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import as_list, filled, one_of, whole_number
from pode_py.core.calls import Calls, steps
from pode_py.core.errors import PodeError, ServerStopped, StatusError
from pode_py.core.handlers import Handler
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import Scope
from pode_py.push.connections.delivery import Delivery
from pode_py.push.connections.regrouping import Change, regroup
from pode_py.push.sse import frames
from pode_py.push.sse.connection import (
    STYLES,
    SseConnection,
    SseConnectionFacts,
    SseOptions,
    Style,
)
from pode_py.push.sse.handshake import checked_name, checked_texts
from pode_py.push.sse.hub import SseHub
from pode_py.web.event import WebEvent

__all__ = [
    "Delivery",
    "SseConnection",
    "SseConnectionFacts",
    "close_sse_connection",
    "convert_to_sse_connection",
    "get_sse_client_id_list",
    "get_sse_connection",
    "get_sse_cursor",
    "get_sse_group_list",
    "get_sse_name_list",
    "join_sse_group",
    "join_sse_name",
    "leave_sse_group",
    "send_sse_event",
    "test_sse_client_id",
    "test_sse_name",
]

Some = str | Sequence[str] | None
ClientIds = str | int | Sequence[str | int] | None
Where = Callable[[SseConnection], object]


def convert_to_sse_connection(
    name: str | Sequence[str],
    *,
    group: Some = None,
    scope: Literal["default", "local", "global"] = "default",
    retry_duration: int = 0,
    client_id: str | int | None = None,
    allow_all_origins: bool = False,
    force: bool = False,
    ticket: bool = False,
    style: Style = "pode",
    backlog: int = 0,
) -> SseConnection:
    """Turn the current request into an SSE connection. Pode: ConvertTo-PodeSseConnection.

    The client gets the headers at once. Works in GET and POST routes. With the name and client id
    of an open connection, the new one takes over.

    name: one or, unlike in Pode, several names, so that a browser needs one connection.
    group: one or, unlike in Pode, several groups.
    scope: a "global" connection stays open after the route and holds no thread; a "local" one ends
        with the route; "default" is what `set_sse_default_scope` says.
    retry_duration: milliseconds that the client waits before it reconnects; 0 leaves it to the
        client.
    allow_all_origins: let pages of every origin read the stream.
    force: skip the check of the request's Accept header.
    ticket: demand a ticket of `new_sse_ticket` in the query, and take its group and client id. Not
        in Pode.
    style: "plain" sends exactly your events, for protocols that know no others: no `pode.*` events,
        no `X-Pode-*` headers, comments as pings. Not in Pode.
    backlog: number of past events, at most, that a client gets at first if it has seen none. Needs
        `set_sse_history`. Not in Pode.

    Returns the connection, which is `web_event.sse` from now on.
    Raises ValueError for an unknown scope or style; PodeError for a backlog where no history is
    kept; StatusError 405 or 406 for a request that cannot become a stream, 401 for a bad ticket,
    503 beyond the limits of `set_sse_limits`.

        @add_route("get", "/events")
        def events():
            convert_to_sse_connection("Events", group="admins")
    """
    chosen_style = cast("Style", one_of("style", style, STYLES))
    hub = room(SseHub)
    event = _event("convert_to_sse_connection")
    names = tuple(dict.fromkeys(checked_name("name", one) for one in as_list(name)))
    if not names:
        raise ValueError("name must not be empty.")
    chosen = one_of("scope", scope, ("default", "local", "global"))
    groups = [checked_name("group", one) for one in as_list(group) if one != ""]
    options = SseOptions(
        names=names,
        groups=tuple(dict.fromkeys(groups)),
        scope=hub.default_scope if chosen == "default" else cast("Scope", chosen),
        style=chosen_style,
        retry_duration=whole_number("retry_duration", retry_duration, maximum=2**31 - 1),
        client_id=None if client_id in (None, "") else checked_name("client_id", client_id),
        allow_all_origins=allow_all_origins,
        force=force,
        backlog=whole_number("backlog", backlog),
    )
    if ticket:
        options = _with_ticket(hub, event, options)
    return hub.open(event, options)


def send_sse_event(
    data: Any,
    *,
    name: Some = None,
    group: Some = None,
    client_id: ClientIds = None,
    id: str | int | None = None,
    event_type: str | None = None,
    from_event: bool = False,
    where: Where | None = None,
) -> Delivery:
    """Send an event to one or several connections, from any thread. Pode: Send-PodeSseEvent.

    Several groups mean any of them; groups and client ids together mean both. A name without
    connections is no error.

    data: a str is sent as it is, anything else as compact JSON.
    from_event: send to the connection of the current request.
    where: a function that chooses connections, by their `session`, `auth`, `opened_at` and so on,
        among those that are open now. Does not work with a backplane. Not in Pode.

    Returns a `Delivery`, which says how many connections got the event, and the event's id; after
    the server has stopped, that is none.
    Raises TypeError for data that has no JSON text; ValueError for CR, LF or NUL in `id` or
    `event_type`; PodeError below the broadcast level, and for `where` with a backplane. Nothing is
    sent then.

        send_sse_event({"price": 12.5}, name="Events", event_type="quote")
    """
    own_id = None if id is None or id == "" else frames.checked_id(str(id))
    frame = frames.event_frame(frames.text_of(data), event_type=event_type)
    names = checked_texts("name", name)
    _check_target(names, from_event, where)
    try:
        hub = room(SseHub)
    except ServerStopped:  # a thread that the user has started, and that outlives the server
        return Delivery.to_nobody()
    if from_event:
        event = _event("send_sse_event(from_event=True)")
        return hub.send_from(event, frame, names[0] if names else None, own_id)
    audience = Audience(names, checked_texts("group", group), _ids(client_id))
    if where is None:
        return hub.send(frame, audience, own_id)
    return hub.send_where(frame, audience, _checked_where(where), own_id)


def _check_target(names: Sequence[str], from_event: bool, where: Where | None) -> None:
    if from_event and where is not None:
        raise PodeError(
            "send_sse_event takes from_event=True, which is one connection, or where=, which "
            "chooses among those of a name. Leave one of them out."
        )
    if not names and not from_event:
        raise PodeError(
            "send_sse_event needs name=, the name given to convert_to_sse_connection, or "
            "from_event=True inside the route of a connection."
        )


def close_sse_connection(
    name: str,
    *,
    group: Some = None,
    client_id: ClientIds = None,
    where: Where | None = None,
    reconnect: bool = True,
) -> int:
    """Send `pode.close` to the connections of a name, and end them. Pode: Close-PodeSseConnection.

    Does not wait for the clients.

    name: unlike in Pode, "*" means all names.
    where: a function that chooses connections, by their `session`, `auth`, `opened_at` and so on;
        with several nodes, among those of this node. Not in Pode.
    reconnect: with False, a browser's EventSource that tries again gets 204 and stops. Not in Pode.

    Returns how many connections there were; in an async handler with a backplane, on this node.

        close_sse_connection("Events", client_id="42")
        close_sse_connection("*", where=lambda one: one.auth.user == "ada", reconnect=False)
    """
    chosen = None if where is None else _checked_where(where)
    audience = Audience((filled("name", name),), checked_texts("group", group), _ids(client_id))
    return room(SseHub).close(audience, chosen, reconnect=reconnect)


def get_sse_cursor(name: str | Sequence[str]) -> str:
    """Return the id of the latest event, for a page that connects from there. Not in Pode.

    Take the cursor first, then the state, and render both: the page opens
    ``/events?last_event_id=<cursor>`` and gets every event that was sent since. An event that came
    in between is in the state as well.

    name: one or several names. The cursor serves them all.

    Raises PodeError if none of them keeps a history.

        @add_route("get", "/state")
        def state():
            return {"cursor": get_sse_cursor("Stock"), "apples": 3}
    """
    return room(SseHub).cursor(checked_texts("name", name))


def join_sse_group(name: str, group: Some, *, client_id: ClientIds = None) -> int:
    """Put connections of a name into further groups. Not in Pode.

    client_id: by default all connections of the name.

    Returns how many connections there were.

        join_sse_group("Events", "admins", client_id=web_event.sse.client_id)
    """
    new = _some("group", group)
    return _regroup(name, client_id, Change("join group", new))


def leave_sse_group(name: str, group: Some, *, client_id: ClientIds = None) -> int:
    """Take connections of a name out of groups. Not in Pode.

    client_id: by default all connections of the name.

    Returns how many connections there were.

        leave_sse_group("Events", "admins", client_id="42")
    """
    gone = _some("group", group)
    return _regroup(name, client_id, Change("leave group", gone))


def join_sse_name(name: str, other: Some, *, client_id: ClientIds = None) -> int:
    """Give connections of a name further names, whose events they get as well. Not in Pode.

    client_id: by default all connections of the name.

    Returns how many connections there were.

        join_sse_name("Events", "News", client_id="42")
    """
    new = _some("other", other)
    return _regroup(name, client_id, Change("join name", new))


def get_sse_connection(
    name: str = "*", *, group: Some = None, client_id: ClientIds = None
) -> list[SseConnectionFacts]:
    """Return facts about the connections of a name. Not in Pode.

    They say what waits, was sent, and was dropped, and since when. With several nodes, these are
    the connections of this node.

    name: "*" means all names.

        slow = [one for one in get_sse_connection("Events") if one.queued_bytes > 100_000]
    """
    audience = Audience((filled("name", name),), checked_texts("group", group), _ids(client_id))
    return room(SseHub).records(audience)


def test_sse_name(name: str) -> bool:
    """Return whether a name has connections. Pode: Test-PodeSseName.

    if test_sse_name("Events"):
        send_sse_event("hello", name="Events")
    """
    return room(SseHub).lookups.has(checked_name("name", name))


def test_sse_client_id(name: str, client_id: str | int, *, group: Some = None) -> bool:
    """Return whether a client is connected to a name. Pode: Test-PodeSseClientId.

    group: in one of these groups.

        if test_sse_client_id("Events", "42"):
            send_sse_event("hello", name="Events", client_id="42")
    """
    return room(SseHub).lookups.has(
        checked_name("name", name), checked_texts("group", group), _ids(client_id)
    )


def get_sse_name_list() -> list[str]:
    """Return the names that have connections. Pode: Get-PodeSseNameList.

    for name in get_sse_name_list():
        print(name)
    """
    return room(SseHub).lookups.names()


def get_sse_group_list(name: str) -> list[str]:
    """Return the groups of a name's connections. Pode: Get-PodeSseGroupList.

    get_sse_group_list("Events")
    """
    return room(SseHub).lookups.groups(checked_name("name", name))


def get_sse_client_id_list(name: str, *, group: Some = None) -> list[str]:
    """Return the client ids that are connected to a name. Pode: Get-PodeSseClientIdList.

    group: in one of these groups.

        get_sse_client_id_list("Events", group="admins")
    """
    return room(SseHub).lookups.client_ids(
        checked_name("name", name), checked_texts("group", group)
    )


def _checked_where(where: Where) -> Where:
    if not callable(where) or iscoroutinefunction(where):
        raise TypeError(f"where takes a plain function of a connection, not {where!r}.")
    handler, calls = Handler(where, what="where=", values=("the connection",)), room(Calls)
    context = copy_context()
    # What a decorator hides may still be a coroutine, which would be true for every connection.
    return lambda connection: calls.run(steps(handler, None, [connection]), context)


def _event(what: str) -> WebEvent:
    """The current web event itself. Raises PodeError outside of a request."""
    event = ambient.WEB.variable.get(None)
    if event is None:
        raise PodeError(f"{what} works only while a request is handled, in a route.")
    return cast("WebEvent", event)


def _ids(client_id: ClientIds) -> tuple[str, ...]:
    return checked_texts("client_id", client_id)


def _some(argument: str, value: Some) -> tuple[str, ...]:
    """Names or groups; a list may have none, as somebody may have made it."""
    if value is None or value == "":
        raise ValueError(f"{argument} must not be empty.")
    return tuple(checked_name(argument, one) for one in as_list(value))


def _regroup(name: str, client_id: ClientIds, change: Change) -> int:
    audience = Audience((filled("name", name),), (), _ids(client_id))
    return regroup(room(SseHub), audience, change)


def _with_ticket(hub: SseHub, event: WebEvent, options: SseOptions) -> SseOptions:
    """With group and client id of the request's ticket. StatusError 401 for a bad one."""
    hub.check_request(event, options)  # a request that can be no stream uses no ticket up
    given = event.query.get("ticket")
    found = hub.tickets.take(given) if isinstance(given, str) else None
    if found is None or options.names != (found.name,):
        raise StatusError(401, "The ticket is missing, used up, too old, or for another stream.")
    groups = () if found.group is None else (found.group,)
    return replace(options, groups=groups, client_id=found.client_id)


# pytest must not collect them from a module that imports everything.
_NO_TESTS: tuple[Any, ...] = (test_sse_name, test_sse_client_id)
for _function in _NO_TESTS:
    _function.__test__ = False
