"""OutboxLimits: how much may wait for one client, and what is dropped beyond; the grace of a client
that is over them; what is remembered of what was dropped. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

OverflowPolicy = Literal["disconnect", "drop_oldest", "drop_newest", "keep_latest"]
POLICIES: tuple[OverflowPolicy, ...] = ("disconnect", "drop_oldest", "drop_newest", "keep_latest")

# Seconds for which a client may be over its limits, and in how many such times it would take as
# much as the limit if it is to be given another.
_GRACE = 1.0
_PACE = 8
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds in bytes and in frames.

    `kind_of` gives a frame's kind, for "keep_latest": of each kind only the newest frame stays
    when the outbox is full.
    """

    policy: OverflowPolicy = "disconnect"
    size: int = 1 << 20
    frames: int = 100_000
    kind_of: Callable[[bytes], object] | None = None


class Grace:
    """How long a client may be over its limits: a second, and another one whenever it has taken
    enough in the last to be done with the rest soon. It is not slow, then, but far away."""

    __slots__ = ("_since", "_taken")

    def __init__(self) -> None:
        self._since: float | None = None
        self._taken = 0

    def look(self, now: float, taken: int, limits: OutboxLimits) -> float | None:
        """When to look again, at the monotonic time `now`; None if the grace is over. `taken` is
        how many bytes the client has taken so far."""
        since = self._since
        if since is not None and now < since + _GRACE:
            return since + _GRACE
        if since is not None and (taken - self._taken) * _PACE < limits.size:
            return None
        self._since, self._taken = now, taken
        return now + _GRACE


class Lost:
    """Numbers of frames that were dropped, for somebody who still asks. Beyond a thousand the
    oldest are forgotten, and with them which of those before were dropped."""

    __slots__ = ("_forgotten", "_numbers")

    def __init__(self) -> None:
        self._numbers: deque[int] = deque()
        self._forgotten = 0

    def add(self, number: int) -> None:
        self._numbers.append(number)
        if len(self._numbers) > _REMEMBERED:
            self._forgotten = max(self._forgotten, self._numbers.popleft())

    def __contains__(self, number: int) -> bool:
        """Whether it was dropped; True, too, if nobody knows any more."""
        return number <= self._forgotten or number in self._numbers


def outdated(frames: Iterable[bytes], kind_of: Callable[[bytes], object]) -> set[int]:
    """The places of the frames that a later one of their kind makes worthless.

    >>> sorted(outdated([b"a1", b"b1", b"a2"], lambda frame: frame[:1]))
    [0]
    """
    latest: dict[object, int] = {}
    found = set()
    for place, frame in enumerate(frames):
        kind = kind_of(frame)
        if kind in latest:
            found.add(latest[kind])
        latest[kind] = place
    return found
