"""A server to deploy. Settings that differ between machines come from the environment.

ADDRESS    where to listen: localhost (default) for a proxy on this machine, * in a container
PORT       the port to listen on, by default 8080
WORKERS    the number of processes, by default 1. Several processes need REDIS_URL
PROXIES    the addresses of proxies in front, separated by blanks, by default localhost
REDIS_URL  the Redis that connects processes and machines: redis://redis.internal:6379
"""

import os
import socket

from pode_py import *

REDIS_URL = os.environ.get("REDIS_URL")


def server():
    add_endpoint(os.environ.get("ADDRESS", "localhost"), int(os.environ.get("PORT", "8080")))
    set_trusted_proxies(*os.environ.get("PROXIES", "localhost").split())
    set_sse_history()
    # When a server stops, its clients reconnect to others within ten seconds, not all at once.
    set_sse_reconnect_spread(10)
    if REDIS_URL:
        enable_sse_backplane(REDIS_URL, prefix="shop")

    @add_route("get", "/health")
    def health():
        return {"state": get_server_state(), "streams": get_server_active_sse_client_metric()}

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("News")

    # Runs on one of all machines; the event says on which.
    @add_timer("news", 5)
    def news():
        send_sse_event({"from": f"{socket.gethostname()}:{os.getpid()}"}, name="News")

    # Only for programs on this machine: the proxy does not pass it on.
    @add_route("post", "/internal/news")
    def publish():
        send_sse_event(web_event.data, name="News", event_type="news")
        set_response_status(202)


start_server(server, workers=int(os.environ.get("WORKERS", "1")))
