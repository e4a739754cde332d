"""Frames: server-sent events as bytes. Pure; every event of the house is encoded here.

The format is that of the WHATWG HTML standard, section 9.2. A line of the stream ends at CR, LF
or CR LF and nowhere else: U+2028, U+0085, VT and FF stay inside their line.
"""

from __future__ import annotations

import re
from typing import Any

from pode_py.core.jsons import to_json

_LINE_END = re.compile(r"\r\n|\r|\n")
_BREAKING = re.compile(r"[\r\n\x00]")

#: What the framework itself sends.
CLOSE = b"event: pode.close\ndata: \n\n"
PING = b"event: pode.ping\ndata: \n\n"


def event_frame(data: str, *, event_id: str | None = None, event_type: str | None = None) -> bytes:
    """One event. Raises ValueError for CR, LF or NUL in id or type.

    >>> event_frame("a\\nb", event_id="7", event_type="news")
    b'id: 7\\nevent: news\\ndata: a\\ndata: b\\n\\n'
    """
    head = _field("id", event_id) + _field("event_type", event_type, "event")
    lines = "".join([f"data: {line}\n" for line in _LINE_END.split(data)])
    return _utf8(f"{head}{lines}\n")


def retry_frame(milliseconds: int) -> bytes:
    """Tells the client how long to wait before it reconnects."""
    return b"retry: %d\n\n" % milliseconds


def open_frame(client_id: str, group: str | None, name: str) -> bytes:
    """The first event of every connection: its name, group and client id, as JSON."""
    facts = {"clientId": client_id, "group": group or "", "name": name}
    return event_frame(to_json(facts), event_type="pode.open")


def text_of(data: Any) -> str:
    """What travels in `data:`: a str as it is, anything else as compact JSON."""
    return data if isinstance(data, str) else to_json(data)


def _field(argument: str, value: str | None, field: str | None = None) -> str:
    if value is None or value == "":
        return ""
    if _BREAKING.search(value):
        raise ValueError(
            f"{argument}={value!r} can't be sent: CR, LF and NUL would end the field and start "
            "another one. Remove them."
        )
    return f"{field or argument}: {value}\n"


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Halves of surrogate pairs, as JavaScript strings may hold them: pairs are joined, and a
        # half alone becomes U+FFFD, as a browser would make it.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
