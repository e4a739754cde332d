"""What a busy handler does, the same for every contender: waits, or keeps the interpreter busy."""

import time

SLEEP_SECONDS = 0.02


def sleep() -> None:
    """Wait as a handler that asks a database does."""
    time.sleep(SLEEP_SECONDS)


def burn(seconds: float) -> int:
    """Compute in pure Python for so long; no call in it lets go of the interpreter by itself."""
    until, turns = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turns += sum(number * number for number in range(100))
    return turns
