"""Remarks: what of a set-up can't be meant, though each part of it is right. Warnings at the start.

Only what is sure: middleware and routes that no request can reach as things are. Code that adds
routes while the server runs may still make them reachable, so this is no error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pode_py.core.arguments import meant
from pode_py.core.handlers import describe
from pode_py.http.overlap import overlap, shape_of
from pode_py.web.middleware.middleware import Middleware
from pode_py.web.rooms import WebRooms
from pode_py.web.routing.route import Route


def remarks(rooms: WebRooms) -> list[str]:
    """What to say of the set-up, a sentence or two each."""
    routes = rooms.router.select(None, None)
    return [
        *_idle_middleware(rooms.middlewares.current, routes),
        *_hidden_routes(routes),
    ]


def _idle_middleware(common: Iterable[Middleware], routes: list[Route]) -> Iterator[str]:
    """Middleware that is bounded to paths which none of its routes has."""
    users: dict[Middleware, list[Route]] = {}
    for route in routes:
        for one in route.middleware:
            users.setdefault(one, []).append(route)
    for middleware, its_routes in (*((one, routes) for one in common), *users.items()):
        pattern = middleware.pattern
        if pattern is None or not its_routes:
            continue
        if any(overlap(pattern, route.pattern) for route in its_routes):
            continue
        name = f"Middleware {middleware.name!r}" if middleware.name else "Middleware"
        yield (
            f"{name}, `{describe(middleware.handler.function)}`, never runs: no route fits its "
            f"route={pattern.path!r}.{_instead(pattern.path, its_routes)} Middleware runs for "
            "routes only, and not for files of public/."
        )


def _instead(path: str, routes: list[Route]) -> str:
    plain = path.rstrip("/").lower()
    if "*" not in plain and any(one.path.lower().startswith(f"{plain}/") for one in routes):
        return f" For what is below that path, write route='{path.rstrip('/')}/*'."
    near = meant(path, [one.path for one in routes])
    return near or f" The first route is {routes[0].path!r}."


def _hidden_routes(routes: list[Route]) -> Iterator[str]:
    """Routes that another one always answers for."""
    by_shape: dict[str, list[Route]] = {}
    by_beginning: dict[str, list[Route]] = {}
    place = {route: number for number, route in enumerate(routes)}
    for route in routes:
        by_shape.setdefault(shape_of(route.path), []).append(route)
        text, star, rest = route.path.lower().partition("*")
        if star and not rest.strip("*") and ":" not in text:  # it asks no more of a path
            by_beginning.setdefault(text, []).append(route)
    hidden: dict[Route, list[Route]] = {}
    for route in routes:
        text = re.split("[:*]", route.path.lower())[0]
        beginnings = [text[:length] for length in range(len(text) + 1)]
        covering = [one for known in beginnings for one in by_beginning.get(known, ())]
        for one in (*by_shape[shape_of(route.path)], *covering):
            if one is not route and _comes_first(one, route, place):
                hidden.setdefault(one, []).append(route)
                break
    for one, others in hidden.items():
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        if one.method == "*":
            why = "is for any method, and is asked before the others. Name its methods."
        else:
            why = "was added before, and fits all that it fits. Add it first, or remove it."
        yield f"{_named(others[0])}{more} can't be reached: {_named(one)}, {why}"


def _comes_first(one: Route, other: Route, place: dict[Route, int]) -> bool:
    """Whether the router asks `one` before it asks `other`, at each endpoint of the other."""
    same_endpoint = one.endpoint_name.lower() == other.endpoint_name.lower()
    if one.method == "*" != other.method:
        return same_endpoint or not one.endpoint_name
    return (
        one.method == other.method
        and same_endpoint
        and not other.pattern.is_literal
        and place[one] < place[other]
    )


def _named(route: Route) -> str:
    logic = f", `{describe(route.logic)}`" if route.logic else ""
    return f"{route.method.upper()} {route.path}{logic}"
