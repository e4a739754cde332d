"""RequestRecord of an event: what the request log writes about an answered request."""

from __future__ import annotations

from pode_py.observability.logs.records import RequestRecord
from pode_py.web.event import WebEvent


def record_of(event: WebEvent) -> RequestRecord:
    """Return the record of this event's request, once it is answered."""
    request = event.request
    headers = request.headers
    return RequestRecord(
        remote_address=request.client_address,
        user=getattr(event.auth, "user", None),
        timestamp=event.timestamp,
        method=request.http_method,
        target=request.target,
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
