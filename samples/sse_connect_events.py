"""Connect and disconnect events: know who is online at any moment.

Open http://localhost:8090/ in several tabs and close some of them, or try:

    curl -N -H "Accept: text/event-stream" "http://localhost:8090/events?who=Anna"
    curl http://localhost:8090/online

The handlers run on a thread of their own, one after another. The server also notices a client that
vanishes from the network. PORT sets another port.
"""

import os

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    # By client id. Both handlers run on the same thread, and no other code writes to it.
    online = {}

    @add_route("get", "/events")
    def events():
        who = str(web_event.query.get("who") or "Somebody")
        # The group is a good place for data about a connection.
        nick = "".join(filter(str.isprintable, who))[:40] or "Somebody"
        convert_to_sse_connection("Lobby", group=nick, retry_duration=1000)

    @register_sse_event("Lobby", "connect", "welcome")
    def welcome(triggered_event):
        connection = triggered_event.connection
        online[connection.client_id] = connection.group
        print(f"Connected: {connection.group} ({connection.client_id})", flush=True)
        tell("came", connection)

    @register_sse_event("Lobby", "disconnect", "goodbye")
    def goodbye(triggered_event):
        connection = triggered_event.connection
        online.pop(connection.client_id, None)
        print(f"Disconnected: {connection.group} ({connection.client_id})", flush=True)
        tell("left", connection)

    def tell(what, connection):
        news = {"what": what, "who": connection.group, "online": people()}
        send_sse_event(news, name="Lobby", event_type="lobby")

    def people():
        return sorted(dict(online).values(), key=str.casefold)

    @add_route("get", "/online")
    def who_is_online():
        return {"online": people()}

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_connect_events.html")


if __name__ == "__main__":
    start_server(server)
