"""A made-up language model that answers word by word, for clients of chat completions.

Open http://localhost:8090/ in a browser, or try:

    curl -N http://localhost:8090/v1/chat/completions -H "Content-Type: application/json" -d '{
        "model": "made-up", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'

Without "stream", the answer comes as a whole. http://localhost:8090/v1/models lists the model.
Programs that use this interface only need the address; for example in Python:

    client = openai.OpenAI(base_url="http://localhost:8090/v1", api_key="any")

Such programs expect exactly the events of their interface. So the stream is plain: it has no
`pode.*` events. The route is async, so it holds no thread while it waits for words, and it ends
when the client leaves. PAUSE sets the seconds between two words; PORT sets another port.
"""

import asyncio
import os
import re
import time
from contextlib import aclosing
from uuid import uuid4

from pode_py import *

MODEL = "made-up"
PAUSE = float(os.environ.get("PAUSE", "0.05"))
STORY = (
    "I am not a language model; I only look like one. Nobody has trained me, and I have read "
    "nothing but this text. But my words come one after another, each in an event of its own, and "
    "the words of your model can come in the same way."
)


async def made_up(question):
    """Make the answer word by word. Call your language model here."""
    for word in re.findall(r"\S+\s*", f"You said: {question}\n\n{STORY}"):
        await asyncio.sleep(PAUSE)
        yield word


def server():
    add_endpoint(port=int(os.environ.get("PORT", "8090")))

    @add_route("post", "/v1/chat/completions")
    async def complete():
        asked = web_event.data
        question = question_of(asked)
        if question is None:
            refuse(400, "messages must be a list of messages, the last one with a content.")
        elif asked.get("model") != MODEL:
            refuse(404, f"There is no model {asked.get('model')!r}, only {MODEL!r}.")
        else:
            answer = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": MODEL}
            async with aclosing(made_up(question)) as words:
                if asked.get("stream"):
                    await stream(answer, words, question, asked.get("stream_options") or {})
                else:
                    await whole(answer, words, question)

    async def stream(answer, words, question, options):
        # These clients ask for events in the body, not in the Accept header.
        sse = convert_to_sse_connection("Completions", scope="local", style="plain", force=True)
        answer["object"] = "chat.completion.chunk"

        def send(delta, finish_reason=None):
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
            send_sse_event(answer | {"choices": [choice]}, from_event=True)

        send({"role": "assistant", "content": ""})
        count = 0
        async for word in words:
            if not sse.is_open:
                return  # the client has left
            send({"content": word})
            count += 1
        send({}, "stop")
        if options.get("include_usage"):
            send_sse_event(
                answer | {"choices": [], "usage": usage(question, count)}, from_event=True
            )
        send_sse_event("[DONE]", from_event=True)

    async def whole(answer, words, question):
        said = [word async for word in words]
        message = {"role": "assistant", "content": "".join(said)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer |= {"object": "chat.completion", "choices": [choice]}
        write_json_response(answer | {"usage": usage(question, len(said))})

    @add_route("get", "/v1/models")
    def models():
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "nobody"}
        return {"object": "list", "data": [model]}

    @add_route("get", "/")
    def page():
        write_html_response(path="public/token_stream.html")


def question_of(asked):
    """The text of the last message; None if there is none."""
    try:
        content = asked.get("messages")[-1]["content"]
        if isinstance(content, str):
            return content
        return "".join(part["text"] for part in content if part["type"] == "text")
    except (AttributeError, IndexError, KeyError, TypeError):
        return None


def usage(question, words):
    asked = len(question.split())
    return {"prompt_tokens": asked, "completion_tokens": words, "total_tokens": asked + words}


def refuse(status, message):
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    write_json_response({"error": error}, status_code=status)


if __name__ == "__main__":
    start_server(server)
