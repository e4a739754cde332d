"""The server of the soak: streams of all kinds, a timer that sends, facts about its process."""

import os
import sys

from pode_py import (
    add_endpoint,
    add_route,
    add_timer,
    clear_timers,
    convert_to_sse_connection,
    get_sse_connection,
    get_sse_name_list,
    register_sse_event,
    send_sse_event,
    set_sse_history,
    set_sse_slow_client_policy,
    start_server,
    web_event,
)


def server():
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]), protocol="http")
    set_sse_history(limit=20_000, duration=60)
    set_sse_slow_client_policy("drop_oldest", name="Slow", limit=256 * 1024)
    register_sse_event("Events", "connect", "count", connects.append)
    register_sse_event("Events", "disconnect", "count", leaves.append)
    add_route("get", "/events", events)
    add_route("get", "/facts", facts)
    add_route("get", "/quiet", be_quiet)
    add_timer("news", 0.02, send_news)
    add_timer("load", 0.5, send_load)


class Counter:
    """Counts calls of a handler; handlers of streams run one after another."""

    def __init__(self):
        self.count = 0

    def append(self):
        self.count += 1


connects, leaves, sent = Counter(), Counter(), Counter()


def events():
    name = str(web_event.query.get("name") or "Events")
    convert_to_sse_connection(name.split(","), group=web_event.query.get("group"))


def send_news():
    send_sse_event(str(sent.count), name="Events")
    sent.append()


def send_load():
    for kind in ("a", "b", "c"):
        send_sse_event("x" * 20_000, name="Slow", event_type=kind)
    send_sse_event("some", name="Events", group="some")


def be_quiet():
    clear_timers()


def facts():
    return {
        "pid": os.getpid(),
        "sent": sent.count,
        "connects": connects.count,
        "leaves": leaves.count,
        "names": get_sse_name_list(),
        "streams": len(get_sse_connection()),
    }


start_server(server, threads=8, quiet=True)
