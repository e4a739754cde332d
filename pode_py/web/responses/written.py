"""Responses that handlers write themselves: text, JSON, HTML, statuses, redirects."""

from __future__ import annotations

import html
import string
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from pode_py.core.calls import Calls, steps
from pode_py.core.errors import ClientDisconnected, PodeError
from pode_py.core.handlers import Handler
from pode_py.http.mime import with_charset
from pode_py.web.event import WebEvent
from pode_py.web.places import Places


def write_bytes(event: WebEvent, body: bytes, content_type: str, status_code: int = 200) -> None:
    """Make this the response. A status of 200 leaves one that was set before, as in Pode."""
    if event.exchange.upgraded:
        raise PodeError(
            "This request has become an event stream: no response can be written to it any more. "
            "Use send_sse_event."
        )
    if event.exchange.replied:
        refuse_after_reply(event)
    response = event.response
    response.headers["Content-Type"] = content_type
    if status_code != 200:
        response.status_code = checked_status(status_code)
        response.reason = None
    response.body = body
    response.written = True


def refuse_after_reply(event: WebEvent) -> None:
    """Raise PodeError if the response has been sent: nothing can be said in it any more."""
    if event.exchange.replied:
        raise PodeError(
            "The response of this request has been sent: nothing can be written to it any more. "
            "Call send_response after the last write."
        )


def send_now(event: WebEvent, places: Places, calls: Calls) -> None:
    """Send the response as it is now; the handler goes on."""
    exchange, response = event.exchange, event.response
    if exchange.upgraded:
        raise PodeError("This request has become an event stream: its head has been sent already.")
    refuse_after_reply(event)
    if exchange.deadline is not None and not exchange.deadline.settle():
        raise ClientDisconnected  # it has got 503, and waits for nothing any more
    for step in places.before_reply:
        if isinstance(step, Handler):
            calls.run(steps(step, event))
        else:
            step(event)
    event.make_ready()
    response.written = True  # what the handler returns is refused
    # Who has left while it was sent has nothing to do with what the handler does from here on.
    with suppress(ConnectionError):
        exchange.reply_early(response)


def write_text(
    event: WebEvent, text: str, content_type: str = "text/plain", status_code: int = 200
) -> None:
    """Like `write_bytes`, of text in UTF-8."""
    write_bytes(event, text.encode("utf-8", "replace"), with_charset(content_type), status_code)


def add_vary(event: WebEvent, name: str) -> None:
    """Say that the answer depends on this field of the request: caches keep one for each value."""
    headers = event.response.headers
    known = ", ".join(headers.get_all("Vary"))
    if name.lower() not in [one.strip().lower() for one in known.split(",")] and known != "*":
        headers["Vary"] = f"{known}, {name}" if known else name


def keep_for(event: WebEvent, seconds: float) -> None:
    """Let browsers keep the answer for that many seconds. Expires is for old caches, as in Pode."""
    until = event.timestamp + timedelta(seconds=seconds)
    headers = event.response.headers
    headers["Cache-Control"] = f"max-age={int(seconds)}, must-revalidate"
    headers["Expires"] = format_datetime(until, usegmt=True)


def redirect(event: WebEvent, url: str, *, moved: bool = False) -> None:
    """Send the client to another URL, permanently if `moved`."""
    if any(ord(character) < 32 or ord(character) == 127 for character in url):
        raise ValueError(f"The URL {url!r} has control characters. Percent-encode them.")
    if not url.isascii():
        url = quote(url, safe=string.punctuation)
    write_bytes(event, b"", "text/plain; charset=utf-8")
    event.response.status_code = 301 if moved else 302
    event.response.headers["Location"] = _below(event.request.prefix, url.replace(" ", "%20"))


def keep_prefix(event: WebEvent) -> None:
    """Have a Location that is a path alone lead below the prefix, whoever set it."""
    headers = event.response.headers
    for location in headers.get_all("Location")[:1]:
        headers["Location"] = _below(event.request.prefix, location)


def _below(prefix: str, url: str) -> str:
    """A URL that is a path alone is one of ours, and stands below the prefix."""
    is_path = url.startswith("/") and not url.startswith(("//", "/\\"))
    if not prefix or not is_path or url == prefix or url.startswith(f"{prefix}/"):
        return url
    return prefix + url


def checked_status(code: int) -> int:
    """The status if a handler may answer with it; ValueError otherwise."""
    if isinstance(code, bool) or not isinstance(code, int) or not 200 <= code <= 599:
        raise ValueError(f"{code!r} is no status of a response. Use a number from 200 to 599.")
    return code


def plain_reason(description: str | None) -> str | None:
    """A description as the status line can carry it; None if it can't."""
    if not description or not description.isascii() or not description.isprintable():
        return None
    return description


def html_of(value: Any) -> str:
    """A str as it is; a dict, dataclass, or list of them as a table, escaped."""
    if isinstance(value, str):
        return value
    rows = [_row(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{_cell(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(row.get(name, ''))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Table</title></head>'
        f"<body><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>\n"
    )


def _row(item: Any) -> Mapping[Any, Any]:
    if is_dataclass(item) and not isinstance(item, type):
        return asdict(item)
    return item if isinstance(item, Mapping) else {"value": item}


def _cell(value: Any) -> str:
    return html.escape(str(value))
