"""Signed client ids, and answers that come over the stream instead of in the response.

Open http://localhost:8090/ in a browser, or try, in two terminals:

    curl -N -H "Accept: text/event-stream" http://localhost:8090/events
    # pode.open contains the client id: s:<id>.<signature>. Put it into the next line.
    curl -X POST -H "X-PODE-SSE-NAME: Answers" -H "X-PODE-SSE-CLIENT-ID: s:..." \\
        -d question="how are you" http://localhost:8090/ask

The response is only 202; the answer arrives in the first terminal. If you change one character of
the id, the server responds with 400. So nobody can get the answers of another client, or send in
its name. The secret changes at every start. PORT sets another port.
"""

import os

from pode_py import *


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    # strict=True would also bind an id to the address and the user agent of its client.
    enable_sse_signing(get_server_default_secret(purpose="sse"))

    @add_route("get", "/events")
    def events():
        convert_to_sse_connection("Answers", retry_duration=1000)

    @add_route("post", "/ask")
    def ask():
        # The server sets it from the X-PODE-SSE-* headers, after it has checked the signature.
        if web_event.sse is None:
            raise StatusError(400, "Name your stream in the X-PODE-SSE-* headers.")
        question = str(web_event.data["question"]).strip(" ?") or "what"
        answer = {"question": f"{question}?", "answer": f"{question[::-1]}!"}
        send_sse_event(answer, event_type="answer", from_event=True)
        set_response_status(202)

    @add_route("get", "/")
    def page():
        write_html_response(path="public/sse_signed.html")


if __name__ == "__main__":
    start_server(server)
