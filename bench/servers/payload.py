"""What every contender sends: 64 bytes that carry a moment. It encodes nothing."""

import time

MARK = "@"
SIZE = 64


def payload(at_ns: int | None = None) -> str:
    """Return the data of one event: the mark, CLOCK_MONOTONIC in nanoseconds (now), padding."""
    moment = time.monotonic_ns() if at_ns is None else at_ns
    return f"{MARK}{moment:020d} ".ljust(SIZE, "x")
