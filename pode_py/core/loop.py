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

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run `coroutine` on the loop in the caller's context, wait, and give its result."""
        try:
            loop = self._running()
        except PodeError:
            coroutine.close()
            raise
        future: Future[Any] = Future()
        context = copy_context()
        # run_coroutine_threadsafe would use the loop's context, where no event is bound.
        loop.call_soon_threadsafe(_start, loop, coroutine, future, context=context)
        return future.result()

    def stop(self, timeout: float) -> None:
        """Cancel what still runs and end the loop's thread."""
        with self._lock:
            self._stopped = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join(timeout)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._stopped:
                raise PodeError("The server has stopped: async handlers can't run any more.")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="pode-loop", daemon=True
                )
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _start(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], future: Future[Any]
) -> None:
    task = loop.create_task(coroutine)
    task.add_done_callback(lambda done: _settle(done, future))


def _settle(task: asyncio.Task[Any], future: Future[Any]) -> None:
    if task.cancelled():
        future.set_exception(PodeError("The server stopped while the async handler ran."))
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
