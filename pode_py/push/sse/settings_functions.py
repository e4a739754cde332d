"""Settings of the Server-Sent Events area: scope, levels, ids, and what is ours beyond Pode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, as_list, filled, one_of, seconds, whole_number
from pode_py.core.checks import checked
from pode_py.exchange.overflow import POLICIES, OutboxLimits, OverflowPolicy
from pode_py.push.connections.admission import ConnectionLimits
from pode_py.push.connections.connection import Scope
from pode_py.push.connections.levels import LEVELS, Level
from pode_py.push.connections.max_age import MaxAge
from pode_py.push.sse import frames
from pode_py.push.sse.handshake import checked_name
from pode_py.push.sse.history import HistoryLimits
from pode_py.push.sse.hub import SseHub
from pode_py.web.event import web_event

__all__ = [
    "disable_sse_signing",
    "enable_sse_signing",
    "get_sse_broadcast_level",
    "get_sse_default_scope",
    "new_sse_client_id",
    "new_sse_ticket",
    "set_sse_broadcast_level",
    "set_sse_default_scope",
    "set_sse_history",
    "set_sse_limits",
    "set_sse_max_age",
    "set_sse_ping",
    "set_sse_reconnect_spread",
    "set_sse_slow_client_policy",
    "test_sse_broadcast_level",
    "test_sse_client_id_signed",
    "test_sse_client_id_valid",
]

Some = str | Sequence[str] | None
ClientIds = str | int | Sequence[str | int] | None


@checked
def set_sse_default_scope(scope: Literal["local", "global"]) -> None:
    """Set the scope of connections that do not name one. Pode: Set-PodeSseDefaultScope.

    scope: "global", which it is unless set, or "local".

        set_sse_default_scope("local")
    """
    room(SseHub).default_scope = cast("Scope", one_of("scope", scope, ("local", "global")))


def get_sse_default_scope() -> Scope:
    """Return the scope of connections that do not name one. Pode: Get-PodeSseDefaultScope.

    if get_sse_default_scope() == "local":
        set_sse_default_scope("global")
    """
    return room(SseHub).default_scope


@checked
def set_sse_ping(interval: Duration) -> None:
    """Set after how long a silence connections get a `pode.ping`. Not in Pode.

    Pode's interval is fixed. Applies to connections opened from now on.

    interval: seconds, 15 unless set; 0 means never.

        set_sse_ping(30)
    """
    room(SseHub).ping_interval = seconds("interval", interval, never="0")


@checked
def set_sse_broadcast_level(type: Level, *, name: str = "*") -> None:
    """Set how exactly sends must name their clients. Pode: Set-PodeSseBroadcastLevel.

    type: "name", "group" or "clientid": what a send has to give.
    name: "*" means all names that have no level of their own.

        set_sse_broadcast_level("clientid", name="Private")
    """
    level = cast("Level", one_of("type", type, LEVELS))
    hub = room(SseHub)
    hub.levels.set(filled("name", name), level)
    hub.nodes.wanted_by = "set_sse_broadcast_level"


def get_sse_broadcast_level(name: str) -> Level:
    """Return the broadcast level of a name. Pode: Get-PodeSseBroadcastLevel.

    get_sse_broadcast_level("Events")
    """
    return room(SseHub).levels.get(name)


def test_sse_broadcast_level(name: str, *, group: Some = None, client_id: ClientIds = None) -> bool:
    """Return whether a send like this is allowed. Pode: Test-PodeSseBroadcastLevel.

    if test_sse_broadcast_level("Events", group="admins"):
        send_sse_event("hello", name="Events", group="admins")
    """
    return room(SseHub).levels.allows(name, as_list(group), tuple(map(str, as_list(client_id))))


@checked
def enable_sse_signing(secret: str, *, strict: bool = False) -> None:
    """Sign the client ids of connections. Pode: Enable-PodeSseSigning.

    secret: can be `get_server_default_secret()`, which changes with every start.
    strict: bind an id to the client's address and user agent.

        enable_sse_signing("a-long-secret-of-your-own", strict=True)
    """
    room(SseHub).client_ids.enable_signing(secret, strict=strict)


def disable_sse_signing() -> None:
    """Stop signing client ids. Pode: Disable-PodeSseSigning.

    disable_sse_signing()
    """
    room(SseHub).client_ids.disable_signing()


def new_sse_client_id(client_id: str | int | None = None) -> str:
    """Make a client id as a new connection would get it. Pode: New-PodeSseClientId.

    client_id: by default a random one.

    Returns the id, signed if signing is on.
    Raises StatusError 400 for an id with a wrong signature.

        convert_to_sse_connection("Events", client_id=new_sse_client_id("42"))
    """
    given = None if client_id in (None, "") else checked_name("client_id", client_id)
    request = web_event.request if web_event else None
    return room(SseHub).client_ids.new(given, request)


def test_sse_client_id_signed(client_id: str | None = None) -> bool:
    """Return whether an id has the right signature. Pode: Test-PodeSseClientIdSigned.

    False for a forged one, and for every id while signing is off.

    client_id: by default that of the current request.

        test_sse_client_id_signed("s:42.c2lnbmF0dXJl")  # False: a guess
    """
    request = web_event.request if web_event else None
    return room(SseHub).client_ids.is_signed(_own_id(client_id), request)


def test_sse_client_id_valid(client_id: str | None = None) -> bool:
    """Return whether an id is acceptable. Pode: Test-PodeSseClientIdValid.

    That is an id with the right signature, or an unsigned one while signing is off.

    client_id: by default that of the current request.

        if not test_sse_client_id_valid(web_event.query["id"]):
            raise StatusError(400)
    """
    request = web_event.request if web_event else None
    return room(SseHub).client_ids.is_valid(_own_id(client_id), request)


@checked
def set_sse_history(
    name: str = "*",
    *,
    limit: int = 1000,
    duration: Duration | None = None,
    size: int = 16 * 1024 * 1024,
) -> None:
    """Keep past events, so that a client that comes back gets what it missed. Not in Pode.

    Events get ids that grow. A client that reconnects with `Last-Event-ID` (or ``?last_event_id=``
    at first) gets each missed event once, in order, between `pode.open` and the live events. If
    what it missed is not known any more, it gets one `pode.reset` event instead.

    name: "*" means each name that has no setting of its own.
    limit: number of events that are kept; 0 keeps none.
    duration: seconds for which they are kept; None means no end.
    size: bytes that they can take in all.

        set_sse_history("Events", limit=5000, duration=3600)
    """
    kept = HistoryLimits(
        events=whole_number("limit", limit),
        duration=None if duration is None else seconds("duration", duration, never="None"),
        size=whole_number("size", size, minimum=1),
    )
    hub = room(SseHub)
    hub.history.set_limits(filled("name", name), kept)
    hub.near_misses.set_for(name, "set_sse_history")
    hub.nodes.wanted_by = "set_sse_history"


@checked
def set_sse_slow_client_policy(
    type: OverflowPolicy = "disconnect",
    *,
    name: str = "*",
    limit: int = 1 << 20,
    events: int = 100_000,
) -> None:
    """Set what happens when more events wait for a client than it reads. Not in Pode.

    `get_sse_connection` counts what is dropped, and the log says it once for each connection.
    Applies to connections opened from now on.

    type: "disconnect" the client, "drop_oldest", "drop_newest", or "keep_latest" of each event
        type.
    name: "*" means all names that have no policy of their own.
    limit: bytes that can wait.
    events: number of events that can wait.

        set_sse_slow_client_policy("keep_latest", name="Prices", limit=256 * 1024)
    """
    policy = cast("OverflowPolicy", one_of("type", type, POLICIES))
    limits = OutboxLimits(
        policy=policy,
        size=whole_number("limit", limit, minimum=1024),
        frames=whole_number("events", events, minimum=1),
        kind_of=frames.kind_of,
    )
    hub = room(SseHub)
    hub.slow_clients.set(filled("name", name), limits)
    hub.near_misses.set_for(name, "set_sse_slow_client_policy")


@checked
def set_sse_limits(
    *,
    per_name: int | None = None,
    per_address: int | None = None,
    total: int | None = None,
    retry_after: Duration = 10,
) -> None:
    """Limit how many streams can be open. Not in Pode.

    A request beyond a limit gets 503 with `Retry-After`.

    per_name: number of streams of each name; None means no limit.
    per_address: number of streams from each address; None means no limit.
    total: number of streams in all; None means no limit.
    retry_after: seconds that such a client is to wait.

        set_sse_limits(per_address=20, total=50_000)
    """

    def bound(argument: str, value: int | None) -> int | None:
        return None if value is None else whole_number(argument, value, minimum=1)

    room(SseHub).admission.limits = ConnectionLimits(
        per_name=bound("per_name", per_name),
        per_address=bound("per_address", per_address),
        total=bound("total", total),
        retry_after=max(1, round(seconds("retry_after", retry_after))),
    )


@checked
def set_sse_reconnect_spread(window: Duration) -> None:
    """Spread the reconnects of clients that the server has closed. Not in Pode.

    When the server stops or restarts, and when a connection has reached its age, each client gets a
    random `retry` within the window before `pode.close`.

    window: seconds; 0 sends no `retry`.

        set_sse_reconnect_spread(30)
    """
    hub = room(SseHub)
    hub.reconnect_spread = seconds("window", window)
    hub.nodes.wanted_by = "set_sse_reconnect_spread"


@checked
def set_sse_max_age(duration: Duration, *, name: str = "*", jitter: float = 0.1) -> None:
    """Set after how long connections end. Not in Pode.

    Clients reconnect, and resume where there is a history. Applies to connections opened from now
    on.

    duration: seconds; 0 ends none.
    name: "*" means all names that have no age of their own.
    jitter: the part of the duration, from 0 to 1, by which each connection ends earlier at most.

        set_sse_max_age(3600, jitter=0.2)
    """
    if not isinstance(jitter, (int, float)) or not 0 <= jitter <= 1:
        raise ValueError(f"jitter={jitter!r} must be a part from 0 to 1.")
    limit = MaxAge(seconds("duration", duration, never="0"), float(jitter))
    hub = room(SseHub)
    hub.max_ages.set(filled("name", name), limit)
    hub.near_misses.set_for(name, "set_sse_max_age")


def new_sse_ticket(
    name: str,
    *,
    group: str | None = None,
    client_id: str | int | None = None,
    duration: Duration = 30,
) -> str:
    """Make a ticket that opens one connection of a name. Not in Pode.

    For clients that cannot send headers: a route that knows its user returns the ticket, the page
    opens ``/events?ticket=…``, and that route calls ``convert_to_sse_connection("Events",
    ticket=True)``. Group and client id are those of the ticket.

    duration: seconds for which it is valid.

        ticket = new_sse_ticket("Events", client_id=web_event.auth.user["id"])
    """
    return room(SseHub).tickets.issue(
        checked_name("name", name),
        None if group is None or group == "" else checked_name("group", group),
        None if client_id in (None, "") else checked_name("client_id", client_id),
        seconds("duration", duration, minimum=0.001),
    )


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
)
for _function in _NO_TESTS:
    _function.__test__ = False
