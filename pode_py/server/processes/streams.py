"""Whether a server with several worker processes is about to serve event streams that it can't.

Looks at the code of routes. What can't be seen there raises when the first stream opens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from pode_py.core.errors import StartError
from pode_py.push.sse.hub import SseHub
from pode_py.server.server import Server
from pode_py.web.routing.router import Router

_NAME = "convert_to_sse_connection"
# A route's own code, what it calls, and what that calls.
_LEVELS = 3


def check_streams(server: Server) -> None:
    """Raise StartError if the set-up means to open streams and there is no backplane."""
    hub = server.room(SseHub)
    hub.nodes.workers = server.options.workers
    if hub.nodes.backplane is not None:
        return
    if hub.nodes.wanted_by:
        raise StartError(hub.nodes.complaint(f"{hub.nodes.wanted_by} is called"))
    for route in server.room(Router).select(None, None):
        if route.logic is not None and opens_streams(route.logic, hub.default_scope):
            what = f"route {route.method.upper()} {route.path} opens them"
            raise StartError(hub.nodes.complaint(what))


def opens_streams(function: Callable[..., Any], default_scope: str = "global") -> bool:
    """Whether its code, or what it calls, opens a stream that others may send to.

    Streams that are only the route's own (scope="local") need no backplane.
    """
    found = [code for code, names in _codes(function, _LEVELS) if _NAME in names]
    if default_scope == "local":
        return any("global" in code.co_consts for code in found)
    return any("local" not in code.co_consts for code in found)


def _codes(function: object, levels: int) -> Iterator[tuple[CodeType, set[str]]]:
    """The code of a function, of those inside of it, and of those it calls; with the names that
    each uses, under which it imported them and their own.
    """
    plain = _plain(function)
    if plain is None or not levels:
        return
    for code in _nested(plain.__code__):
        known = list(_known(plain, code))
        own = {one.__name__ for one in known if isinstance(one, FunctionType)}
        yield code, {*code.co_names, *own}
        for other in known:
            if other is not function:
                yield from _codes(other, levels - 1)


def _known(function: FunctionType, code: CodeType) -> Iterator[object]:
    """What names in the code may stand for: functions of its module, its closure, other modules."""
    for name in code.co_names:
        found = function.__globals__.get(name)
        if isinstance(found, ModuleType):
            yield from (vars(found).get(other) for other in code.co_names)
        elif callable(found):
            yield found
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def _plain(function: object) -> FunctionType | None:
    """The user's function behind decorators, methods and partials; None for what is none.

    Objects are not asked for attributes: a proxy may raise anything.
    """
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType):
        function = getattr(type(function), "__call__", None)  # noqa: B004 - an object that is called
    if not isinstance(function, FunctionType):
        return None
    try:
        inner = inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return None
    if not isinstance(inner, FunctionType) or (inner.__module__ or "").startswith("pode_py."):
        return None
    return inner


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _nested(inner)
