"""LogMethod: one place to log to, with its batch and its warnings. Writing is its sink's job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pode_py.core.clock import Clock
from pode_py.observability.logs.rate_limited_warning import RateLimitedWarning
from pode_py.observability.logs.records import BatchInfo, LogItem


class Sink(Protocol):
    """Writes items somewhere; raises if it can't.

    One that `joins` takes any number of items at once, whatever the batch size says.
    """

    joins: bool

    def write(self, items: Sequence[LogItem]) -> None: ...


class LogMethod:
    """Everything but `id` and `kind` belongs to the log thread."""

    def __init__(
        self, id: str, kind: str, sink: Sink, batch: BatchInfo, warning: RateLimitedWarning
    ) -> None:
        self.id = id
        self.kind = kind
        self.warning = warning
        self._sink = sink
        self._batch = batch
        self._items: list[LogItem] = []
        self._due: float | None = None

    def add(self, item: LogItem) -> None:
        """Keep `item` for the next write."""
        self._items.append(item)

    @property
    def due(self) -> float | None:
        """When `write_due` will have something to do; None if a new item has to come first."""
        times = [time for time in (self._due, self.warning.due) if time is not None]
        return min(times, default=None)

    def write_due(self, clock: Clock) -> None:
        """Write the full batches, and one that has waited for its timeout."""
        full = len(self._items) // self._batch.size * self._batch.size
        now = clock.monotonic() if self._batch.timeout else 0.0
        if self._due is not None and now >= self._due:
            full = len(self._items)
        if full:
            self._due = None
            items, self._items = self._items[:full], self._items[full:]
            self._write(items)
        if self._items and self._due is None and self._batch.timeout:
            self._due = now + self._batch.timeout
        self.warning.warn_if_due()

    def write_rest(self) -> None:
        """Write all that is kept, full batch or not."""
        items, self._items = self._items, []
        self._due = None
        self._write(items)

    def _write(self, items: list[LogItem]) -> None:
        size = len(items) if self._sink.joins else self._batch.size
        for start in range(0, len(items), max(1, size)):
            self._try(items[start : start + size])

    def _try(self, items: list[LogItem]) -> None:
        try:
            self._sink.write(items)
        except BaseException as error:  # noqa: BLE001 - a background run; SystemExit ends no thread
            self.warning.add(len(items), reason(error))


def reason(error: BaseException) -> str:
    """Why, and for a user's code where: ``ValueError: boom (at sinks.py:14)``."""
    if isinstance(error, OSError):
        return str(error) or type(error).__name__
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" (at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"
