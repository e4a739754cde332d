"""Several nodes, from the Server-Sent Events area: ours, as Pode has nothing like it. Thin."""

from __future__ import annotations

from pode_py.background.primary import Primary
from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, seconds, whole_number
from pode_py.core.errors import PodeError
from pode_py.observability.metrics.metrics import Metrics
from pode_py.push.backplane.node import Node
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.redis.server import RedisServer
from pode_py.push.sse.hub import SseHub

__all__ = [
    "enable_sse_backplane",
]


def enable_sse_backplane(
    url: str,
    *,
    prefix: str = "pode",
    limit: int = 100_000,
    size: int = 64 * 1024 * 1024,
    timeout: Duration = 1,
    expiry: Duration = 86_400,
) -> None:
    """Share event streams with the other servers that use the same Redis. In the set-up only.

    Ours. What is sent on one node reaches the streams of all; histories, client ids, names and
    groups are everybody's, and timers and schedules run on one of them. `url` is like
    ``redis://:password@host:6379/0``, with ``rediss://`` for TLS; of a cluster, any of its nodes.
    `prefix` tells applications in one Redis apart. Redis keeps at most `limit` events and `size`
    bytes of all histories, and so does a node while Redis can't be reached. `timeout` is how many
    seconds Redis may take for an answer before it counts as gone, `expiry` after how many it
    forgets all when no node is left.

    Needs the extra ``redis``. Raises StartError without it, ValueError for a URL that is none; the
    start fails with StartError if Redis refuses the password or the certificate. A Redis that
    can't be reached is waited for while the server runs, with a warning.

        enable_sse_backplane("redis://localhost:6379")
    """
    hub, metrics = room(SseHub), room(Metrics)
    if hub.nodes.backplane is not None:
        raise PodeError("enable_sse_backplane was called already. Call it once, in the set-up.")
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
