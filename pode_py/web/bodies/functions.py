"""Pode's body parsers: how bodies of further content types are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Function
from pode_py.core.registration import Registration, waiting
from pode_py.web.bodies.bodies import Bodies, checked_type

__all__ = [
    "add_body_parser",
    "remove_body_parser",
]


@decorates('add_body_parser("text/csv")')
def add_body_parser(content_type: str, handler: Callable[[str], Any] | None = None) -> Registration:
    """Read bodies of a content type with your own function. Pode: Add-PodeBodyParser.

    It is used before the parser that pode_py has for that type.

    handler: gets the body as text, and returns what becomes `web_event.data`.

    Returns a decorator if there is no handler.
    Raises PodeError if the content type has a parser of yours already.

        @add_body_parser("text/csv")
        def parse_csv(content):
            return [line.split(",") for line in content.splitlines()]
    """
    kind = checked_type(content_type)

    def register(function: Function) -> None:
        room(Bodies).add_parser(kind, function)

    return waiting(f'add_body_parser("{kind}")', register, handler)


@checked
def remove_body_parser(content_type: str) -> None:
    """Remove a body parser, if there is one. Pode: Remove-PodeBodyParser.

    remove_body_parser("text/csv")
    """
    room(Bodies).remove_parser(content_type)
