"""Pode's body parsers: how bodies of further content types are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pode_py.core.ambient import room
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Function
from pode_py.core.registration import Registration, waiting
from pode_py.web.bodies.bodies import Bodies, checked_type

__all__ = [
    "add_body_parser",
    "remove_body_parser",
    "set_body_defaults",
]

BodyFormat = Literal["json", "form", "xml", "csv", "text", "yaml"]


@decorates('add_body_parser("text/csv")')
def add_body_parser(
    content_type: str, handler: Callable[[str], Any] | BodyFormat | None = None
) -> Registration:
    """Read bodies of a content type with your own function. Pode: Add-PodeBodyParser.

    It is used before the parser that pode_py has for that type.

    handler: gets the body as text, and returns what becomes `web_event.data`. Or the format that
        bodies of this type have: "json", "form", "xml", "csv", "text" or "yaml" (needs
        ``pip install "pode-py[yaml]"``). A body of YAML has up to 1 MiB, and no aliases.

    Returns a decorator if there is no handler.
    Raises PodeError if the content type has a parser of yours already, or PyYAML is missing.

        @add_body_parser("text/csv")
        def parse_csv(content):
            return [line.split(",") for line in content.splitlines()]

        add_body_parser("application/yaml", "yaml")
    """
    kind = checked_type(content_type)
    what = f'add_body_parser("{kind}")'
    if isinstance(handler, str):
        room(Bodies).read_as(kind, handler.lower())
        return Registration(what)

    def register(function: Function) -> None:
        room(Bodies).add_parser(kind, function)

    return waiting(what, register, handler)


@checked
def remove_body_parser(content_type: str) -> None:
    """Remove a body parser, if there is one. Pode: Remove-PodeBodyParser.

    remove_body_parser("text/csv")
    """
    room(Bodies).remove_parser(content_type)


@checked
def set_body_defaults(
    *, content_type: str | None = None, content_type_routes: Mapping[str, str] | None = None
) -> None:
    """Set of which content type bodies are, whatever clients say. Not in Pode.

    In Pode these are settings of server.psd1: Web.ContentType. A route's own `content_type` comes
    before them. None leaves what was set before.

    content_type: the type of all bodies.
    content_type_routes: paths with the type of their bodies. ``*`` in a path means any text, and
        the case of letters does not count. The first that fits decides.

    Raises ValueError for what is no content type.

        set_body_defaults(content_type_routes={"/api/*": "application/json"})
    """
    room(Bodies).set_defaults(content_type, content_type_routes)
