"""The current server and the current events: all mutable module state of the house.

Users' code finds the server and the event it runs for through context variables, as Pode's
`$WebEvent` and friends. Only `functions.py` files and users read them; everything below gets
its event and its room as arguments.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from pode_py.core.errors import PodeError, ServerStopped
from pode_py.core.paths import called_function

Room = TypeVar("Room")


class Rooms(Protocol):
    """What the house needs of a server: its rooms, found by their type."""

    def room(self, kind: type[Room]) -> Room: ...


_server: ContextVar[Rooms | None] = ContextVar("pode_py.server", default=None)
# The server that start_server runs, for threads that a user started himself: they do not
# inherit the context variable.
_running: list[Rooms] = []
# Those threads may outlive it.
_has_stopped = threading.Event()


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """Where the event of one kind of handlers is: for users under `name`, for rooms in `variable`.

    `sentence` says when there is one: "in the handler of a timer". `fields` are those that users
    take for parameters of a handler; `advice` says where else a value may be, after a space.
    """

    name: str
    sentence: str
    variable: ContextVar[Any]
    fields: tuple[str, ...] = ()
    advice: str = ""


def _slot(name: str, sentence: str, fields: str = "", advice: str = "") -> Slot:
    return Slot(name, sentence, ContextVar(f"pode_py.{name}"), tuple(fields.split()), advice)


# One for each kind of event. An area that has one adds it here.
WEB: Final = _slot(
    "web_event",
    "while a request is handled",
    "auth cookies data endpoint files headers metadata method parameters path query request "
    "response route session signal sse",
    " What a client sends is in web_event.query[{name!r}], web_event.data[{name!r}] and "
    "get_header({name!r}); for a part of the path write :{name} in it.",
)
TIMER: Final = _slot("timer_event", "in the handler of a timer", "lockable metadata sender")
SCHEDULE: Final = _slot(
    "schedule_event", "in the handler of a schedule", "lockable metadata sender"
)
TRIGGERED: Final = _slot(
    "triggered_event",
    "in a handler of register_event or register_sse_event",
    "connection exception lockable metadata name type worker",
)

# What `from pode_py import *` gives, for templates. The front door fills it.
front_door: Final[dict[str, Any]] = {}

# The group of routes that the code is in, while routes are added.
route_group: Final[ContextVar[Any]] = ContextVar("pode_py.route_group", default=None)


def current_server() -> Rooms:
    """The server this code belongs to. Raises PodeError outside of any: ServerStopped if there was
    one."""
    server = _server.get()
    if server is not None:
        return server
    if _running:
        return _running[-1]
    if _has_stopped.is_set():
        raise ServerStopped(
            f"The server has stopped: {called_function()}() can't be called any more. Call pode_py "
            "functions inside the function that you give to start_server, or in a handler; a "
            'thread of yours can end with it: register_event("stop", "my thread", done.set).'
        )
    raise PodeError(
        "There is no current server. Call pode_py functions inside the function that you give to "
        "start_server, or in a handler. Give start_server the function itself: "
        "start_server(server), not start_server(server())."
    )


def has_server() -> bool:
    """Whether `current_server` would find one."""
    return _server.get() is not None or bool(_running)


def is_inside() -> bool:
    """Whether this code is part of a server: of its set-up or of a handler."""
    return _server.get() is not None


def room(kind: type[Room]) -> Room:
    """The current server's room of this type."""
    return current_server().room(kind)


def bind_server(server: Rooms) -> None:
    """Make `server` the current one in this context."""
    _server.set(server)


def set_running(server: Rooms) -> None:
    """Make `server` the one that users' own threads fall back to."""
    _running.append(server)


def clear_running(server: Rooms) -> None:
    """Undo `set_running`."""
    if server in _running:
        _running.remove(server)
        _has_stopped.set()


class AmbientEvent:
    """Stands for the event of a slot: reading or setting a field reaches the event."""

    __slots__ = ("_slot", "_var")

    _slot: Slot
    _var: ContextVar[Any]

    def __init__(self, slot: Slot) -> None:
        object.__setattr__(self, "_slot", slot)
        object.__setattr__(self, "_var", slot.variable)

    def _current(self) -> Any:
        event = self._var.get(None)
        if event is None:
            raise PodeError(f"{self._slot.name} only exists {self._slot.sentence}.")
        return event

    def __getattr__(self, name: str) -> Any:
        event = self._var.get(None)
        if event is not None:
            return getattr(event, name)
        if name.startswith("__"):
            # doctest, inspect and others look for these on whatever a module holds.
            raise AttributeError(name)
        return getattr(self._current(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._current(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._current(), name)

    def __bool__(self) -> bool:
        return self._var.get(None) is not None

    def __repr__(self) -> str:
        event = self._var.get(None)
        return repr(event) if event is not None else f"<{self._slot.name}>"
