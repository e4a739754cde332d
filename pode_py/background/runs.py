"""How a timer's or schedule's handler runs: the event bound, coroutines on the loop."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar
from typing import Any

from pode_py.core.handlers import Arguments, Handler
from pode_py.core.loop import EventLoop


def run_handler(
    handler: Handler,
    event: object,
    extra: Arguments,
    var: ContextVar[Any],
    loop: EventLoop,
) -> None:
    """Call `handler` on this thread with `event` bound to `var`, and wait for its end."""
    token = var.set(event)
    try:
        result = handler.call(event, extra)
        if inspect.iscoroutine(result):
            loop.run(result)
    finally:
        var.reset(token)


def on_event_loop() -> bool:
    """Whether this thread runs an event loop, which must not be made to wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
