"""What becomes of streams, timers, schedules and handlers when the server stops."""

from __future__ import annotations

import re
import signal
import time

import pytest

from pode_py.testing import SseClient
from tests.server.program import DEADLINE, beside, is_listening

STREAMS = """
def server():
    add_endpoint(port=PORT)

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

    @add_route("get", "/local")
    def local():
        convert_to_sse_connection("Local", scope="local")
        say("local")
        time.sleep(0.5)
        send_sse_event("the last one", from_event=True)

    @add_route("get", "/endless")
    def endless():
        convert_to_sse_connection("Local", scope="local")
        say("endless")
        while True:
            time.sleep(0.05)

    set_sse_slow_client_policy("drop_oldest", name="Deaf")
    add_route("get", "/deaf", lambda: convert_to_sse_connection("Deaf") and None)

    @add_route("get", "/fill")
    def fill():
        # More than the system takes for a client that does not read.
        while not all(one.queued_bytes > 300_000 for one in get_sse_connection("Deaf")):
            for _ in range(10):
                send_sse_event("x" * 65536, name="Deaf")
            time.sleep(0.1)

    @add_route("get", "/flood")
    def flood():
        for _ in range(40):
            send_sse_event("x" * 20_000, name="Events")
        say("flooded")

    @add_route("get", "/stop")
    def stop():
        close_server()
        return "bye"

start_server(server, grace=GRACE, dead_client_timeout=600)
say("after the server")
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "close_server"])
def test_every_reader_gets_a_farewell_and_a_clean_end(program, how):
    server = program(STREAMS.replace("GRACE", "60")).ready()
    streams = [server.sse() for _ in range(30)]
    if how == "close_server":
        assert server.get("/stop").text == "bye"
    else:
        server.signal(getattr(signal, how))
    for stream in streams:
        assert [(event.type, event.data) for event in stream.until_closed()] == [("pode.close", "")]
        assert stream.ended_cleanly
        stream.close()
    assert server.end() == 0  # without the grace time, as nothing runs
    assert "Traceback" not in server.err


def test_what_was_sent_before_the_end_arrives_before_it(program):
    server = program(STREAMS.replace("GRACE", "10")).ready()
    stream = server.sse()
    server.get("/flood")
    server.signal()
    events = stream.until_closed()
    assert [event.type for event in events] == ["message"] * 40 + ["pode.close"]
    stream.close()
    assert server.end() == 0


def test_a_client_that_does_not_read_gets_the_grace_time_and_no_more(program):
    server = program(STREAMS.replace("GRACE", "1")).ready()
    deaf = SseClient(server.url + "/deaf", receive_buffer=4096, deadline=DEADLINE)
    reader = server.sse()
    server.get("/fill")
    sent = server.signal()
    assert reader.until_closed()[-1].type == "pode.close"
    assert reader.ended_cleanly
    assert server.end() == 0
    assert time.monotonic() - sent >= 1
    deaf.close()
    reader.close()


def test_a_second_signal_does_not_wait_for_a_client_that_does_not_read(program):
    server = program(STREAMS.replace("GRACE", "60")).ready()
    deaf = SseClient(server.url + "/deaf", receive_buffer=4096, deadline=DEADLINE)
    server.get("/fill")
    server.signal()
    server.wait_for("Stopping.")
    time.sleep(0.3)
    server.signal()
    assert server.end() == 0
    deaf.close()


def test_a_local_stream_that_ends_in_time_delivers_its_last_event(program):
    server = program(STREAMS.replace("GRACE", "10")).ready()
    stream = server.sse("/local")
    server.wait_for("local").signal()
    events = stream.until_closed()
    assert [(event.type, event.data) for event in events] == [
        ("message", "the last one"),
        ("pode.close", ""),
    ]
    assert stream.ended_cleanly
    stream.close()
    assert server.end() == 0


def test_a_local_stream_that_does_not_end_gets_its_farewell_after_the_grace_time(program):
    server = program(STREAMS.replace("GRACE", "0.5")).ready()
    stream = server.sse("/endless")
    server.wait_for("endless").signal()
    assert [event.type for event in stream.until_closed()] == ["pode.close"]
    assert stream.ended_cleanly
    stream.close()
    assert server.end() == 0


def test_no_new_connection_is_let_in_while_it_stops(program):
    server = program(STREAMS.replace("GRACE", "10")).ready()
    stream = server.sse("/local")
    server.wait_for("local").signal()
    server.wait_for("Stopping.")
    until = time.monotonic() + DEADLINE
    while is_listening(server.port):
        assert time.monotonic() < until
    stream.until_closed()
    stream.close()
    assert server.end() == 0


@pytest.mark.own_engine("jobs do not depend on the engine")
@pytest.mark.parametrize(
    "add",
    ['add_timer("job", 0.05', 'add_schedule("job", "@yearly", on_start=True'],
    ids=["timer", "schedule"],
)
def test_a_running_job_may_finish(program, add):
    server = program(f"""
