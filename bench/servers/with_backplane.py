"""A node of pode_py that shares its streams through Redis: PORT URL [history]."""

import sys
import time

from bench.servers.payload import payload
from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    enable_sse_backplane,
    send_sse_event,
    set_sse_history,
    set_sse_slow_client_policy,
    start_server,
    web_event,
)


def server() -> None:
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]))
    if sys.argv[2] != "none":
        enable_sse_backplane(sys.argv[2], prefix="bench")
    if sys.argv[3:] == ["history"]:
        set_sse_history("bench", limit=100_000)
    # What a node receives from others is not paced by its own handlers: a burst may wait.
    set_sse_slow_client_policy("disconnect", limit=64 * 1024 * 1024)

    @add_route("get", "/plain")
    def plain():
        return "hello"

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("bench")

    @add_route("get", "/burst")
    def burst():
        for _ in range(int(web_event.query["n"])):
            send_sse_event(payload(), name="bench")

    @add_route("get", "/paced")
    def paced():
        due = time.monotonic()
        for _ in range(int(web_event.query["n"])):
            send_sse_event(payload(), name="bench")
            due += 1 / float(web_event.query["rate"])
            time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    start_server(server, quiet=True)
