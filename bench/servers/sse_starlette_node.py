"""A node of sse-starlette whose events go through Redis: PORT URL.

As its users do it: a handler publishes, and one task of each process listens and hands what it
hears to the queues of its streams, those of the sender's own process included.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bench.servers import with_starlette
from bench.servers.payload import payload
from bench.servers.with_sse_starlette import events, send_to_all

CHANNEL = "bench"

redis = Redis.from_url(sys.argv[2], decode_responses=True)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with redis, redis.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        listener = asyncio.create_task(listen(channel))
        yield
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def listen(channel) -> None:
    async for message in channel.listen():
        if message["type"] == "message":
            send_to_all(message["data"])


async def burst(request: Request) -> PlainTextResponse:
    for _ in range(int(request.query_params["n"])):
        await redis.publish(CHANNEL, payload())
    return PlainTextResponse("sent")


async def offered(request: Request) -> PlainTextResponse:
    start = time.monotonic_ns()
    interval = int(request.query_params["interval_ms"]) * 1_000_000
    for due in range(start, start + int(request.query_params["n"]) * interval, interval):
        await asyncio.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        await redis.publish(CHANNEL, payload(due))
    return PlainTextResponse("sent")


app = Starlette(
    routes=[
        *with_starlette.routes,
        Route("/events", events),
        Route("/burst", burst),
        Route("/offered", offered),
    ],
    lifespan=lifespan,
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
