"""RollingRestart: a restart of all worker processes, one number after the other; and their slots.

The new process of a number starts next to the old one. When it serves, from the same sockets, the
old one gives up timers and schedules, answers its last requests and ends; then comes the next
number. If a new process can't start, the restart ends there, and the old ones go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from pode_py.server.processes.process import WorkerProcess

# One that served for so long did not die of how it was started.
_LONG = 10.0
_FIRST = 0.1
_LONGEST = 10.0
_MOST_DOUBLINGS = 10


class Backoff:
    """For the worker processes of one number. `failed_starts`: in a row, without serving."""

    def __init__(self) -> None:
        self.failed_starts = 0
        self._quick_ends = 0

    def ended(self, served: float | None) -> float:
        """Seconds to wait. `served` is how long it served; None if it never did.

        >>> backoff = Backoff()
        >>> [backoff.ended(served) for served in (60.0, 2.0, 2.0, None, None)]
        [0.0, 0.0, 0.1, 0.2, 0.4]
        """
        self.failed_starts = self.failed_starts + 1 if served is None else 0
        if served is not None and served >= _LONG:
            self._quick_ends = 0
            return 0.0
        self._quick_ends += 1
        if self._quick_ends == 1:
            return 0.0
        return float(min(_LONGEST, _FIRST * 2 ** min(self._quick_ends - 2, _MOST_DOUBLINGS)))


class WorkerSlot:
    """`process` has the number. In a restart its `successor` starts beside it, and takes its place
    when it serves; the old one is `leaving` then, until its end. `due`: when to start the next
    process, where there is none.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: WorkerProcess | None = None
        self.successor: WorkerProcess | None = None
        self.leaving: WorkerProcess | None = None
        self.due: float | None = None
        self.backoff = Backoff()
        # Whether any process has had the number before.
        self.taken = False

    @property
    def is_serving(self) -> bool:
        return self.process is not None and self.process.state == "serving"

    def processes(self) -> Iterator[WorkerProcess]:
        """All that have not been collected yet."""
        for process in (self.process, self.successor, self.leaving):
            if process is not None:
                yield process


class RollingRestart:
    """Belongs to the parent's main thread. `on_begin` returns why there can be none, or None;
    `on_end` gets why it failed, or None."""

    def __init__(
        self,
        slots: Sequence[WorkerSlot],
        start: Callable[[WorkerSlot], WorkerProcess],
        on_begin: Callable[[], str | None],
        on_end: Callable[[str | None], None],
    ) -> None:
        self._slots = slots
        self._start = start
        self._on_begin = on_begin
        self._on_end = on_end
        self._waiting: deque[WorkerSlot] | None = None
        self._again = False
        self.restarts = 0

    def begin(self, *, again: bool) -> None:
        """Where one goes on already, `again` has another one follow it."""
        if self._waiting is not None:
            self._again = self._again or again
            return
        self.restarts += 1
        self._waiting = deque(self._slots)
        why_not = self._on_begin()
        if why_not is None:
            self._next()
        else:
            self._finish(why_not)

    def take_over(self, slot: WorkerSlot, deadline: float) -> None:
        """The successor serves. The old one has until `deadline`."""
        old, new = slot.process, slot.successor
        assert new is not None
        slot.process, slot.successor, slot.leaving = new, None, old
        if old is None or old.state == "starting":
            new.notify("primary")
        if old is None:
            self._next()
        else:
            old.leave(deadline)

    def on_end(self, slot: WorkerSlot, process: WorkerProcess) -> None:
        """A successor or one that was leaving has ended."""
        if process is slot.leaving:
            slot.leaving = None
            if slot.process is not None:
                slot.process.notify("primary")  # if it was killed before it could resign
            self._next()
            return
        slot.successor = None
        said = process.failure.facts["text"] if process.failure is not None else ""
        self._finish(said or f"A new worker has ended with {process.ending()} before it served.")

    def _next(self) -> None:
        if self._waiting:
            slot = self._waiting.popleft()
            try:
                slot.successor = self._start(slot)
                slot.due = None
            except OSError as error:
                self._finish(f"No worker process can be started: {error.strerror}.")
        elif self._waiting is not None:
            self._finish(None)

    def _finish(self, why_not: str | None) -> None:
        self._waiting = None
        again, self._again = self._again, False
        self._on_end(why_not)
        if again and why_not is None:
            self.begin(again=False)
