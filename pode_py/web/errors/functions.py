"""Answers to exceptions of one's own. Not in Pode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pode_py.core import ambient
from pode_py.core.ambient import room
from pode_py.core.arguments import as_list
from pode_py.core.checks import checked, decorates
from pode_py.core.errors import ClientDisconnected
from pode_py.core.handlers import Function, Handler
from pode_py.core.registration import Registration, waiting
from pode_py.web.errors.exception_handlers import ExceptionHandlers

__all__ = [
    "add_exception_handler",
    "clear_exception_handlers",
    "remove_exception_handler",
    "test_exception_handler",
]

Exceptions = type[Exception] | Sequence[type[Exception]]


@decorates("add_exception_handler(KeyError)")
def add_exception_handler(exception: Exceptions, handler: Function | None = None) -> Registration:
    """Answer a kind of exception with a handler. Not in Pode.

    It gets the exception, and can take `web_event`. It answers as the handler of a route does, but
    with status 500, or that of the StatusError, if it sets none. An exception that it answers is
    not logged, unless it is a PodeError about a mistake in the script. If it returns None and
    writes nothing, the exception is logged and answered with its error page. Within a route group
    it is for the routes of the group.

    exception: a class, or several. The handler of the nearest class counts; one for Exception does
        not get a StatusError, one for StatusError also gets those of pode_py, such as 404.
    handler: gets the exception, and can have the parameter `web_event`.

    Returns a decorator if there is no handler.
    Raises PodeError if the class has a handler, TypeError for what is no class of exceptions.

        @add_exception_handler(KeyError)
        def missing(error):
            return {"missing": str(error)}, 404
    """
    kinds = [_kind(one) for one in as_list(exception)]
    handlers = _handlers()
    names = ", ".join(kind.__name__ for kind in kinds)
    what = f"add_exception_handler({names if len(kinds) == 1 else f'[{names}]'})"

    def register(function: Function) -> None:
        # The exception itself comes with each call.
        first = ("the error",)
        made = Handler(function, ambient.WEB, what=what, streams=True, values=first)
        for kind in kinds:
            handlers.add(kind, made)

    return waiting(what, register, handler)


@checked
def remove_exception_handler(exception: type[Exception]) -> None:
    """Remove the handler of a class of exceptions, if there is one. Not in Pode.

    remove_exception_handler(KeyError)
    """
    _handlers().remove(_kind(exception))


def clear_exception_handlers() -> None:
    """Remove all handlers of exceptions. Not in Pode.

    Within a route group, those of the group.

        clear_exception_handlers()
    """
    _handlers().clear()


def test_exception_handler(exception: type[Exception]) -> bool:
    """Return whether this very class of exceptions has a handler. Not in Pode.

    if not test_exception_handler(KeyError):
        add_exception_handler(KeyError, lambda error: ({"missing": str(error)}, 404))
    """
    return _handlers().has(_kind(exception))


def _handlers() -> ExceptionHandlers:
    """Those of the group that the code is in, else those of the server."""
    group = ambient.route_group.get()
    own: ExceptionHandlers | None = None if group is None else group.exception_handlers
    return room(ExceptionHandlers) if own is None else own


def _kind(exception: Any) -> type[Exception]:
    if isinstance(exception, type) and issubclass(exception, Exception):
        return exception
    if isinstance(exception, BaseException):
        advice = f"Pass its class, {type(exception).__name__}."
    elif isinstance(exception, int):
        advice = "To answer a status, pass StatusError, and look at the status of what you get."
    elif exception is ClientDisconnected:
        advice = "Nobody waits for an answer any more: catch it in the handler, and raise it again."
    else:
        advice = "Pass a class such as KeyError, or a list of them."
    raise TypeError(f"exception takes a class of exceptions, not {exception!r}. {advice}")
