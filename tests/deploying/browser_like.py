"""Many event streams over one HTTP/2 connection, as a browser has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

from pode_py.testing import SseEvent, SseParser
from tests.deploying.asking import DEADLINE
from tests.deploying.proxies import Proxy


async def hear(proxy: Proxy, streams: int, events: int, send: Callable[[int], None]) -> list[str]:
    """Open so many streams at once, and call `send(number)` for each event only when all of them
    have heard the one before. What came of the last one, for each stream; HTTP/2 or it fails."""
    rounds = [asyncio.Barrier(streams + 1) for _ in range(events + 1)]
    async with (
        asyncio.timeout(DEADLINE),
        httpx.AsyncClient(
            http2=True,
            limits=httpx.Limits(max_connections=1),
            base_url=proxy.secure,
            verify=proxy.trusted,
            timeout=DEADLINE,
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(_listen(client, rounds)) for _ in range(streams)]
        for number in range(events):
            await rounds[number].wait()
            await asyncio.to_thread(send, number)
        await rounds[events].wait()
        # An ordinary request beside them, over the same connection.
        health = await client.get("/health")
        assert health.json()["streams"] == streams
    return [task.result() for task in tasks]


async def _listen(client: httpx.AsyncClient, rounds: list[asyncio.Barrier]) -> str:
    headers = {"Accept": "text/event-stream"}
    async with client.stream("GET", "/events", headers=headers) as answer:
        assert answer.http_version == "HTTP/2"
        opened, *later = rounds
        data = ""
        async for event in _events(answer):
            if event.type == "pode.open":
                await opened.wait()
            if event.type == "news":
                data = event.data
                await later.pop(0).wait()
                if not later:
                    return data
    raise AssertionError("The stream has ended.")


async def _events(answer: httpx.Response) -> AsyncIterator[SseEvent]:
    parser = SseParser()
    async for data in answer.aiter_bytes():
        for event in parser.feed(data):
            yield event
