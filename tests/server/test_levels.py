"""What went wrong is an error; what was merely odd is a warning."""

import threading

from pode_py import (
    add_route,
    add_timer,
    convert_to_sse_connection,
    enable_log_error_type,
    new_log_custom_method,
)
from pode_py.testing import running


def test_a_skipped_run_of_a_timer_is_a_warning():
    logged, seen, go_on = [], threading.Event(), threading.Event()

    def see(item):
        logged.append(item)
        seen.set()

    def setup():
        enable_log_error_type(new_log_custom_method(see), levels="*", raw=True)
        add_timer("slow", 0.01, lambda: go_on.wait(10))

    with running(setup):
        assert seen.wait(30)
        go_on.set()
    assert {item["level"].lower() for item in logged} == {"warning"}
    assert "was skipped" in str(logged[0])


def test_a_hint_about_browsers_limit_is_a_warning():
    logged, seen = [], threading.Event()

    def see(item):
        logged.append(item)
        seen.set()

    def setup():
        enable_log_error_type(new_log_custom_method(see), levels="*", raw=True)
        add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)

    with running(setup) as server:
        streams = [server.sse("/events") for _ in range(6)]
        assert seen.wait(30)
        for stream in streams:
            stream.close()
    assert [item["level"].lower() for item in logged] == ["warning"]
