"""Broadcast levels: never send to everybody what is meant for one client.

Open http://localhost:8090/ in a browser, or try:

    curl -N -H "Accept: text/event-stream" "http://localhost:8090/events/Private?group=a&id=me"

    curl -d text=hello http://localhost:8090/send/News
    curl -d text=hello http://localhost:8090/send/Teams                 # 403: needs group or id
    curl -d text=hello -d group=a http://localhost:8090/send/Teams
    curl -d text=hello -d group=a http://localhost:8090/send/Private    # 403: needs id
    curl -d text=hello -d id=me http://localhost:8090/send/Private

Without a level, a send without client_id= goes to all clients of the name. With a level, such a
send raises an error, and nothing is sent. PORT sets another port.
"""

import os

from pode_py import *

LEVELS = {"News": "name", "Teams": "group", "Private": "clientid"}


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    for name, level in LEVELS.items():
        set_sse_broadcast_level(level, name=name)

    @add_route("get", "/events/:name")
    def events():
        convert_to_sse_connection(
            known_name(),
            group=web_event.query.get("group"),
            client_id=web_event.query.get("id"),
            retry_duration=1000,
        )

    @add_route("post", "/send/:name")
    def send():
        name, data = known_name(), web_event.data
        target = {"group": data.get("group"), "client_id": data.get("id")}
        if not test_sse_broadcast_level(name, **target):
            level = get_sse_broadcast_level(name)
            raise StatusError(403, f"A send to {name} must reach its level: {level}.")
        return {"reached": send_sse_event(data["text"], name=name, **target).matched}

    def known_name():
        name = web_event.parameters["name"]
        if name not in LEVELS:
            raise StatusError(404, "There are three names: News, Teams and Private.")
        return name

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_broadcast_levels.html")


if __name__ == "__main__":
    start_server(server)
