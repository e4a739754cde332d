"""EventLoop: the server's one asyncio loop, for `async def` handlers and an ASGI engine.

It runs on a thread of its own, or is one that somebody else runs and that was adopted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from pode_py.core.errors import PodeError


class EventLoop:
    """Runs coroutines for threads that wait for them. The first one starts the loop.

    No thread that runs the loop may wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        # What `cancel` ends, and what `stop` ends besides. Only the loop's thread changes them.
        self._handlers: set[asyncio.Task[Any]] = set()
        self._others: set[asyncio.Task[Any]] = set()

    def adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use a loop that somebody else runs and ends. Before the first coroutine."""
        with self._lock:
            if self._loop is not None:
                raise RuntimeError("The server has a loop already.")
            self._loop = loop

    def running(self) -> asyncio.AbstractEventLoop:
        """The loop, started if it was not."""
        with self._lock:
            if self._stopped:
                raise PodeError("The server has stopped: async handlers can't run any more.")
            return self._running()

    def run(self, coroutine: Coroutine[Any, Any, Any], *, to_the_end: bool = False) -> Any:
        """Run `coroutine` on the loop in the caller's context, wait, and give its result.

        With `to_the_end` only `stop` may cancel it.
        """
        future: Future[Any] = Future()
        context = copy_context()
        with self._lock:
            if self._stopped:
                coroutine.close()
                raise PodeError("The server has stopped: async handlers can't run any more.")
            # run_coroutine_threadsafe would use the loop's context, where no event is bound.
            # Under the lock: what is put into a loop after its last turn would never run.
            self._running().call_soon_threadsafe(
                self._begin, coroutine, future, to_the_end, context=context
            )
        return future.result()

    def cancel(self) -> bool:
        """Cancel the coroutines that go on, but those that run to the end. True if there are any.

        They can clean up; new ones are still taken.
        """
        with self._lock:
            if self._loop is None or self._stopped or not self._handlers:
                return False
            self._loop.call_soon_threadsafe(self._cancel_handlers)
        return True

    def stop(self, timeout: float) -> None:
        """Cancel what still runs and end the loop's thread. An adopted loop goes on."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is not None and not self._stopped and not loop.is_closed():
                end = _cancel_all if thread is not None else self._cancel_own
                loop.call_soon_threadsafe(end, loop)
            self._stopped = True
        if thread is not None:
            thread.join(timeout)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_serve, args=(self._loop,), name="pode-loop", daemon=True
            )
            self._thread.start()
        return self._loop

    # On the loop's thread.

    def _begin(
        self, coroutine: Coroutine[Any, Any, Any], future: Future[Any], to_the_end: bool
    ) -> None:
        task = asyncio.get_running_loop().create_task(_outcome(coroutine, future))
        known = self._others if to_the_end else self._handlers
        known.add(task)
        task.add_done_callback(known.discard)
        task.add_done_callback(lambda _: _never_begun(coroutine, future))

    def _cancel_handlers(self) -> None:
        for task in list(self._handlers):
            task.cancel()

    def _cancel_own(self, loop: asyncio.AbstractEventLoop) -> None:
        del loop
        for task in [*self._handlers, *self._others]:
            task.cancel()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        while not _run_until_stopped(loop):
            pass
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        loop.run_forever()
    except (SystemExit, KeyboardInterrupt):
        return False  # a handler that calls sys.exit ends itself, and no other
    return True


async def _outcome(coroutine: Coroutine[Any, Any, Any], future: Future[Any]) -> None:
    """Settle the future. Whatever the coroutine raises ends nothing but itself: a loop would let
    SystemExit through, and one that was adopted is not ours to end."""
    try:
        result = await coroutine
    except asyncio.CancelledError:
        _cancelled(future)
        raise
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
        future.set_exception(error)
    else:
        future.set_result(result)


def _cancelled(future: Future[Any]) -> None:
    if not future.done():
        future.set_exception(PodeError("The async handler was cancelled: the server stops."))


def _never_begun(coroutine: Coroutine[Any, Any, Any], future: Future[Any]) -> None:
    """Settle what was cancelled before its first step."""
    if not future.done():
        coroutine.close()
        _cancelled(future)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        loop.stop()
        return
    gathered = asyncio.gather(*tasks, return_exceptions=True)
    gathered.add_done_callback(lambda _: loop.stop())
