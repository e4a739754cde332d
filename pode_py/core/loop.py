"""EventLoop: the server's one asyncio loop, for `async def` handlers and an ASGI engine.

It runs on a thread of its own, or is one that somebody else runs and that was adopted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context, copy_context
from typing import Any

from pode_py.core.errors import PodeError, ServerStopping
from pode_py.core.loop_watch import LoopWatch

Outcome = Callable[[Any, BaseException | None], None]


class EventLoop:
    """Runs coroutines, each as one task in the context that it is given. The first starts the loop.

    No thread that runs the loop may wait for it. `warn` hears of a coroutine that blocks it,
    `report` of what tasks of the user's raise that nobody awaits.
    """

    def __init__(
        self,
        warn: Callable[[str], object] | None = None,
        report: Callable[[BaseException | str, str], object] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        # What the loop's next turn begins.
        self._starting: list[tuple[RunningCoroutine, Context]] = []
        # What `cancel` ends, and what `stop` ends besides. Only the loop's thread changes them.
        self._handlers: set[RunningCoroutine] = set()
        self._others: set[RunningCoroutine] = set()
        self._report = report
        # Outcomes are passed on in it, and not in the context of the call.
        self._own_context = Context()
        self._watch = None if warn is None else LoopWatch(self.call_soon, warn, self._runs)

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
                raise _stopped()
            return self._running()

    def start(
        self,
        coroutine: Coroutine[Any, Any, Any],
        context: Context,
        done: Outcome,
        *,
        to_the_end: bool = False,
    ) -> RunningCoroutine:
        """Run `coroutine` on the loop. Nobody waits: `done` gets its outcome, on the loop's thread.

        No other thread may be in `context` until then. With `to_the_end` only `stop` may cancel
        it. If the loop has stopped, `done` gets the PodeError that says so, at once.
        """
        running = RunningCoroutine(self, coroutine, done, to_the_end)
        with self._lock:
            if not self._stopped:
                # run_coroutine_threadsafe would use the loop's context, where no event is bound.
                # Under the lock: what is put into a loop after its last turn would never run.
                # One wake-up for all that start before the loop's next turn: each is a system call.
                if not self._starting:
                    self._running().call_soon_threadsafe(self._begin_all)
                self._starting.append((running, context))
                return running
        coroutine.close()
        done(None, _stopped())
        return running

    def run(
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        context: Context | None = None,
        to_the_end: bool = False,
    ) -> Any:
        """Run `coroutine` on the loop, wait on this thread, and return its result.

        Without a context it runs in a copy of the caller's.
        """
        future: Future[Any] = Future()

        def done(value: Any, error: BaseException | None) -> None:
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

        context = copy_context() if context is None else context
        self.start(coroutine, context, done, to_the_end=to_the_end)
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
        if self._watch is not None:
            self._watch.stop(timeout)

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> bool:
        """Call on the loop's thread, from any. False if there is no loop to do it."""
        with self._lock:
            if self._loop is None or self._stopped:
                return False
            try:
                self._loop.call_soon_threadsafe(callback, *arguments)
            except RuntimeError:  # an adopted loop was closed
                return False
        return True

    @property
    def is_this_thread(self) -> bool:
        """Whether the calling thread runs this loop, and so must not be made to wait."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            if self._report is not None:
                self._loop.set_exception_handler(self._unhandled)
            self._thread = threading.Thread(
                target=_serve, args=(self._loop,), name="pode-loop", daemon=True
            )
            self._thread.start()
        return self._loop

    # On the loop's thread.

    def _unhandled(self, loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        """Log what asyncio would print: above all, what a task has raised that nobody awaits."""
        task = about.get("task") or about.get("future")
        coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
        name = getattr(coroutine, "__qualname__", "").rpartition("<locals>.")[2]
        error = about.get("exception") or about["message"]
        if self._report is None:
            loop.default_exception_handler(about)
        else:
            self._report(error, f"The task `{name}`, which nobody awaits" if name else "Event loop")

    def _begin_all(self) -> None:
        with self._lock:
            starting, self._starting = self._starting, []
        for running, context in starting:
            running.begin(context)

    def _add(self, running: RunningCoroutine) -> None:
        (self._others if running.to_the_end else self._handlers).add(running)
        if self._watch is not None:
            self._watch.begin()

    def _discard(self, running: RunningCoroutine) -> None:
        (self._others if running.to_the_end else self._handlers).discard(running)

    def _runs(self) -> bool:
        return bool(self._handlers or self._others)

    def _cancel_handlers(self) -> None:
        for running in list(self._handlers):
            running.cancel_now(ServerStopping())

    def _cancel_own(self, loop: asyncio.AbstractEventLoop) -> None:
        del loop
        for running in [*self._handlers, *self._others]:
            running.cancel_now(ServerStopping())


class RunningCoroutine:
    """A coroutine on its way. Belongs to the loop's thread; `cancel` comes from any."""

    __slots__ = (
        "_coroutine",
        "_done",
        "_error",
        "_home",
        "_reason",
        "_task",
        "_value",
        "to_the_end",
    )

    def __init__(
        self,
        home: EventLoop,
        coroutine: Coroutine[Any, Any, Any],
        done: Outcome,
        to_the_end: bool,
    ) -> None:
        self._home = home
        self._coroutine: Coroutine[Any, Any, Any] | None = coroutine
        self._done = done
        self._task: asyncio.Task[None] | None = None
        self._reason: BaseException | None = None
        self._value: Any = None
        self._error: BaseException | None = None
        self.to_the_end = to_the_end

    def cancel(self, reason: BaseException) -> None:
        """Cancel it soon. If that is what ends it, its outcome is `reason`."""
        self._home.call_soon(self.cancel_now, reason)

    def cancel_now(self, reason: BaseException) -> None:
        self._reason = self._reason or reason
        if self._task is not None and not self._task.done():
            self._task.cancel()

    def begin(self, context: Context) -> None:
        """Make it a task, in this context."""
        self._home._add(self)
        run = self._run()
        try:
            self._task = asyncio.get_running_loop().create_task(run, context=context)
        except Exception as error:  # noqa: BLE001 - an adopted loop's factory; others begin all the same
            run.close()
            self._error = error
            self._end(None)
            return
        # Called after the task's last step, and elsewhere: the context is free by then for
        # whoever goes on with the call.
        self._task.add_done_callback(self._end, context=self._home._own_context)
        if self._reason is not None:
            self._task.cancel()

    async def _run(self) -> None:
        # Whatever the coroutine raises ends nothing but itself: a loop would let SystemExit
        # through, and one that was adopted is not ours to end.
        coroutine, self._coroutine = self._coroutine, None
        assert coroutine is not None
        try:
            self._value = await coroutine
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is awaited
            self._error = error

    def _end(self, _: asyncio.Task[None] | None) -> None:
        if self._coroutine is not None:  # it ended before its first step
            self._coroutine.close()
            self._coroutine = None
            self._error = self._error or asyncio.CancelledError()
        self._task = None
        self._home._discard(self)
        if isinstance(self._error, asyncio.CancelledError):
            # Where the coroutine was is what can be shown of a reason.
            where = self._error.__traceback__
            self._error = (self._reason or _cancelled()).with_traceback(where)
        self._done(self._value, self._error)


def _cancelled() -> PodeError:
    return PodeError(
        "The async handler was cancelled, and not by the server: it has cancelled itself, or "
        "something that it awaits was cancelled."
    )


def _stopped() -> PodeError:
    return PodeError("The server has stopped: async handlers can't run any more.")


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


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        loop.stop()
        return
    gathered = asyncio.gather(*tasks, return_exceptions=True)
    gathered.add_done_callback(lambda _: loop.stop())
