"""WorkerSlot: the number of a worker process, and the processes that have it or had it last."""

from __future__ import annotations

from collections.abc import Iterator

from pode_py.server.processes.backoff import Backoff
from pode_py.server.processes.process import WorkerProcess


class WorkerSlot:
    """`process` has the number. In a restart its `successor` starts next to it, and takes its place
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
