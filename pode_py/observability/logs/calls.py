"""UserCall: a user's function that gets its arguments by position, as Pode's log script blocks do.

It gets the item first, then `argument_list`, then what else there is; what it has no parameter
for is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, describe
from pode_py.core.loop import EventLoop


class UserCall:
    """Calls `function` in a copy of the server's context; a coroutine runs on the server's loop."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        context: Context,
        loop: EventLoop,
    ) -> None:
        if not callable(function):
            raise TypeError(f"handler takes a function, not {function!r}.")
        self.label = describe(function)
        self._function = function
        self._context = context
        self._loop = loop
        self._named = dict(arguments) if isinstance(arguments, Mapping) else {}
        self._fixed = _positional(arguments)
        self._names, self._takes_all = self._parameters()

    def __call__(self, first: Any, *last: Any) -> Any:
        return self._context.copy().run(self._run, (first, *self._fixed, *last))

    def _run(self, values: tuple[Any, ...]) -> Any:
        if not self._takes_all:
            values = values[: len(self._names)]
        named = {**dict(zip(self._names, values, strict=False)), **self._named}
        result = self._function(**named) if self._named else self._function(*values)
        if not inspect.iscoroutine(result):
            return result
        # The last lines are written when the handlers have been cancelled already.
        return self._loop.run(result, to_the_end=True)

    def _parameters(self) -> tuple[list[str], bool]:
        """The parameters that `argument_list` does not fill by name; whether there is a `*`."""
        try:
            parameters = list(inspect.signature(self._function).parameters.values())
        except (TypeError, ValueError):  # some built-in functions have none: they get the item
            return ["item"], False
        named = {one.name for one in parameters}
        takes_any_name = any(one.kind is one.VAR_KEYWORD for one in parameters)
        unknown = [name for name in self._named if name not in named and not takes_any_name]
        if unknown:
            raise PodeError(
                f"argument_list names {unknown[0]!r}, but {self.label} has no such parameter."
            )
        free = [one.name for one in parameters if _positional_kind(one)]
        free = [name for name in free if name not in self._named]
        takes_all = any(one.kind is one.VAR_POSITIONAL for one in parameters)
        return free, takes_all and not self._named


def _positional_kind(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)


def _positional(arguments: Arguments) -> tuple[Any, ...]:
    if arguments is None or isinstance(arguments, Mapping):
        return ()
    if isinstance(arguments, (str, bytes)) or not isinstance(arguments, Sequence):
        return (arguments,)
    return tuple(arguments)
