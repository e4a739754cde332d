"""A global stream: it outlives its route, and a schedule sends an event to it every minute.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    curl -X POST http://localhost:8090/now          # the schedule's event, without the wait

A global connection is kept by the server after the route has ended, holds no thread, and gets
whatever is sent to its name from anywhere: routes, timers, schedules. PORT chooses another port.
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
