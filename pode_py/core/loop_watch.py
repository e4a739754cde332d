"""LoopWatch: says so when a handler keeps the event loop from turning.

Code that blocks in an `async def` handler holds up every other one, and on an ASGI engine all
clients. While coroutines run, a thread asks the loop every second whether it still turns; if it
has not for a second, the warning has the stack of what it is in.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from pode_py.core.tracebacks import place_in, text_of_frame

# Seconds without a turn of the loop after which something blocks it.
_PATIENCE = 1.0
# Said again at most once in this time.
_QUIET = 60.0


class LoopWatch:
    """`call_soon` runs a callback on the loop; `warn` gets the warning; `runs` says whether
    anything runs there. The first `begin` starts the thread. It sleeps from a second after the last
    of it has ended: to put it to sleep after each request would cost each a dozen calls.
    """

    def __init__(
        self,
        call_soon: Callable[[Callable[[], object]], bool],
        warn: Callable[[str], object],
        runs: Callable[[], object],
    ) -> None:
        self._call_soon = call_soon
        self._runs = runs
        self._warn = warn
        self._busy = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop_thread = 0
        self._quiet_until = 0.0
        self._unsaid = 0

    def begin(self) -> None:
        """Something runs on the loop, as `runs` says by now; on its thread."""
        if self._busy.is_set():
            return
        self._loop_thread = threading.get_ident()
        self._busy.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pode-watch", daemon=True)
            self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stopped.set()
        self._busy.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            self._busy.wait()
            if self._stopped.is_set():
                return
            if self._runs():
                self._look()
            self._stopped.wait(_PATIENCE)
            # Cleared first and looked at after: what begins in between sets it again.
            self._busy.clear()
            if self._runs() or self._stopped.is_set():
                self._busy.set()

    def _look(self) -> None:
        turned = threading.Event()
        if self._call_soon(turned.set) and not turned.wait(_PATIENCE):
            self._say()
            while not turned.wait(_PATIENCE) and not self._stopped.is_set():
                pass

    def _say(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        if frame is None or self._stopped.is_set():
            return
        now = time.monotonic()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        self._quiet_until = now + _QUIET
        unsaid, self._unsaid = self._unsaid, 0
        before = f" It has happened {unsaid} times since the last warning." if unsaid else ""
        place = place_in(frame)
        self._warn(
            f"An async def handler blocks{f' in {place}' if place else ''}: the event loop has not "
            f"turned for a second, and every other async handler waits.{before} Await instead, or "
            f"run what blocks with asyncio.to_thread. It is here:\n{text_of_frame(frame)}"
        )
