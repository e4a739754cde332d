"""Conditions: whether a client's copy is still what the server has (RFC 9110, 13)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pode_py.http.headers import RequestHeaders

PRECONDITION_FAILED = 412
NOT_MODIFIED = 304

_TAG = re.compile(r'(?:W/)?"[^"]*"')
# A date says nothing of a second change within its second (RFC 9110, 8.8.2.2).
_SETTLED = timedelta(seconds=1)


def outcome(headers: RequestHeaders, etag: str, modified: datetime) -> int | None:
    """What a GET or HEAD is answered with instead of the whole: 412, 304, or None.

    In the order of RFC 9110, 13.2.2. `modified` has whole seconds, and a strong `etag` its quotes.
    """
    match = headers.get("if-match")
    if match is not None:
        if match.strip() != "*" and etag not in _TAG.findall(match):  # a weak tag never matches
            return PRECONDITION_FAILED
    else:
        until = date_of(headers.get("if-unmodified-since"))
        if until is not None and modified > until:
            return PRECONDITION_FAILED
    known = headers.get("if-none-match")
    if known is not None:
        tags = [tag.removeprefix("W/") for tag in _TAG.findall(known)]
        return NOT_MODIFIED if known.strip() == "*" or etag in tags else None
    since = date_of(headers.get("if-modified-since"))
    return NOT_MODIFIED if since is not None and modified <= since else None


def allows_range(headers: RequestHeaders, etag: str, modified: datetime, now: datetime) -> bool:
    """Whether a part may be sent: the client has the rest of this very state (RFC 9110, 13.1.5)."""
    condition = headers.get("if-range")
    if condition is None or condition == etag:
        return True
    return date_of(condition) == modified and now - modified >= _SETTLED


def date_of(value: str | None) -> datetime | None:
    """The time of a field; None for one that is no date, which is to be ignored."""
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
