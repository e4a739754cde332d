"""What the docstrings of the samples about streams promise."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from types import SimpleNamespace

from pode_py import send_sse_event
from pode_py.testing import FakeClock, running
from tests.samples.running import RunningSample, imported


def me(stream, name=None):
    """The headers that make a request one of this stream's client."""
    opened = json.loads(stream.next("pode.open").data)
    return {
        "X-PODE-SSE-CLIENT-ID": opened["clientId"],
        "X-PODE-SSE-NAME": name or opened["name"],
    }


def test_the_global_stream_gets_what_the_schedule_sends():
    with RunningSample("sse_global") as sample:
        streams = [sample.sse("/events") for _ in range(2)]
        for stream in streams:
            assert json.loads(stream.next().data)["name"] == "Events"
        assert sample.post("/now").json() == {"listeners": 2}
        for stream in streams:
            assert stream.next("message").data.startswith("Hello there! The time is ")
        sample.stop()
        for stream in streams:
            assert [event.type for event in stream.until_closed()] == ["pode.close"]
            assert stream.ended_cleanly


def test_the_global_stream_gets_an_event_at_each_full_minute_and_not_before():
    clock = FakeClock(datetime(2027, 1, 1, 12, 0, 30, tzinfo=UTC))
    with running(imported("sse_global").server, clock=clock) as live:
        stream = live.sse("/events")
        stream.next("pode.open")
        clock.advance(29)
        live.call(send_sse_event, "the minute is not over", name="Events")
        assert stream.next("message").data == "the minute is not over"
        for _ in range(2):
            clock.advance(60)
            told = stream.next("message").data
            assert re.fullmatch(r"Hello there! The time is \d\d:\d\d:\d\d\.", told)


def test_the_local_stream_takes_ten_seconds_if_nobody_asks_for_quick():
    sample, waits = imported("sse_local"), []

    async def sleep(seconds):
        waits.append(seconds)

    sample.asyncio = SimpleNamespace(sleep=sleep)
    with running(sample.server) as live:
        for path in "/events", "/events?quick":
            kinds = [event.type for event in live.sse(path).until_closed()]
            assert kinds == ["pode.open", "First", "Second", "pode.close"]
    assert waits == [10, 1]


def test_the_local_stream_gets_two_events_and_ends():
    with RunningSample("sse_local") as sample:
        stream = sample.sse("/events?quick")
        assert stream.next().type == "pode.open"
        first = stream.next()
        began = time.monotonic()
        second, close = stream.until_closed(deadline=60)
        assert (first.type, second.type, close.type) == ("First", "Second", "pode.close")
        assert stream.ended_cleanly
        assert time.monotonic() - began > 0.5


def test_groups_and_client_ids_choose_who_gets_it():
    with RunningSample("sse_groups") as sample:
        anna = sample.sse("/events?group=red&id=anna")
        ben = sample.sse("/events?group=blue&id=ben")
        for stream in (anna, ben):
            stream.next("pode.open")
        assert sample.get("/who").json() == {
            "everybody": ["anna", "ben"],
            "groups": {"red": ["anna"], "blue": ["ben"]},
        }
        sends = [
            ({"text": "everybody"}, 2),
            ({"text": "reds", "group": "red"}, 1),
            ({"text": "both", "group": ["red", "blue"]}, 2),
            ({"text": "to anna", "id": "anna"}, 1),
            ({"text": "nobody", "group": "blue", "id": "anna"}, 0),
        ]
        for data, reached in sends:
            assert sample.post("/send", data=data).json() == {"reached": reached}
        texts = [event.data for event in anna.take(4, "message")]
        assert texts == ["everybody", "reds", "both", "to anna"]
        assert [event.data for event in ben.take(2, "message")] == ["everybody", "both"]
        assert sample.post("/close", data={"id": "anna"}).json() == {"closed": 1}
        assert [event.type for event in anna.until_closed()] == ["pode.close"]


