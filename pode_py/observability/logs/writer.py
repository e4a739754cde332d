"""Writer: the log thread. It alone runs types, methods and users' log handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from typing import NamedTuple, Protocol

from pode_py.core.clock import Clock
from pode_py.observability.logs.line_queue import LineQueue
from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.rate_limited_warning import RateLimitedWarning
from pode_py.observability.logs.records import Record

# So many lines become items before they are written: a long queue must not become a long list.
_PORTION = 512


class Type(Protocol):
    """What the writer needs of a log type."""

    warning: RateLimitedWarning

    def spread(self, record: Record, masking: Masking) -> None: ...


class Method(Protocol):
    """What the writer needs of a log method."""

    warning: RateLimitedWarning

    @property
    def due(self) -> float | None: ...

    def write_due(self, clock: Clock) -> None: ...

    def write_rest(self) -> None: ...


class Line(NamedTuple):
    """One thing to log, and the types that were there for it when it was written."""

    types: Sequence[Type]
    record: Record


class Order(NamedTuple):
    """Something else for the log thread to do, in its turn."""

    run: Callable[[], None]


class House(Protocol):
    """What the writer asks its owner on every round."""

    masking: Masking

    def all_types(self) -> Iterable[Type]: ...

    def all_methods(self) -> Iterable[Method]: ...


class Writer:
    """Starts its thread with the first line. Any thread may call what is public."""

    def __init__(
        self,
        queue: LineQueue[Line | Order],
        house: House,
        clock: Clock,
        context: Context,
        dropped: RateLimitedWarning,
    ) -> None:
        self._queue = queue
        self._house = house
        self._clock = clock
        self._context = context
        self._dropped = dropped
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        clock.watch(queue.wake)

    def put(self, types: Sequence[Type], record: Record) -> None:
        """Queue a line; drop it if the queue is full. Never waits."""
        if self._queue.put(Line(types, record), record.weight) and self._thread is None:
            self._start()

    def order(self, run: Callable[[], None]) -> bool:
        """Run something on the log thread after all lines so far. False if it has stopped."""
        if not self._queue.put_now(Order(run)):
            return False
        if self._thread is None:
            self._start()
        return True

    def stop(self, timeout: float) -> int:
        """Write what is queued, for `timeout` seconds at most. How many lines are left."""
        self._queue.close()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return 0
        thread.join(timeout)
        return self._queue.waiting if thread.is_alive() else 0

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._context.copy().run,
                    args=(self._run,),
                    name="pode-logs",
                    daemon=True,
                )
                self._thread = thread
                thread.start()

    def _run(self) -> None:
        while not self._queue.exhausted:
            lines, dropped = self._queue.take(self._timeout())
            self._count(dropped)
            for start in range(0, len(lines), _PORTION):
                self._spread(lines[start : start + _PORTION])
                self._write_due()
            self._queue.done()
            self._write_due()
        self._end()

    def _spread(self, lines: Iterable[Line | Order]) -> None:
        masking = self._house.masking
        for line in lines:
            if isinstance(line, Order):
                line.run()
                continue
            for kind in line.types:
                kind.spread(line.record, masking)

    def _write_due(self) -> None:
        for method in self._house.all_methods():
            method.write_due(self._clock)
        for kind in self._house.all_types():
            kind.warning.warn_if_due()

    def _count(self, dropped: int) -> None:
        if dropped:
            self._dropped.add(dropped)
        self._dropped.warn_if_due()

    def _end(self) -> None:
        self._count(self._queue.take(0)[1])
        self._dropped.warn_if_due(last_chance=True)
        for method in self._house.all_methods():
            method.write_rest()
        warnings = [method.warning for method in self._house.all_methods()]
        for warning in (*warnings, *(kind.warning for kind in self._house.all_types())):
            warning.warn_if_due(last_chance=True)

    def _timeout(self) -> float | None:
        times = [method.due for method in self._house.all_methods()]
        times += [kind.warning.due for kind in self._house.all_types()]
        times.append(self._dropped.due)
        return self._clock.timeout_until(
            min((one for one in times if one is not None), default=None)
        )
