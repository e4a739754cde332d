"""OutboxLimits: how much may wait for one client, and what is dropped beyond. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

OverflowPolicy = Literal["disconnect", "drop_oldest", "drop_newest", "keep_latest"]
POLICIES: tuple[OverflowPolicy, ...] = ("disconnect", "drop_oldest", "drop_newest", "keep_latest")


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

    def hold(self, frames: int, size: int) -> bool:
        """Whether so many frames, `size` bytes in all, may wait at the same time."""
        return frames <= self.frames and size <= self.size


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