def test_answers_come_over_the_stream_to_signed_ids_only():
    with RunningSample("sse_signed") as sample:
        stream = sample.sse("/events")
        headers = me(stream)
        assert headers["X-PODE-SSE-CLIENT-ID"].startswith("s:")
        question = {"question": "how are you"}

        accepted = sample.post("/ask", headers=headers, data=question)
        assert (accepted.status_code, accepted.body) == (202, b"")
        answer = json.loads(stream.next("answer").data)
        assert answer == {"question": "how are you?", "answer": "uoy era woh!"}

        forged = headers | {"X-PODE-SSE-CLIENT-ID": headers["X-PODE-SSE-CLIENT-ID"] + "x"}
        assert sample.post("/ask", headers=forged, data=question).status_code == 400
        assert sample.post("/ask", data=question).status_code == 400


def test_broadcast_levels_guard_their_names():
    with RunningSample("sse_broadcast_levels") as sample:
        stream = sample.sse("/events/Private?group=a&id=me")
        stream.next("pode.open")

        def send(name, **target):
            return sample.post(f"/send/{name}", data={"text": "hello", **target})

        assert send("News").json() == {"reached": 0}
        assert send("Teams").status_code == 403
        assert send("Teams", group="a").json() == {"reached": 0}
        assert send("Private", group="a").status_code == 403
        assert send("Private", id="me").json() == {"reached": 1}
        assert stream.next("message").data == "hello"
        assert sample.get("/events/Nothing").status_code == 404


def test_everybody_is_told_who_comes_and_goes():
    with RunningSample("sse_connect_events") as sample:
        anna = sample.sse("/events?who=Anna")
        news = json.loads(anna.next("lobby").data)
        assert news == {"what": "came", "who": "Anna", "online": ["Anna"]}
        ben = sample.sse("/events?who=ben")
        assert json.loads(anna.next("lobby").data)["online"] == ["Anna", "ben"]
        assert sample.get("/online").json() == {"online": ["Anna", "ben"]}
        ben.close()
        news = json.loads(anna.next("lobby").data)
        assert news == {"what": "left", "who": "ben", "online": ["Anna"]}
        sample.wait_for_output("Disconnected: ben")
        assert sample.get("/online").json() == {"online": ["Anna"]}


def test_the_job_goes_on_where_it_was_when_its_client_comes_back():
    with RunningSample("progress") as sample:
        job = sample.post("/jobs").json()["id"]
        stream = sample.sse(f"/jobs/{job}")
        assert [json.loads(event.data)["done"] for event in stream.take(5, "progress")] == [
            *range(1, 6)
        ]
        stream.close()

        events = sample.sse(f"/jobs/{job}").until_closed(deadline=20)
        done = [json.loads(event.data)["done"] for event in events if event.type == "progress"]
        # What was on the way to the client that left is lost: that is what the ids are for.
        assert 5 < done[0] < 60
        assert done == list(range(done[0], 101))
        assert [event.type for event in events[-2:]] == ["finished", "pode.close"]
        assert sample.sse("/jobs/unknown").status == 404


def test_what_is_said_reaches_everybody_and_who_comes_later():
    with RunningSample("chat") as sample:
        anna, ben = (sample.sse(f"/events?nick={nick}") for nick in ("Anna", "Ben"))
        assert json.loads(anna.take(2, "people")[-1].data) == {"people": ["Anna", "Ben"]}
        nasty = "<img src=x onerror=alert(1)>\nsecond line: \U0001f642"
        headers = me(ben)
        assert sample.post("/say", headers=headers, data={"text": nasty}).status_code == 200
        for stream in (anna, ben):
            message = json.loads(stream.next("said").data)
            assert (message["nick"], message["text"]) == ("Ben", nasty)

        ben.close()
        assert json.loads(anna.next("people").data) == {"people": ["Anna"]}
        assert sample.post("/say", headers=headers, data={"text": "boo"}).status_code == 404
        assert sample.post("/say", data={"text": "boo"}).status_code == 403

        carla = sample.sse("/events?nick=Carla")
        assert json.loads(carla.next("said").data)["text"] == nasty


