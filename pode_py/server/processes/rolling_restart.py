"""RollingRestart: a restart of all worker processes, one number after the other.

The new process of a number starts next to the old one. When it serves, from the same sockets, the
old one is no longer primary, answers its last requests and ends; then comes the next number. If a
new process can't start, the restart ends there, and the old ones go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from pode_py.server.processes.process import WorkerProcess
from pode_py.server.processes.slots import WorkerSlot


class RollingRestart:
    """Belongs to the parent's main thread. `on_end` gets why it failed, or None."""

    def __init__(
        self,
        slots: Sequence[WorkerSlot],
        start: Callable[[WorkerSlot], WorkerProcess],
        on_begin: Callable[[], None],
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
        self._on_begin()
        self._next()

    def take_over(self, slot: WorkerSlot, deadline: float) -> None:
        """The successor serves. The old one has until `deadline`."""
        old, new = slot.process, slot.successor
        assert new is not None
        slot.process, slot.successor, slot.leaving = new, None, old
        if old is None or old.state == "starting":
            new.send("primary")
        if old is None:
            self._next()
        else:
            old.leave(deadline)

    def on_end(self, slot: WorkerSlot, process: WorkerProcess) -> None:
        """A successor or one that was leaving has ended."""
        if process is slot.leaving:
            slot.leaving = None
            if slot.process is not None:
                slot.process.send("primary")  # if it was killed before it could resign
            self._next()
            return
        slot.successor = None
        said = process.failure.values["text"] if process.failure is not None else ""
        self._finish(said or f"A new worker has ended with {process.exit_text()} before it served.")

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
