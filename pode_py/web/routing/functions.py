"""Pode's Routes area, plain routes: add_route, add_route_group and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from json import dumps
from typing import Any, Literal, overload

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, as_list, one_of, seconds, some_of
from pode_py.core.calls import Calls, steps
from pode_py.core.checks import checked, decorates
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, WaitingRegistrations, waiting
from pode_py.http.patterns import check_path, route_path
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.errors.exception_handlers import ExceptionHandlers
from pode_py.web.middleware.middleware import Middlewares
from pode_py.web.routing.groups import GroupScope, decide_if_exists
from pode_py.web.routing.path_parameters import binder_of, names_on_offer
from pode_py.web.routing.route import Route, RouteGroup
from pode_py.web.routing.router import METHODS, Router

__all__ = [
    "add_route",
    "add_route_group",
    "clear_routes",
    "get_route",
    "remove_route",
    "set_route_if_exists_preference",
    "test_route",
    "use_routes",
]

# In the cases of letters in which people write them: type checkers compare exactly.
Method = Literal[
    "connect", "delete", "get", "head", "merge", "options", "patch", "post", "put", "trace", "*",
    "CONNECT", "DELETE", "GET", "HEAD", "MERGE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    "Connect", "Delete", "Get", "Head", "Merge", "Options", "Patch", "Post", "Put", "Trace",
]  # fmt: skip
IfExists = Literal["default", "error", "overwrite", "skip"]
TransferEncoding = Literal["", "gzip", "deflate"]

_IF_EXISTS = ("default", "error", "overwrite", "skip")
_ENCODINGS = ("", "gzip", "deflate")


@overload
def add_route(
    method: Method | Sequence[Method],
    path: str,
    handler: Function | None = None,
    *,
    middleware: Any = None,
    endpoint_name: str | Sequence[str] | None = None,
    content_type: str = "",
    transfer_encoding: TransferEncoding = "",
    error_content_type: str = "",
    file_path: StrPath | None = None,
    argument_list: Arguments = None,
    if_exists: IfExists = "default",
    timeout: Duration | None = None,
    pass_thru: Literal[False] = False,
) -> Registration: ...


@overload
def add_route(
    method: Method | Sequence[Method],
    path: str,
    handler: Function | None = None,
    *,
    middleware: Any = None,
    endpoint_name: str | Sequence[str] | None = None,
    content_type: str = "",
    transfer_encoding: TransferEncoding = "",
    error_content_type: str = "",
    file_path: StrPath | None = None,
    argument_list: Arguments = None,
    if_exists: IfExists = "default",
    timeout: Duration | None = None,
    pass_thru: Literal[True],
) -> Any: ...


@decorates('add_route("get", "/path")')
def add_route(
    method: Method | Sequence[Method],
    path: str,
    handler: Function | None = None,
    *,
    middleware: Any = None,
    endpoint_name: str | Sequence[str] | None = None,
    content_type: str = "",
    transfer_encoding: TransferEncoding = "",
    error_content_type: str = "",
    file_path: StrPath | None = None,
    argument_list: Arguments = None,
    if_exists: IfExists = "default",
    timeout: Duration | None = None,
    pass_thru: bool = False,
) -> Any:
    """Answer requests for a method and a path with a handler. Pode: Add-PodeRoute.

    method: one or several of connect, delete, get, head, merge, options, patch, post, put, trace,
        in any case of letters; "*" means any.
    path: can have parameters (``/users/:id``, read as ``web_event.parameters["id"]``) and wildcards
        (``/files/*``, read as ``web_event.parameters["*"]``). Case does not count.
    handler: can have the parameters `web_event`, those of the path under their names, and others
        that `argument_list` fills or that have defaults. The annotation of one of the path says
        what its text becomes: str, int, float, bool, date, UUID, an Enum or a Literal; a text that
        does not fit is 404.
    middleware: functions, names, or what `new_middleware` returned; they run before the handler,
        and False stops.
    endpoint_name: only for requests to these endpoints.
    content_type: how to read the body, whatever the client says it is.
    transfer_encoding: "gzip" and "deflate" are planned, not there yet: they raise PodeError.
    error_content_type: "application/json" makes error pages of this route JSON.
    file_path: a Python file that defines the handler, instead of `handler`.
    argument_list: values for the handler's other parameters, a list by position or a dict by name.
    if_exists: "error", "overwrite" or "skip"; "default" asks the group, `use_routes` and
        `set_route_if_exists_preference` in turn, and is an error in the end.
    timeout: seconds until the answer begins, middleware included; then the client gets 503. 0 is no
        end, None that of the group or of `start_server(handler_timeout=)`. Not in Pode.
    pass_thru: return the route, or the list of them if there are several.

    Returns a decorator if there is no handler.
    Raises PodeError if the route exists, or if the handler has a parameter that nothing fills.

        @add_route("get", "/users/:id")
        def user(id: int):
            return {"id": id}
    """
    methods = some_of("method", method, METHODS)
    decided = one_of("if_exists", if_exists, _IF_EXISTS)
    group = _group(
        path,
        middleware,
        endpoint_name,
        content_type,
        (transfer_encoding, error_content_type),
        timeout=timeout,
    )

    what = f"add_route({dumps(methods[0] if len(methods) == 1 else methods)}, {dumps(path)})"
    router, added = room(Router), list[Route]()
    offered = names_on_offer(what, group.path)

    def register(function: Function) -> None:
        runner = Handler(
            function, ambient.WEB, argument_list, what=what, streams=True, offered=offered
        )
        choice = decide_if_exists(decided, group, router.if_exists)
        added.extend(router.add(group.routes(methods, runner, binder_of(runner)), choice))

    made = waiting(what, register, handler, file_path)
    if pass_thru and added:
        return added[0] if len(added) == 1 else added
    return made


@checked
def add_route_group(
    path: str = "",
    routes: Callable[[], Any] | None = None,
    *,
    middleware: Any = None,
    endpoint_name: str | Sequence[str] | None = None,
    content_type: str = "",
    transfer_encoding: TransferEncoding = "",
    error_content_type: str = "",
    if_exists: IfExists = "default",
    timeout: Duration | None = None,
) -> GroupScope:
    """Add routes that share a path, middleware and more. Pode: Add-PodeRouteGroup.

    Groups can stand in groups: paths and middleware add up, and the inner group overrides the rest.

    path: the beginning of the paths of all routes.
    routes: a function that adds the routes.
    middleware: functions, names, or what `new_middleware` returned.
    transfer_encoding: as in `add_route`.
    if_exists: as in `add_route`.
    timeout: as in `add_route`, for routes that say nothing else. Not in Pode.

    Returns a context manager, for the case without `routes`.

        with add_route_group("/api"):
            add_route("get", "/users", lambda: ["Ada", "Grace"])
    """
    group = _group(
        path,
        middleware,
        endpoint_name,
        content_type,
        (transfer_encoding, error_content_type),
        timeout=timeout,
    )
    outer = group.exception_handlers or room(ExceptionHandlers)
    group = replace(group, exception_handlers=ExceptionHandlers(outer))
    decided = group.deciding(one_of("if_exists", if_exists, _IF_EXISTS))
    scope = GroupScope(decided, f"add_route_group({dumps(path)})")
    if routes is None:
        room(WaitingRegistrations).add(scope)
        return scope
    adding = Handler(routes, what="add_route_group")
    with scope:
        room(Calls).run(steps(adding, None))
    return scope


@checked
def remove_route(method: Method, path: str, endpoint_name: str = "") -> None:
    """Remove a route, if there is one. Pode: Remove-PodeRoute.

    method: as in `add_route`.

        remove_route("get", "/users/:id")
    """
    room(Router).remove(one_of("method", method, METHODS), route_path(path), endpoint_name)


@checked
def clear_routes(method: Method | Literal[""] = "") -> None:
    """Remove all routes, or all of one method. Pode: Clear-PodeRoutes.

    method: as in `add_route`.

        clear_routes("get")
    """
    room(Router).clear(one_of("method", method, METHODS) if method else None)


@checked
def get_route(
    method: Method | Literal[""] = "",
    path: str | None = None,
    endpoint_name: str | Sequence[str] | None = None,
) -> list[Route]:
    """Return the routes with this method, path and endpoint. Pode: Get-PodeRoute.

    method: as in `add_route`; "" means any.
    path: compared with the path in `add_route`, not matched like that of a request.

        for route in get_route("get"):
            print(route.path)
    """
    wanted = one_of("method", method, METHODS) if method else None
    return room(Router).select(wanted, route_path(path) if path else None, as_list(endpoint_name))


@checked
def test_route(
    method: Method, path: str, endpoint_name: str = "", *, check_wildcard: bool = False
) -> bool:
    """Return whether a route was added. Pode: Test-PodeRoute.

    method: as in `add_route`.
    check_wildcard: a route for any method ("*") counts as well.

        if not test_route("get", "/health"):
            add_route("get", "/health", lambda: "ok")
    """
    name = one_of("method", method, METHODS)
    router = room(Router)
    path = route_path(path)
    if router.has(name, path, endpoint_name):
        return True
    return check_wildcard and router.has("*", path, endpoint_name)


@checked
def use_routes(path: StrPath | None = None, *, if_exists: IfExists = "default") -> None:
    """Run every Python file below a folder; each can add routes. Pode: Use-PodeRoutes.

    path: the folder; by default `routes` next to the server's script.
    if_exists: as in `add_route`, for routes that say nothing else.

    Raises PodeError if the folder does not exist.

        use_routes()
    """
    decided = one_of("if_exists", if_exists, _IF_EXISTS)
    with GroupScope(_in_group(RouteGroup(folder_if_exists=decided))):
        room(Folders).load(path or "routes")


@checked
def set_route_if_exists_preference(value: IfExists = "default") -> None:
    """Set what becomes of routes that exist. Pode: Set-PodeRouteIfExistsPreference.

    value: as `if_exists` of `add_route`, for all routes that say nothing else.

        set_route_if_exists_preference("skip")
    """
    room(Router).if_exists = one_of("value", value, _IF_EXISTS)


def _group(
    path: str,
    middleware: Any,
    endpoint_name: str | Sequence[str] | None,
    content_type: str,
    encoding_and_errors: tuple[str, str],
    *,
    timeout: Duration | None,
) -> RouteGroup:
    """What a route or group asks for, within the group that the code is in."""
    check_path(path)
    endpoints = room(Endpoints)
    encoding, errors = encoding_and_errors
    if one_of("transfer_encoding", encoding, _ENCODINGS):
        raise PodeError(
            f"transfer_encoding={encoding!r} is planned, not there yet: the server does not unpack "
            "bodies. Leave it out, and have clients send them as they are."
        )
    return _in_group(
        RouteGroup(
            path,
            room(Middlewares).of_route(middleware),
            tuple(endpoints.need(name).name for name in as_list(endpoint_name)),
            content_type,
            "",
            errors,
            timeout=None if timeout is None else seconds("timeout", timeout),
        )
    )


def _in_group(group: RouteGroup) -> RouteGroup:
    outer = ambient.route_group.get()
    return group if outer is None else group.within(outer)
