"""Tracebacks begin at the user's frame."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial
from traceback import TracebackException
from typing import Any

from pode_py import add_endpoint
from pode_py.core.arguments import one_of
from pode_py.core.calls import Calls, steps
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.core.loop import EventLoop
from pode_py.core.paths import Folders
from pode_py.core.registry import Registry
from pode_py.core.tracebacks import described, place_in, text_of, text_of_frame, users_part


def raised_by(function: Callable[[], Any]) -> BaseException:
    """What comes out of a handler that we run."""
    loop = EventLoop()
    try:
        Calls(loop).run(steps(Handler(function, what="a test"), None))
    except BaseException as error:
        return error
    finally:
        loop.stop(2)
    raise AssertionError("it raises nothing")


def test_our_frames_before_the_user_s_are_left_out():
    def handler() -> None:
        deeper()

    def deeper() -> None:
        raise ValueError("mine")

    error = raised_by(handler)
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]  # without the test
    assert [frame.name for frame in described(error).stack] == ["handler", "deeper"]
    assert "pode_py/core" not in text_of(error)


def test_those_of_a_coroutine_are_left_out_as_well():
    async def handler() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    error = raised_by(handler)
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert [frame.name for frame in described(error).stack] == ["handler"]
    assert users_part(error).tb_frame.f_code.co_name == "handler"  # type: ignore[union-attr]


def test_a_pode_error_ends_at_the_user_s_line():
    def handler() -> None:
        registry: Registry[int] = Registry("Timer")
        registry.need("tick")

    error = raised_by(handler)
    assert isinstance(error, PodeError)
    assert described(error).stack[-1].name == "handler"


def test_another_error_of_ours_is_shown_to_its_end():
    def handler() -> None:
        Folders(None)  # type: ignore[arg-type]

    error = raised_by(handler)
    assert described(error).stack[-1].name == "__init__"


def test_what_it_was_raised_from_is_shown_so_too():
    def handler() -> None:
        first = raised_by(failing)
        first.__traceback__ = first.__traceback__.tb_next  # type: ignore[union-attr]
        raise ExceptionGroup("both", [ValueError("one")]) from first

    def failing() -> None:
        raise KeyError("first")

    error = raised_by(handler)
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    text = text_of(error)
    assert "pode_py/core" not in text
    assert "KeyError: 'first'" in text
    assert "ValueError: one" in text


def test_a_pode_error_without_a_frame_of_the_user_s_is_its_sentence():
    error = raised_by(len)  # type: ignore[arg-type]
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]  # without the test
    assert text_of(error).startswith("pode_py.core.errors.PodeError: `len`, the handler of a test,")
    assert users_part(error) is None


def test_another_error_without_a_frame_of_the_user_s_is_shown_to_its_end():
    error = raised_by(partial(Folders, None))  # type: ignore[arg-type]
    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
    assert described(error).stack[0].name == "run"
    assert described(error).stack[-1].name == "__init__"


def test_an_error_that_ours_raises_on_purpose_ends_at_the_user_s_line():
    def handler() -> None:
        one_of("method", "gte", ["get"])

    error = raised_by(handler)
    assert isinstance(error, ValueError)
    assert described(error).stack[-1].name == "handler"


def test_a_call_of_ours_that_fails_adds_nothing_to_the_traceback():
    try:
        add_endpoint(port="8080")  # type: ignore[arg-type]
    except TypeError as error:
        caught = error
    assert [frame.name for frame in TracebackException.from_exception(caught).stack] == [
        "test_a_call_of_ours_that_fails_adds_nothing_to_the_traceback"
    ]


def test_a_thread_s_place_is_the_innermost_frame_of_the_user_s():
    inside, go = threading.Event(), threading.Event()
    names: list[int] = []

    def handler() -> None:
        names.append(threading.get_ident())
        inside.set()
        go.wait()
        raise ValueError("at its end")

    thread = threading.Thread(target=raised_by, args=(handler,), daemon=True)
    thread.start()
    try:
        assert inside.wait(10)
        frame = sys._current_frames()[names[0]]
        assert "handler (test_tracebacks.py:" in place_in(frame)
        assert text_of_frame(frame).startswith(f'  File "{__file__}"')
    finally:
        go.set()
