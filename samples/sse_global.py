"""A global stream: it stays open after its route, and a schedule sends an event every minute.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl -X POST http://localhost:8090/now          # run the schedule now

The server keeps a global connection open after the route has ended, without a thread. Routes,
timers and schedules can send to its name. PORT sets another port.
"""

import os
from datetime import datetime

from pode_py import *


def server():
    add_endpoint(address="*", port=int(os.environ.get("PORT", "8090")), protocol="http")

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Events")

    @add_schedule("Example", new_cron(every="minute"))
    def tell_the_time():
        send_sse_event(f"Hello there! The time is {datetime.now():%H:%M:%S}.", name="Events")

    @add_route("post", "/now")
    def now():
        invoke_schedule("Example")
        return {"listeners": len(get_sse_client_id_list("Events"))}

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_global.html")


if __name__ == "__main__":
    start_server(server)
