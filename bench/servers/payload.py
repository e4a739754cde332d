"""What every contender sends: 64 bytes that carry the time of sending. It encodes nothing."""

import time

MARK = "@"
SIZE = 64


def payload() -> str:
    """Return the data of one event: the mark, CLOCK_MONOTONIC in nanoseconds, padding."""
    return f"{MARK}{time.monotonic_ns():020d} ".ljust(SIZE, "x")
