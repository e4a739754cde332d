"""The route for Prometheus. Not in Pode, which leaves it to its users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.arguments import as_list
from pode_py.core.checks import checked
from pode_py.observability.metrics.metrics import Metrics
from pode_py.observability.metrics.prometheus import Exposition
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.event import WebEvent
from pode_py.web.middleware.middleware import Middlewares
from pode_py.web.responses.written import write_bytes
from pode_py.web.routing.groups import add_own_route
from pode_py.web.routing.route import RouteGroup
from pode_py.web.routing.router import Router

__all__ = [
    "add_metrics_route",
]


@checked
def add_metrics_route(
    path: str = "/metrics",
    *,
    endpoint_name: str | Sequence[str] | None = None,
    middleware: Any = None,
) -> None:
    """Add a route that shows the server's metrics to Prometheus. Not in Pode.

    It shows requests by status and duration, event streams by name, what waits for them, timers,
    schedules, and the process, in the text format of Prometheus or in OpenMetrics, as the client
    asks. Everybody can read it: to limit that, use `middleware`, an endpoint of its own, or a route
    group.

    endpoint_name: only for requests to these endpoints.
    middleware: functions, names, or what `new_middleware` returned.

    Raises StartError if prometheus-client is missing (``pip install "pode-py[metrics]"``);
    PodeError if the route exists.

        add_endpoint(port=9100, name="inside")
        add_metrics_route(endpoint_name="inside")
    """
    exposition = Exposition(room(Metrics))

    def answer(web_event: WebEvent) -> None:
        body, content_type = exposition.write(web_event.headers.get("accept"))
        web_event.response.headers["Vary"] = "Accept"
        write_bytes(web_event, body, content_type)

    endpoints = room(Endpoints)
    route = RouteGroup(
        path,
        room(Middlewares).of_route(middleware),
        tuple(endpoints.need(name).name for name in as_list(endpoint_name)),
    )
    add_own_route(room(Router), route, answer)
