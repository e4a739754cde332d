"""Frames against the rules of the standard, with texts that nobody would think of."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pode_py.core.jsons import to_json
from pode_py.push.sse import frames
from pode_py.testing import SseParser
from tests.push.house import build

# All of Unicode, lone surrogates included, with what ends lines and fields more often than chance.
SPECIAL = st.sampled_from(
    ["\r", "\n", "\r\n", "\0", ":", " ", "\ufeff", "\u2028", "\x85", "\ud800"]
)
TEXT = st.text(st.one_of(st.characters(), SPECIAL.filter(lambda text: len(text) == 1)))
NASTY = st.lists(st.one_of(TEXT, SPECIAL)).map("".join)
FIELD = st.text(st.characters(exclude_characters="\r\n\0"), min_size=1)


def as_received(text: str) -> str:
    """What a client sees of a text: line ends are one kind, halves of surrogates U+FFFD."""
    lines = re.sub(r"\r\n|\r", "\n", text)
    return lines.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *edges], [*edges, len(data)], strict=True)]


@given(NASTY)
@example("")
@example("\n")
@example("a\r")
@example("\r\n\r\n")
@example("data: x\n\nevent: pode.close")
@example("\ud83d\ude00")
@example("\ufeff")
def test_any_text_in_data_comes_out_unchanged_as_one_event(text):
    events = SseParser().feed(frames.event_frame(text))
    assert [event.data for event in events] == [as_received(text)]


@given(st.lists(st.tuples(NASTY, FIELD, FIELD), max_size=5), st.lists(st.integers(0, 4096)))
def test_events_come_out_as_they_went_in_however_the_bytes_are_cut(sent, places):
    data = b"".join(frames.event_frame(d, event_id=i, event_type=t) for d, i, t in sent)
    parser = SseParser()
    got = [event for piece in cut(data, places) for event in parser.feed(piece)]
    assert [(event.data, event.id, event.type) for event in got] == [
        (as_received(d), as_received(i), as_received(t)) for d, i, t in sent
    ]


@given(data=NASTY, event_id=NASTY, event_type=NASTY)
@example(data="x", event_id="1\ndata: forged\n", event_type="t")
@example(data="x", event_id="1", event_type="t\r\revent: pode.close")
@example(data="x", event_id="\0", event_type="")
def test_what_breaks_out_of_a_field_is_refused_and_nothing_more_is_parsed_than_sent(
    data, event_id, event_type
):
    breaking = re.compile(r"[\r\n\0]")
    if breaking.search(event_id) or breaking.search(event_type):
        with pytest.raises(ValueError, match="can't be sent"):
            frames.event_frame(data, event_id=event_id, event_type=event_type)
        return
    frame = frames.event_frame(data, event_id=event_id, event_type=event_type)
    [event] = SseParser().feed(frame)
    assert event.data == as_received(data)
    assert event.type == (as_received(event_type) or "message")


@given(NASTY, st.lists(NASTY, max_size=2), st.lists(NASTY, min_size=1, max_size=2))
def test_pode_open_is_always_one_event_with_json(client_id, groups, names):
    [event] = SseParser().feed(frames.open_frame(client_id, names, groups))
    assert event.type == "pode.open"
    assert json.loads(event.data)["name"] == joined(names[0])


def joined(text: str) -> str:
    """Pairs of surrogates as one character, as JSON has them; halves stay."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_any_text_survives_the_way_over_a_socket(live_server):
    house = build(live_server)
    with house.open() as events:

        @given(NASTY)
        @settings(max_examples=150)
        def whole_way(text):
            house.send(text)
            assert events.next().data == as_received(text)

        whole_way()
        assert len(events.received) >= 150


def test_refused_events_leave_no_trace_on_the_socket(live_server):
    house = build(live_server)
    with house.open() as events:

        @given(FIELD, st.sampled_from("\r\n\0"), FIELD, st.sampled_from(["id", "event_type"]))
        @settings(max_examples=100)
        def refused(before, bad, after, argument):
            with pytest.raises(ValueError, match=argument):
                house.send("x", **{argument: before + bad + after})

        refused()
        house.send("the first that is sent")
        assert events.next().data == "the first that is sent"
        assert len(events.received) == 2


def test_the_frameworks_own_frames_are_events_with_empty_data():
    for frame, kind in ((frames.CLOSE, "pode.close"), (frames.PING, "pode.ping")):
        [event] = SseParser().feed(frame)
        assert (event.type, event.data, event.id) == (kind, "", "")


def test_a_retry_alone_is_no_event():
    parser = SseParser()
    assert parser.feed(frames.retry_frame(1500)) == []
    assert parser.retry == 1500


@pytest.mark.parametrize("client_id", ["plain-1:2.x", 'has"quote', "Größe", "back\\slash", "a/b"])
@pytest.mark.parametrize("groups", [(), ("g 1",), ("<g>",)])
def test_the_first_frame_is_the_same_json_for_plain_and_odd_names(client_id, groups):
    [event] = SseParser().feed(frames.open_frame(client_id, ("Name",), groups))
    group = groups[0] if groups else ""
    assert event.data == to_json({"clientId": client_id, "group": group, "name": "Name"})


@pytest.mark.parametrize("data", ["", "a", "a\nb", "a\rb", "a\r\nb\n", "a\u2028b\x85c\x0bd"])
def test_data_is_split_at_the_three_ends_of_lines_only(data):
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert frames.event_frame(data) == "".join(f"data: {line}\n" for line in [*lines]).encode() + (
        b"\n"
    )
