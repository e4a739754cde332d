"""SseClient: an event stream over a real socket. No EventSource: it never reconnects on its own."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from pode_py.testing.conversation import Headers, pairs, request_bytes
from pode_py.testing.messages import BodyDecoder, body_decoder
from pode_py.testing.stream import EventStream
from pode_py.testing.wire import DEADLINE, Wire


class SseClient(EventStream):
    """A client of an event stream over a real socket.

    It connects at once; the head of the response has come when the constructor returns. What the
    server answers instead of a stream is in `status` and `response`. `sse` is another name for it.

    data: bytes, text, or a dict of form fields.
    json: a value that is sent as JSON.
    deadline: seconds for each wait.
    tls: the context for https; by default one that accepts any certificate.
    receive_buffer: bytes of the socket's buffer, for a client that does not read.
    source: the address that it connects from, such as 127.0.0.2.
    wire: a connection on which the request has been sent already.

        with sse("http://localhost:8080/events") as events:
            assert events.next().type == "pode.open"
            assert events.next("quote").data == "12.5"
    """

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        last_event_id: str | None = None,
        data: Any = None,
        json: Any = None,
        deadline: float = DEADLINE,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
        source: str | None = None,
        wire: Wire | None = None,
    ) -> None:
        self._url = url
        self._cursor = last_event_id
        given = list(pairs(headers))
        self._again: dict[str, Any] = {"method": method, "headers": given, "data": data}
        self._again |= {"json": json, "deadline": deadline, "tls": tls}
        self._again |= {"receive_buffer": receive_buffer, "source": source}
        self.wire = wire or Wire(
            url, deadline=deadline, tls=tls, receive_buffer=receive_buffer, source=source
        )
        try:
            if wire is None:
                fields = sse_fields(given, last_event_id)
                self.wire.send(request_bytes(method, url, fields, data, json))
            super().__init__(self.wire.read_head(), deadline)
            self._decoder: BodyDecoder = body_decoder(self.response, method)
            if not self.is_stream:
                self._read_refusal()
        except BaseException:
            self.wire.close()
            raise

    def reconnect(self) -> SseClient:
        """Close, and connect again with Last-Event-ID, as a browser would."""
        self.close()
        cursor = self.last_event_id or self._cursor
        return SseClient(self._url, last_event_id=cursor, **self._again)

    def close(self) -> None:
        self.wire.close()

    def reset(self) -> None:
        """Cut the connection: the server sees an error, not an end."""
        self.wire.reset()

    def _read(self, until: float) -> bytes | None:
        if self._decoder.complete:
            self.ended_cleanly = True
            return None
        data = self.wire.read(until)
        if not data:
            self.ended_cleanly = self._decoder.until_close and not self.wire.was_reset
            return None
        return self._decoder.feed(data)

    def _read_refusal(self) -> None:
        until, parts = self._until(None), []
        while (part := self._read(until)) is not None:
            parts.append(part)
        self.ended = True
        self.response = replace(self.response, body=b"".join(parts), complete=self.ended_cleanly)


#: The short name.
sse = SseClient


def sse_fields(given: list[tuple[str, str]], last_event_id: str | None) -> list[tuple[str, str]]:
    """The headers of a stream's request: the usual ones, those given, and the cursor."""
    known = {name.lower() for name, _ in given}
    usual = [("Accept", "text/event-stream"), ("Cache-Control", "no-store")]
    fields = [field for field in usual if field[0].lower() not in known] + given
    if last_event_id is not None:
        fields.append(("Last-Event-ID", last_event_id))
    return fields
