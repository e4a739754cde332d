"""Custom log types and custom methods: users' functions on the log thread."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from pode_py.core import ambient
from pode_py.core.errors import PodeError, StartError
from pode_py.observability.logs.functions import (
    add_log_type,
    clear_log_types,
    enable_log_error_type,
    protect_log_item,
    remove_log_type,
    write_error_log,
    write_log,
)
from pode_py.observability.logs.methods.functions import (
    clear_log_methods,
    new_log_batch_info,
    new_log_custom_method,
    new_log_file_method,
    remove_log_method,
)


@pytest.fixture
def seen():
    return []


def test_the_handler_of_a_type_makes_what_is_logged(server):
    add_log_type(
        new_log_file_method("app"),
        "main",
        lambda item, unit: f"{item['amount']} {unit}",
        argument_list=["apples"],
    )
    write_log({"amount": 3}, "main")
    assert server.lines("app") == ["3 apples"]


def test_version_2_of_a_type_gets_the_event(server, clock):
    add_log_type(
        new_log_file_method("app"),
        "main",
        lambda event: f"{event.name} {event.level} {event.data} {event.metadata['k']}",
        version=2,
        levels="*",
    )
    write_log("x", "main", level="Debug", metadata={"k": "v"})
    assert server.lines("app") == ["main debug x v"]


def test_a_type_is_a_decorator_too(server):
    @add_log_type(new_log_file_method("app"), "main")
    def shout(item):
        return item.upper()

    write_log("hey", "main")
    assert server.lines("app") == ["HEY"]
    assert shout("a") == "A"
    server.registrations.check()


def test_a_forgotten_decorator_is_found_at_the_start(server):
    add_log_type(new_log_file_method("app"), "main")
    with pytest.raises(StartError, match=r'add_log_type\(\.\.\., "main"\) at .*test_log_custom'):
        server.registrations.check()


def test_a_handler_that_returns_nothing_logs_nothing(server):
    add_log_type(new_log_file_method("app"), "main", lambda item: item or None)
    write_log("", "main")
    write_log("x", "main")
    assert server.lines("app") == ["x"]


def test_a_type_takes_its_levels_only(server):
    add_log_type(new_log_file_method("app"), "main", raw=True, levels=["Warning", "error"])
    for level in ("warning", "error", "informational", "debug"):
        write_log(level, "main", level=level)
    assert server.lines("app") == ["warning", "error"]


def test_headers_come_before_the_first_line(server):
    add_log_type(new_log_file_method("app"), "main", raw=True, log_header=["#A", "#B"])
    write_log("one", "main")
    write_log("two", "main")
    assert server.lines("app") == ["#A", "#B", "one", "two"]


def test_several_types_are_written_at_once(server):
    add_log_type(new_log_file_method("one"), "one", raw=True)
    add_log_type(new_log_file_method("two"), "two", raw=True)
    write_log("x", ["one", "two"])
    assert server.lines("one") == server.lines("two") == ["x"]


def test_arguments_in_the_wrong_order_are_told(server):
    with pytest.raises(TypeError, match=r"write_log\(object, name\)"):
        write_log("main", {"a": 1})


def test_a_removed_type_takes_no_more(server):
    add_log_type(new_log_file_method("app"), "main", raw=True)
    write_log("before", "main")
    remove_log_type("main")
    write_log("after", "main")
    assert server.lines("app") == ["before"]


def test_clearing_types_and_methods_leaves_their_names_free(server):
    method = new_log_file_method("app", id="file")
    add_log_type(method, "main", raw=True)
    write_log("before", "main")
    clear_log_types()
    clear_log_methods()
    add_log_type(new_log_file_method("app", id="file"), "main", raw=True)
    write_log("after", "main")
    assert server.lines("app") == ["before", "after"]


def test_an_id_exists_once(server):
    new_log_file_method("app", id="File")
    with pytest.raises(PodeError, match="already exists"):
        new_log_file_method("app", id="file")


def test_a_method_gets_the_item_its_arguments_and_the_raw_data(server, seen):
    def take(item, bucket, key, raw):
        seen.append((item, bucket, key, raw))

    method = new_log_custom_method(take, argument_list=["b", "k"])
    add_log_type(method, "main", lambda item: item["text"].upper())
    write_log({"text": "hey"}, "main")
    assert server.logs.flush()
    assert seen == [("HEY", "b", "k", {"text": "hey"})]


def test_a_method_takes_arguments_by_name(server, seen):
    method = new_log_custom_method(
        lambda item, *, bucket: seen.append((item, bucket)), argument_list={"bucket": "b"}
    )
    add_log_type(method, "main", raw=True)
    write_log("x", "main")
    assert server.logs.flush()
    assert seen == [("x", "b")]


def test_an_argument_nobody_takes_is_told_at_once(server):
    with pytest.raises(PodeError, match="has no parameter 'bucket'"):
        new_log_custom_method(lambda item: None, argument_list={"bucket": "b"})


def test_what_is_no_function_is_told_at_once(server):
    with pytest.raises(TypeError, match="handler takes a function"):
        new_log_custom_method("print")


def test_a_method_without_parameters_for_it_gets_only_the_item(server, seen):
    add_log_type(new_log_custom_method(seen.append), "main", raw=True)
    write_log("x", "main")
    assert server.logs.flush()
    assert seen == ["x"]


def test_version_2_of_a_method_gets_items(server, seen):
    def take(items, prefix):
        seen.extend(f"{prefix}{item} {item.event.data} {item.event.level}" for item in items)

    add_log_type(
        new_log_custom_method(take, version=2, argument_list=["> "]),
        "main",
        lambda item: {"n": item},
    )
    write_log(7, "main")
    assert server.logs.flush()
    assert seen == ['> {"n":7} 7 informational']


def test_a_method_is_a_decorator_too(server, seen):
    @new_log_custom_method(id="keep")
    def keep(item):
        seen.append(item)

    add_log_type("keep", "main", raw=True)
    write_log("x", "main")
    assert server.logs.flush()
    assert seen == ["x"]
    with pytest.raises(TypeError, match="id takes a str"):
        new_log_custom_method()


def test_a_handler_runs_on_the_log_thread_in_the_servers_context(server, seen):
    marker: ContextVar[str] = ContextVar("marker", default="clean")

    def look(_item):
        seen.append((threading.current_thread().name, marker.get(), ambient.current_server()))
        marker.set("dirty")

    add_log_type(new_log_custom_method(look), "main", raw=True)
    write_log("x", "main")
    write_log("x", "main")
    assert server.logs.flush()
    assert seen == [("pode-logs", "clean", server)] * 2


def test_an_async_handler_runs_on_the_servers_loop(server, seen):
    async def take(item):
        await asyncio.sleep(0)
        seen.append((item, threading.current_thread().name))

    add_log_type(new_log_custom_method(take), "main", raw=True)
    write_log("x", "main")
    assert server.logs.flush()
    assert seen == [("x", "pode-loop")]


def test_a_batch_comes_as_a_list_when_it_is_full(server, seen):
    method = new_log_custom_method(
        lambda items, raw: seen.append((items, raw)), batch_info=new_log_batch_info(3)
    )
    add_log_type(method, "main", str.upper)
    for text in "abcdefg":
        write_log(text, "main")
    assert server.logs.stop()
    assert seen == [
        (["A", "B", "C"], ["a", "b", "c"]),
        (["D", "E", "F"], ["d", "e", "f"]),
        (["G"], ["g"]),
    ]


def test_a_batch_that_is_not_full_comes_after_its_timeout(server, clock):
    came = threading.Semaphore(0)
    seen = []

    def take(items):
        seen.append(items)
        came.release()

    method = new_log_custom_method(take, batch_info=new_log_batch_info(3, 10))
    add_log_type([method, new_log_custom_method(lambda item: came.release())], "main", raw=True)
    write_log("a", "main")
    assert came.acquire(timeout=30)
    clock.advance(9)
    write_log("b", "main")
    assert came.acquire(timeout=30)
    assert seen == []
    clock.advance(1)
    assert came.acquire(timeout=30)
    assert seen == [["a", "b"]]


def test_a_batch_needs_a_size(server):
    with pytest.raises(ValueError, match="size=0 must be at least 1"):
        new_log_batch_info(0)


def test_a_raising_method_is_told_once_a_minute_and_harms_nobody(server, clock, capsys, seen):
    def fail(item):
        if item != "fine":
            raise ValueError(f"no {item}")
        seen.append(item)

    add_log_type(
        [new_log_custom_method(fail, id="mine"), new_log_file_method("app")], "main", raw=True
    )
    for _ in range(10):
        write_log("x", "main")
    write_log("fine", "main")
    assert server.lines("app") == ["x"] * 10 + ["fine"]
    assert seen == ["fine"]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "The log method 'mine' (custom) fails: ValueError: no x (at " in told
    assert "test_log_custom.py:" in told
    clock.advance(60)
    assert server.logs.flush()
    assert "Up to 9 lines were lost" in capsys.readouterr().err


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_no_exception_ends_the_log_thread(server, error, capsys):
    def leave(item):
        raise error

    add_log_type([new_log_custom_method(leave), new_log_file_method("app")], "main", raw=True)
    add_log_type(new_log_file_method("other"), "other", leave)
    write_log("x", ["main", "other"])
    write_log("y", ["main", "other"])
    assert server.lines("app") == ["x", "y"]
    assert "The handler of the log type 'other' fails" in capsys.readouterr().err


def test_an_item_whose_text_fails_takes_no_other_line_with_it(server):
    class Broken:
        def __str__(self):
            raise RuntimeError

        __repr__ = __str__

    add_log_type(new_log_file_method("app"), "main", raw=True)
    write_log("before", "main")
    write_log(Broken(), "main")
    write_log("after", "main")
    assert server.lines("app") == [
        "before",
        "(An item of the type Broken could not be shown: RuntimeError.)",
        "after",
    ]


def test_a_handler_may_log(server, seen):
    def take(item):
        seen.append(item)
        if item == "one":
            write_log("two", "main")
            write_error_log("from the handler")

    add_log_type(new_log_custom_method(take), "main", raw=True)
    enable_log_error_type(new_log_file_method("errors"))
    write_log("one", "main")
    assert server.logs.flush()
    assert len(server.lines("errors")) == 1
    assert seen == ["one", "two"]


def test_written_text_cannot_forge_a_record_or_move_a_terminal(server):
    add_log_type(new_log_file_method("app"), "main", raw=True)
    write_log("login of x\nlogin of admin\r\x1b[1A", "main")
    assert server.read("app") == "login of x\n    login of admin\\r\\x1b[1A\n"


def test_a_custom_method_gets_what_was_written_and_masks_it_itself(server, seen):
    add_log_type(
        new_log_custom_method(lambda item: seen.append(protect_log_item(item))), "m", raw=True
    )
    write_log("/x?token=abc", "m")
    assert server.logs.flush()
    assert seen == ["/x?token=********"]


def test_removing_what_is_not_there_is_no_error(server):
    remove_log_type("none")
    remove_log_method("none")
