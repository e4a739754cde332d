"""Runner: carries an exchange through its steps; what is awaited holds no thread."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar, copy_context

import pytest

from pode_py.core.errors import ClientDisconnected
from pode_py.core.loop import EventLoop
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.runner import Runner
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.response import Response

DEADLINE = 30.0
MARK: ContextVar[str] = ContextVar("mark", default="nothing")


class Waiting(Exchange):
    """Runs what goes on with it on a thread of its own, and notes what became of it."""

    def __init__(self):
        headers = RequestHeaders([])
        super().__init__(Request("GET", "/", "/", "", headers, peer=Peer("127.0.0.1")))
        self.done = threading.Event()
        self.deferrals = 0

    def _prepare(self, response):
        return response.status_code

    def _send(self, head, body): ...

    def _open(self, head, limits, keepalive): ...

    def _open_body(self, head): ...

    def _cut(self): ...

    def _defer(self):
        self.deferrals += 1

    def _resume(self, job):
        threading.Thread(target=lambda: job() and self.done.set(), daemon=True).start()

    def _is_ended(self):
        return False


@pytest.fixture
def loop():
    loop = EventLoop()
    yield loop
    loop.stop(DEADLINE)


@pytest.fixture
def make_runner(loop):
    def make(serve, context=None):
        return Runner(serve, loop, context or copy_context(), lambda error, _: errors.append(error))

    errors = make.errors = []
    return make


def test_each_exchange_has_a_copy_of_the_servers_context(make_runner):
    context, seen = copy_context(), []
    context.run(MARK.set, "server")

    def serve(exchange):
        seen.append(MARK.get())
        MARK.set("request")
        exchange.reply(Response())
        return
        yield

    runner = make_runner(serve, context)
    assert [runner.run(Waiting()) for _ in range(3)] == [True] * 3
    assert seen == ["server"] * 3
    assert context[MARK] == "server"


def test_what_is_awaited_holds_no_thread_and_goes_on_in_the_same_context(make_runner):
    seen = []

    async def answer():
        MARK.set(MARK.get() + " and coroutine")
        return threading.current_thread().name

    def serve(exchange):
        MARK.set("steps")
        seen.append((yield answer()))
        seen.append(MARK.get())
        exchange.reply(Response())

    runner, exchange = make_runner(serve), Waiting()
    assert not runner.run(exchange)
    assert exchange.done.wait(DEADLINE)
    assert seen == ["pode-loop", "steps and coroutine"]
    assert runner.wait_idle(DEADLINE)
    assert exchange.deferrals == 1


def test_a_client_that_leaves_cancels_what_is_awaited(make_runner):
    seen, began = [], threading.Event()

    async def forever():
        began.set()
        await asyncio.sleep(3600)

    def serve(exchange):
        try:
            yield forever()
        except ClientDisconnected:
            seen.append("cancelled")

    runner, exchange = make_runner(serve), Waiting()
    runner.run(exchange)
    assert began.wait(DEADLINE)
    exchange.client_left()
    assert exchange.done.wait(DEADLINE)
    assert seen == ["cancelled"]


def test_a_client_that_has_left_does_not_cancel_endware(make_runner):
    seen, began, go_on = [], threading.Event(), threading.Event()

    async def endware():
        began.set()
        await asyncio.to_thread(go_on.wait, DEADLINE)
        return "ran to its end"

    def serve(exchange):
        exchange.interruptible = False
        seen.append((yield endware()))

    runner, exchange = make_runner(serve), Waiting()
    runner.run(exchange)
    assert began.wait(DEADLINE)
    exchange.client_left()
    go_on.set()
    assert exchange.done.wait(DEADLINE)
    assert seen == ["ran to its end"]


def test_steps_that_raise_are_reported_and_the_exchange_is_cut(make_runner):
    def serve(exchange):
        raise SystemExit(3)
        yield

    exchange = Waiting()
    assert make_runner(serve).run(exchange)
    assert exchange.aborted
    assert [type(error) for error in make_runner.errors] == [SystemExit]
