"""Ticker: the one thread that knows what is due. It hands on and never runs a handler.

Theory of operation. A source tells the monotonic time of its next due thing and hands on what
is due to a pool. The thread sleeps exactly until the earliest of these times, or until `wake`
says that something changed. Each wake is a numbered request; a round answers all requests made
before it began, so a clock that is moved by hand knows when its move has been dealt with.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from pode_py.core.runtime import Runtime

# The wall clock may be set, and the machine may sleep, without anybody telling us.
LONGEST_SLEEP = 30.0
# What a source that raises must wait for: a fault must not become a busy loop.
PAUSE_AFTER_ERROR = 1.0


class Source(Protocol):
    """What the ticker asks. The ticker's thread calls the first two."""

    def next_due(self) -> float | None:
        """The monotonic time at which `run_due` has something to do."""

    def run_due(self) -> None:
        """Give everything that is due to whoever runs it."""

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing that was handed on still runs. False if the time ran out."""


class Ticker:
    """Asks its sources from `start` to `stop`. All methods may be called from any thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._clock = runtime.clock
        self._report = runtime.report
        self._changed = threading.Condition()
        self._sources: list[Source] = []
        self._asked = 0
        self._answered = 0
        self._due: float | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        runtime.clock.watch(self._time_moved, self._wait_idle)

    def register(self, source: Source) -> None:
        """Ask this source too."""
        with self._changed:
            self._sources.append(source)
        self.wake()

    def start(self) -> None:
        """Start the thread."""
        with self._changed:
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._run, name="pode-ticker", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Something is due earlier, or no longer: ask the sources again."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def stop(self, timeout: float = 5.0) -> bool:
        """Hand nothing on any more. True if the thread has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                request, sources = self._asked, list(self._sources)
            dues = [self._ask(source) for source in sources]
            due = min((due for due in dues if due is not None), default=None)
            with self._changed:
                self._answered, self._due = request, due
                self._changed.notify_all()
                if self._asked == request and not self._stopping:
                    self._changed.wait(self._timeout(due))

    def _ask(self, source: Source) -> float | None:
        try:
            source.run_due()
            return source.next_due()
        except Exception as error:  # noqa: BLE001 - one room's fault must not stop the others
            self._report(error, "ticker")
            return self._clock.monotonic() + PAUSE_AFTER_ERROR

    def _timeout(self, due: float | None) -> float | None:
        timeout = self._clock.timeout_until(due)
        if timeout is None:
            return None
        return min(timeout, LONGEST_SLEEP)

    def _time_moved(self) -> float | None:
        """For a clock moved by hand: return once everything due at its time is handed on."""
        with self._changed:
            thread = self._thread
            if thread is None or thread is threading.current_thread():
                return None
            self._asked += 1
            request = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= request or not thread.is_alive(), 10)
            return None if self._stopping else self._due

    def _wait_idle(self, timeout: float) -> bool:
        with self._changed:
            sources = list(self._sources)
        deadline = time.monotonic() + timeout
        return all(source.wait_idle(max(0.0, deadline - time.monotonic())) for source in sources)
