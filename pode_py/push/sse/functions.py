"""The Server-Sent Events area of the Pode API. Thin: the work is the hub's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, cast, overload

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import (
    Duration,
    as_list,
    filled,
    one_of,
    seconds,
    some_of,
    whole_number,
)
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, Declarations, Decorator, Handler
from pode_py.core.signing import is_signed
from pode_py.push.sse import frames
from pode_py.push.sse.connection import Scope, SseConnection
from pode_py.push.sse.delivery import Delivery
from pode_py.push.sse.hub import SseHub, Wish, checked_name
from pode_py.push.sse.levels import LEVELS, Level
from pode_py.push.sse.watchers import KINDS, EventKind, SseRegistration
from pode_py.web.event import WebEvent, web_event

F = TypeVar("F", bound=Callable[..., Any])
Some = str | Sequence[str] | None
ClientIds = str | int | Sequence[str | int] | None


def convert_to_sse_connection(
    name: str,
    *,
    group: str | None = None,
    scope: Literal["default", "local", "global"] = "default",
    retry_duration: int = 0,
    client_id: str | int | None = None,
    allow_all_origins: bool = False,
    force: bool = False,
) -> SseConnection:
    """Turn the current request into an SSE connection; the client sees the headers at once.

    Pode: ConvertTo-PodeSseConnection. Works in GET and POST routes. A global connection stays
    open after the route and holds no thread; a local one ends with the route. `retry_duration`
    is in milliseconds, as on the wire: how long the client waits before it reconnects. With the
    name and client id of an open connection, the new one takes over. `force` skips the check of
    the request's Accept header. Gives what `web_event.sse` is from now on.

    Raises StatusError 405 or 406 for a request that can't become a stream.

        @add_route("get", "/events")
        def events():
            convert_to_sse_connection("Events", group="admins")
    """
    hub = room(SseHub)
    chosen = one_of("scope", scope, ("default", "local", "global"))
    wish = Wish(
        name=checked_name("name", name),
        group=None if group is None or group == "" else checked_name("group", group),
        scope=hub.default_scope if chosen == "default" else cast("Scope", chosen),
        retry_duration=whole_number("retry_duration", retry_duration),
        client_id=None if client_id in (None, "") else checked_name("client_id", client_id),
        allow_all_origins=allow_all_origins,
        force=force,
    )
    return hub.open(_event("convert_to_sse_connection"), wish)


def send_sse_event(
    data: Any,
    *,
    name: Some = None,
    group: Some = None,
    client_id: ClientIds = None,
    id: str | int | None = None,
    event_type: str | None = None,
    from_event: bool = False,
) -> Delivery:
    """Send an event to one or several connections, from any thread of the server.

    Pode: Send-PodeSseEvent. A str travels as it is, anything else as compact JSON. Several
    groups mean any of them; groups and client ids together mean both. A name that nobody is
    connected to is no error. `from_event` sends to the connection of the current request.

    Raises TypeError for data that has no JSON text, ValueError for CR, LF or NUL in `id` or
    `event_type`, PodeError below the broadcast level; nothing is sent then.

        send_sse_event({"price": 12.5}, name="Events", event_type="quote")
    """
    frame = frames.event_frame(
        frames.text_of(data),
        event_id=None if id is None else str(id),
        event_type=event_type,
    )
    hub = room(SseHub)
    if from_event:
        return hub.send_from(_event("send_sse_event(from_event=True)"), frame, _first(name))
    names = as_list(name)
    if not names:
        raise PodeError(
            "send_sse_event needs name=, the name given to convert_to_sse_connection, or "
            "from_event=True inside the route of a connection."
        )
    return hub.send(frame, names, as_list(group), _ids(client_id))


def close_sse_connection(name: str, *, group: Some = None, client_id: ClientIds = None) -> int:
    """Send `pode.close` to the connections of a name and end them. Gives how many there were.

    Pode: Close-PodeSseConnection. Does not wait for the clients.

        close_sse_connection("Events", client_id="42")
    """
    return room(SseHub).close(filled("name", name), as_list(group), _ids(client_id))


def set_sse_default_scope(scope: Scope) -> None:
    """Set the scope of connections that do not name one. Pode: Set-PodeSseDefaultScope.

    set_sse_default_scope("local")
    """
    room(SseHub).default_scope = cast("Scope", one_of("scope", scope, ("local", "global")))


def get_sse_default_scope() -> Scope:
    """The scope of connections that do not name one. Pode: Get-PodeSseDefaultScope.

    if get_sse_default_scope() == "local": ...
    """
    return room(SseHub).default_scope


def set_sse_ping(interval: Duration) -> None:
    """Set after how many silent seconds a connection gets a `pode.ping`; 0 means never.

    Ours: Pode's interval is fixed. Holds for connections opened from now on; the default is 15.

        set_sse_ping(30)
    """
    room(SseHub).ping_interval = seconds("interval", interval)


def set_sse_broadcast_level(type: Level, *, name: str = "*") -> None:
    """Say how exactly sends must name their clients: "name", "group" or "clientid".

    Pode: Set-PodeSseBroadcastLevel. For one name, or for all that have no level of their own.

        set_sse_broadcast_level("clientid", name="Private")
    """
    level = cast("Level", one_of("type", type, LEVELS))
    room(SseHub).levels.set(filled("name", name), level)


def get_sse_broadcast_level(name: str) -> Level:
    """The broadcast level of a name. Pode: Get-PodeSseBroadcastLevel.

    get_sse_broadcast_level("Events")
    """
    return room(SseHub).levels.get(name)


def test_sse_broadcast_level(name: str, *, group: Some = None, client_id: ClientIds = None) -> bool:
    """Whether a send like this is allowed. Pode: Test-PodeSseBroadcastLevel.

    if test_sse_broadcast_level("Events", group="admins"): ...
    """
    return room(SseHub).levels.allows(name, as_list(group), _ids(client_id))


def enable_sse_signing(secret: str, *, strict: bool = False) -> None:
    """Sign the client ids of connections. Pode: Enable-PodeSseSigning.

    `strict` ties an id to the client's address and user agent. The secret may be
    `get_server_default_secret()`, which changes with every start.

        enable_sse_signing("a-long-secret-of-your-own", strict=True)
    """
    room(SseHub).client_ids.enable_signing(secret, strict=strict)


def disable_sse_signing() -> None:
    """Stop signing client ids. Pode: Disable-PodeSseSigning.

    disable_sse_signing()
    """
    room(SseHub).client_ids.disable_signing()


def new_sse_client_id(client_id: str | int | None = None) -> str:
    """A client id as a new connection would get it, signed if signing is on.

    Pode: New-PodeSseClientId. Raises StatusError 400 for an id with a wrong signature.

        convert_to_sse_connection("Events", client_id=new_sse_client_id("42"))
    """
    given = None if client_id in (None, "") else checked_name("client_id", client_id)
    request = web_event.request if web_event else None
    return room(SseHub).client_ids.new(given, request)


def test_sse_client_id_signed(client_id: str | None = None) -> bool:
    """Whether an id has the form of a signed one. Pode: Test-PodeSseClientIdSigned.

    Without an id, that of the current request.

        test_sse_client_id_signed("s:42.c2lnbmF0dXJl")
    """
    return is_signed(_own_id(client_id))


def test_sse_client_id_valid(client_id: str | None = None) -> bool:
    """Whether an id is acceptable: rightly signed, or unsigned while signing is off.

    Pode: Test-PodeSseClientIdValid. Without an id, that of the current request.

        if not test_sse_client_id_valid(web_event.query["id"]): raise StatusError(400)
    """
    request = web_event.request if web_event else None
    return room(SseHub).client_ids.is_valid(_own_id(client_id), request)


def test_sse_name(name: str) -> bool:
    """Whether anybody is connected to a name. Pode: Test-PodeSseName.

    if test_sse_name("Events"): ...
    """
    return bool(room(SseHub).store.select(name))


def test_sse_client_id(name: str, client_id: str | int, *, group: Some = None) -> bool:
    """Whether this client is connected to a name (and one of the groups).

    Pode: Test-PodeSseClientId.

        if test_sse_client_id("Events", "42"): ...
    """
    return bool(room(SseHub).store.select(name, as_list(group), _ids(client_id)))


def get_sse_name_list() -> list[str]:
    """The names somebody is connected to. Pode: Get-PodeSseNameList.

    for name in get_sse_name_list(): ...
    """
    return room(SseHub).store.names()


def get_sse_group_list(name: str) -> list[str]:
    """The groups of a name's connections. Pode: Get-PodeSseGroupList.

    get_sse_group_list("Events")
    """
    return room(SseHub).store.groups(name)


def get_sse_client_id_list(name: str, *, group: Some = None) -> list[str]:
    """The client ids connected to a name (in one of the groups). Pode: Get-PodeSseClientIdList.

    get_sse_client_id_list("Events", group="admins")
    """
    found = room(SseHub).store.select(name, as_list(group))
    return [connection.client_id for connection in found]


@overload
def register_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
    handler: None = None,
    *,
    argument_list: Arguments = None,
) -> Decorator: ...


@overload
def register_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
    handler: Callable[..., Any],
    *,
    argument_list: Arguments = None,
) -> None: ...


def register_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
    handler: Callable[..., Any] | None = None,
    *,
    argument_list: Arguments = None,
) -> Decorator | None:
    """Have a handler run when connections of a name "connect" or "disconnect".

    Pode: Register-PodeSseEvent. It runs on a thread of its own, with `triggered_event`.

        @register_sse_event("Events", "disconnect", "log it")
        def gone():
            print("gone:", triggered_event.connection.client_id)
    """
    kind = cast("EventKind", one_of("type", type, KINDS))
    names = [filled("name", one) for one in as_list(name)]
    watchers = room(SseHub).watchers

    def register(function: Callable[..., Any]) -> None:
        made = Handler(function, "triggered_event", argument_list)
        for one in names:
            watchers.register(SseRegistration(one, kind, filled("event_name", event_name), made))

    if handler is None:
        what = f"register_sse_event({name!r}, {kind!r}, {event_name!r})"
        return room(Declarations).decorator(register, what)
    register(handler)
    return None


def unregister_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
) -> None:
    """Undo `register_sse_event`. Pode: Unregister-PodeSseEvent.

    unregister_sse_event("Events", "disconnect", "log it")
    """
    kind = cast("EventKind", one_of("type", type, KINDS))
    for one in as_list(name):
        room(SseHub).watchers.unregister(one, kind, event_name)


def test_sse_event(
    type: str | Sequence[str],
    *,
    name: Some = None,
    event_name: Some = None,
) -> bool:
    """Whether such a handler is registered. Pode: Test-PodeSseEvent.

    test_sse_event("connect", name="Events")
    """
    return bool(get_sse_event(type, name=name, event_name=event_name))


def get_sse_event(
    type: str | Sequence[str],
    *,
    name: Some = None,
    event_name: Some = None,
) -> list[SseRegistration]:
    """The registered handlers of these kinds. Pode: Get-PodeSseEvent.

    get_sse_event(["connect", "disconnect"], name="Events")
    """
    kinds = some_of("type", type, KINDS)
    return room(SseHub).watchers.find(as_list(name), kinds, as_list(event_name))


def _event(what: str) -> WebEvent:
    """The current web event itself. Raises PodeError outside of a request."""
    event = ambient.web.get(None)
    if event is None:
        raise PodeError(f"{what} works only while a request is handled, in a route.")
    return cast("WebEvent", event)


def _ids(client_id: ClientIds) -> list[str]:
    return [str(one) for one in as_list(client_id)]


def _first(name: Some) -> str | None:
    names = as_list(name)
    return str(names[0]) if names else None


def _own_id(client_id: str | None) -> str:
    if client_id:
        return client_id
    sse = web_event.sse if web_event else None
    return "" if sse is None else str(sse.client_id)


# pytest must not collect them from a module that imports everything.
_NO_TESTS: tuple[Any, ...] = (
    test_sse_broadcast_level,
    test_sse_client_id_signed,
    test_sse_client_id_valid,
    test_sse_name,
    test_sse_client_id,
    test_sse_event,
)
for _function in _NO_TESTS:
    _function.__test__ = False
