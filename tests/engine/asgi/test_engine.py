"""The engine on ASGI, beside a server that the test plays: what no real one does on demand."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from pode_py.core.loop import EventLoop
from pode_py.engine.asgi.engine import AsgiEngine
from pode_py.engine.options import EngineOptions, Limits
from pode_py.engine.replies import simple_response
from pode_py.exchange.stream import Keepalive
from pode_py.http.response import FileBody, Response
from tests.engine.house import PATIENCE, HandClock, plain, text_response

FAREWELL = b"event: pode.close\n\n"


class Visit:
    """One request. What the client does is put into `inbox`, what it is sent is in `sent`."""

    def __init__(self, engine: AsgiEngine, method: str = "GET", **scope: Any) -> None:
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 4000),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
            **scope,
        }
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        # The client takes what it is sent while this is set, and no more than so many messages.
        self.room = 1 << 30
        self.takes = asyncio.Event()
        self.takes.set()
        self.task = asyncio.create_task(engine.serve(self.scope, self.inbox.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.takes.wait()
        self.sent.append(message)
        self.changed.set()
        if len(self.sent) == self.room:
            self.takes.clear()

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})

    def give(self, body: bytes, *, more: bool) -> None:
        self.inbox.put_nowait({"type": "http.request", "body": body, "more_body": more})

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def end(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.task

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_whole(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


def refuse(exchange: Any) -> None:
    """As the pipeline: no handler sees it."""
    exchange.reply(simple_response(exchange.refusal.status, str(exchange.refusal)))


class Asgi:
    """An engine on the loop of the test."""

    def __init__(self, handle: Any, clock: Any, **limits: Any) -> None:
        self.reports: list[Any] = []
        loop = EventLoop()
        loop.adopt(asyncio.get_running_loop())
        self.engine = AsgiEngine(
            EngineOptions(threads=2, limits=Limits(**limits)),
            lambda exchange: (refuse if exchange.refusal else handle)(exchange) or True,
            clock=clock,
            context=contextvars.copy_context(),
            report=lambda error, where: self.reports.append(error),
            warn=self.reports.append,
            loop=loop,
        )
        self.engine.start([])

    def visit(self, *arguments: Any, **scope: Any) -> Visit:
        return Visit(self.engine, *arguments, **scope)


@contextlib.asynccontextmanager
async def engine_of(handle: Any = plain, clock: Any = None, **limits: Any) -> AsyncIterator[Asgi]:
    made = Asgi(handle, clock or HandClock(), **limits)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.engine.stop, PATIENCE)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), PATIENCE * 2))  # type: ignore[arg-type]


def test_a_client_that_leaves_within_its_body_reaches_no_handler():
    async def scenario():
        seen = []
        async with engine_of(seen.append) as asgi:
            headers = [(b"host", b"a"), (b"content-length", b"100")]
            visit = asgi.visit("POST", headers=headers)
            visit.give(b"half", more=True)
            visit.leave()
            await visit.end()
            assert visit.sent == []
        assert seen == []

    run(scenario)


def test_a_body_that_stalls_is_408():
    async def scenario():
        clock = HandClock()
        async with engine_of(clock=clock) as asgi:
            headers = [(b"host", b"a"), (b"content-length", b"100")]
            visit = asgi.visit("POST", headers=headers)
            visit.give(b"half", more=True)
            while not visit.inbox.empty():
                await asyncio.sleep(0)
            clock.advance(31)
            await visit.end()
            assert visit.status == 408

    run(scenario)


def test_an_iterator_is_closed_when_its_client_leaves():
    async def scenario():
        closed = threading.Event()

        def body():
            try:
                while True:
                    yield b"more"
            finally:
                closed.set()

        async with engine_of(lambda exchange: exchange.reply(text_response(body()))) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: len(visit.sent) > 3)
            visit.leave()
            await visit.end()
            assert await asyncio.to_thread(closed.wait, PATIENCE)
            assert not visit.is_whole
            assert asgi.reports == []

    run(scenario)


def test_an_iterator_is_asked_for_its_next_piece_when_the_last_was_taken():
    async def scenario():
        given = []

        def body():
            for number in range(5):
                given.append(number)
                yield b"x"

        async with engine_of(lambda exchange: exchange.reply(text_response(body()))) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: len(visit.sent) > 1)
            visit.takes.clear()
            asked = len(given)
            await asyncio.sleep(0.05)
            assert len(given) <= asked + 2
            visit.takes.set()
            await visit.end()
            assert visit.body == b"xxxxx"
            assert visit.is_whole

    run(scenario)


def test_a_client_that_takes_nothing_is_given_up_at_the_write_deadline():
    async def scenario():
        clock = HandClock()
        async with engine_of(clock=clock) as asgi:
            visit = asgi.visit()
            visit.takes.clear()
            while not asgi.engine.connections:
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            clock.advance(29)
            await asyncio.sleep(0.05)
            assert not visit.task.done()
            clock.advance(2)
            await visit.end()
            assert visit.sent == []

    run(scenario)


def test_a_file_is_closed_when_its_client_has_gone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_000_000)
    opened = []

    def handle(exchange):
        opened.append(path.open("rb"))
        exchange.reply(text_response(FileBody(opened[0], 0, 1_000_000)))

    async def scenario():
        clock = HandClock()
        async with engine_of(handle, clock) as asgi:
            visit = asgi.visit()
            visit.room = 3
            await visit.until(lambda: len(visit.sent) == 3)
            await asyncio.sleep(0.05)
            clock.advance(31)
            await visit.end()
            assert opened[0].closed
            assert not visit.is_whole

    run(scenario)


class Streams:
    """A handler that upgrades; its outboxes, and how often one was said to be gone."""

    def __init__(self) -> None:
        self.outboxes: list[Any] = []
        self.gone = threading.Semaphore(0)

    def __call__(self, exchange: Any) -> None:
        outbox = exchange.upgrade(Response(), keepalive=Keepalive(b"ping", 15, FAREWELL))
        exchange.on_close(self.gone.release)
        outbox.put(b"first")
        self.outboxes.append(outbox)  # who has seen the first frame finds it
        outbox.release()


def test_a_burst_is_one_message():
    async def scenario():
        streams = Streams()
        async with engine_of(streams) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: visit.body == b"first")
            for _ in range(100):
                streams.outboxes[0].put(b"x")
            await visit.until(lambda: len(visit.body) == 105)
            assert [len(message.get("body", b"")) for message in visit.sent] == [0, 5, 100]

    run(scenario)


def test_a_stream_that_the_server_cancels_gets_its_farewell():
    async def scenario():
        streams = Streams()
        async with engine_of(streams) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: visit.body == b"first")
            visit.task.cancel()
            await visit.end()
            assert visit.body == b"first" + FAREWELL
            assert visit.is_whole
            assert streams.gone.acquire(timeout=PATIENCE)

    run(scenario)


def test_a_stream_that_is_cancelled_while_its_client_is_stuck_holds_nobody_up():
    async def scenario():
        streams = Streams()
        async with engine_of(streams) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: visit.body == b"first")
            visit.takes.clear()
            streams.outboxes[0].put(b"never read")
            await asyncio.sleep(0.05)
            visit.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await visit.end()
            assert streams.gone.acquire(timeout=PATIENCE)

    run(scenario)


def test_a_request_that_is_cancelled_before_it_becomes_a_stream_leaves_nothing():
    async def scenario():
        go_on, entered = threading.Event(), threading.Event()
        streams = Streams()

        def handle(exchange):
            entered.set()
            assert go_on.wait(PATIENCE)
            streams(exchange)

        async with engine_of(handle) as asgi:
            visit = asgi.visit()
            assert await asyncio.to_thread(entered.wait, PATIENCE)
            visit.task.cancel()
            await asyncio.gather(visit.task, return_exceptions=True)
            go_on.set()
            assert await asyncio.to_thread(streams.gone.acquire, timeout=PATIENCE)
            assert asgi.engine.streams == 0

    run(scenario)


def test_silence_is_broken_by_pings_of_the_server_s_clock():
    async def scenario():
        clock = HandClock()
        async with engine_of(Streams(), clock) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: visit.body == b"first")
            clock.advance(16)
            await visit.until(lambda: visit.body == b"firstping")

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ([(b"host", b"one")], "one"),
        ([(b":authority", b"two")], "two"),
        ([(b":authority", b"three"), (b"host", b"three")], "three"),
        ([], ""),
    ],
)
def test_http_2_names_its_host_as_the_server_passes_it_on(headers, host):
    async def scenario():
        seen = []

        def handle(exchange):
            seen.append(exchange.request)
            plain(exchange)

        async with engine_of(handle) as asgi:
            visit = asgi.visit(http_version="2", headers=headers)
            visit.give(b"", more=False)
            await visit.end()
            assert visit.status == 200
        assert seen[0].host == host
        assert all(not name.startswith(":") for name in seen[0].headers)

    run(scenario)


@pytest.mark.parametrize(
    ("scope", "path", "target"),
    [
        ({"raw_path": b"/a%2Fb%20c", "query_string": b"x=1"}, "/a%2Fb c", "/a%2Fb%20c?x=1"),
        ({"raw_path": None, "path": "/ä b"}, "/ä b", "/%C3%A4%20b"),
        ({"raw_path": b"/a?x=1", "query_string": b"x=1"}, "/a", "/a?x=1"),
        ({"raw_path": b"/in/a", "root_path": "/in"}, "/a", "/in/a"),
        ({"raw_path": b"/in", "root_path": "/in/"}, "/", "/in"),
        # A proxy has taken it off.
        ({"raw_path": b"/inner", "root_path": "/in"}, "/inner", "/in/inner"),
        ({"raw_path": b"/a", "root_path": "/\u00e4"}, "/a", "/%C3%A4/a"),
        ({"raw_path": b"http://other/a"}, "/a", "/a"),
        ({"raw_path": b"*", "method": "OPTIONS"}, "*", "*"),
    ],
)
def test_the_target_of_a_scope(scope, path, target):
    async def scenario():
        seen = []

        def handle(exchange):
            seen.append(exchange.request)
            plain(exchange)

        async with engine_of(handle) as asgi:
            await asgi.visit(**scope).end()
        assert (seen[0].path, seen[0].target) == (path, target)

    run(scenario)


@pytest.mark.parametrize(
    ("version", "status"), [("1.1", 200), ("1.2", 200), ("2", 200), ("3", 200), ("2.0", 505)]
)
def test_a_version_is_known_or_none_at_all(version, status):
    async def scenario():
        async with engine_of() as asgi:
            visit = asgi.visit(http_version=version)
            visit.inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
            await visit.end()
            assert visit.status == status

    run(scenario)


@pytest.mark.parametrize(
    "scope",
    [
        {"raw_path": b"/%00"},
        {"raw_path": b"/%FF"},
        {"raw_path": b"no-slash"},
        {"headers": []},
        {"headers": [(b"host", b"a"), (b"host", b"b")]},
        {"headers": [(b"host", b"a b")]},
    ],
)
def test_what_our_own_engine_refuses_is_refused(scope):
    async def scenario():
        async with engine_of(lambda exchange: pytest.fail("handled")) as asgi:
            visit = asgi.visit(**scope)
            await visit.end()
            assert visit.status == 400

    run(scenario)


def test_headers_are_lower_case_and_framing_is_the_servers():
    def handle(exchange):
        response = text_response(b"hello")
        for name in ("Connection", "Transfer-Encoding", "Date", "Keep-Alive", "X-Mine"):
            response.headers[name] = "mine"
        exchange.reply(response)

    async def scenario():
        async with engine_of(handle) as asgi:
            visit = asgi.visit()
            await visit.end()
            assert visit.sent[0]["headers"] == [
                (b"content-type", b"text/plain"),
                (b"x-mine", b"mine"),
                (b"content-length", b"5"),
            ]

    run(scenario)


def test_the_end_of_the_engine_cuts_what_is_open_and_takes_no_more():
    async def scenario():
        streams = Streams()
        async with engine_of(streams) as asgi:
            visit = asgi.visit()
            await visit.until(lambda: visit.body == b"first")
            asgi.engine.stop_accepting()
            late = asgi.visit()
            await late.end()
            assert late.status == 503
            await asyncio.to_thread(asgi.engine.stop, PATIENCE)
            await visit.end()
            assert not visit.is_whole
            assert streams.gone.acquire(timeout=PATIENCE)

    run(scenario)
