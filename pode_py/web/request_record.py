"""RequestRecord of an event: what the request log writes about an answered request."""

from __future__ import annotations

from pode_py.http.charsets import field_text
from pode_py.observability.logs.records import RequestRecord
from pode_py.web.event import WebEvent


def record_of(event: WebEvent) -> RequestRecord:
    """Return the record of this event's request, once it is answered."""
    request = event.request
    headers = request.headers
    target = request.target
    if not target.isascii():  # an ASGI server has let bytes through that should be encoded
        target = field_text(target.encode("latin-1"))
    return RequestRecord(
        remote_address=request.client_address,
        user=getattr(event.auth, "user", None),
        timestamp=event.timestamp,
        method=request.http_method,
        target=target,
        http_version=request.http_version,
        status=event.response.status_code,
        size=event.exchange.bytes_sent,
        duration=event.elapsed,
        referrer=headers.get("referer"),
        user_agent=headers.get("user-agent"),
        host=request.host or None,
        scheme=request.client_scheme,
        headers=dict(headers.items()),
    )
