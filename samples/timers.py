"""Timers: run functions every few seconds, with limits, pauses and arguments.

Open http://localhost:8090/ in a browser to see them run, or try:

    curl http://localhost:8090/api/timers
    curl -X POST http://localhost:8090/api/timers/forever       # run its handler now
    curl -d name=mine -d seconds=3 http://localhost:8090/api/timers
    curl -X DELETE http://localhost:8090/api/timers/mine

A slow timer does not delay others, and no timer drifts. PORT sets another port.
"""

import os

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    def report(text="Here I am."):
        run = {"timer": timer_event.sender.name, "text": text}
        print(f"{run['timer']}: {text}", flush=True)
        send_sse_event(run | {"timers": facts()}, name="Timers", event_type="ran")

    # Every five seconds, without an end; the first run at once.
    add_timer("forever", 5, report, on_start=True)
    # With an argument for its handler.
    add_timer("polite", 4, report, argument_list=["Good day to you."])
    # Skips its first three triggers.
    add_timer("pause-first-3", 2, report, skip=3)
    # Three runs, then it has completed.
    add_timer("run-3-times", 3, report, limit=3)
    # One run, after ten seconds.
    add_timer("run-once", 10, report, limit=1)

    def facts():
        return [
            {
                "name": timer.name,
                "interval": timer.interval,
                "runs": timer.count,
                "last": timer.last_trigger_time,
                "next": None if timer.completed else timer.next_trigger_time,
                "completed": timer.completed,
            }
            for timer in get_timer()
        ]

    @add_route("get", "/api/timers")
    def list_timers():
        return facts()

    @add_route("post", "/api/timers")
    def create():
        name, seconds = str(web_event.data["name"]), str(web_event.data["seconds"])
        if not seconds.isdigit() or not 1 <= int(seconds) <= 3600:
            raise StatusError(400, "seconds is a whole number from 1 to 3600.")
        if not name or test_timer(name):
            raise StatusError(409, f"The timer {name!r} exists already, or has no name.")
        add_timer(name, int(seconds), report)
        return facts()

    @add_route("post", "/api/timers/:name")
    def run_now():
        invoke_timer(known_timer())
        return facts()

    @add_route("delete", "/api/timers/:name")
    def remove():
        remove_timer(known_timer())
        return facts()

    def known_timer():
        name = web_event.parameters["name"]
        if not test_timer(name):
            raise StatusError(404, f"There is no timer {name!r}.")
        return name

    @add_route("get", "/events")
    def events():
        me = convert_to_sse_connection("Timers", retry_duration=1000)
        state = {"timers": facts()}
        send_sse_event(state, name="Timers", client_id=me.client_id, event_type="state")

    @add_route("get", "/")
    def page():
        write_html_response(path="public/timers.html")


if __name__ == "__main__":
    start_server(server)
