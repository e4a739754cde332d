"""One stream with several names, and one connection for all tabs of a browser.

Open http://localhost:8090/ in many tabs, more than six, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl -X POST -d text="It rains." http://localhost:8090/news
    curl http://localhost:8090/connections

A browser opens at most six connections to one host, for all of its tabs together. So the page
uses one stream for both names, Clock and News, and shares it with its other tabs through the
server's script /pode/sse-shared.js. If you close the tab that has the connection, another tab
takes over. Because there is a history, no tab misses an event. PORT sets another port.
"""

import os
from datetime import datetime

from pode_py import *

LONGEST = 200


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))
    set_sse_history(limit=1000)
    use_sse_shared_script()

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection(["Clock", "News"], retry_duration=1000)

    @add_timer("clock", 1)
    def clock():
        send_sse_event(f"{datetime.now():%H:%M:%S}", name="Clock", event_type="clock")
        tell_connections()

    @add_route("post", "/news")
    def news():
        text = str(web_event.data["text"]).strip()
        if not 0 < len(text) <= LONGEST:
            raise StatusError(400, f"News have 1 to {LONGEST} characters.")
        return {"reached": send_sse_event(text, name="News", event_type="news").queued}

    @add_route("get", "/connections")
    def connections():
        return [
            {"names": one.names, "client": one.client_id, "since": one.opened_at}
            for one in get_sse_connection()
        ]

    def tell_connections():
        count = len(get_sse_connection())
        send_sse_event(count, name="Clock", event_type="connections")

    @add_route("get", "/")
    def page():
        write_html_response(path="public/shared_stream.html")


if __name__ == "__main__":
    start_server(server)
