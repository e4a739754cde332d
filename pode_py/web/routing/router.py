"""Router: all routes of a server, and which one a request is for.

Routes may come and go while the server runs. The list is changed under the lock; look-ups read
one immutable set of tables, which the first look-up after a change builds anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pode_py.core.errors import PodeError
from pode_py.http.patterns import Parameters
from pode_py.web.routing.route import Route

METHODS = (
    "connect",
    "delete",
    "get",
    "head",
    "merge",
    "options",
    "patch",
    "post",
    "put",
    "trace",
    "*",
)

Found = tuple[Route, Parameters | None]


class Router:
    """The routes. `if_exists` is what happens to a route that exists, if nothing nearer says it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: dict[tuple[str, str, str], Route] = {}
        self._tables: dict[str, _Table] | None = None
        self.uses_endpoints = False
        self.if_exists = "default"

    def add(self, routes: Iterable[Route], if_exists: str) -> list[Route]:
        """Add routes; return those that were added.

        `if_exists` is "error", "overwrite" or "skip".
        """
        added: dict[tuple[str, str, str], Route] = {}
        with self._lock:
            for route in routes:
                key = _key(route.method, route.path, route.endpoint_name)
                if key in self._routes and if_exists == "skip":
                    continue
                if key in self._routes and if_exists != "overwrite":
                    raise _exists(route)
                added[key] = route
            self._routes.update(added)
            self._changed()
        return list(added.values())

    def remove(self, method: str, path: str, endpoint_name: str = "") -> None:
        """Remove a route, if there is one."""
        with self._lock:
            self._routes.pop(_key(method, path, endpoint_name), None)
            self._changed()

    def clear(self, method: str | None = None) -> None:
        """Take all routes away, or those of one method."""
        with self._lock:
            self._routes = {
                key: route for key, route in self._routes.items() if method and key[0] != method
            }
            self._changed()

    def has(self, method: str, path: str, endpoint_name: str = "") -> bool:
        """Whether exactly this route was added."""
        with self._lock:
            return _key(method, path, endpoint_name) in self._routes

    def select(
        self, method: str | None, path: str | None, endpoint_names: Iterable[str] = ()
    ) -> list[Route]:
        """The routes with this method, path and one of these endpoints; None and () are any."""
        names = {name.lower() for name in endpoint_names}
        wanted = None if path is None else path.lower()
        with self._lock:
            routes = list(self._routes.items())
        return [
            route
            for (known, known_path, name), route in routes
            if method in (None, known)
            and wanted in (None, known_path)
            and (not names or name in names)
        ]

    def find(self, method: str, path: str, endpoint_name: str = "") -> Found | None:
        """The route for a request, and what its path's parameters are.

        As in Pode: routes for any method first, then literal paths, then patterns in the order
        they were added. HEAD is answered by GET's route if it has none of its own.
        """
        tables = self._tables or self._build()
        lower = path.lower()
        any_method = tables.get("*")
        if any_method is not None:
            found = any_method.find(path, lower, endpoint_name)
            if found is not None:
                return found
        table = tables.get(method)
        found = None if table is None else table.find(path, lower, endpoint_name)
        if found is None and method == "head":
            return self.find("get", path, endpoint_name)
        return found

    def methods(self, path: str, endpoint_name: str = "") -> set[str]:
        """The methods, in upper case, that routes answer for this path; all for ``*``."""
        tables = self._tables or self._build()
        lower = path.lower()
        if path == "*":  # OPTIONS * asks about the server as a whole (RFC 9110, 9.3.7)
            found = set(tables)
        else:
            found = {name for name in tables if tables[name].find(path, lower, endpoint_name)}
        if "*" in found:
            found = set(METHODS) - {"*", "connect", "trace"}
        if "get" in found:
            found.add("head")
        return {name.upper() for name in found}

    def _changed(self) -> None:
        self._tables = None
        self.uses_endpoints = any(route.endpoint_name for route in self._routes.values())

    def _build(self) -> dict[str, _Table]:
        with self._lock:
            tables: dict[str, _Table] = {}
            for route in self._routes.values():
                tables.setdefault(route.method, _Table()).add(route)
            self._tables = tables
        return tables


class _Table:
    """The routes of one method. Filled once, then only read."""

    __slots__ = ("_literal", "_patterns", "_wild")

    def __init__(self) -> None:
        self._literal: dict[str, list[Route]] = {}
        # By number of segments; those with wildcards apart. Each with its place in the order.
        self._patterns: dict[int, list[tuple[int, Route]]] = {}
        self._wild: list[tuple[int, Route]] = []

    def add(self, route: Route) -> None:
        pattern = route.pattern
        if pattern.is_literal:
            self._literal.setdefault(route.path.lower(), []).append(route)
            return
        order = len(self._wild) + sum(map(len, self._patterns.values()))
        if pattern.count is None:
            self._wild.append((order, route))
        else:
            self._patterns.setdefault(pattern.count, []).append((order, route))

    def find(self, path: str, lower: str, endpoint_name: str) -> Found | None:
        routes = self._literal.get(lower)
        if routes is not None:
            route = _for_endpoint(routes, endpoint_name) if endpoint_name else routes[0]
            if route is not None:
                return route, None
        if not self._patterns and not self._wild:
            return None
        return self._find_pattern(path, lower, endpoint_name)

    def _find_pattern(self, path: str, lower: str, endpoint_name: str) -> Found | None:
        parts = path.split("/")
        candidates = self._patterns.get(len(parts), ())
        if not candidates and not self._wild:
            return None
        if self._wild:
            candidates = sorted([*candidates, *self._wild], key=lambda entry: entry[0])
        general: Found | None = None
        for _, route in candidates:
            name = route.endpoint_name
            if name and endpoint_name and name.lower() != endpoint_name.lower():
                continue
            parameters = route.pattern.match(path, lower, parts)
            if parameters is None:
                continue
            if name or not endpoint_name:
                return route, parameters
            if general is None:
                general = route, parameters
        return general


def _for_endpoint(routes: list[Route], endpoint_name: str) -> Route | None:
    """The route made for this endpoint, else one for any endpoint."""
    wanted = endpoint_name.lower()
    general = None
    for route in routes:
        if route.endpoint_name.lower() == wanted:
            return route
        if not route.endpoint_name and general is None:
            general = route
    return general


def _key(method: str, path: str, endpoint_name: str) -> tuple[str, str, str]:
    return method, path.lower(), endpoint_name.lower()


def _exists(route: Route) -> PodeError:
    where = f" of endpoint {route.endpoint_name}" if route.endpoint_name else ""
    return PodeError(
        f"Route {route.method.upper()} {route.path}{where} already exists. Pass "
        "if_exists='overwrite' or 'skip', or change the path."
    )
