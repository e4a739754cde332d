"""What the docstring of the sample token_stream promises, byte by byte."""

from __future__ import annotations

import json

import pytest

from tests.samples.running import RunningSample

PATH = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def sample():
    with RunningSample("token_stream", PAUSE="0.001") as running:
        yield running


def asked(**more):
    return {"model": "made-up", "messages": MESSAGES, **more}


def test_the_stream_has_chunks_and_a_last_word_and_nothing_else(sample):
    answer = sample.post(PATH, json=asked(stream=True))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert not [name for name, _ in answer.headers.fields() if "pode" in name.lower()]
    assert answer.complete
    *frames, last, end = answer.text.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    assert all(frame.startswith("data: {") and "\n" not in frame for frame in frames)
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta["content"] for delta in deltas[:-1]).startswith("You said: Hello\n\nI am")
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_without_stream_the_same_words_come_as_a_whole(sample):
    whole = sample.post(PATH, json=asked()).json()
    streamed = sample.post(PATH, json=asked(stream=True)).text
    words = [
        json.loads(line.removeprefix("data: "))["choices"][0]["delta"].get("content", "")
        for line in streamed.splitlines()
        if line.startswith("data: {")
    ]
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "".join(words)}
    usage = whole["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_first_word_comes_before_the_last_is_made():
    with RunningSample("token_stream", PAUSE="0.05") as sample:
        stream = sample.sse(PATH, method="POST", json=asked(stream=True))
        first = json.loads(stream.take(2)[1].data)
        assert first["choices"][0]["delta"] == {"content": "You "}
        assert "[DONE]" not in [event.data for event in stream.received]
        rest = stream.until_closed(deadline=30)
        assert rest[-1].data == "[DONE]"
        assert stream.ended_cleanly
        assert {event.type for event in stream.received} == {"message"}


def test_an_answer_that_has_begun_is_finished_before_the_server_stops():
    with RunningSample("token_stream", PAUSE="0.02") as sample:
        stream = sample.sse(PATH, method="POST", json=asked(stream=True))
        stream.next()
        sample.stop()
        assert stream.until_closed()[-1].data == "[DONE]"
        assert stream.ended_cleanly


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "made-up"}, 400),
        ({"model": "made-up", "messages": []}, 400),
        ({"model": "made-up", "messages": [{"role": "user"}]}, 400),
        ({"model": "made-up", "messages": [{"role": "user", "content": 7}]}, 400),
        (["a list"], 400),
        ({"model": "another", "messages": MESSAGES}, 404),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_it_refuses_in_the_words_of_the_interface(sample, body, status, stream):
    refused = sample.post(PATH, json={**body, "stream": stream} if type(body) is dict else body)
    assert refused.status_code == status
    assert refused.json()["error"]["type"] == "invalid_request_error"
