"""The openai packages for Python and npm talk to the sample token_stream as to any such server."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import openai
import pytest

from tests.samples.running import RunningSample
from tests.support import need_program, skip_or_fail

NODE = Path(__file__).parent / "node"
DEADLINE = 30.0
MODEL = "made-up"
MESSAGES = [{"role": "user", "content": "Grüße \U0001f642"}]
BEGIN = "You said: Grüße \U0001f642\n\nI am not a language model"


@pytest.fixture(scope="module")
def sample():
    with RunningSample("token_stream", PAUSE="0.002") as running:
        yield running


@pytest.fixture
def client(sample):
    with openai.OpenAI(
        base_url=f"{sample.url}/v1", api_key="any", timeout=DEADLINE, max_retries=0
    ) as made:
        yield made


def complete(client, **options):
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, **options)


def test_the_python_client_gets_the_words_as_chunks(client):
    chunks = list(complete(client, stream=True))
    words = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(words).startswith(BEGIN)
    assert len([word for word in words if word]) > 40
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.model for chunk in chunks} == {MODEL}


def test_the_python_client_gets_the_figures_when_it_asks_for_them(client):
    *chunks, last = complete(client, stream=True, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage.completion_tokens == len(chunks) - 2  # but the role and the reason
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_the_python_client_gets_a_whole_answer(client):
    whole = complete(client)
    assert whole.choices[0].message.content.startswith(BEGIN)
    assert whole.choices[0].finish_reason == "stop"
    streamed = "".join(
        chunk.choices[0].delta.content or "" for chunk in complete(client, stream=True)
    )
    assert whole.choices[0].message.content == streamed


def test_the_python_client_lists_the_models(client):
    assert [model.id for model in client.models.list()] == [MODEL]


def test_the_python_client_is_told_what_is_wrong(client):
    with pytest.raises(openai.NotFoundError, match="There is no model 'other'"):
        client.chat.completions.create(model="other", messages=MESSAGES, stream=True)
    with pytest.raises(openai.BadRequestError, match="messages must be"):
        client.chat.completions.create(model=MODEL, messages=[])


def test_a_python_client_that_leaves_does_not_stop_the_others(client):
    with complete(client, stream=True) as stream:
        next(iter(stream))
    assert complete(client).choices[0].message.content.startswith(BEGIN)


def test_the_async_python_client_has_several_answers_at_once(sample):
    async def one(client):
        stream = await complete(client, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def several():
        options = {"base_url": f"{sample.url}/v1", "api_key": "any", "timeout": DEADLINE}
        async with openai.AsyncOpenAI(**options) as client:
            return await asyncio.gather(*[one(client) for _ in range(10)])

    answers = asyncio.run(several())
    assert len(answers) == 10
    assert len(set(answers)) == 1
    assert answers[0].startswith(BEGIN)


def in_node(sample, *arguments):
    """What the npm client says: a JSON value."""
    node = need_program("node")
    if not (NODE / "node_modules" / "openai").is_dir():
        skip_or_fail('The npm package "openai" is not there: run "npm ci" in tests/interop/node.')
    command = [node, str(NODE / "complete.mjs"), f"{sample.url}/v1", MODEL, MESSAGES[0]["content"]]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, encoding="utf-8", timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_npm_client_gets_the_words_as_chunks(sample):
    chunks = in_node(sample, "stream")
    words = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(words).startswith(BEGIN)
    assert len([word for word in words if word]) > 40
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_npm_client_gets_a_whole_answer(sample):
    whole = in_node(sample, "whole")
    assert whole["choices"][0]["message"]["content"].startswith(BEGIN)
    assert whole["usage"]["completion_tokens"] > 40


def test_the_npm_client_lists_the_models(sample):
    assert [model["id"] for model in in_node(sample, "models")] == [MODEL]
