"""DirectWrite: one body to many idle streams in a row, past their queues. The pusher's.

An event for a thousand streams is a thousand system calls, and what Python adds to each has to
be small beside them: no queue, no view, no deadline, no lock, one clock read and one chunk for
all. What is not idle (something waits or is in flight, held, TLS) gets the frames into its queue,
as from any other thread. See exchange/batches.py for the order.
"""

from __future__ import annotations

from collections.abc import Sequence

from pode_py.engine.h11.stream import H11Stream, chunk_of
from pode_py.exchange.batch import Batch
from pode_py.exchange.batches import Numbers, claim, mark_written, queue_to_each
from pode_py.exchange.outbox import Outbox

# That many queues are passed at a time: others wait for the lock no longer than that takes.
_AT_ONCE = 128


class DirectWrite:
    """One such write; afterwards, which streams the pusher has to look after."""

    __slots__ = ("_batch", "_chunk", "_frames", "broken", "stuck")

    def __init__(self, frames: Sequence[bytes]) -> None:
        self._frames = frames
        self._batch = Batch.of(frames)
        self._chunk = chunk_of(self._batch)
        # The socket has failed; or did not take all.
        self.broken: list[H11Stream] = []
        self.stuck: list[H11Stream] = []

    def run(self, outboxes: Sequence[Outbox], now: float) -> Numbers:
        """Write the frames, or queue them. Each outbox once; `now` is the monotonic time."""
        numbers: Numbers = []
        count, size = len(self._frames), len(self._batch)
        for start in range(0, len(outboxes), _AT_ONCE):
            some = outboxes[start : start + _AT_ONCE]
            claimed = claim(some, count)
            if all(claimed):
                written = self._write(some)
                numbers += claimed
            else:
                written = self._write(
                    [outbox for outbox, number in zip(some, claimed, strict=True) if number]
                )
                late = [outbox for outbox, number in zip(some, claimed, strict=True) if not number]
                queued = iter(queue_to_each(self._frames, late))
                numbers += [number or next(queued) for number in claimed]
            mark_written(written, count, size, now)
        return numbers

    def _write(self, outboxes: Sequence[Outbox]) -> list[Outbox]:
        """Write to idle streams. Returns those that took all."""
        written = []
        batch, chunk = self._batch, self._chunk
        for outbox in outboxes:
            stream: H11Stream = outbox.direct  # type: ignore[assignment]
            body = chunk if stream.chunked else batch
            try:
                sent = stream.sock.send(body)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                outbox.direct = None  # before `busy`: nobody may begin in between
                outbox.busy = False
                self.broken.append(stream)
                continue
            if sent == len(body):
                written.append(outbox)
            else:
                outbox.direct = None
                stream.keep_rest(body, sent, len(self._frames), len(batch))
                stream.wants_write = True
                outbox.busy = False
                self.stuck.append(stream)
        return written
