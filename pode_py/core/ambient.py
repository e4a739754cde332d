"""The current server and the current events: all mutable module state of the house.

Users' code finds the server and the event it runs for through context variables, as Pode's
`$WebEvent` and friends. Only `functions.py` files and users read them; everything below gets
its event and its room as arguments.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, Protocol, TypeVar

from pode_py.core.errors import PodeError

Room = TypeVar("Room")


class Directory(Protocol):
    """What the house needs of a server: its rooms, found by their type."""

    def room(self, kind: type[Room]) -> Room: ...


_server: ContextVar[Directory | None] = ContextVar("pode_py.server", default=None)
# The server that start_server runs, for threads that a user started himself: they do not
# inherit the context variable.
_running: list[Directory] = []

web: Final[ContextVar[Any]] = ContextVar("pode_py.web_event")
timer: Final[ContextVar[Any]] = ContextVar("pode_py.timer_event")
schedule: Final[ContextVar[Any]] = ContextVar("pode_py.schedule_event")
triggered: Final[ContextVar[Any]] = ContextVar("pode_py.triggered_event")

# The group of routes that the code is in, while routes are added.
route_group: Final[ContextVar[Any]] = ContextVar("pode_py.route_group", default=None)


def current_server() -> Directory:
    """The server this code belongs to. Raises PodeError outside of any."""
    server = _server.get()
    if server is not None:
        return server
    if _running:
        return _running[-1]
    raise PodeError(
        "There is no current server. Call pode_py functions inside the function you give to "
        "start_server, or in a handler."
    )


def has_server() -> bool:
    """Whether `current_server` would find one."""
    return _server.get() is not None or bool(_running)


def room(kind: type[Room]) -> Room:
    """The current server's room of this type."""
    return current_server().room(kind)


def bind_server(server: Directory) -> None:
    """Make `server` the current one in this context."""
    _server.set(server)


def set_running(server: Directory) -> None:
    """Make `server` the one that users' own threads fall back to."""
    _running.append(server)


def clear_running(server: Directory) -> None:
    """Undo `set_running`."""
    if server in _running:
        _running.remove(server)


class AmbientEvent:
    """Stands for the event of a context variable: reading or setting a field reaches the event."""

    __slots__ = ("_name", "_var", "_where")

    _name: str
    _var: ContextVar[Any]
    _where: str

    def __init__(self, var: ContextVar[Any], name: str, where: str) -> None:
        object.__setattr__(self, "_var", var)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_where", where)

    def _current(self) -> Any:
        event = self._var.get(None)
        if event is None:
            raise PodeError(f"{self._name} only exists {self._where}.")
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
        return repr(event) if event is not None else f"<{self._name}>"
