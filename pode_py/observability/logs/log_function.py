"""LogFunction: a user's function that gets its arguments by position, as Pode's log script blocks.

It gets the item first, then `argument_list`, then what else there is; what it has no parameter
for is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pode_py.core.calls import steps
from pode_py.core.handlers import Arguments, Function, Handler, listed
from pode_py.core.runtime import Runtime


class LogFunction:
    """Runs `function` in a copy of the server's context, and waits for what is awaited.

    `last` stands for what comes after `arguments`.
    """

    def __init__(
        self,
        what: str,
        function: Function,
        arguments: Arguments,
        last: Sequence[str],
        runtime: Runtime,
    ) -> None:
        self._runtime = runtime
        self._fixed = listed(arguments)
        named = arguments if isinstance(arguments, Mapping) else None
        values = ("the item", *self._fixed, *last)
        self._handler = Handler(function, None, named, what=what, values=values)

    def __call__(self, first: Any, *last: Any) -> Any:
        call = steps(self._handler, None, (first, *self._fixed, *last))
        # The last lines are written when the handlers have been cancelled already.
        return self._runtime.calls.run(call, self._runtime.context.copy(), to_the_end=True)
