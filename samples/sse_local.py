"""A local stream: two events, ten seconds apart, and the connection ends with its route.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl -N -H "Accept: text/event-stream" http://localhost:8090/events?quick    # one second apart

Nobody else can send to a local connection: the route does, with from_event=True. When the route
returns, the client gets `pode.close`. Its page has to close the EventSource then, or the browser
would ask again and get the same two events for ever. PORT chooses another port.
"""

import os
import time
from datetime import datetime

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events", scope="local")
        say_hello("First")
        time.sleep(1 if "quick" in web_event.query else 10)
        say_hello("Second")

    def say_hello(which):
        text = f"Hello there! The time is {datetime.now():%H:%M:%S}."
        send_sse_event(text, event_type=which, from_event=True)

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_local.html")


if __name__ == "__main__":
    start_server(server)
