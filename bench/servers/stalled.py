"""The server of `bench.stalled`: paced events, and a name for the client that does not read."""

import sys
import time

from bench.servers.payload import payload
from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    get_sse_connection,
    send_sse_event,
    set_sse_slow_client_policy,
    start_server,
    web_event,
)


def server() -> None:
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]))
    set_sse_slow_client_policy("drop_oldest", name="stuck", limit=64 * 1024)

    @add_route("get", "/plain")
    def plain():
        return "hello"

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("bench")

    @add_route("get", "/stuck")
    def stuck():
        convert_to_sse_connection(["stuck", "bench"])

    @add_route("get", "/fill")
    def fill():
        while send_sse_event("x" * 60_000, name="stuck").wait(0.3):
            pass

    @add_route("get", "/dropped")
    def dropped():
        return str(sum(one.dropped_events for one in get_sse_connection("stuck")))

    @add_route("get", "/paced")
    def paced():
        due = time.monotonic()
        for _ in range(int(web_event.query["n"])):
            send_sse_event(payload(), name="bench")
            due += float(web_event.query["interval_ms"]) / 1000
            time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    # A client that takes nothing is cut after a while: not while it is measured.
    start_server(server, quiet=True, dead_client_timeout=3600)
