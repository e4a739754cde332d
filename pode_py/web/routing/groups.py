"""GroupScope: the part of a script whose routes belong to a group; and routes of our own in it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from typing import Any

from pode_py.core import ambient
from pode_py.core.handlers import Handler
from pode_py.core.registration import place_of_call
from pode_py.web.routing.route import RouteGroup
from pode_py.web.routing.router import Router


class GroupScope:
    """``with`` this, routes are added to the group. May be entered again later."""

    def __init__(self, group: RouteGroup, what: str = "") -> None:
        self.group = group
        self.what = what
        self.where = place_of_call() if what else ""
        self.is_waiting = True
        self._tokens: list[Token[Any]] = []

    @property
    def missing(self) -> str:
        """What it waits for."""
        return (
            f"has no routes. Write `with {self.what}:` and add them in that block, or pass it a "
            "function that adds them."
        )

    def __enter__(self) -> GroupScope:
        self.is_waiting = False
        self._tokens.append(ambient.route_group.set(self.group))
        return self

    def __exit__(self, *_: object) -> None:
        ambient.route_group.reset(self._tokens.pop())


def decide_if_exists(own: str, group: RouteGroup, preference: str) -> str:
    """Pode's order: the route's own, the group's, that of `use_routes`, the preference, error."""
    for choice in (own, group.if_exists, group.folder_if_exists, preference):
        if choice != "default":
            return choice
    return "error"


def add_own_route(router: Router, own: RouteGroup, handler: Callable[..., Any]) -> None:
    """Add a GET route of the framework's own, within the group that the code is in."""
    outer = ambient.route_group.get()
    group = own if outer is None else own.within(outer)
    routes = group.routes(
        ["get"], Handler(handler, ambient.WEB, what=f'add_route("get", "{group.path}")')
    )
    router.add(routes, decide_if_exists("default", group, router.if_exists))
