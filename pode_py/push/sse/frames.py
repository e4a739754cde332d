"""Frames: server-sent events as bytes. Pure; every event of the house is encoded here.

The format is that of the WHATWG HTML standard, section 9.2. A line of the stream ends at CR, LF
or CR LF and nowhere else: U+2028, U+0085, VT and FF stay inside their line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pode_py.core.jsons import to_json

_LINE_END = re.compile(r"\r\n|\r|\n")
_KIND = re.compile(rb"(?:id: [^\n]*\n)?event: ([^\n]*)\n")
# What JSON writes as it is.
_PLAIN = re.compile(r"[A-Za-z0-9 ._:-]+\Z")
_BREAKING = re.compile(r"[\r\n\x00]")

#: What a client that was told to stay away sends back as its Last-Event-ID.
CLOSED_FOR_GOOD = "pode.closed"

#: What the framework itself sends.
CLOSE = b"event: pode.close\ndata: \n\n"
CLOSE_FOR_GOOD = b"id: pode.closed\n" + CLOSE
PING = b"event: pode.ping\ndata: \n\n"
#: Comments are no events: a client passes over them.
PLAIN_PING = b": ping\n\n"


def event_frame(data: str, *, event_id: str | None = None, event_type: str | None = None) -> bytes:
    """One event. Raises ValueError for CR, LF or NUL in id or type.

    >>> event_frame("a\\nb", event_id="7", event_type="news")
    b'id: 7\\nevent: news\\ndata: a\\ndata: b\\n\\n'
    """
    head = _field("id", event_id) + _field("event_type", event_type, "event")
    if "\n" in data or "\r" in data:
        lines = "".join([f"data: {line}\n" for line in _LINE_END.split(data)])
    else:
        lines = f"data: {data}\n"
    return _utf8(f"{head}{lines}\n")


def retry_frame(milliseconds: int) -> bytes:
    """Tells the client how long to wait before it reconnects."""
    return b"retry: %d\n\n" % milliseconds


def open_frame(
    client_id: str, names: Sequence[str], groups: Sequence[str], cursor: str | None = None
) -> bytes:
    """The first event of every connection: its name, group and client id, as JSON.

    With `cursor`, a client that is cut before its first event can still say where it was.
    """
    group, name = groups[0] if groups else "", names[0]
    several = len(names) > 1 or len(groups) > 1
    if cursor is None and not several and _PLAIN.match(f"{client_id}{group}{name}"):
        # Each connection begins with it, and to_json takes ten times as long.
        return (
            f'event: pode.open\ndata: {{"clientId":"{client_id}","group":"{group}",'
            f'"name":"{name}"}}\n\n'
        ).encode("ascii")
    fields: dict[str, Any] = {"clientId": client_id, "group": group, "name": name}
    if several:
        fields |= {"names": list(names), "groups": list(groups)}
    return event_frame(to_json(fields), event_id=cursor, event_type="pode.open")


def reset_frame(cursor: str | None) -> bytes:
    """Tells a returning client that what it missed is unknown: it should load its state anew.

    With `cursor`, it has missed nothing from then on.
    """
    return event_frame("", event_id=cursor, event_type="pode.reset")


def checked_id(event_id: str) -> str:
    """The id, if it may be sent; ValueError for CR, LF or NUL."""
    _field("id", event_id)
    return event_id


def with_id(event_id: str, frame: bytes) -> bytes:
    """A frame that has no id yet, with one."""
    return b"id: %b\n%b" % (_utf8(event_id), frame)


def with_own_id(event_id: str | None, frame: bytes) -> bytes:
    """A frame with the id that its sender gave it, if any."""
    return frame if event_id is None else with_id(event_id, frame)


def kind_of(frame: bytes) -> bytes:
    """The event type of a frame, b"" for a plain one.

    >>> kind_of(event_frame("1", event_id="7", event_type="price"))
    b'price'
    """
    if frame.startswith(b"retry: "):  # no event: none may take its place
        return b"\n"
    if frame.startswith(b": "):
        return b"\n:"
    found = _KIND.match(frame)
    return b"" if found is None else found[1]


def text_of(data: Any) -> str:
    """What travels in `data:`: a str as it is, anything else as compact JSON."""
    return data if isinstance(data, str) else to_json(data)


def _field(argument: str, value: str | None, field: str | None = None) -> str:
    if value is None or value == "":
        return ""
    try:
        breaking = _BREAKING.search(value)
    except TypeError:
        raise TypeError(f"{argument} takes a str, not {value!r}.") from None
    if breaking:
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
