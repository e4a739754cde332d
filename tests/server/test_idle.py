"""A server that has nothing to do does nothing, and importing pode_py starts nothing."""

from __future__ import annotations

import time


def test_an_idle_server_uses_no_processor_time(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    enable_log_request_type(new_log_terminal_method())
    add_schedule("later", "@yearly", lambda: None)

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

    @add_route("get", "/time")
    def used():
        return str(time.process_time())

    @add_route("get", "/async")
    async def on_the_loop():
        return "ok"

start_server(server)
""").ready()
    server.get("/async")
    with server.sse():
        before = float(server.get("/time").text)
        time.sleep(3)  # what is measured is what it does meanwhile
        used = float(server.get("/time").text) - before
    assert used < 0.15  # seconds of three; a busy loop or a poll every few ms would use more
    assert server.stop() == 0


def test_importing_starts_nothing(program):
    server = program("say([thread.name for thread in threading.enumerate()])")
    assert server.end() == 0
    assert server.out == "['MainThread']\n"
