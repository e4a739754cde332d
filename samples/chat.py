"""A chat for everybody who has the page open.

Open http://localhost:8090/ in two tabs and talk to yourself, or join from a terminal:

    curl -N -H "Accept: text/event-stream" "http://localhost:8090/events?nick=Anna"
    curl -X POST -d text="Hello" -H "X-PODE-SSE-NAME: Chat" \\
        -H "X-PODE-SSE-CLIENT-ID: <clientId from pode.open>" http://localhost:8090/say

The X-PODE-SSE-* headers of a message name the stream of its sender. Each message has an id, so a
client that lost its connection gets the messages that it missed when it reconnects. PORT sets
another port.
"""

import os
import time
from collections import deque
from datetime import UTC, datetime
from threading import Lock

from pode_py import *

KEPT = 50
LONGEST = 500


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    # A client id is a key: whoever has it speaks under its nickname. Nobody can guess a signed id.
    enable_sse_signing(get_server_default_secret(purpose="sse"))

    nicknames = {}
    said = deque(maxlen=KEPT)
    # While a client joins and gets the earlier messages, nobody else can send one.
    turn = Lock()

    @add_route("get", "/events")
    def join():
        nick = str(web_event.query.get("nick") or "Guest").strip()[:24] or "Guest"
        with turn:
            me = convert_to_sse_connection("Chat", retry_duration=1000)
            nicknames[me.client_id] = nick
            seen = me.last_event_id or ""
            for message in list(said):
                if not seen.isdecimal() or message["id"] > int(seen):
                    tell(message, me.client_id)
            tell_people()

    @add_route("post", "/say")
    def say():
        if web_event.sse is None:
            raise StatusError(403, "Join first: the X-PODE-SSE-* headers say who speaks.")
        text = str(web_event.data["text"]).strip()
        if not 0 < len(text) <= LONGEST:
            raise StatusError(400, f"A message has 1 to {LONGEST} characters.")
        with turn:
            message = {
                "id": next_id(),
                "nick": nicknames.get(web_event.sse.client_id, "Guest"),
                "text": text,
                "at": datetime.now(UTC),
            }
            said.append(message)
            tell(message)
        return {"id": message["id"]}

    def next_id():
        # From the clock, so a restarted server does not start below the ids that clients have seen.
        now = round(time.time() * 1000)
        return max(now, said[-1]["id"] + 1) if said else now

    def tell(message, client_id=None):
        send_sse_event(
            message, name="Chat", client_id=client_id, id=message["id"], event_type="said"
        )

    @register_sse_event("Chat", "disconnect", "tell who is here")
    def leave(triggered_event):
        with turn:
            nicknames.pop(triggered_event.connection.client_id, None)
            tell_people()

    def tell_people():
        people = sorted(nicknames.values(), key=str.casefold)
        send_sse_event({"people": people}, name="Chat", event_type="people")

    @add_route("get", "/")
    def page():
        write_html_response(path="public/chat.html")


if __name__ == "__main__":
    start_server(server)
