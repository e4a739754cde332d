"""ThreadPool: named threads that run jobs inside the server's context.

Threads start when there is work for them and stay until the pool stops. They are daemons: a
handler that never returns must not keep the process alive after the grace time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context

Job = Callable[[], object]


class ThreadPool:
    """Runs at most `maximum` jobs at a time; the others wait in the order they came.

    A job deals with its own exceptions; what still comes out goes to `on_error`.
    """

    def __init__(
        self,
        name: str,
        maximum: int,
        context: Context,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.name = name
        self.maximum = maximum
        self._context = context
        self._on_error = on_error
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._empty = threading.Condition(self._lock)
        self._jobs: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._stopping = False

    def submit(self, job: Job) -> bool:
        """Queue `job`. False if the pool has stopped and the job will never run."""
        with self._lock:
            if self._stopping:
                return False
            self._jobs.append(job)
            if self._idle >= len(self._jobs) or len(self._threads) >= self.maximum:
                self._ready.notify()
                return True
            self._start_thread()
        return True

    def start_all(self) -> None:
        """Start all threads now, so that no job has to wait for one to start."""
        with self._lock:
            for _ in range(self.maximum - len(self._threads)):
                self._start_thread()

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken yet."""
        return len(self._jobs)

    def resize(self, maximum: int) -> None:
        """Run at most `maximum` jobs at a time from now on. Nothing that runs is stopped."""
        with self._lock:
            self.maximum = maximum
            self._ready.notify_all()
            missing = min(len(self._jobs) - self._idle, maximum - len(self._threads))
            if not self._stopping:
                for _ in range(missing):
                    self._start_thread()

    def stop(self, timeout: float) -> bool:
        """Take no more jobs, drop those not begun, wait for the others. True if all ended."""
        with self._lock:
            self._stopping = True
            self._jobs.clear()
            self._ready.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + timeout
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def drain(self, timeout: float) -> bool:
        """Like `stop`, but run what is queued first. True if all of it was done in time."""
        deadline = time.monotonic() + timeout
        with self._lock:
            done = self._empty.wait_for(lambda: not self._jobs, timeout)
        return self.stop(max(0.0, deadline - time.monotonic())) and done

    def _start_thread(self) -> None:
        name = f"pode-{self.name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._context.copy().run(job)
            except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the thread
                self._on_error(error)

    def _next(self) -> Job | None:
        with self._lock:
            while not self._jobs and not self._stopping and len(self._threads) <= self.maximum:
                self._idle += 1
                self._ready.wait()
                self._idle -= 1
            if self._jobs and len(self._threads) <= self.maximum:
                job = self._jobs.popleft()
                if not self._jobs:
                    self._empty.notify_all()
                return job
            thread = threading.current_thread()
            if thread in self._threads:
                self._threads.remove(thread)
            return None
