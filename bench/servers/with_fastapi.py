"""Token streams by FastAPI and sse-starlette on uvicorn: an async generator for each stream."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from sse_starlette import EventSourceResponse

from bench.servers.payload import payload

app = FastAPI()
begin = asyncio.Event()


@app.get("/plain")
async def plain() -> PlainTextResponse:
    return PlainTextResponse("hello")


@app.get("/tokens")
async def tokens(stream: int, streams: int, n: int, interval_ms: int) -> EventSourceResponse:
    interval = interval_ms / 1000
    return EventSourceResponse(made(interval * stream / streams, n, interval))


async def made(offset: float, n: int, interval: float) -> AsyncIterator[str]:
    await begin.wait()
    due = time.monotonic() + offset
    for _ in range(n):
        await asyncio.sleep(max(0, due - time.monotonic()))
        yield payload()
        due += interval


@app.get("/begin")
async def begin_all() -> PlainTextResponse:
    begin.set()
    return PlainTextResponse("begun")


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
