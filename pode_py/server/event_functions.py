"""Pode's Events area: handlers of what happens to the server itself."""

from __future__ import annotations

from collections.abc import Sequence

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import as_list, filled, one_of, some_of
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, registered
from pode_py.server.events import ALL_EVENTS, EventType, RegisteredEvent, ServerEvents

__all__ = [
    "clear_event",
    "get_event",
    "register_event",
    "test_event",
    "unregister_event",
    "use_events",
]


@decorates('register_event("stop", "name")')
def register_event(
    type: EventType,
    name: str,
    handler: Function | None = None,
    *,
    argument_list: Arguments = None,
) -> Registration:
    """Run a handler when something happens to the server. Pode: Register-PodeEvent.

    Handlers of a type run one after another, in the order in which they were registered, and the
    server waits for them: at its end within the grace time.

    type: "starting" and "start" come before the server listens, "running" when it serves,
        "terminate" and "stop" when it ends, while streams are still open, "crash" if it fails,
        "restarting" on the old and "restart" on the new server, "browser" when one is opened.
        "suspending", "suspend", "resuming", "resume", "enable" and "disable" are planned, not there
        yet: they raise PodeError.
    name: a name of your own, for `unregister_event`.
    handler: can have the parameter `triggered_event`, and others that `argument_list` fills or that
        have defaults.
    argument_list: values for the handler's parameters, a list by position or a dict by name.

    Returns a decorator if there is no handler.
    Raises PodeError if type and name are taken, and for a type that can't come any more.

        @register_event("terminate", "say goodbye")
        def goodbye():
            send_sse_event("Back in a minute", name="Events")
    """
    kind = one_of("type", type, ALL_EVENTS)
    events = room(ServerEvents)

    def add(runner: Handler) -> None:
        events.register(RegisteredEvent(kind, filled("name", name), runner))

    what = f"register_event({kind!r}, {name!r})"
    return registered(what, add, handler, None, ambient.TRIGGERED, argument_list)


@checked
def unregister_event(type: EventType, name: str) -> None:
    """Undo `register_event`. Pode: Unregister-PodeEvent.

    type: as in `register_event`.

    Raises PodeError if there is no such handler.

        unregister_event("terminate", "say goodbye")
    """
    room(ServerEvents).unregister(one_of("type", type, ALL_EVENTS), name)


def test_event(
    type: EventType | Sequence[EventType], name: str | Sequence[str] | None = None
) -> bool:
    """Return whether such a handler is registered. Pode: Test-PodeEvent.

    type: one or several of those of `register_event`.
    name: one or several; None means any.

        test_event("terminate")
    """
    return bool(get_event(type, name))


def get_event(
    type: EventType | Sequence[EventType], name: str | Sequence[str] | None = None
) -> list[RegisteredEvent]:
    """Return the registered handlers of these types. Pode: Get-PodeEvent.

    type: one or several of those of `register_event`.
    name: one or several; None means any.

        for event in get_event(["terminate", "stop"]):
            print(event.type, event.name)
    """
    return room(ServerEvents).find(some_of("type", type, ALL_EVENTS), as_list(name))


@checked
def clear_event(type: EventType) -> None:
    """Remove all handlers of a type. Pode: Clear-PodeEvent.

    type: as in `register_event`.

        clear_event("terminate")
    """
    room(ServerEvents).clear(one_of("type", type, ALL_EVENTS))


@checked
def use_events(path: StrPath | None = None) -> None:
    """Run every Python file below a folder; each can register events. Pode: Use-PodeEvents.

    path: the folder; by default `events` next to the server's script.

    Raises PodeError if the folder does not exist.

        use_events()
    """
    room(Folders).load(path or "events")
