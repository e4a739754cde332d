"""Fan-out: frames in a row for many outboxes. Here rooms that send and engines that write meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pode_py.exchange.batch import Batch
from pode_py.exchange.outbox import Outbox

# An entry for each outbox: the number of the first frame (0 if it took none), or, where they had
# to be queued one by one, the numbers of all.
Numbers = list[int | list[int]]
# Gives whole frames to each outbox, in order.
Deliver = Callable[[Sequence[bytes], Sequence[Outbox]], Numbers]


def queue_to_each(frames: Sequence[bytes], outboxes: Iterable[Outbox]) -> Numbers:
    """Put the frames into each outbox; several as one batch. Any thread may."""
    if len(frames) == 1:
        frame = frames[0]
        return [outbox.put(frame) for outbox in outboxes]
    batch = Batch.of(frames)
    return [outbox.put_all(frames, batch) for outbox in outboxes]
