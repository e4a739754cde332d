"""Several nodes, from the Server-Sent Events area: ours, as Pode has nothing like it. Thin."""

from __future__ import annotations

from pode_py.background.primary import Primary
from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, seconds, whole_number
from pode_py.core.checks import checked
from pode_py.core.errors import PodeError
from pode_py.observability.metrics.metrics import Metrics
from pode_py.push.backplane.node import Node
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.redis.server import RedisServer
from pode_py.push.sse.hub import SseHub

__all__ = [
    "enable_sse_backplane",
]


@checked
def enable_sse_backplane(
    url: str,
    *,
    prefix: str = "pode",
    limit: int = 100_000,
    size: int = 64 * 1024 * 1024,
    timeout: Duration = 1,
    expiry: Duration = 86_400,
) -> None:
    """Share event streams with the other servers that use the same Redis. Not in Pode.

    In the set-up only. What is sent on one node reaches the streams of all nodes; histories, client
    ids, names and groups are common to all, and timers and schedules run on one of them. While
    Redis cannot be reached, the server runs on, with a warning. Needs the extra ``redis``.

    url: such as ``redis://:password@host:6379/0``, with ``rediss://`` for TLS; of a cluster, any
        node.
    prefix: separates applications in one Redis.
    limit: number of events of all histories that Redis keeps; a node keeps that many while Redis
        cannot be reached.
    size: bytes of all histories, as `limit`.
    timeout: seconds that an answer of Redis can take before Redis counts as gone.
    expiry: seconds after which Redis forgets all when no node is left.

    Raises StartError without the extra; ValueError for a URL that is none. The start fails with
    StartError if Redis refuses the password or the certificate.

        enable_sse_backplane("redis://localhost:6379")
    """
    hub, metrics = room(SseHub), room(Metrics)
    if hub.nodes.backplane is not None:
        raise PodeError("enable_sse_backplane was called already. Call it once, in the set-up.")
    if hub.nodes.started:
        raise PodeError(
            "enable_sse_backplane was called while the server runs: no node would join. Call it in "
            "the function that you give to start_server."
        )
    options = BackplaneOptions(
        prefix=filled("prefix", prefix),
        limit=whole_number("limit", limit, minimum=1),
        size=whole_number("size", size, minimum=1),
        timeout=seconds("timeout", timeout, minimum=0.05),
        expiry=seconds("expiry", expiry, minimum=60),
    )
    node = Node(hub, RedisServer(url, options.timeout), options, hub.clock)
    node.join_hub()
    metrics.add_source(node.metrics)
    room(Primary).ask(node.lease.is_ours)
