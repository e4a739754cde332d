"""Times of a hundred years, wherever users give one: the server serves and stops as ever."""

from __future__ import annotations

import signal
from collections.abc import Callable

from pode_py.core.arguments import LONGEST
from tests.server.program import Program, beside

CODE = f"""
LONG = {LONGEST}

def server():
    add_endpoint(port=PORT)
    method = new_log_terminal_method(batch_info=new_log_batch_info(1000, LONG))
    enable_log_request_type(method)
    add_timer("t", LONG, lambda: None, on_start=True)
    add_schedule("s", "@yearly", lambda: None, timeout=LONG, on_start=True)
    set_sse_ping(LONG)
    set_sse_max_age(LONG)
    set_sse_history(duration=LONG)
    set_sse_reconnect_spread(LONG)
    set_sse_limits(retry_after=LONG, total=5)
    add_route("get", "/", lambda: "hello")
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)

    @add_route("get", "/slow")
    def slow():
        say("slow begins")
        time.sleep(0.3)
        return "slow"

start_server(
    server,
    grace=LONG,
    request_timeout=LONG,
    keep_alive_timeout=LONG,
    dead_client_timeout=LONG,
)
"""


def test_a_server_with_the_longest_times_serves_and_stops(program: Callable[..., Program]):
    run = program(CODE).ready()
    assert run.get().text == "hello"
    run.sse()
    answer = beside(run.get, "/slow")
    run.wait_for("slow begins")
    run.signal(signal.SIGTERM)
    assert answer.result(30).text == "slow"
    assert run.end() == 0
    assert "Traceback" not in run.err
    assert "Exception" not in run.err
