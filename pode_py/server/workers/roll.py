"""Roll: a restart of all worker processes, one number after the other.

The new process of a number starts beside the old one. When it serves, from the same sockets, the
old one gives up its duty, answers its last requests and ends; then comes the next number. If a new
process can't start, the restart ends there, and the old ones go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from pode_py.server.workers.process import WorkerProcess
from pode_py.server.workers.seats import Seat


class Roll:
    """Belongs to the parent's main thread. `on_end` gets why it failed, or None."""

    def __init__(
        self,
        seats: Sequence[Seat],
        start: Callable[[Seat], WorkerProcess],
        on_begin: Callable[[], None],
        on_end: Callable[[str | None], None],
    ) -> None:
        self._seats = seats
        self._start = start
        self._on_begin = on_begin
        self._on_end = on_end
        self._waiting: deque[Seat] | None = None
        self._again = False
        self.restarts = 0

    def begin(self, *, again: bool) -> None:
        """Where one goes on already, `again` has another one follow it."""
        if self._waiting is not None:
            self._again = self._again or again
            return
        self.restarts += 1
        self._waiting = deque(self._seats)
        self._on_begin()
        self._next()

    def take_over(self, seat: Seat, deadline: float) -> None:
        """The successor serves. The old one has until `deadline`."""
        old, new = seat.process, seat.successor
        assert new is not None
        seat.process, seat.successor, seat.leaving = new, None, old
        if old is None or old.state == "starting":
            new.tell("duty")
        if old is None:
            self._next()
        else:
            old.leave(deadline)

    def on_end(self, seat: Seat, process: WorkerProcess) -> None:
        """A successor or one that was leaving has ended."""
        if process is seat.leaving:
            seat.leaving = None
            if seat.process is not None:
                seat.process.tell("duty")  # if it was killed before it could resign
            self._next()
            return
        seat.successor = None
        said = process.failure.facts["text"] if process.failure is not None else ""
        self._finish(said or f"A new worker has ended with {process.ending()} before it served.")

    def _next(self) -> None:
        if self._waiting:
            seat = self._waiting.popleft()
            try:
                seat.successor = self._start(seat)
                seat.due = None
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
