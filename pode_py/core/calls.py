"""Calls: how users' functions are run. Nothing else calls a `Handler`.

A call is a generator of *steps*: it yields each coroutine that the function returns, and gets back
what that returned, or the exception that it raised. Whoever drives it decides what waits: with
`Calls.run` the calling thread does; with `Calls.start` nobody does.

All steps of a call run in one context. No two threads are ever in it at the same time: a driver
leaves it before a coroutine starts, and comes back when the coroutine has ended.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any

from pode_py.core.errors import PodeError
from pode_py.core.handlers import Arguments, Handler
from pode_py.core.loop import EventLoop, RunningCoroutine

Steps = Generator[Coroutine[Any, Any, Any], Any, Any]
Job = Callable[[], bool]

#: What most functions return is known not to be a coroutine without asking an abstract class.
PLAIN = frozenset({type(None), bool, str, bytes, int, float, dict, list, tuple})


def is_coroutine(value: Any) -> bool:
    """Whether this has to be awaited: what an `async def` function returns, compiled or not."""
    kind = type(value)
    if kind in PLAIN:
        return False
    return kind is CoroutineType or isinstance(value, Coroutine)


def steps(handler: Handler, event: Any, extra: Arguments = None) -> Steps:
    """Call the handler; yield what has to be awaited; return what it returned in the end."""
    value = begin(handler, event, extra)
    if is_coroutine(value):
        value = yield from rest(handler, value)
    return value


def begin(handler: Handler, event: Any, extra: Arguments = None) -> Any:
    """Call the handler; return what it returned, or a coroutine that `rest` goes on with.

    The two are `steps` for where it counts that most handlers are plain: to make a generator for
    one costs more than 1 % of a whole request.
    """
    try:
        value = handler.call(event, extra)
    except GeneratorExit as error:
        raise no_generator_exit(error) from error
    return value if type(value) in PLAIN or is_coroutine(value) else handler.accept(value)


def rest(handler: Handler, value: Any) -> Steps:
    """Yield the coroutine with which the handler began; return what it returned in the end."""
    value = yield value  # what it raises is raised here
    while is_coroutine(value):  # one behind a plain decorator
        value = yield value
    return handler.accept(value)


def no_generator_exit(error: BaseException) -> RuntimeError:
    """In place of a GeneratorExit that a user's code raises, which would end the steps of a call as
    if nobody drove them any more."""
    return RuntimeError(f"A handler has raised {error!r}, which is for Python's own use.")


class Calls:
    """Drives calls: on a thread that waits, or on no thread while they wait."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def run(self, call: Steps, context: Context | None = None, *, to_the_end: bool = False) -> Any:
        """Run a call, wait for its coroutines on this thread, and return its result.

        The context must be one that no thread is in; without one it is a copy of this thread's.
        With `to_the_end`, its coroutines are not cancelled with the late ones at a stop.
        """
        context = copy_context() if context is None else context
        try:
            awaited = context.run(next, call)
            while True:
                value, error = self._wait(awaited, context, to_the_end)
                if error is None:
                    awaited = context.run(call.send, value)
                else:
                    awaited = context.run(call.throw, error)
        except StopIteration as end:
            return end.value

    def start(
        self,
        call: Steps,
        context: Context,
        resume: Callable[[Job], object],
        done: Callable[[Any, BaseException | None], None],
    ) -> StartedCall:
        """Run the first step on this thread; wait for coroutines on none.

        What follows a coroutine is a job that `resume` gets, on the loop's thread, to put on one
        of its own. `done` gets the result, or the exception, on the thread of the last step.
        """
        started = _CallWithCallbacks(self._loop, context, call, resume, done)
        started.go_on(None, None)
        return started

    def _wait(
        self, coroutine: Coroutine[Any, Any, Any], context: Context, to_the_end: bool
    ) -> tuple[Any, BaseException | None]:
        if self._loop.is_this_thread:
            coroutine.close()
            return None, PodeError(
                "An async function was called where the event loop would have to wait for itself. "
                "Make it a plain function, or have it called by code that is not async."
            )
        try:
            return self._loop.run(coroutine, context=context, to_the_end=to_the_end), None
        except BaseException as error:  # noqa: BLE001 - the call gets it, where it awaits
            return None, error


class StartedCall(ABC):
    """A call that holds no thread while it waits.

    One thread at a time carries it on. `cancel` comes from any.
    """

    __slots__ = ("_call", "_context", "_lock", "_loop", "_reason", "_running")

    def __init__(self, loop: EventLoop, context: Context, call: Steps) -> None:
        self._loop = loop
        self._context = context
        self._call = call
        self._lock = threading.Lock()
        self._running: RunningCoroutine | None = None
        self._reason: BaseException | None = None

    def go_on(self, value: Any, error: BaseException | None) -> bool:
        """Carry on with the outcome of what was awaited, up to the next wait or the end.

        True at the end.
        """
        if isinstance(error, GeneratorExit):
            error = no_generator_exit(error)
        try:
            if error is None:
                awaited = self._context.run(self._call.send, value)
            else:
                awaited = self._context.run(self._call.throw, error)
        except StopIteration as end:
            self._finish(end.value, None)
            return True
        except BaseException as failure:  # noqa: BLE001 - it is passed to whoever started the call
            self._finish(None, failure)
            return True
        self.wait_for(awaited)
        return False

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start what the call has yielded; it goes on when that has ended."""
        with self._lock:
            reason, self._reason = self._reason, None
            if reason is None:
                self._running = self._loop.start(coroutine, self._context, self._ended)
        if reason is not None:
            coroutine.close()
            self._ended(None, reason)

    def cancel(self, reason: BaseException) -> None:
        """Cancel what it waits for, or what it would wait for next: `reason` is raised there."""
        with self._lock:
            running = self._running
            if running is None:
                self._reason = reason
        if running is not None:
            running.cancel(reason)

    def cancel_waiting(self, reason: BaseException) -> bool:
        """Cancel what it waits for. False if it waits for nothing."""
        with self._lock:
            running = self._running
        if running is None:
            return False
        running.cancel(reason)
        return True

    def _ended(self, value: Any, error: BaseException | None) -> None:
        self._running = None
        self._resume(lambda: self.go_on(value, error))

    @abstractmethod
    def _resume(self, job: Job) -> None:
        """Have a thread of the caller's run the job, which returns whether the call has ended."""

    @abstractmethod
    def _finish(self, value: Any, error: BaseException | None) -> None:
        """The call has ended; on the thread of its last step."""


class _CallWithCallbacks(StartedCall):
    __slots__ = ("_done", "_put")

    def __init__(
        self,
        loop: EventLoop,
        context: Context,
        call: Steps,
        resume: Callable[[Job], object],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        super().__init__(loop, context, call)
        self._put = resume
        self._done = done

    def _resume(self, job: Job) -> None:
        self._put(job)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self._done(value, error)
