"""A server to deploy: what differs from place to place comes from the environment.

ADDRESS  where to listen: localhost, the default, for a proxy on this machine; * in a container
PORT     8080 unless it is set
WORKERS  how many processes serve: 1 unless it is set. More of them need REDIS_URL
REDIS_URL  what connects processes and machines: redis://redis.internal:6379
"""

import os
import socket

from pode_py import *

REDIS_URL = os.environ.get("REDIS_URL")


def server():
    add_endpoint(os.environ.get("ADDRESS", "localhost"), int(os.environ.get("PORT", "8080")))
    set_sse_history()
    # When a server stops, its clients come back to others within ten seconds, not all at once.
    set_sse_reconnect_spread(10)
    if REDIS_URL:
        enable_sse_backplane(REDIS_URL, prefix="shop")

    @add_route("get", "/health")
    def health():
        return {"state": get_server_state(), "streams": get_server_active_sse_client_metric()}

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("News")

    # On one machine of all: see who tells the news.
    @add_timer("news", 5)
    def news():
        send_sse_event({"from": f"{socket.gethostname()}:{os.getpid()}"}, name="News")

    # For others on this machine only: the proxy does not pass it on.
    @add_route("post", "/internal/news")
    def publish():
        send_sse_event(web_event.data, name="News", event_type="news")
        set_response_status(202)


start_server(server, workers=int(os.environ.get("WORKERS", "1")))
