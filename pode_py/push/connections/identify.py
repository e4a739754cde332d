"""Identify: which connection the answers to a request belong to, by its `X-PODE-*` headers.

Runs after middleware (limits, authentication) and before the handler, so that nobody learns from
404 or 400 which client ids exist who could not call the route anyway.
"""

from __future__ import annotations

from typing import Any

from pode_py.core.errors import StatusError
from pode_py.push.connections.client_ids import from_header
from pode_py.push.connections.connection import ConnectionReference
from pode_py.push.connections.hub import PushHub
from pode_py.web.event import WebEvent


def identify(hub: PushHub[Any, Any], event: WebEvent, given: str) -> ConnectionReference:
    """The connection that the request names in the headers of the hub's kind; `given` is its client
    id there. 400 for a bad id, 404 for an unknown one."""
    headers = event.request.headers
    head = hub.header
    client_id = from_header(given)
    if not hub.client_ids.is_valid(client_id, event.request):
        raise StatusError(400, f"The X-PODE-{hub.kind.upper()}-CLIENT-ID header is not valid.")
    name = from_header(headers.get(f"{head}name") or "") or None
    text = headers.get(f"{head}group") or ""
    groups = tuple(from_header(part.strip()) for part in text.split(",") if part.strip())
    if name is not None:
        own = hub.lookups.groups_of(name, client_id)
        wanted = {group.casefold() for group in groups}
        if own is None or (wanted and wanted.isdisjoint(group.casefold() for group in own)):
            raise StatusError(404, f"There is no such {hub.kind} connection.")
        groups = tuple(own)
    return ConnectionReference(name, client_id, groups)
