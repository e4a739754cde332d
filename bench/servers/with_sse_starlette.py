"""Event streams by sse-starlette on uvicorn: a queue for each stream, as its examples have it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bench.servers import with_starlette
from bench.servers.payload import payload

streams: set[asyncio.Queue[str]] = set()


async def events(_: Request) -> EventSourceResponse:
    queue: asyncio.Queue[str] = asyncio.Queue()
    streams.add(queue)
    return EventSourceResponse(follow(queue))


async def follow(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    try:
        while True:
            yield await queue.get()
    finally:
        streams.discard(queue)


def send_to_all(data: str) -> None:
    for queue in streams:
        queue.put_nowait(data)


async def burst(request: Request) -> PlainTextResponse:
    for _ in range(int(request.query_params["n"])):
        send_to_all(payload())
    return PlainTextResponse("sent")


async def paced(request: Request) -> PlainTextResponse:
    due = time.monotonic()
    for _ in range(int(request.query_params["n"])):
        send_to_all(payload())
        due += int(request.query_params["interval_ms"]) / 1000
        await asyncio.sleep(max(0, due - time.monotonic()))
    return PlainTextResponse("sent")


async def offered(request: Request) -> PlainTextResponse:
    start = time.monotonic_ns()
    interval = int(request.query_params["interval_ms"]) * 1_000_000
    for due in range(start, start + int(request.query_params["n"]) * interval, interval):
        await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        send_to_all(payload(due))
    return PlainTextResponse("sent")


app = Starlette(
    routes=[
        *with_starlette.routes,
        Route("/events", events),
        Route("/burst", burst),
        Route("/paced", paced),
        Route("/offered", offered),
    ]
)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
