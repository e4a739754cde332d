"""The server's event loop: its own, or one that it adopts."""

from __future__ import annotations

import asyncio
import threading

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
