"""Pode's body parsers: how bodies of further content types are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from pode_py.core.ambient import room
from pode_py.core.handlers import Declarations
from pode_py.web.bodies.bodies import Bodies, checked_type

F = TypeVar("F", bound=Callable[..., Any])


@overload
def add_body_parser(content_type: str, handler: None = None) -> Callable[[F], F]: ...


@overload
def add_body_parser(content_type: str, handler: Callable[[str], Any]) -> None: ...


def add_body_parser(
    content_type: str, handler: Callable[[str], Any] | None = None
) -> Callable[[F], F] | None:
    """Read bodies of a content type with a function of your own. Pode: Add-PodeBodyParser.

    It gets the body as text; what it returns is `web_event.data`. It goes before pode_py's own
    way to read that type. Without `handler` it is a decorator. Raises PodeError if there is one.

        @add_body_parser("text/csv")
        def parse_csv(content):
            return [line.split(",") for line in content.splitlines()]
    """
    kind = checked_type(content_type)

    def register(function: Callable[..., Any]) -> None:
        room(Bodies).add_parser(kind, function)

    if handler is None:
        return room(Declarations).decorator(register, f'add_body_parser("{kind}")')
    register(handler)
    return None


def remove_body_parser(content_type: str) -> None:
    """Remove a body parser. One that is not there is no error. Pode: Remove-PodeBodyParser.

    remove_body_parser("text/csv")
    """
    room(Bodies).remove_parser(content_type)
