"""GroupScope: the part of a script whose routes belong to a group."""

from __future__ import annotations

from contextvars import Token
from typing import Any

from pode_py.core import ambient
from pode_py.web.routing.route import RouteGroup


class GroupScope:
    """``with`` this, routes are added to the group. May be entered again later."""

    def __init__(self, group: RouteGroup) -> None:
        self.group = group
        self._tokens: list[Token[Any]] = []

    def __enter__(self) -> GroupScope:
        self._tokens.append(ambient.route_group.set(self.group))
        return self

    def __exit__(self, *_: object) -> None:
        ambient.route_group.reset(self._tokens.pop())


def decide_if_exists(own: str, wish: RouteGroup, preference: str) -> str:
    """Pode's order: the route's own, the group's, that of `use_routes`, the preference, error."""
    for choice in (own, wish.if_exists, wish.folder_if_exists, preference):
        if choice != "default":
            return choice
    return "error"