def job():
    say("begun")
    time.sleep(0.5)
    say("finished")

def server():
    {add}, handler=job)

start_server(server)
say("after the server")
""").ready()
    server.wait_for("begun")
    assert server.stop() == 0
    assert "finished" in server.out.partition("after the server")[0]
    assert server.err == ""


@pytest.mark.own_engine("jobs do not depend on the engine")
@pytest.mark.parametrize(
    "add",
    ['add_timer("job", 0.05', 'add_schedule("job", "@yearly", on_start=True'],
    ids=["timer", "schedule"],
)
def test_a_job_that_does_not_end_gets_the_grace_time_and_no_more(program, add):
    server = program(f"""
def job():
    say("begun")
    time.sleep(60)

def server():
    {add}, handler=job)

start_server(server, grace=0.5)
say("after the server")
""").ready()
    sent = server.wait_for("begun").signal()
    assert server.end() == 0
    assert time.monotonic() - sent >= 0.5
    assert re.search(r"'job' is cut after \d+\.\d s, .*: `job \(\w+\.py:3\)`", server.err)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_stop_names_the_requests_that_it_cuts(program, kind):
    wait = "import asyncio; await asyncio.sleep(60)" if kind == "async def" else "time.sleep(60)"
    server = program(f"""
{kind} endless():
    say("begun")
    {wait}

def server():
    add_endpoint(port=PORT)
    add_route("get", "/endless/:id", endless)
    add_route("get", "/quick", lambda: "quick")

start_server(server, grace=0.5)
say("after the server")
""").ready()
    assert server.get("/quick").text == "quick"
    beside(server.get, "/endless/7")
    server.wait_for("begun").signal()
    assert server.end() == 0
    (cut,) = re.findall(r"cuts (GET .* s)\.", server.err)
    assert re.fullmatch(r"GET /endless/:id, `endless \(\w+\.py:3\)`, after [0-9]+\.[0-9] s", cut), (
        cut
    )


def test_a_stop_that_cuts_nothing_says_nothing(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/quick", lambda: "quick")

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

start_server(server, grace=0.5)
""").ready()
    stream = server.sse()
    assert server.get("/quick").text == "quick"
    assert server.stop() == 0
    assert stream.until_closed()[-1].type == "pode.close"
    stream.close()
    assert server.err == ""


def test_everything_stuck_at_once_still_ends_in_time(program):
    server = program("""
async def never():
    import asyncio
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

def server():
    add_endpoint(port=PORT)
    add_timer("a", 0.05, lambda: time.sleep(60))
    add_schedule("b", "@yearly", lambda: time.sleep(60), on_start=True)
    add_route("get", "/never", never)
    add_route("get", "/sleep", lambda: time.sleep(60))
    register_sse_event("Events", "disconnect", "slow", lambda: time.sleep(60))

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

start_server(server, grace=0.5)
say("after the server")
""").ready()
    stream = server.sse()
    beside(server.get, "/never")
    beside(server.get, "/sleep")
    time.sleep(0.3)
    server.signal()
    assert server.end() == 0
    assert stream.until_closed()[-1].type == "pode.close"
    stream.close()


def test_log_lines_of_the_last_moment_are_written(program, tmp_path):
    server = program("""
def server():
    add_endpoint(port=PORT)
    enable_log_request_type(new_log_file_method("requests"))

    @add_log_type(new_log_file_method("own"), "own")
    def own(item):
        return item

    @add_route("get", "/slow")
    def slow():
        say("begun")
        time.sleep(0.3)
        for number in range(2000):
            write_log(f"line {number}", "own")

start_server(server)
""").ready()
    beside(server.get, "/slow")
    server.wait_for("begun")
    assert server.stop() == 0
    own = next(tmp_path.glob("logs/own_*.log")).read_text().splitlines()
    assert own == [f"line {number}" for number in range(2000)]
    assert "/slow" in next(tmp_path.glob("logs/requests_*.log")).read_text()


@pytest.mark.own_engine("which requests are heard does not depend on the engine")
def test_close_server_can_be_called_from_anywhere(program):
    for call in (
        'add_timer("stop", 0.05, close_server)',
        'add_schedule("stop", "@yearly", close_server, on_start=True)',
        "threading.Timer(0.3, close_server).start()",
        'add_route("get", "/stop", close_server); '
        "threading.Timer(0.3, lambda: __import__('urllib.request').request.urlopen("
        "f'http://127.0.0.1:{PORT}/stop')).start()",
    ):
        server = program(f"""
def server():
    add_endpoint(port=PORT)
    {call}

start_server(server)
say("after the server")
""").ready()
        assert server.end() == 0
        assert "after the server" in server.out
        assert server.err == ""


@pytest.mark.own_engine("no engine runs during the set-up")
def test_close_server_in_the_set_up_means_that_it_does_not_start(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    close_server()

start_server(server)
say("after the server")
""")
    assert server.end() == 0
    assert server.out == "after the server\n"
