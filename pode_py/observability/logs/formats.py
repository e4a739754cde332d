"""How requests and errors read in a log: a record in, text or a raw dict out. No clock, no I/O."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.records import ErrorRecord, RequestRecord
from pode_py.observability.logs.text import bare, one_line, quoted

_MONTHS: Final = (
    *("", "Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def common(
    record: RequestRecord, host: str, user: str | None, when: datetime, masking: Masking
) -> str:
    """NCSA Common Log Format."""
    request = f"{quoted(record.method)} {quoted(masking.url(record.target))} {_protocol(record)}"
    return (
        f'{bare(host)} - {bare(user)} [{clf_date(when)}] "{request}" '
        f"{record.status} {record.size or '-'}"
    )


def combined(
    record: RequestRecord, host: str, user: str | None, when: datetime, masking: Masking
) -> str:
    """Common, then referrer and user agent."""
    referrer = masking.url(record.referrer) if record.referrer else None
    return (
        f"{common(record, host, user, when, masking)} "
        f'"{quoted(referrer)}" "{quoted(record.user_agent)}"'
    )


RequestFormat = Callable[[RequestRecord, str, str | None, datetime, Masking], str]
REQUEST_FORMATS: Final[Mapping[str, RequestFormat]] = {"combined": combined, "common": common}


def raw_request(
    record: RequestRecord, host: str, user: str | None, when: datetime, masking: Masking
) -> dict[str, Any]:
    """The dict that handlers and `raw=True` get. Values are the client's: nothing is escaped."""
    path, _, query = masking.url(record.target).partition("?")
    return {
        "host": host,
        "rfc_user_identity": None,
        "user": user,
        "date": when,
        "utc_date": record.timestamp,
        "duration": record.duration,
        "request": {
            "method": record.method,
            "hostname": record.host,
            "scheme": record.scheme,
            "resource": path,
            "query": query,
            "protocol": _protocol(record),
            "referrer": masking.url(record.referrer) if record.referrer else None,
            "agent": record.user_agent,
        },
        "response": {
            "status_code": record.status,
            "status_description": _phrase(record.status),
            "size": record.size,
        },
    }


#: How the lines of a traceback begin.
_FRAME: Final = "\n  File "


def raw_error(record: ErrorRecord, when: datetime, masking: Masking) -> dict[str, Any]:
    """The dict that handlers and `raw=True` get for an error."""
    return {
        "date": when,
        "level": record.level,
        "server": os.uname().nodename,
        "context_id": record.context_id,
        "thread": record.thread,
        "thread_id": record.thread_id,
        "kind": record.kind,
        "category": record.category,
        "where": masking.secrets(record.where),
        "message": masking.secrets(record.message),
        "stack_trace": masking.secrets(_trace(record)),
    }


def error_text(record: ErrorRecord, when: datetime, masking: Masking) -> str:
    """One line of when, how bad, on which thread, where and what; then the traceback."""
    stamp = when.isoformat(sep=" ", timespec="milliseconds")
    request = f" ({record.context_id})" if record.context_id else ""
    category = f"{record.category}: " if record.category else ""
    message, frame, frames = record.message, "", ""
    if record.trace is None:  # a sentence, and where a thread is
        message, frame, frames = message.partition(_FRAME)
    head = (
        f"{stamp} {record.level.upper()} [{one_line(record.thread)}] "
        f"{one_line(record.where)}{request}: {category}{one_line(message)}"
    )
    return masking.secrets(f"{head}{frame}{frames}\n{_trace(record)}".rstrip("\n"))


def clf_date(when: datetime) -> str:
    """``14/Jun/2018:20:23:52 +0100``: in English whatever the locale says."""
    offset = when.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return (
        f"{when.day:02}/{_MONTHS[when.month]}/{when.year}:{when.hour:02}:{when.minute:02}"
        f":{when.second:02} {sign}{minutes // 60:02}{minutes % 60:02}"
    )


def user_name(user: object, path: str) -> str | None:
    """The name of `user`: itself if it is text, else what the dotted `path` leads to."""
    if not isinstance(user, str):
        for name in path.split("."):
            user = _member(user, name)
    text = "" if user is None else ".".join(str(user).split())
    return text or None


def client_address(record: RequestRecord, headers: Iterable[str]) -> str:
    """The first address in the first of these request headers that was sent; else the peer's."""
    for name in headers:
        value = _member(record.headers or {}, name)
        if isinstance(value, str) and value.strip():
            return value.split(",")[0].strip()
    return record.remote_address


def tone_of(status: int) -> str:
    """The level that a status amounts to, for colours."""
    if status >= 500:
        return "error"
    return "warning" if status >= 400 else "informational"


def _member(value: object, name: str) -> object:
    if not isinstance(value, Mapping):
        return getattr(value, name, None)
    if name in value:
        return value[name]
    same = (key for key in value if isinstance(key, str) and key.lower() == name.lower())
    return value.get(next(same, None))


def _protocol(record: RequestRecord) -> str:
    version = quoted(record.http_version)
    return version if version.startswith("HTTP/") else f"HTTP/{version}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _trace(record: ErrorRecord) -> str:
    """The traceback; only its notes, if there is no line to show: the message is said already."""
    trace = record.trace
    if trace is None:
        return ""
    if trace.stack or trace.__cause__ or trace.__context__ or trace.exceptions:
        return "".join(trace.format())
    return "".join(f"{note}\n" for note in trace.__notes__ or ())