def test_who_comes_back_to_the_chat_gets_what_he_missed():
    with RunningSample("chat") as sample:
        anna, ben = (sample.sse(f"/events?nick={nick}") for nick in ("Anna", "Ben"))
        headers = me(anna)
        for text in ("one", "two"):
            sample.post("/say", headers=headers, data={"text": text})
        seen = ben.next("said")
        assert json.loads(seen.data)["text"] == "one"
        ben.close()
        sample.post("/say", headers=headers, data={"text": "three"})
        back = sample.sse("/events?nick=Ben", last_event_id=seen.id)
        texts = [json.loads(event.data)["text"] for event in back.take(2, "said")]
        assert texts == ["two", "three"]


def test_one_stream_has_the_clock_and_the_news():
    with RunningSample("shared_stream") as sample:
        stream = sample.sse("/events")
        assert json.loads(stream.next("pode.open").data)["names"] == ["Clock", "News"]
        stream.next("clock")
        assert stream.next("connections").data == "1"
        assert sample.post("/news", data={"text": "It rains."}).json() == {"reached": 1}
        assert stream.next("news").data == "It rains."
        (connection,) = sample.get("/connections").json()
        assert connection["names"] == ["Clock", "News"]
        assert sample.post("/news", data={"text": " "}).status_code == 400
        assert "SharedEventSource" in sample.get("/pode/sse-shared.js").text

        stream.close()
        sample.post("/news", data={"text": "while you were away"})
        back = stream.reconnect()
        assert back.next("news").data == "while you were away"
        back.close()


def test_the_chart_begins_with_its_past_and_goes_on():
    with RunningSample("live_chart") as sample:
        sample.sse("/events").take(2, "reading")
        stream = sample.sse("/events")
        past = json.loads(stream.next("history").data)
        new = [json.loads(event.data) for event in stream.take(2, "reading")]
        assert len(past) >= 2
        assert past[-1]["at"] < new[0]["at"] < new[1]["at"]
        assert set(new[0]) == {"at", "temperature", "wind"}


def test_the_showcase_is_alive():
    with RunningSample("showcase") as sample:
        stream = sample.sse("/events")
        headers = me(stream)
        assert json.loads(stream.next("hello").data)["you"] == "Guest 1"
        stream.next("clock")
        assert json.loads(stream.next("figures").data)["streams"] == 1
        assert sample.post("/say", headers=headers, json={"text": "hi"}).status_code == 200
        assert json.loads(stream.next("said").data) == {"nick": "Guest 1", "text": "hi"}
        assert "chat" in [entry["name"] for entry in sample.get("/samples").json()]


def test_the_job_of_the_showcase_reports_only_to_who_started_it():
    with RunningSample("showcase") as sample:
        mine, other = sample.sse("/events"), sample.sse("/events")
        other.next("hello")
        assert sample.post("/job", headers=me(mine)).status_code == 200
        assert len(mine.take(20, "progress")) == 20
        other.next("clock")
        other.next("clock")
        assert "progress" not in [event.type for event in other.received]


def test_the_showcase_restarts_for_its_clients_only():
    with RunningSample("showcase") as sample:
        stream = sample.sse("/events")
        headers = me(stream)
        assert sample.post("/restart").status_code == 403
        last = stream.next("clock")
        assert sample.post("/restart", headers=headers).status_code == 200
        assert stream.until_closed()[-1].type == "pode.close"
        sample.wait_for_output("[Running]")
        while sample.output.count("[Running]") < 2:
            time.sleep(0.02)
        back = sample.sse("/events", last_event_id=last.id)
        assert json.loads(back.next("hello").data)["lastEventId"] == last.id
