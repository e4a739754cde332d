"""A local stream: two events, ten seconds apart. The connection ends with its route.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl -N -H "Accept: text/event-stream" http://localhost:8090/events?quick    # one second apart

Only its route can send to a local connection, with from_event=True. When the route returns, the
client gets `pode.close`. The page must close the EventSource then. Otherwise the browser
reconnects and gets the same two events again, forever. PORT sets another port.

The route is async, so it holds no thread while it waits.
"""

import asyncio
import os
from datetime import datetime

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    @add_route("get", "/events")
    async def events():
        convert_to_sse_connection("Events", scope="local")
        say_hello("First")
        await asyncio.sleep(1 if "quick" in web_event.query else 10)
        say_hello("Second")

    def say_hello(which):
        text = f"Hello there! The time is {datetime.now():%H:%M:%S}."
        send_sse_event(text, event_type=which, from_event=True)

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_local.html")


if __name__ == "__main__":
    start_server(server)
