"""What the logs get to know of an answered request, and what the web needs of them for that."""

from __future__ import annotations

from typing import Final, Protocol

from pode_py.core.errors import StatusError
from pode_py.http.charsets import field_text
from pode_py.http.statuses import reason
from pode_py.observability.logs.records import RequestRecord
from pode_py.web.event import WebEvent

# What logs say of a request whose client has left before its answer, as those of nginx do.
CLIENT_LEFT: Final = 499
_TOO_SLOW = 408


class RequestLog(Protocol):
    """What the pipeline needs of the server's logs."""

    @property
    def wants_requests(self) -> bool: ...

    @property
    def wants_client_errors(self) -> bool: ...

    def write_request(self, record: RequestRecord) -> object: ...

    def write_exception(
        self,
        error: BaseException | str,
        *,
        where: str,
        kind: str = "server",
        context_id: str | None = None,
    ) -> object: ...


def log_client_error(logs: RequestLog, event: WebEvent, failure: BaseException | None) -> None:
    """Log an answer of 4xx: the client's error. Nothing went wrong here, so no traceback."""
    status = event.response.status_code
    if status >= 500 or status == CLIENT_LEFT:
        return
    text = f"{status} {reason(status)}".strip()
    if isinstance(failure, StatusError) and failure.description:
        text = f"{text}: {failure.description}"
    logs.write_exception(
        text,
        where=f"{event.request.http_method} {event.path}",
        kind="timeout" if status == _TOO_SLOW else "client",
        context_id=event.context_id,
    )


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
