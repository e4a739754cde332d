"""The script with which the tabs of a browser share one event stream. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.arguments import as_list
from pode_py.core.checks import checked
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.event import WebEvent
from pode_py.web.middleware.middleware import Middlewares
from pode_py.web.routing.groups import add_own_route
from pode_py.web.routing.route import RouteGroup
from pode_py.web.routing.router import Router
from pode_py.web.static.files import write_file

__all__ = [
    "use_sse_shared_script",
]

_SCRIPT = Path(__file__).with_name("shared.js")


@checked
def use_sse_shared_script(
    path: str = "/pode/sse-shared.js",
    *,
    endpoint_name: str | Sequence[str] | None = None,
    middleware: Any = None,
) -> None:
    """Serve the script that shares one EventSource among a browser's tabs. Not in Pode.

    Over HTTP/1.1 a browser opens at most six connections to one host, for all of its tabs. With
    ``<script src="/pode/sse-shared.js"></script>`` a page has ``new SharedEventSource(url)``, which
    behaves like an EventSource, and all tabs with the same URL need one connection.

    endpoint_name: only for requests to these endpoints.
    middleware: functions, names, or what `new_middleware` returned.

    Raises PodeError if the route exists.

        use_sse_shared_script()
    """
    endpoints = room(Endpoints)
    group = RouteGroup(
        path,
        room(Middlewares).of_route(middleware),
        tuple(endpoints.need(name).name for name in as_list(endpoint_name)),
    )
    add_own_route(room(Router), group, _answer)


def _answer(web_event: WebEvent) -> None:
    # An hour without a question, then one that is answered with 304.
    write_file(web_event, _SCRIPT, "public, max-age=3600")
