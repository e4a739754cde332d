"""Middleware and endware: functions around handlers, and the rooms that keep the global ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pode_py.core import ambient
from pode_py.core.arguments import as_list, meant
from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.http.patterns import Pattern, check_path, route_path


@dataclass(frozen=True, slots=True, eq=False)
class Middleware:
    """A function to run before handlers; `pattern` bounds it to some paths."""

    handler: Handler
    pattern: Pattern | None = None
    name: str = ""

    @classmethod
    def of(cls, handler: Handler, route: str | None = None, name: str = "") -> Middleware:
        """Made of a user's function. The route "/" is every path, as in Pode."""
        return cls(handler, _pattern(route), name)

    def applies_to(self, path: str) -> bool:
        return self.pattern is None or self.pattern.fits(path)

    def named(self, name: str, route: str | None = None) -> Middleware:
        """The same under a name, and bounded to another route if one is given."""
        return replace(self, name=name, pattern=_pattern(route) if route else self.pattern)


def check_end(answer: object, handler: Handler) -> None:
    """What middleware has returned ends the request: PodeError, unless it is False.

    What was meant to refuse a request must never let it in.
    """
    if answer is False:
        return
    if isinstance(answer, StatusError):
        instead = f"Raise it: `raise StatusError({answer.status})`."
    else:
        instead = (
            "Return False to end the request with the response as it is, after "
            "`set_response_status(401)` or a `write_...` function, or raise StatusError(401). "
            "Return None or True to let it go on."
        )
    kind = type(answer).__name__
    raise PodeError(
        f"{handler}, returned {'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}, and what a "
        f"request needs to go on is None or True. It ends here. {instead}"
    )


def _pattern(route: str | None) -> Pattern | None:
    if route:
        check_path(route, "route")
    path = route_path(route) if route else "/"
    return None if path == "/" else Pattern(path)


class Middlewares:
    """The global middleware, in the order it was added. `current` is what requests see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.current: tuple[Middleware, ...] = ()

    def add(self, middleware: Middleware) -> None:
        """Raises PodeError if the name is taken."""
        with self._lock:
            if self.get(middleware.name) is None:
                self.current = (*self.current, middleware)
                return
        raise PodeError(
            f"Middleware {middleware.name!r} already exists. Remove it first, or choose another "
            "name."
        )

    def remove(self, name: str) -> None:
        """Remove one, if there is one of this name."""
        key = name.lower()
        with self._lock:
            self.current = tuple(known for known in self.current if known.name.lower() != key)

    def clear(self) -> None:
        with self._lock:
            self.current = ()

    def get(self, name: str) -> Middleware | None:
        key = name.lower()
        return next((known for known in self.current if known.name.lower() == key), None)

    def of_route(self, given: Any) -> tuple[Middleware, ...]:
        """What a route's `middleware` means: functions, names, what `new_middleware` returned."""
        return tuple(self._one(item) for item in as_list(given) if item is not None)

    def _one(self, item: Any) -> Middleware:
        if isinstance(item, Middleware):
            return item
        if isinstance(item, str):
            known = self.get(item)
            if known is None:
                names = ", ".join(repr(known.name) for known in self.current) or "none"
                known_names = [known.name for known in self.current]
                raise PodeError(
                    f"Middleware {item!r} does not exist.{meant(item, known_names)} There are: "
                    f"{names}. Add it before the route: @add_middleware({json.dumps(item)})."
                )
            return replace(known, pattern=None)
        if callable(item):
            return Middleware(Handler(item, ambient.WEB, what="middleware="))
        raise TypeError(
            f"middleware takes functions, names or what new_middleware returned, not {item!r}."
        )


class Endwares:
    """Functions that run after every request, in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.current: tuple[Handler, ...] = ()

    def add(self, handlers: Iterable[Handler]) -> None:
        with self._lock:
            self.current = (*self.current, *handlers)
