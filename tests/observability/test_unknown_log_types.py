"""write_log to a type that does not exist: nothing is logged, and somebody says so."""

from __future__ import annotations

from typing import Any

import pytest

from pode_py import (
    add_log_type,
    add_route,
    clear_log_types,
    new_log_custom_method,
    remove_log_type,
    write_log,
)


@pytest.fixture
def logged(live_server: Any, capfd: pytest.CaptureFixture[str]):
    """What is on standard error after a server has done these calls in turn."""

    def run(*calls: Any, **options: Any) -> str:
        def set_up() -> None:
            add_route("get", "/", lambda: "")
            add_log_type(new_log_custom_method(lambda item: None), "main", raw=True)

        live = live_server(set_up, **options)
        for call in calls:
            live.call(call)
        live.stop()
        return capfd.readouterr().err

    return run


def test_a_misspelt_name_is_a_warning_with_the_nearest_name_and_the_line(logged: Any):
    text = logged(lambda: write_log("x", "mian"))
    assert "test_unknown_log_types.py:" in text
    assert "there is no log type 'mian'. Did you mean 'main'? There are: 'main'." in text


def test_swapped_arguments_are_named(logged: Any):
    text = logged(lambda: write_log("main", "hello"))
    assert "The object comes first: write_log(object, 'main')." in text


def test_one_of_several_names_is_enough(logged: Any):
    assert "no log type 'other'" in logged(lambda: write_log("x", ["main", "other"]))


def test_it_is_said_once_a_minute_with_its_count(logged: Any, clock: Any):
    def write() -> None:
        write_log("x", "mian")

    def a_minute_later() -> None:
        clock.advance(61)
        write()

    text = logged(write, write, write, a_minute_later, clock=clock)
    assert text.count("no log type 'mian'") == 2
    assert "It has happened 3 times since this was said last." in text


def test_a_name_that_is_there_or_was_removed_is_no_warning(logged: Any):
    def with_removed() -> None:
        add_log_type(new_log_custom_method(lambda item: None), "Mine", raw=True)
        write_log("x", "MAIN")
        remove_log_type("mine")
        write_log("x", "mine")
        clear_log_types()
        write_log("x", "main")

    assert "no log type" not in logged(with_removed)
