"""ExceptionHandlers: users' functions that answer exceptions, by class; a group has its own."""

from __future__ import annotations

from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler


class ExceptionHandlers:
    """Those of the server, or of a group in `outer`. Any thread may look; the set-up changes it."""

    def __init__(self, outer: ExceptionHandlers | None = None) -> None:
        self._outer = outer
        self._handlers: dict[type[BaseException], Handler] = {}

    def add(self, kind: type[BaseException], handler: Handler) -> None:
        """Raises PodeError if the class has one here."""
        if kind in self._handlers:
            raise PodeError(
                f"There is a handler for {kind.__name__} already: {self._handlers[kind]}. Remove "
                f"it first, with remove_exception_handler({kind.__name__})."
            )
        self._handlers = {**self._handlers, kind: handler}

    def remove(self, kind: type[BaseException]) -> None:
        """Unknown classes are no error."""
        self._handlers = {known: one for known, one in self._handlers.items() if known is not kind}

    def clear(self) -> None:
        self._handlers = {}

    def has(self, kind: type[BaseException]) -> bool:
        """Whether this very class has a handler here."""
        return kind in self._handlers

    def find(self, error: BaseException) -> Handler | None:
        """That of the innermost group with one for the error's class, or its nearest parent.

        A StatusError is an answer already, which only a handler for StatusError or a class of its
        own replaces: a handler for every Exception must not make 404 an error of the server.
        """
        if self._handlers:
            for kind in type(error).__mro__:
                handler = self._handlers.get(kind)
                if handler is not None:
                    return handler
                if kind is StatusError:
                    break
        return None if self._outer is None else self._outer.find(error)


def chain(raised: BaseException, error: BaseException) -> None:
    """Have the traceback of what the handler of `error` raised show that one, too.

    Python does so itself where the handler has not waited on another thread meanwhile.
    """
    known = [raised]
    while known[-1] is not error:
        before = known[-1].__cause__ or known[-1].__context__
        if before in known:
            return
        if before is None:
            known[-1].__context__ = error
            return
        known.append(before)
