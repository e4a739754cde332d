"""Groups and client ids: send to all clients, to some groups, or to single clients.

Open http://localhost:8090/ in several tabs, or try:

    curl -N -H "Accept: text/event-stream" "http://localhost:8090/events?group=red&id=anna"
    curl -N -H "Accept: text/event-stream" "http://localhost:8090/events?group=blue&id=ben"

    curl http://localhost:8090/who
    curl -d text=everybody http://localhost:8090/send
    curl -d text=reds -d group=red http://localhost:8090/send
    curl -d text=both -d group=red -d group=blue http://localhost:8090/send
    curl -d text=anna -d id=anna http://localhost:8090/send
    curl -d text=nobody -d group=blue -d id=anna http://localhost:8090/send
    curl -d id=anna http://localhost:8090/close

Several groups mean any of them. Groups and client ids together mean both, so the message to the
client anna in the group blue reaches nobody. PORT sets another port.
"""

import os

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection(
            "Teams",
            group=web_event.query.get("group"),
            client_id=web_event.query.get("id"),
            retry_duration=1000,
        )

    @add_route("post", "/send")
    def send():
        delivery = send_sse_event(
            web_event.data["text"],
            name="Teams",
            group=web_event.data.get("group"),
            client_id=web_event.data.get("id"),
        )
        return {"reached": delivery.matched}

    @add_route("post", "/close")
    def close():
        return {"closed": close_sse_connection("Teams", client_id=web_event.data["id"])}

    @add_route("get", "/who")
    def who():
        groups = get_sse_group_list("Teams")
        return {
            "everybody": get_sse_client_id_list("Teams"),
            "groups": {name: get_sse_client_id_list("Teams", group=name) for name in groups},
        }

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_groups.html")


if __name__ == "__main__":
    start_server(server)
