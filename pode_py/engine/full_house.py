"""FullHouse: says which routes hold all workers, at most once a minute."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from pode_py.exchange.exchange import Exchange

# Seconds for which all workers must be busy before that is worth a warning.
FULL: float = 1.0
_QUIET = 60.0
# Routes that a warning names.
_NAMED = 5


class FullHouse:
    """`warn` gets the warning. One thread at a time."""

    def __init__(self, threads: int, warn: Callable[[str], object]) -> None:
        self._threads = threads
        self._warn = warn
        self._quiet_until = 0.0
        self._unsaid = 0

    def tell(self, exchanges: Iterable[Exchange], waiting: int) -> None:
        """All workers have been busy for a while, with these."""
        now = time.monotonic()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        self._quiet_until = now + _QUIET
        before, self._unsaid = self._unsaid, 0
        counts = Counter(exchange.label for exchange in exchanges).most_common()
        busy = ", ".join(f"{label} ({count})" for label, count in counts[:_NAMED])
        more = ", ..." if len(counts) > _NAMED else ""
        again = f" It has happened {before} times since the last warning." if before else ""
        self._warn(
            f"All workers are busy, and have been for a second: {busy}{more}. Requests that wait: "
            f"{waiting}.{again} A handler that waits for something holds no worker if it is "
            f"async def; or pass more than threads={self._threads} to start_server."
        )
