"""Places: the steps along a request, by name and in their order, and who stands at each.

Rooms above the web fill them (`server/rooms.py`), users may replace them: middleware that is added
under the name ``__pode_mw_NAME__`` stands at that place, as in Pode. An empty place costs nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.web.event import WebEvent

# One that returns False ends the request, with the response as it is by then.
Step = Callable[[WebEvent], object]

#: Before a route is looked for.
BEFORE_ROUTE: Final = (
    "proxies",
    "standby",
    "security",
    "access",
    "rate_limit",
    "preflight",
    "redirect",
    "favicon",
    "static_content",
    "cookie_parsing",
)
#: Between middleware and handler.
BEFORE_HANDLER: Final = ("validate", "identify")
#: After endware, before the response leaves.
BEFORE_REPLY: Final = ("session", "conditions", "compression")
ALL: Final = (*BEFORE_ROUTE, *BEFORE_HANDLER, *BEFORE_REPLY)

_INBUILT: Final = re.compile(r"__pode_mw_(\w+?)__\Z", re.IGNORECASE)


class Places:
    """Who stands where. Requests read the three tuples; changes are made under the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled: dict[str, Step] = {}
        self._replaced: dict[str, Handler] = {}
        self.before_route: tuple[Step | Handler, ...] = ()
        self.before_handler: tuple[Step | Handler, ...] = ()
        self.before_reply: tuple[Step | Handler, ...] = ()

    def fill(self, name: str, step: Step) -> None:
        """Have a room stand at this place. A second one is a mistake of ours."""
        with self._lock:
            if name not in ALL or name in self._filled:
                raise RuntimeError(f"The place {name!r} is unknown or filled.")
            self._filled[name] = step
            self._changed()

    def leave(self, name: str) -> None:
        """Undo `fill`: the place is empty."""
        with self._lock:
            del self._filled[name]
            self._changed()

    def replace(self, name: str, handler: Handler) -> None:
        """Have a user's function stand there instead. Raises PodeError if one does."""
        with self._lock:
            if name in self._replaced:
                raise PodeError(f"Middleware '__pode_mw_{name}__' already exists. Remove it first.")
            self._replaced[name] = handler
            self._changed()

    def restore(self, name: str) -> None:
        """Undo `replace`. No error if nobody had."""
        with self._lock:
            self._replaced.pop(name, None)
            self._changed()

    def replacement(self, name: str) -> Handler | None:
        """The user's function that stands there."""
        return self._replaced.get(name)

    def _changed(self) -> None:
        self.before_route = self._standing(BEFORE_ROUTE)
        self.before_handler = self._standing(BEFORE_HANDLER)
        self.before_reply = self._standing(BEFORE_REPLY)

    def _standing(self, names: tuple[str, ...]) -> tuple[Step | Handler, ...]:
        known: dict[str, Step | Handler] = {**self._filled, **self._replaced}
        return tuple(known[name] for name in names if name in known)


def place_named(middleware: str) -> str | None:
    """The place that middleware of this name stands at; None for a name of the user's own.

    Raises PodeError for one that looks like a place and is none.

    >>> place_named("__pode_mw_static_content__")
    'static_content'
    """
    match = _INBUILT.match(middleware)
    if match is None:
        return None
    name = match[1].lower()
    if name in ALL:
        return name
    known = ", ".join(f"__pode_mw_{one}__" for one in ALL)
    raise PodeError(f"There is no inbuilt middleware {middleware!r}. There are: {known}.")
