"""Batches: frames in a row for many outboxes. Here rooms that send and engines that write meet.

An engine may write past many empty queues at a time (a *direct write*, see exchange/outbox.py), on
its own thread. What is written so gets its numbers, and counts, as if it had been queued and taken.
To lock each outbox for that costs as much as a third of the write (measured: 0.2 µs twice, for a
write of 1.2 µs). So the outboxes of one engine share a lock, and it is held once for many; never
while anything is written. Invariant: whether the queue is empty is decided and the numbers are
taken in one step, so what is put meanwhile comes after, and the engine takes it only when its write
is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pode_py.exchange.batch import Batch
from pode_py.exchange.outbox import Ending, Outbox

# An entry for each outbox: the number of the first frame (0 if it took none), or, where they had
# to be queued one by one, the numbers of all.
Numbers = list[int | list[int]]
# Returns whole frames to each outbox, in order.
Deliver = Callable[[Sequence[bytes], Sequence[Outbox]], Numbers]


class StreamEngine(Protocol):
    """What a room that sends asks of an engine."""

    def run_soon(self, job: Callable[[], None]) -> None:
        """Run a quick job on the thread that writes to streams; at once, if there is none."""

    def is_io_thread(self) -> bool:
        """Whether the caller runs on that thread, which must not wait."""

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job that may wait on a worker, soon. One that raises is reported. Any thread."""

    def deliver(self, frames: Sequence[bytes], outboxes: Sequence[Outbox]) -> Numbers:
        """Give frames to many streams, in the quickest way there is."""


def queue_to_each(frames: Sequence[bytes], outboxes: Iterable[Outbox]) -> Numbers:
    """Put the frames into each outbox; several as one batch. Any thread may."""
    if len(frames) == 1:
        frame = frames[0]
        return [outbox.put(frame) for outbox in outboxes]
    batch = Batch.of(frames)
    return [outbox.put_all(frames, batch) for outbox in outboxes]


def claim(outboxes: Sequence[Outbox], frames: int) -> list[int]:
    """Number that many frames in each outbox that can be written to past its queue, and set it
    busy. The outboxes share a lock.

    Returns the number of the first frame for each outbox; 0 where they have to be queued.
    """
    numbers = []
    still_open = Ending.OPEN  # looked up once: an enum's member is slow
    with outboxes[0].lock:
        for outbox in outboxes:
            if (
                outbox.direct is None
                or outbox.busy
                or outbox._frames
                or outbox.ending is not still_open
            ):
                numbers.append(0)
                continue
            outbox.busy = True
            before = outbox.queued
            numbers.append(before + 1)
            outbox._last_taken = outbox.queued = before + frames
    return numbers


def mark_written(outboxes: Sequence[Outbox], frames: int, size: int, now: float) -> None:
    """All of the frames that were claimed went out to these."""
    if not outboxes:
        return
    waiting = []
    with outboxes[0].lock:
        for outbox in outboxes:
            outbox.busy = False
            outbox.flushed += frames
            outbox.sent_frames += frames
            outbox.bytes_sent += size
            outbox.last_write = now
            if outbox._waiters is not None:
                waiting.append(outbox)
        calls = [call for outbox in waiting for call in outbox._due_waiters()]
    for call in calls:
        call()
