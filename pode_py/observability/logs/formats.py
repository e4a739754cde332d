"""How requests and errors read in a log: facts in, text or a raw dict out. No clock, no I/O."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from pode_py.observability.logs.masking import Masking
from pode_py.observability.logs.records import ErrorFacts, RequestFacts
from pode_py.observability.logs.text import bare, one_line, quoted

_MONTHS: Final = (
    *("", "Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def common(
    facts: RequestFacts, host: str, user: str | None, when: datetime, masking: Masking
) -> str:
    """NCSA Common Log Format."""
    request = f"{quoted(facts.method)} {quoted(masking.url(facts.target))} {_protocol(facts)}"
    return (
        f'{bare(host)} - {bare(user)} [{clf_date(when)}] "{request}" '
        f"{facts.status} {facts.size or '-'}"
    )


def combined(
    facts: RequestFacts, host: str, user: str | None, when: datetime, masking: Masking
) -> str:
    """Common, then referrer and user agent."""
    referrer = masking.url(facts.referrer) if facts.referrer else None
    return (
        f"{common(facts, host, user, when, masking)} "
        f'"{quoted(referrer)}" "{quoted(facts.user_agent)}"'
    )


RequestFormat = Callable[[RequestFacts, str, str | None, datetime, Masking], str]
REQUEST_FORMATS: Final[Mapping[str, RequestFormat]] = {"combined": combined, "common": common}


def raw_request(
    facts: RequestFacts, host: str, user: str | None, when: datetime, masking: Masking
) -> dict[str, Any]:
    """The dict that handlers and `raw=True` get. Values are the client's: nothing is escaped."""
    path, _, query = masking.url(facts.target).partition("?")
    return {
        "host": host,
        "rfc_user_identity": None,
        "user": user,
        "date": when,
        "utc_date": facts.timestamp,
        "duration": facts.duration,
        "request": {
            "method": facts.method,
            "hostname": facts.host,
            "scheme": facts.scheme,
            "resource": path,
            "query": query,
            "protocol": _protocol(facts),
            "referrer": masking.url(facts.referrer) if facts.referrer else None,
            "agent": facts.user_agent,
        },
        "response": {
            "status_code": facts.status,
            "status_description": _phrase(facts.status),
            "size": facts.size,
        },
    }


def raw_error(facts: ErrorFacts, when: datetime, masking: Masking) -> dict[str, Any]:
    """The dict that handlers and `raw=True` get for an error."""
    return {
        "date": when,
        "level": facts.level,
        "server": os.uname().nodename,
        "context_id": facts.context_id,
        "thread": facts.thread,
        "thread_id": facts.thread_id,
        "kind": facts.kind,
        "category": facts.category,
        "where": masking.secrets(facts.where),
        "message": masking.secrets(facts.message),
        "stack_trace": masking.secrets(_trace(facts)),
    }


def error_text(facts: ErrorFacts, when: datetime, masking: Masking) -> str:
    """One line of when, how bad, on which thread, where and what; then the traceback."""
    stamp = when.isoformat(sep=" ", timespec="milliseconds")
    request = f" ({facts.context_id})" if facts.context_id else ""
    category = f"{facts.category}: " if facts.category else ""
    head = (
        f"{stamp} {facts.level.upper()} [{one_line(facts.thread)}] "
        f"{one_line(facts.where)}{request}: {category}{one_line(facts.message)}"
    )
    return masking.secrets(f"{head}\n{_trace(facts)}".rstrip("\n"))


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


def client_address(facts: RequestFacts, headers: Iterable[str]) -> str:
    """The first address in the first of these request headers that was sent; else the peer's."""
    for name in headers:
        value = _member(facts.headers or {}, name)
        if isinstance(value, str) and value.strip():
            return value.split(",")[0].strip()
    return facts.remote_address


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


def _protocol(facts: RequestFacts) -> str:
    version = quoted(facts.http_version)
    return version if version.startswith("HTTP/") else f"HTTP/{version}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _trace(facts: ErrorFacts) -> str:
    return "" if facts.trace is None else "".join(facts.trace.format())
