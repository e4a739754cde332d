"""LogFunction: a user's function that gets its arguments by position, as Pode's log script blocks.

It gets the item first, then `argument_list`, then what else there is; what it has no parameter
for is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Any

from pode_py.core.handlers import Arguments, Function, Handler, listed
from pode_py.core.loop import EventLoop


class LogFunction:
    """Calls `function` in a copy of the server's context; a coroutine runs on the server's loop.

    `last` stands for what comes after `arguments`.
    """

    def __init__(  # noqa: PLR0917
        self,
        what: str,
        function: Function,
        arguments: Arguments,
        last: Sequence[str],
        context: Context,
        loop: EventLoop,
    ) -> None:
        self._context = context
        self._loop = loop
        self._fixed = listed(arguments)
        named = arguments if isinstance(arguments, Mapping) else None
        values = ("the item", *self._fixed, *last)
        self._handler = Handler(function, None, named, what=what, values=values, fits=True)

    def __call__(self, first: Any, *last: Any) -> Any:
        return self._context.copy().run(self._run, (first, *self._fixed, *last))

    def _run(self, values: tuple[Any, ...]) -> Any:
        result = self._handler.call(None, values)
        if not inspect.iscoroutine(result):
            return result
        # The last lines are written when the handlers have been cancelled already.
        return self._loop.run(result, to_the_end=True)
