"""SseParser: an event stream by the rules of the WHATWG HTML standard, section 9.2.6. Pure.

It shares nothing with the encoder of the server, so that one can't hide a fault of the other.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")
# More digits than these are no time that anybody waits.
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event as a browser would dispatch it.

    `id` is the last event id of the stream at that moment, "" before the first one. `retry` is the
    reconnection time in milliseconds, if the event itself set one.
    """

    type: str
    data: str
    id: str = ""
    retry: int | None = None


class SseParser:
    """A parser that takes bytes as they arrive, and returns the events that they complete.

    parser = SseParser()
    assert parser.feed(b"event: news\\nda") == []
    assert parser.feed(b"ta: one\\r\\ndata: two\\n\\n")[0].data == "one\\ntwo"
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._begun = False
        self._after_cr = False
        self._line = ""
        self._data: list[str] = []
        self._type = ""
        self._id = ""
        self._event_retry: int | None = None
        #: The id that a client would send as Last-Event-ID when it reconnects.
        self.last_event_id = ""
        #: The reconnection time in milliseconds, once the stream has set it.
        self.retry: int | None = None
        #: How many comment lines went by.
        self.comments = 0

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that are complete now. An event at the end without its empty line is
        not.
        """
        text = self._decode(data)
        if not text:
            return []
        if not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        if self._after_cr:  # the other half of a CR LF
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        lines = _LINE_END.split(self._line + text)
        self._line = lines.pop()
        found = [self._take(line) for line in lines]
        return [event for event in found if event is not None]

    def _take(self, line: str) -> SseEvent | None:
        if not line:
            return self._dispatch()
        name, colon, value = line.partition(":")
        if colon and not name:
            self.comments += 1
            return None
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            self._event_retry = self.retry = int(value)
        return None

    def _dispatch(self) -> SseEvent | None:
        self.last_event_id = self._id
        lines, kind, retry = self._data, self._type, self._event_retry
        self._data, self._type, self._event_retry = [], "", None
        if not lines:
            return None
        return SseEvent(kind or "message", "\n".join(lines), self.last_event_id, retry)
