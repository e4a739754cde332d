"""The part of Pode's Metrics area that is about event streams."""

from __future__ import annotations

from pode_py.core.ambient import room
from pode_py.push.sse.hub import SseHub

__all__ = [
    "get_server_active_sse_client_metric",
    "get_server_active_sse_metric",
]


def get_server_active_sse_metric() -> int:
    """Return how many events wait for their clients. Pode: Get-PodeServerActiveSseMetric.

    if get_server_active_sse_metric() > 100_000:
        print("clients are slow")
    """
    return room(SseHub).counters.waiting


def get_server_active_sse_client_metric(name: str = "") -> int:
    """Return how many clients are connected. Pode: Get-PodeServerActiveSseClientMetric.

    Counts global connections, each once.

    name: count the clients of this name. Without any the count is 0, where Pode raises.

        listeners = get_server_active_sse_client_metric("Events")
    """
    store = room(SseHub).store
    return len(store.select(name)) if name else len(store)
