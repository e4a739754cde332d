"""Registration: how every call that takes a handler gets it; and what the front door passes on.

A handler comes as an argument, as a file that defines it, or later: then the call is a decorator,
and a server does not start while one of them waits for its function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol, TypeVar

from pode_py.core.ambient import Slot, room
from pode_py.core.errors import PodeError, StartError
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath, calling_frame

F = TypeVar("F", bound=Callable[..., Any])
Register = Callable[[Function], object]


class Registration:
    """What `add_timer("tick", 5)` returns: a decorator, if it waits for a function to register.

    Without `register` everything has been done, and this is what there is to return.
    """

    __slots__ = ("_register", "is_waiting", "what", "where")

    def __init__(self, what: str, register: Register | None = None) -> None:
        self.what = what
        self.where = place_of_call() if register is not None else ""
        self.is_waiting = register is not None
        self._register = register

    def __call__(self, function: F) -> F:
        if self._register is None:
            raise PodeError(
                f"{self.what} was called with all it needs, and is no decorator then. As one it "
                f"stands above a function as @{self.what}, without a handler in it."
            )
        if not callable(function):
            raise TypeError(f"{self.what} decorates a function, not {function!r}.")
        self._register(function)
        self.is_waiting = False
        return function

    @property
    def missing(self) -> str:
        """What it waits for."""
        return (
            f"has no handler. Put it above a function as @{self.what}, or pass the function to it: "
            "the function itself, without () behind its name."
        )

    def __repr__(self) -> str:
        return f"<Registration {self.what}>"


class Waiting(Protocol):
    """What does nothing until something follows. `missing` says what, and what to write."""

    what: str
    where: str
    is_waiting: bool

    @property
    def missing(self) -> str: ...


class WaitingRegistrations:
    """The room that remembers registrations until they have their function."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []

    def add(self, registration: Waiting) -> None:
        """Have `check` look at it."""
        with self._lock:
            self._waiting = [known for known in self._waiting if known.is_waiting]
            self._waiting.append(registration)

    def check(self) -> None:
        """Raise StartError for the first one that never got a function."""
        with self._lock:
            forgotten = [known for known in self._waiting if known.is_waiting]
        if forgotten:
            first = forgotten[0]
            raise StartError(f"{first.what} at {first.where} {first.missing}")


def registered(  # noqa: PLR0917 - in the order in which users think of them
    what: str,
    add: Callable[[Handler], object],
    handler: Function | None,
    file_path: StrPath | None,
    slot: Slot,
    argument_list: Arguments,
) -> Registration:
    """Give `add` the handler, as soon as there is one. `what` is how users wrote the call."""

    def register(function: Function) -> None:
        add(Handler(function, slot, argument_list, what=what))

    return waiting(what, register, handler, file_path)


def waiting(
    what: str, register: Register, handler: Function | None, file_path: StrPath | None = None
) -> Registration:
    """As `registered`, for a room that makes the Handler of the function itself."""
    if handler is not None and file_path is not None:
        raise ValueError(f"{what.partition('(')[0]} takes a handler or a file_path, not both.")
    if file_path is not None:
        handler = room(Folders).handler(file_path)
    if handler is not None:
        register(handler)
        return Registration(what)
    made = Registration(what, register)
    room(WaitingRegistrations).add(made)
    return made


def public_names(namespace: dict[str, Any]) -> list[str]:
    """What a module passes on: all but modules and what begins with an underscore.

    Pytest takes none of it for a test: a user's test file may import everything.
    """
    names = [name for name in namespace if name[0] != "_"]
    public = sorted(name for name in names if not isinstance(namespace[name], ModuleType))
    for name in public:
        if name.startswith("test_"):
            namespace[name].__test__ = False
    return public


def place_of_call() -> str:
    """File and line of the user's call."""
    frame = calling_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "unknown"
