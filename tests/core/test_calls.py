"""Calls: one caller of users' functions, and two drivers that keep one context for all steps."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar, copy_context

import pytest

from pode_py.core.calls import Calls, is_coroutine, steps
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.core.loop import EventLoop
from pode_py.core.loop_watch import LoopWatch

DEADLINE = 30.0
MARK: ContextVar[str] = ContextVar("mark", default="nothing")


@pytest.fixture
def loop():
    loop = EventLoop()
    yield loop
    loop.stop(DEADLINE)


@pytest.fixture
def calls(loop):
    return Calls(loop)


def handler(function):
    return Handler(function, what="test")


async def named() -> str:
    MARK.set(f"{MARK.get()}, coroutine")
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_plain_function_runs_on_the_calling_thread(calls):
    assert calls.run(steps(handler(threading.get_ident), None)) == threading.get_ident()


def test_a_coroutine_is_awaited_also_behind_a_plain_function(calls):
    assert calls.run(steps(handler(named), None)) == "pode-loop"
    assert calls.run(steps(handler(lambda *_: named()), None)) == "pode-loop"


def test_all_steps_of_a_call_have_one_context_and_the_callers_is_left_alone(calls):
    context = copy_context()

    def call():
        MARK.set("first step")
        yield named()
        return MARK.get()

    assert calls.run(call(), context) == "first step, coroutine"
    assert context[MARK] == "first step, coroutine"
    assert MARK.get() == "nothing"


def test_what_a_coroutine_raises_is_raised_where_it_was_awaited(calls):
    async def fail():
        raise KeyError("missing")

    def call():
        try:
            yield fail()
        except KeyError as error:
            return error.args

    assert calls.run(call()) == ("missing",)


def test_a_started_call_goes_on_where_its_caller_says(calls):
    ended = threading.Event()
    outcome, names = [], []

    def resume(job):
        threading.Thread(target=job, name="resumed").start()

    def done(value, error):
        outcome.append((value, error))
        names.append(threading.current_thread().name)
        ended.set()

    calls.start(steps(handler(named), None), copy_context(), resume, done)
    assert ended.wait(DEADLINE)
    assert outcome == [("pode-loop", None)]
    assert names == ["resumed"]


def test_a_cancelled_call_gets_the_reason(calls):
    began, ended, outcome = threading.Event(), threading.Event(), []

    async def forever():
        began.set()
        await asyncio.sleep(3600)

    def done(value, error):
        outcome.append(error)
        ended.set()

    call = steps(handler(forever), None)
    started = calls.start(call, copy_context(), lambda job: job(), done)
    assert began.wait(DEADLINE)
    reason = ValueError("no longer wanted")
    started.cancel(reason)
    assert ended.wait(DEADLINE)
    assert outcome == [reason]


def test_a_call_on_a_stopped_loop_says_so(calls, loop):
    loop.stop(DEADLINE)
    with pytest.raises(PodeError, match="stopped"):
        calls.run(steps(handler(named), None))


@pytest.mark.parametrize("value", [None, "text", {}, [], 1, object(), lambda: None])
def test_what_is_no_coroutine(value):
    assert not is_coroutine(value)


def test_a_loop_that_does_not_turn_is_reported_once_with_its_stack():
    warnings, warned, go_on = [], threading.Event(), threading.Event()

    def warn(text):
        warnings.append(text)
        warned.set()

    loop = EventLoop(warn)

    async def blocks():
        assert warned.wait(DEADLINE)
        go_on.wait(0)

    loop.run(blocks())
    loop.stop(DEADLINE)
    assert len(warnings) == 1
    assert "in blocks" in warnings[0]


def test_a_loop_that_stands_still_again_within_the_minute_is_not_reported_again():
    said, looked = threading.Semaphore(0), threading.Semaphore(0)
    turns = []

    def call_soon(turn):
        """A loop that stands still until the test has it turn."""
        turns.append(turn)
        looked.release()
        return True

    watch = LoopWatch(call_soon, lambda text: said.release(), lambda: True)
    watch.begin()
    assert said.acquire(timeout=DEADLINE)
    turns[0]()
    for _ in range(2):
        assert looked.acquire(timeout=DEADLINE)
    assert not said.acquire(timeout=2.5)  # more than twice what it takes to notice
    turns[1]()
    watch.stop(DEADLINE)


def test_a_watch_asks_the_loop_nothing_while_nothing_runs_and_wakes_for_the_next():
    looked, asked = threading.Semaphore(0), threading.Semaphore(0)
    running = []

    def runs():
        looked.release()
        return running

    def call_soon(turn):
        turn()
        asked.release()
        return True

    watch = LoopWatch(call_soon, lambda text: None, runs)
    watch.begin()
    for _ in range(2):  # before it looks, and before it sleeps
        assert looked.acquire(timeout=DEADLINE)
    assert not asked.acquire(blocking=False)
    running.append("a coroutine")
    watch.begin()
    assert asked.acquire(timeout=DEADLINE)
    watch.stop(DEADLINE)


def test_a_watch_without_anything_to_watch_ends_at_once():
    watch = LoopWatch(lambda callback: True, lambda text: None, lambda: True)
    watch.stop(DEADLINE)
    assert "pode-watch" not in [thread.name for thread in threading.enumerate()]
