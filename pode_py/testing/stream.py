"""EventStream: what a test does with the events of one stream, wherever its bytes come from.

Reading happens in the thread of the test, when it asks; every wait has a deadline, so that a test
of an endless stream ends. No thread, no event loop.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from pode_py.http.headers import ResponseHeaders
from pode_py.testing.events import SseEvent, SseParser
from pode_py.testing.messages import ClientResponse

_SHOWN = 5


class SseTimeout(AssertionError):
    """What the test waited for did not come in time. The message names what came."""


class SseEnded(AssertionError):
    """The stream ended before what the test waited for. The message names what came."""


class SseRefused(AssertionError):
    """The server answered with something that is not an event stream."""


class EventStream(ABC):
    """An event stream as its client sees it: iterate over it, or ask for what must come next.

    Use it from one thread. `received` has all events so far. `response` is the head of the stream,
    or the whole response if it is not a stream.
    """

    def __init__(self, response: ClientResponse, deadline: float) -> None:
        self.response = response
        self.deadline = deadline
        self.received: list[SseEvent] = []
        #: The body has ended. Known once everything before it was read.
        self.ended = False
        #: It ended as its framing asks, with its last chunk, and was not cut.
        self.ended_cleanly = False
        self._parser = SseParser()
        self._waiting: deque[SseEvent] = deque()

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> ResponseHeaders:
        """The headers of the response; their names ignore case."""
        return self.response.headers

    @property
    def is_stream(self) -> bool:
        """Whether the server answered with an event stream."""
        content_type = self.response.headers.get("Content-Type", "")
        return self.status == 200 and content_type.partition(";")[0] == "text/event-stream"

    @property
    def last_event_id(self) -> str:
        """The Last-Event-ID that a browser would send when it reconnects."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, if the stream has set one."""
        return self._parser.retry

    def next(self, event_type: str | None = None, *, deadline: float | None = None) -> SseEvent:
        """Return the next event, or the next one of a type; those before it are skipped.

        Raises SseTimeout, SseEnded or SseRefused if it does not come.
        """
        until = self._until(deadline)
        wanted = f"event of type {event_type!r}" if event_type else "event"
        while True:
            event = self._next(until, wanted)
            if event is None:
                how = "" if self.ended_cleanly else " without its last chunk"
                raise SseEnded(f"The stream ended{how} before an {wanted}.{self._so_far()}")
            if event_type is None or event.type == event_type:
                return event

    def take(
        self, count: int, event_type: str | None = None, *, deadline: float | None = None
    ) -> list[SseEvent]:
        """Return the next `count` events (of this type), within one deadline."""
        until = self._until(deadline)
        return [self.next(event_type, deadline=until - time.monotonic()) for _ in range(count)]

    def until_closed(self, *, deadline: float | None = None) -> list[SseEvent]:
        """Return the events that are left until the stream ends. SseTimeout if it does not."""
        until = self._until(deadline)
        events = []
        while (event := self._next(until, "end of the stream")) is not None:
            events.append(event)
        return events

    @abstractmethod
    def close(self) -> None:
        """Leave: the server sees that the client has gone."""

    @abstractmethod
    def _read(self, until: float) -> bytes | None:
        """What has arrived of the body; None at its end. TimeoutError at the monotonic `until`."""

    def _next(self, until: float, wanted: str) -> SseEvent | None:
        if not self.is_stream:
            raise SseRefused(
                f"This is no event stream: the server answered {self.status} "
                f"{self.response.headers.get('Content-Type', '')!r} {self.response.body[:200]!r}."
            )
        while not self._waiting and not self.ended:
            try:
                data = self._read(until)
            except TimeoutError:
                raise SseTimeout(f"No {wanted} came in time.{self._so_far()}") from None
            if data is None:
                self.ended = True
            else:
                self._take_in(self._parser.feed(data))
        return self._waiting.popleft() if self._waiting else None

    def _take_in(self, events: list[SseEvent]) -> None:
        self.received += events
        self._waiting.extend(events)

    def _until(self, deadline: float | None) -> float:
        return time.monotonic() + (self.deadline if deadline is None else deadline)

    def _so_far(self) -> str:
        if not self.received:
            return " No event was received."
        last = ", ".join(f"{one.type} {one.data[:80]!r}" for one in self.received[-_SHOWN:])
        which = "all" if len(self.received) <= _SHOWN else f"the last {_SHOWN}"
        return f" Received were {len(self.received)} events; {which} of them: {last}."

    def __iter__(self) -> Iterator[SseEvent]:
        """The events up to the end of the stream; each wait has the deadline."""
        while (event := self._next(self._until(None), "event")) is not None:
            yield event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}, {len(self.received)} events>"
