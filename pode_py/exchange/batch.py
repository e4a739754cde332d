"""Batch: several whole frames in a row, joined once for many outboxes."""

from __future__ import annotations

from collections.abc import Sequence


class Batch(bytes):
    """The bytes of all of them."""

    frame_count: int

    @classmethod
    def of(cls, frames: Sequence[bytes]) -> Batch:
        made = cls(b"".join(frames))
        made.frame_count = len(frames)
        return made
