"""Handlers for connections that open or end, from the Server-Sent Events area of the Pode API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import as_list, filled, one_of, some_of
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.registration import Registration, registered
from pode_py.push.connections.event import KINDS, EventKind
from pode_py.push.connections.events import EventRegistration
from pode_py.push.sse.hub import SseHub

__all__ = [
    "get_sse_event",
    "register_sse_event",
    "test_sse_event",
    "unregister_sse_event",
]

Some = str | Sequence[str] | None


@decorates('register_sse_event("Events", "connect", "event name")')
def register_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
) -> Registration:
    """Run a handler when connections of a name open or end. Pode: Register-PodeSseEvent.

    It runs on a thread of its own, with `triggered_event`.

    type: "connect" or "disconnect".
    event_name: a name of your own, for `unregister_sse_event`.
    handler: can have the parameter `triggered_event`, and others that `argument_list` fills or that
        have defaults.
    argument_list: values for the handler's parameters, a list by position or a dict by name.

    Returns a decorator if there is no handler.
    Raises PodeError if name, type and event name are taken.

        @register_sse_event("Events", "disconnect", "log it")
        def gone():
            print("gone:", triggered_event.connection.client_id)
    """
    kind = cast("EventKind", one_of("type", type, KINDS))
    names = [filled("name", one) for one in as_list(name)]
    events = room(SseHub).events

    def add(runner: Handler) -> None:
        for one in names:
            events.register(EventRegistration(one, kind, filled("event_name", event_name), runner))

    what = f"register_sse_event({name!r}, {kind!r}, {event_name!r})"
    return registered(what, add, handler, None, ambient.TRIGGERED, argument_list)


@checked
def unregister_sse_event(
    name: str | Sequence[str],
    type: EventKind,
    event_name: str,
) -> None:
    """Undo `register_sse_event`. Pode: Unregister-PodeSseEvent.

    type: as in `register_sse_event`.

        unregister_sse_event("Events", "disconnect", "log it")
    """
    kind = cast("EventKind", one_of("type", type, KINDS))
    for one in as_list(name):
        room(SseHub).events.unregister(one, kind, event_name)


@checked
def test_sse_event(
    type: str | Sequence[str],
    *,
    name: Some = None,
    event_name: Some = None,
) -> bool:
    """Return whether such a handler is registered. Pode: Test-PodeSseEvent.

    test_sse_event("connect", name="Events")
    """
    return bool(get_sse_event(type, name=name, event_name=event_name))


@checked
def get_sse_event(
    type: str | Sequence[str],
    *,
    name: Some = None,
    event_name: Some = None,
) -> list[EventRegistration]:
    """Return the registered handlers of these types. Pode: Get-PodeSseEvent.

    get_sse_event(["connect", "disconnect"], name="Events")
    """
    kinds = some_of("type", type, KINDS)
    return room(SseHub).events.find(as_list(name), kinds, as_list(event_name))
