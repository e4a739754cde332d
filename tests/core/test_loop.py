"""The server's event loop: its own, or one that it adopts."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextvars import copy_context

import pytest

from pode_py.core.errors import PodeError
from pode_py.core.loop import EventLoop

PATIENCE = 30.0


async def thread_name() -> str:
    return threading.current_thread().name


def test_the_first_coroutine_starts_a_loop_on_a_thread_of_its_own():
    loop = EventLoop()
    assert loop.run(thread_name()) == "pode-loop"
    loop.stop(PATIENCE)
    assert "pode-loop" not in [thread.name for thread in threading.enumerate()]


def test_an_adopted_loop_runs_coroutines_and_goes_on_after_the_stop():
    async def scenario():
        loop = EventLoop()
        loop.adopt(asyncio.get_running_loop())
        assert loop.running() is asyncio.get_running_loop()
        name = await asyncio.to_thread(loop.run, thread_name())
        assert name == threading.current_thread().name
        await asyncio.to_thread(loop.stop, PATIENCE)
        with pytest.raises(PodeError, match="stopped"):
            await asyncio.to_thread(loop.run, thread_name())
        return "still here"

    assert asyncio.run(scenario()) == "still here"


def test_the_stop_cancels_what_runs_on_an_adopted_loop_and_nothing_else():
    async def scenario():
        loop = EventLoop()
        loop.adopt(asyncio.get_running_loop())
        others = asyncio.create_task(asyncio.sleep(0.2, "done"))
        begun = asyncio.Event()

        async def wait_for_ever():
            begun.set()
            await asyncio.sleep(3600)

        mine = asyncio.create_task(asyncio.to_thread(loop.run, wait_for_ever()))
        await begun.wait()
        await asyncio.to_thread(loop.stop, PATIENCE)
        with pytest.raises(PodeError, match="cancelled"):
            await mine
        return await others

    assert asyncio.run(scenario()) == "done"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError])
def test_what_a_coroutine_raises_comes_out_where_it_is_waited_for(error):
    async def fail():
        raise error

    async def scenario():
        loop = EventLoop()
        loop.adopt(asyncio.get_running_loop())
        outcome = []

        def wait():
            try:
                loop.run(fail())
            except BaseException as raised:
                outcome.append(type(raised))

        await asyncio.to_thread(wait)
        return outcome

    assert asyncio.run(scenario()) == [error]


def test_a_loop_that_runs_already_is_not_exchanged():
    loop = EventLoop()
    loop.running()
    other = asyncio.new_event_loop()
    with pytest.raises(RuntimeError):
        loop.adopt(other)
    other.close()
    loop.stop(PATIENCE)


def test_coroutines_that_start_before_the_loops_next_turn_share_one_wake_up():
    async def scenario():
        running, wakes, order = asyncio.get_running_loop(), [], []
        wake = running.call_soon_threadsafe
        running.call_soon_threadsafe = lambda *given, **kept: (
            wakes.append(1),
            wake(*given, **kept),
        )
        loop = EventLoop()
        loop.adopt(running)
        over = running.create_future()

        async def note(number):
            order.append(number)
            return number

        def ended(value, error):
            assert error is None
            if value == 4:
                over.set_result(None)

        for number in range(5):
            loop.start(note(number), copy_context(), ended)
        await over
        assert (order, len(wakes)) == ([0, 1, 2, 3, 4], 1)

    asyncio.run(scenario())


def test_a_coroutine_that_cannot_become_a_task_stops_no_other():
    async def scenario():
        running = asyncio.get_running_loop()
        loop = EventLoop()
        loop.adopt(running)
        outcomes, over = [], running.create_future()
        make = asyncio.Task

        def factory(loop, coroutine, **given):
            if not outcomes:
                raise RuntimeError("no task")
            return make(coroutine, loop=loop, **given)

        def ended(value, error):
            outcomes.append(value or str(error))
            if len(outcomes) == 2:
                over.set_result(None)

        running.set_task_factory(factory)
        for _ in range(2):
            loop.start(thread_name(), copy_context(), ended)
        await over
        assert outcomes == ["no task", threading.current_thread().name]

    asyncio.run(scenario())


def test_what_a_task_raises_that_nobody_awaits_is_reported():
    reported: list[tuple[object, str]] = []
    known = threading.Event()

    def report(error: BaseException | str, where: str) -> None:
        reported.append((error, where))
        known.set()

    async def lost() -> None:
        raise KeyError("name")

    async def handler() -> None:
        asyncio.create_task(lost())  # noqa: RUF006 - that is the mistake
        await asyncio.sleep(0)

    loop = EventLoop(report=report)
    loop.run(handler())
    gc.collect()
    assert known.wait(PATIENCE)
    loop.stop(PATIENCE)
    (error, where) = reported[0]
    assert isinstance(error, KeyError)
    assert where == "The task `lost`, which nobody awaits"
