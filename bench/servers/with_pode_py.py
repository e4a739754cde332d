"""pode_py as it comes: every setting is the default."""

import sys
import time

from bench.servers import work
from bench.servers.payload import payload
from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    send_sse_event,
    start_server,
    web_event,
)


def server() -> None:
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]))

    @add_route("get", "/plain")
    def plain():
        return "hello"

    @add_route("get", "/users/:id")
    def user():
        return {"id": web_event.parameters["id"], "name": "Ada"}

    @add_route("get", "/sleep")
    def sleep():
        work.sleep()
        return "slept"

    @add_route("get", "/burn")
    def burn():
        return str(work.burn(float(web_event.query["seconds"])))

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
            due += int(web_event.query["interval_ms"]) / 1000
            time.sleep(max(0, due - time.monotonic()))


if __name__ == "__main__":
    start_server(server, quiet=True)
