"""Runner: carries exchanges through the pipeline, on a worker while there is something to do.

The pipeline is a generator of steps (core/calls.py). `run` takes it to its first wait. A plain
request has none: it has been answered by then. Otherwise the exchange is *deferred*: the worker
goes, a coroutine runs on the loop, and what follows is a job that the exchange puts on a worker
again. No thread is held in between, and one thread at a time is in the request's context.

A client that leaves cancels what the handler waits for: `ClientDisconnected` is raised there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from pode_py.core.calls import Job, StartedCall, Steps
from pode_py.core.errors import ClientDisconnected
from pode_py.core.loop import EventLoop
from pode_py.exchange.exchange import Exchange

Report = Callable[[BaseException | str, str], None]


class Runner:
    """`serve` makes the steps that answer an exchange. Any worker calls `run`."""

    def __init__(
        self,
        serve: Callable[[Exchange], Steps],
        loop: EventLoop,
        context: Context,
        report: Report,
    ) -> None:
        self._serve = serve
        self._loop = loop
        self._context = context
        self._report = report
        # To add and to discard is one operation of the set each. Only somebody who waits for the
        # end of all needs the lock: `_awaited` is set before the set is looked at.
        self._deferred: set[DeferredRun] = set()
        self._condition = threading.Condition()
        self._awaited = False

    def run(self, exchange: Exchange) -> bool:
        """Answer the exchange, or defer it. True if it was answered. Does not raise."""
        context = self._context.copy()
        steps = self._serve(exchange)
        try:
            awaited = context.run(next, steps, None)
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, must not end a worker
            self.fail(exchange, error)
            return True
        if awaited is None:
            return True
        run = DeferredRun(self, self._loop, context, steps, exchange)
        self._deferred.add(run)
        exchange.defer(run.client_left, run.cancel_waiting)
        run.wait_for(awaited)
        return False

    @property
    def deferred(self) -> int:
        """Requests that hold no thread, as they await something."""
        return len(self._deferred)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no request is deferred. False if some still are."""
        with self._condition:
            self._awaited = True
            return self._condition.wait_for(lambda: not self._deferred, timeout)

    def discard(self, run: DeferredRun) -> None:
        """The run has come to its end."""
        self._deferred.discard(run)
        if self._awaited and not self._deferred:
            with self._condition:
                self._condition.notify_all()

    def fail(self, exchange: Exchange, error: BaseException) -> None:
        """The pipeline itself has failed, which it never should."""
        exchange.abort()
        # A client that went away while it was answered is nobody's error.
        if not (exchange.replied and isinstance(error, ConnectionError)):
            self._report(error, "engine")


class DeferredRun(StartedCall):
    """A request that waits, and the pipeline's generator that goes on with it."""

    __slots__ = ("_exchange", "_runner")

    def __init__(
        self, runner: Runner, loop: EventLoop, context: Context, steps: Steps, exchange: Exchange
    ) -> None:
        super().__init__(loop, context, steps)
        self._runner = runner
        self._exchange = exchange

    def client_left(self) -> None:
        """The engine has seen that the client has gone. Any thread."""
        if self._exchange.interruptible:
            self.cancel(ClientDisconnected())

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        if not self._exchange.interruptible:
            self._reason = None  # it was meant for the handler, which has ended
        self._exchange.pause()
        super().wait_for(coroutine)

    def _resume(self, job: Job) -> None:
        self._exchange.resume(job)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        del value
        if error is not None:
            self._runner.fail(self._exchange, error)
        self._exchange.end_deferral()
        self._runner.discard(self)
