"""The showcase: a page where everything is live. `make run` starts it.

Open http://localhost:8090/ in a browser, best in two windows, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl http://localhost:8090/samples

A timer sends the time and figures about the server. A schedule sends a greeting every full
minute. Chat messages go to everybody, and a job reports only to the client that started it.
Restart the server to see how the browser reconnects. PORT sets another port.
"""

import ast
import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pode_py import *

NAME = "Showcase"
LONGEST = 200


class Figures:
    """What the server used since the last call of `read`."""

    def __init__(self):
        self.started = time.monotonic()
        self.sent = 0
        self._then = (time.monotonic(), time.process_time())

    def read(self):
        now = (time.monotonic(), time.process_time())
        passed, worked = (new - old for new, old in zip(now, self._then, strict=True))
        self._then = now
        return {
            "at": round(time.time() * 1000),
            "cpu": round(100 * worked / max(passed, 0.001), 1),
            "memory": memory(),
            "threads": threading.active_count(),
            "streams": len(get_sse_client_id_list(NAME)),
            "sent": self.sent,
            "uptime": round(time.monotonic() - self.started),
        }


def memory():
    """The memory of this process in megabytes, or None if the system does not say."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    return None


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    enable_log_error_type(new_log_terminal_method())
    enable_sse_signing(get_server_default_secret(purpose="sse"))

    figures = Figures()
    guests = {}
    numbers = count(1)

    def tell(event_type, data, **whom):
        figures.sent += send_sse_event(
            data, name=NAME, event_type=event_type, id=round(time.time() * 1000), **whom
        ).queued

    @add_route("get", "/events")
    def events():
        last_seen = web_event.headers.get("last-event-id")
        my_id = new_sse_client_id()
        guests[my_id] = f"Guest {next(numbers)}"
        convert_to_sse_connection(NAME, client_id=my_id, retry_duration=1000)
        hello = {"you": guests[my_id], "version": get_version(), "lastEventId": last_seen}
        tell("hello", hello, client_id=my_id)

    @register_sse_event(NAME, "disconnect", "forget")
    def forget(triggered_event):
        guests.pop(triggered_event.connection.client_id, None)

    @add_timer("clock", 1, on_start=True)
    def clock():
        tell("clock", {"time": datetime.now(UTC)})

    @add_timer("figures", 1)
    def measure():
        tell("figures", figures.read())

    @add_schedule("minute", new_cron(every="minute"))
    def minute():
        following = schedule_event.sender.next_trigger_time
        tell("minute", {"text": f"It is {datetime.now():%H:%M}.", "next": following})

    @add_route("post", "/say")
    def say():
        nick = guests.get(stream_id(), "Somebody")
        text = str(web_event.data["text"]).strip()
        if not 0 < len(text) <= LONGEST:
            raise StatusError(400, f"A message has 1 to {LONGEST} characters.")
        tell("said", {"nick": nick, "text": text})

    @add_route("post", "/job")
    def job():
        me = stream_id()
        for done in range(1, 21):
            time.sleep(0.15)  # do the work here
            tell("progress", {"done": done, "of": 20}, client_id=me)

    @add_route("post", "/restart")
    def restart():
        stream_id()
        restart_server()

    def stream_id():
        # No other site can make a browser send these headers, so only this page gets further.
        if web_event.sse is None:
            raise StatusError(403, "Only a client of the stream can do this.")
        return web_event.sse.client_id

    @add_route("get", "/samples")
    def samples():
        files = sorted(get_server_path().glob("*.py"))
        return [{"name": file.stem, "about": first_line(file)} for file in files]

    @add_route("get", "/")
    def page():
        write_html_response(path="public/showcase.html")


def first_line(file):
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return docstring.partition("\n")[0]


if __name__ == "__main__":
    start_server(server)
