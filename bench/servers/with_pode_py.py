"""pode_py as it comes: every setting is the default."""

import asyncio
import sys
import time

from bench.servers import page, work
from bench.servers.payload import payload
from pode_py import (
    add_endpoint,
    add_route,
    convert_to_sse_connection,
    send_sse_event,
    start_server,
    web_event,
    write_view_response,
)

# What send_sse_event calls a part of the streams.
PARAMETERS = {"group": "group", "client": "client_id"}


def server() -> None:
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]))
    add_requests()
    add_streams()
    add_token_streams()


def add_requests() -> None:
    """The routes of the request scenarios."""

    @add_route("get", "/plain")
    def plain():
        return "hello"

    @add_route("get", "/users/:id")
    def user():
        return {"id": web_event.parameters["id"], "name": "Ada"}

    @add_route("get", "/page")
    def users():
        write_view_response(page.TEMPLATE, page.VALUES)

    @add_route("get", "/sleep")
    def sleep():
        work.sleep()
        return "slept"

    @add_route("get", "/burn")
    def burn():
        return str(work.burn(float(web_event.query["seconds"])))


def add_streams() -> None:
    """The event streams, and what makes the server send to them."""

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("bench")

    @add_route("get", "/members")
    def members():
        number = int(web_event.query["stream"])
        convert_to_sse_connection("bench", group=str(number // 10), client_id=number)

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

    @add_route("get", "/offered")
    def offered():
        start = time.monotonic_ns()
        interval = int(web_event.query["interval_ms"]) * 1_000_000
        for due in range(start, start + int(web_event.query["n"]) * interval, interval):
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            send_sse_event(payload(due), name="bench")

    @add_route("get", "/burst_to")
    def burst_to():
        audience = web_event.query["audience"]
        for part in range(int(web_event.query["parts"])):
            to = {} if audience == "all" else {PARAMETERS[audience]: str(part)}
            for _ in range(int(web_event.query["n"])):
                send_sse_event(payload(), name="bench", **to)


def add_token_streams() -> None:
    """Streams of their own, each sent by its own handler, and what has all of them begin."""
    begin = asyncio.Event()

    @add_route("get", "/tokens")
    async def tokens():
        query = web_event.query
        interval = int(query["interval_ms"]) / 1000
        convert_to_sse_connection("tokens", scope="local", style="plain")
        await begin.wait()
        due = time.monotonic() + interval * int(query["stream"]) / int(query["streams"])
        for _ in range(int(query["n"])):
            await asyncio.sleep(max(0, due - time.monotonic()))
            send_sse_event(payload(), from_event=True)
            due += interval

    @add_route("get", "/begin")
    async def begin_all():
        begin.set()
        return "begun"


if __name__ == "__main__":
    start_server(server, quiet=True)
