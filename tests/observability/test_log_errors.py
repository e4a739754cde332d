"""The error log: what a record says, where it goes, and that tracebacks are never lost silently."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest

from pode_py.core import ambient
from pode_py.core.tracebacks import text_of_frame
from pode_py.observability.logs.functions import (
    disable_log_error_type,
    enable_log_error_type,
    write_error_log,
)
from pode_py.observability.logs.methods.functions import (
    new_log_custom_method,
    new_log_file_method,
)


def fail(message: str = "boom") -> BaseException:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_a_record_says_when_how_bad_which_thread_where_what_and_the_traceback(server):
    enable_log_error_type(new_log_file_method("errors"), as_utc=True)
    server.logs.write_exception(fail(), where="GET /users")
    first, *rest = server.lines("errors")
    assert first == (
        "2026-03-14 12:00:00.000+00:00 ERROR [MainThread] GET /users: ValueError: boom"
    )
    assert rest[0] == "    Traceback (most recent call last):"
    assert rest[-1] == "    ValueError: boom"
    assert any("raise ValueError(message)" in line for line in rest)
    assert all(line.startswith("    ") for line in rest)


def test_a_message_has_no_traceback(server):
    enable_log_error_type(new_log_file_method("errors"))
    server.logs.write_exception("the disk is nearly full", where="Timer 'watch'", level="critical")
    (line,) = server.lines("errors")
    assert line.endswith("CRITICAL [MainThread] Timer 'watch': the disk is nearly full")


def test_the_lines_where_a_thread_is_are_lines(server):
    enable_log_error_type(new_log_file_method("errors"))
    frame = text_of_frame(sys._getframe())
    server.logs.write_exception(f"It is late. It is here:\n{frame}", where="GET /")
    first, second, *_ = server.lines("errors")
    assert first.endswith("GET /: It is late. It is here:")
    assert second.startswith('      File "')
    assert "\\n" not in server.read("errors")


def test_the_thread_is_the_one_that_failed(server):
    enable_log_error_type(new_log_file_method("errors"))
    thread = threading.Thread(
        target=lambda: server.logs.write_exception("x", where="here"), name="pode-timers-3"
    )
    thread.start()
    thread.join()
    assert "[pode-timers-3]" in server.read("errors")


def test_an_exceptions_text_cannot_forge_a_record(server):
    enable_log_error_type(new_log_file_method("errors"))
    forged = "x\n2026-03-14 12:00:00.000+00:00 ERROR [MainThread] forged\x1b[2J\r\nagain"
    server.logs.write_exception(fail(forged), where="GET /a\nb")
    first, *rest = server.lines("errors")
    assert r"GET /a\nb: ValueError: x\n2026" in first
    assert r"forged\x1b[2J\r\nagain" in first
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in server.read("errors")


def test_secrets_in_an_error_are_masked(server):
    seen = []
    both = [new_log_file_method("errors"), new_log_custom_method(seen.append)]
    enable_log_error_type(both)
    text = "GET /x?ticket=s3cr3t, {'Authorization': 'Bearer s3cr3t', 'Cookie': 'sid=s3cr3t; a=b'}"
    server.logs.write_exception(fail(text), where="GET /x?token=s3cr3t")
    assert "s3cr3t" not in server.read("errors")
    assert "s3cr3t" not in seen[0]
    assert "/x?ticket=********" in seen[0]


def test_an_error_keeps_no_object_of_its_frames_alive(server):
    class Big:
        pass

    held = []

    def blow_up():
        big = Big()
        held.append(weakref.ref(big))
        raise ValueError("boom")

    blocked, go = threading.Event(), threading.Event()

    def slow(_item):
        blocked.set()
        go.wait(10)

    enable_log_error_type(new_log_custom_method(slow))
    server.logs.write_exception("first", where="here")
    assert blocked.wait(30)
    try:
        blow_up()
    except ValueError as error:
        server.logs.write_exception(error, where="here")
    gc.collect()
    alive = held[0]()
    go.set()
    assert alive is None


def test_only_serious_levels_are_logged_by_default(server):
    enable_log_error_type(new_log_file_method("errors"))
    for level in ("emergency", "alert", "critical", "error", "warning", "debug"):
        server.logs.write_exception(level, where="here", level=level)
    assert len(server.lines("errors")) == 4


def test_a_star_is_all_levels(server):
    enable_log_error_type(new_log_file_method("errors"), levels="*")
    for level in ("error", "warning", "notice", "informational", "verbose", "debug"):
        server.logs.write_exception(level, where="here", level=level)
    assert len(server.lines("errors")) == 6


def test_an_unknown_level_is_refused_at_once(server):
    with pytest.raises(ValueError, match="levels='loud' is not known"):
        enable_log_error_type(new_log_file_method("errors"), levels=["loud"])
    with pytest.raises(ValueError, match="level='loud' is not known"):
        write_error_log("x", level="loud")


def test_errors_of_clients_are_logged_only_if_asked_for(server):
    enable_log_error_type(new_log_file_method("server"))
    enable_log_error_type(new_log_file_method("client"), name="c", kind=["Client", "timeout"])
    for kind in ("server", "client", "timeout"):
        server.logs.write_exception(kind, where="here", kind=kind)
    assert len(server.lines("server")) == 1
    assert len(server.lines("client")) == 2


def test_without_an_error_type_serious_errors_and_one_hint_go_to_stderr(server, capsys):
    server.logs.write_exception(fail("one"), where="GET /a")
    server.logs.write_exception(fail("two"), where="GET /b")
    server.logs.write_exception("odd", where="GET /c", level="warning")
    server.logs.write_exception("harmless", where="GET /d", level="notice")
    assert server.logs.flush()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("enable_log_error_type(") == 1
    assert printed.err.count("Traceback (most recent call last):") == 2
    assert "GET /b: ValueError: two" in printed.err
    assert "odd" in printed.err
    assert "harmless" not in printed.err


def test_with_an_error_type_nothing_goes_to_stderr(server, capsys):
    enable_log_error_type(new_log_file_method("errors"), levels="critical")
    server.logs.write_exception(fail(), where="GET /a")
    assert server.logs.flush()
    assert capsys.readouterr().err == ""


def test_after_disabling_errors_go_to_stderr_again(server, capsys):
    enable_log_error_type(new_log_file_method("errors"))
    server.logs.write_exception(fail("one"), where="here")
    disable_log_error_type()
    server.logs.write_exception(fail("two"), where="here")
    assert "ValueError: one" in server.read("errors")
    assert "ValueError: two" in capsys.readouterr().err


def test_raw_gives_the_dict_to_the_method(server):
    seen = []
    enable_log_error_type(new_log_custom_method(seen.append), raw=True)
    server.logs.write_exception(fail(), where="GET /", context_id="abc")
    assert server.logs.flush()
    (raw,) = seen
    assert raw["category"] == "ValueError"
    assert raw["message"] == "boom"
    assert raw["level"] == "error"
    assert raw["kind"] == "server"
    assert raw["where"] == "GET /"
    assert raw["context_id"] == "abc"
    assert raw["thread"] == "MainThread"
    assert "raise ValueError(message)" in raw["stack_trace"]


def test_write_error_log_says_where_it_was_called(server):
    enable_log_error_type(new_log_file_method("errors"), levels="*")
    write_error_log(message="odd", level="Warning")
    assert "WARNING [MainThread] test_log_errors.py:" in server.read("errors")


def test_write_error_log_takes_the_exception_that_is_handled(server):
    enable_log_error_type(new_log_file_method("errors"))
    try:
        raise KeyError("lost")
    except KeyError:
        write_error_log()
    assert "KeyError: 'lost'" in server.lines("errors")[0]


def test_write_error_log_with_nothing_to_log_says_so(server):
    with pytest.raises(ValueError, match="nothing to log"):
        write_error_log()


def test_inner_exceptions_get_records_of_their_own_if_asked_for(server):
    enable_log_error_type(new_log_file_method("errors"))
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        write_error_log(error, check_inner_exception=True)
    records = [line for line in server.lines("errors") if not line.startswith("    ")]
    assert [line.rpartition(": ")[0].rpartition(" ")[2] for line in records] == [
        "ValueError",
        "KeyError",
    ]


def test_an_error_in_a_request_names_the_request(server):
    class Event:
        context_id = "6087a032"

    enable_log_error_type(new_log_file_method("errors"))
    token = ambient.WEB.variable.set(Event())
    try:
        write_error_log("x")
    finally:
        ambient.WEB.variable.reset(token)
    assert "(6087a032): x" in server.read("errors")


def test_metadata_reaches_a_handler(server):
    enable_log_error_type(
        new_log_file_method("errors"), handler=lambda event: event.metadata["order"]
    )
    write_error_log("x", metadata={"order": "A-7"})
    assert server.lines("errors") == ["A-7"]


class Sneaky(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


@pytest.mark.parametrize(
    "error",
    [
        Sneaky(),
        ValueError(),
        SyntaxError("bad", ("file.py", 3, 1, "x =", 3, 2)),
        ExceptionGroup("both", [ValueError("a"), KeyError("b")]),
        RecursionError("deep"),
        KeyboardInterrupt(),
        ValueError("\ud800"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_kind_of_exception_can_be_logged(server, error):
    error.add_note("a note")
    enable_log_error_type(new_log_file_method("errors"))
    server.logs.write_exception(error, where="here")
    first, *rest = server.lines("errors")
    assert f"here: {type(error).__name__}" in first
    assert any(line.endswith("a note") for line in rest)
