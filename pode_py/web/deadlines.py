"""AnswerDeadlines: handlers that do not answer in time, and what their clients get instead.

What a handler awaits is cancelled, and its request goes on as after any exception. A thread can't
be ended from outside: its client is answered past it, and what it answers later is dropped. So is
a coroutine that does not heed its cancellation within a second.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial

from pode_py.core import ambient
from pode_py.core.due_queue import DueQueue
from pode_py.core.errors import HandlerTimeout
from pode_py.core.runtime import Runtime
from pode_py.core.thread_pool import ThreadPool
from pode_py.core.tracebacks import text_of_frame
from pode_py.exchange.deadline import Deadline
from pode_py.http.response import Response
from pode_py.web.event import WebEvent
from pode_py.web.rooms import WebRooms

# How long what was cancelled may go on.
_PATIENCE = 1.0


class AnswerDeadlines:
    """A source of the ticker. `default` is in seconds; 0 is no end."""

    def __init__(
        self,
        runtime: Runtime,
        rooms: WebRooms,
        wake_ticker: Callable[[], object],
        default: float = 0.0,
    ) -> None:
        self.default = default
        self._services = rooms.event_services()
        self._error_pages = rooms.error_pages
        self._clock = runtime.clock
        self._report = runtime.report
        self._wake_ticker = wake_ticker
        self._changed = threading.Condition()
        self._queue: DueQueue[Deadline] = DueQueue()
        # When the ticker looks next, as far as it has been told.
        self._next_look = float("inf")
        self._answering = 0
        self._pool = ThreadPool(
            "timeouts", 1, runtime.context, lambda error: self._report(error, "timeouts")
        )

    def begin(self, event: WebEvent, seconds: float) -> None:
        """The event's exchange has these seconds from now on."""
        deadline = event.exchange.deadline = Deadline(event.exchange, event, seconds)
        self._put(deadline, seconds)

    def settle(self, deadline: Deadline) -> bool:
        """It is about to be answered. False if that was done in its place."""
        with self._changed:
            self._queue.discard(deadline)
        return deadline.settle()

    def next_due(self) -> float | None:
        with self._changed:
            due = self._queue.next_due()
            self._next_look = float("inf") if due is None else due
        return due

    def run_due(self) -> None:
        """Deal with those whose time is over. It does not wait, so the ticker may do it."""
        with self._changed:
            late = [deadline for deadline, _ in self._queue.take(self._clock.monotonic())]
        for deadline in late:
            self._expire(deadline)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is being answered."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._answering, timeout)

    def stop(self, timeout: float) -> None:
        """End the thread. From now on nothing is late but by the stop itself."""
        self._pool.stop(timeout)

    def _put(self, deadline: Deadline, seconds: float) -> None:
        due = self._clock.monotonic() + seconds
        with self._changed:
            self._queue.put(deadline, due)
            earlier = due < self._next_look
            if earlier:
                self._next_look = due
        if earlier:
            self._wake_ticker()

    def _expire(self, deadline: Deadline) -> None:
        exchange = deadline.exchange
        if not deadline.is_awaited:
            return
        if not deadline.is_warned and exchange.cancel(HandlerTimeout(_subject(deadline))):
            deadline.is_warned = True
            self._put(deadline, _PATIENCE)
            return
        if not deadline.expire():
            return
        with self._changed:
            self._answering += 1
        if not self._pool.submit(partial(self._answer, deadline)):
            self._answer(deadline)

    def _answer(self, deadline: Deadline) -> None:
        response = None
        try:
            self._report(
                f"{_subject(deadline)} The client got 503. What goes on can't be ended from "
                f"outside, and its answer will be dropped.{_place(deadline)}",
                deadline.exchange.label,
            )
            response = self._reply(deadline.event)
        finally:
            deadline.answered(response)
            deadline.exchange.client_left()  # nobody waits for what it may still await
            with self._changed:
                self._answering -= 1
                self._changed.notify_all()

    def _reply(self, late: WebEvent) -> Response | None:
        """Send the error page, and return what was sent."""
        exchange = late.exchange
        # The handler has the other event. What its client is to see in any case is in the headers.
        event = WebEvent(exchange, self._services)
        event.route, event.error_type = exchange.route, late.error_type
        event.content_type = late.content_type
        for name, value in list(late.response.headers.fields()):
            event.response.headers.add(name, value)
        ambient.WEB.variable.set(event)
        self._error_pages.write(event, 503)
        try:
            exchange.reply_past(event.response)
        except (ConnectionError, RuntimeError):  # its client has left meanwhile
            return None
        return event.response


def _subject(deadline: Deadline) -> str:
    exchange = deadline.exchange
    handler = None if exchange.route is None else exchange.route.handler
    who = f"{handler}," if handler is not None else exchange.label
    return f"{who} had no answer within {deadline.seconds:g} seconds."


def _place(deadline: Deadline) -> str:
    """Where its thread is, if it has had but one."""
    frame = sys._current_frames().get(deadline.thread)
    if deadline.exchange.was_deferred or frame is None:
        return ""
    return f" It is here:\n{text_of_frame(frame)}"
