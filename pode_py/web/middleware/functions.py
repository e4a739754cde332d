"""Pode's Middleware area without bodies and CSRF, and endware."""

from __future__ import annotations

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import filled
from pode_py.core.checks import checked, decorates
from pode_py.core.handlers import Arguments, Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, registered
from pode_py.web.middleware.middleware import Endwares, Middleware, Middlewares
from pode_py.web.places import Places, place_named

__all__ = [
    "add_endware",
    "add_middleware",
    "clear_middleware",
    "new_middleware",
    "remove_middleware",
    "test_middleware",
    "use_endware",
    "use_middleware",
]


@decorates('add_middleware("name")')
def add_middleware(
    name: str,
    handler: Function | Middleware | None = None,
    *,
    input_object: Middleware | None = None,
    route: str | None = None,
    argument_list: Arguments = None,
) -> Registration:
    """Run a function before the handler of every route. Pode: Add-PodeMiddleware.

    Middleware runs in the order in which it was added, once a route was found. If it returns False,
    the request ends there, with the response as it is by then; with None or True it goes on, and
    any other value is an error that ends it with 500. Middleware called ``__pode_mw_NAME__``
    replaces a step of pode_py, as in Pode: ``__pode_mw_static_content__`` serves the files of
    public/.

    handler: a function, which can have the parameter `web_event`, and others that `argument_list`
        fills or that have defaults; or what `new_middleware` returned.
    input_object: what `new_middleware` returned.
    route: only for requests to this path, which can have parameters and wildcards.
    argument_list: values for the handler's parameters, a list by position or a dict by name.

    Returns a decorator if there is neither `handler` nor `input_object`.
    Raises PodeError if the name is taken.

        @add_middleware("key", route="/api/*")
        def check_key():
            if get_header("X-Key") != "sesame":
                raise StatusError(403)
    """
    what = f'add_middleware("{filled("name", name)}")'
    if handler is not None and input_object is not None:
        raise ValueError("add_middleware takes a handler or an input_object, not both.")
    given = input_object if handler is None else handler
    place = place_named(name)
    if place is not None and route is not None:
        raise ValueError(f"{name} stands before every request: it takes no route.")
    if isinstance(given, Middleware):
        _add(given.named(name, route), place)
        return Registration(what)

    def add(runner: Handler) -> None:
        _add(Middleware.of(runner, route, name), place)

    return registered(what, add, given, None, ambient.WEB, argument_list)


def _add(middleware: Middleware, place: str | None) -> None:
    if place is None:
        room(Middlewares).add(middleware)
    else:
        room(Places).replace(place, middleware.handler)


@checked
def new_middleware(
    handler: Function, *, route: str | None = None, argument_list: Arguments = None
) -> Middleware:
    """Make middleware for routes, groups or `add_middleware`. Pode: New-PodeMiddleware.

    handler: can have the parameter `web_event`, and others that `argument_list` fills or that have
        defaults.
    route: only for requests to this path, which can have parameters and wildcards.
    argument_list: values for the handler's parameters, a list by position or a dict by name.

        def check_role(role):
            if get_header("X-Role") != role:
                raise StatusError(403)

        for_admins = new_middleware(check_role, argument_list={"role": "admin"})
        add_route("get", "/admin", lambda: "Hello", middleware=for_admins)
    """
    made = Handler(handler, ambient.WEB, argument_list, what="new_middleware")
    return Middleware.of(made, route)


@checked
def remove_middleware(name: str) -> None:
    """Remove global middleware, if there is one of this name. Pode: Remove-PodeMiddleware.

    remove_middleware("key")
    """
    place = place_named(name)
    if place is None:
        room(Middlewares).remove(name)
    else:
        room(Places).restore(place)


def clear_middleware() -> None:
    """Remove all global middleware. Pode: Clear-PodeMiddleware.

    clear_middleware()
    """
    room(Middlewares).clear()


@checked
def test_middleware(name: str) -> bool:
    """Return whether there is global middleware of this name. Pode: Test-PodeMiddleware.

    if not test_middleware("key"):
        add_middleware("key", lambda: test_header("X-Key"))
    """
    place = place_named(name)
    if place is None:
        return room(Middlewares).get(name) is not None
    return room(Places).replacement(place) is not None


@checked
def use_middleware(path: StrPath | None = None) -> None:
    """Run every Python file below a folder; each can add middleware. Pode: Use-PodeMiddleware.

    path: the folder; by default `middleware` next to the server's script.

    Raises PodeError if the folder does not exist.

        use_middleware()
    """
    room(Folders).load(path or "middleware")


@checked
def add_endware(
    handler: Function | None = None, *, argument_list: Arguments = None
) -> Registration:
    """Run a function after every request, also after one that failed. Pode: Add-PodeEndware.

    It sees the response before it is sent. If it raises, the error is logged, and the other endware
    still runs.

    handler: can have the parameter `web_event`, and others that `argument_list` fills or that have
        defaults.
    argument_list: values for the handler's parameters, a list by position or a dict by name.

    Returns a decorator if there is no handler.

        @add_endware()
        def count(web_event):
            print(web_event.path, web_event.response.status_code)
    """

    def add(runner: Handler) -> None:
        room(Endwares).add([runner])

    return registered("add_endware()", add, handler, None, ambient.WEB, argument_list)


@checked
def use_endware(path: StrPath | None = None) -> None:
    """Run every Python file below a folder; each can add endware. Pode: Use-PodeEndware.

    path: the folder; by default `endware` next to the server's script.

    Raises PodeError if the folder does not exist.

        use_endware()
    """
    room(Folders).load(path or "endware")
