"""Awaiting: how a coroutine waits for what happens on another thread. And who must not block."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pode_py.core.errors import PodeError


def is_on_loop() -> bool:
    """Whether this thread runs an event loop, and so must not wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def check_may_ask(example: str) -> None:
    """Raise PodeError on a thread that runs an event loop, before other nodes are asked. `example`
    is the function and its arguments, as `asyncio.to_thread` takes them."""
    if is_on_loop():
        raise PodeError(
            "With a backplane this asks Redis, and would hold up the event loop, and everything "
            f"else on it, until Redis answers. Ask on a thread: "
            f"`await asyncio.to_thread({example})`."
        )


class Wakeup:
    """Wakes the coroutine that made it, and awaits it, when it is called, on whatever thread."""

    __slots__ = ("_future", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] = self._loop.create_future()

    def __call__(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._wake)

    async def wait(self, timeout: float | None = None) -> bool:
        """False if it was not called in time."""
        try:
            async with asyncio.timeout(timeout):
                await self._future
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        if not self._future.done():
            self._future.set_result(None)
