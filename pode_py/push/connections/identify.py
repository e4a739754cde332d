"""Identify: which stream the answers to a request belong to, by its `X-PODE-SSE-*` headers.

Runs after middleware (limits, authentication) and before the handler, so that nobody learns from
404 or 400 which client ids exist who could not call the route anyway.
"""

from __future__ import annotations

from pode_py.core.errors import StatusError
from pode_py.push.connections.client_ids import from_header
from pode_py.push.sse.connection import SseReference
from pode_py.push.sse.hub import SseHub
from pode_py.web.event import WebEvent


def identify(hub: SseHub, event: WebEvent) -> None:
    """Set `event.sse` if the request names a stream. 400 for a bad id, 404 for an unknown one."""
    headers = event.request.headers
    given = headers.get("x-pode-sse-client-id")
    if not given:
        return
    client_id = from_header(given)
    if not hub.client_ids.is_valid(client_id, event.request):
        raise StatusError(400, "The X-PODE-SSE-CLIENT-ID header is not valid.")
    name = from_header(headers.get("x-pode-sse-name") or "") or None
    text = headers.get("x-pode-sse-group") or ""
    groups = tuple(from_header(part.strip()) for part in text.split(",") if part.strip())
    if name is not None and not hub.directory.has(name, groups, [client_id]):
        raise StatusError(404, "There is no such SSE connection.")
    event.sse = SseReference(name, ",".join(groups) or None, client_id, groups)
