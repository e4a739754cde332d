"""EventLoop: the server's one asyncio loop, on a thread of its own, for `async def` handlers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from pode_py.core.errors import PodeError


class EventLoop:
    """Runs coroutines for threads that wait for them. The first one starts the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        # What `cancel` ends. Only the loop's thread changes it.
        self._handlers: set[asyncio.Task[Any]] = set()

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
        """Cancel what still runs and end the loop's thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            if loop is not None and not self._stopped:
                loop.call_soon_threadsafe(_cancel_all, loop)
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
        task = asyncio.get_running_loop().create_task(coroutine)
        if not to_the_end:
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)
        task.add_done_callback(lambda done: _settle(done, future))

    def _cancel_handlers(self) -> None:
        for task in list(self._handlers):
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


def _settle(task: asyncio.Task[Any], future: Future[Any]) -> None:
    if task.cancelled():
        future.set_exception(PodeError("The async handler was cancelled: the server stops."))
    elif (error := task.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        loop.stop()
        return
    gathered = asyncio.gather(*tasks, return_exceptions=True)
    gathered.add_done_callback(lambda _: loop.stop())
