"""Plain streams: nothing reaches the client but the events that were sent, and comments."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlencode

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    get_server_state,
    send_sse_event,
    set_sse_history,
    set_sse_max_age,
    set_sse_ping,
    set_sse_reconnect_spread,
    set_sse_slow_client_policy,
)
from pode_py.testing import Client, Wire
from tests.push.house import SOON, eventually, stick

ENDS = {
    "close": lambda house: house.call(close_sse_connection, "Events"),
    "close for good": lambda house: house.call(close_sse_connection, "Events", reconnect=False),
    "the connection's own close": lambda house: house.hub.store.select("Events")[0].close(),
    "stop": lambda house: house.live.stop(),
}


class Raw:
    """A client of one stream that sees its bytes."""

    def __init__(self, house, path="/events", last_event_id=None, receive_buffer=None, **query):
        if path == "/events":
            path += "?" + urlencode({"name": "Events", "style": "plain", **query})
        cursor = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        self._wire = Wire(house.url, deadline=SOON, receive_buffer=receive_buffer)
        self._wire.send(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            f"{cursor}\r\n".encode()
        )

    def read_until(self, text: bytes) -> bytes:
        """What has come once this has come; it stays to be read again."""
        data, until = b"", time.monotonic() + SOON
        while text not in data:
            piece = self._wire.read(until)
            assert piece, f"It ended before {text!r}: {data!r}"
            data += piece
        self._wire.give_back(data)
        return data

    def head(self):
        return self._wire.read_head()

    def whole(self):
        """The whole answer, once it has ended."""
        return self._wire.read_response(deadline=SOON)

    def rest(self) -> bytes:
        """Everything to the end of the connection, framing included."""
        return self._wire.read_to_end(deadline=SOON)

    def close(self):
        self._wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def local_route(*sends, style="plain", then=lambda: None):
    """A set-up with the local stream /local, on which these are sent."""

    def setup():
        def local():
            convert_to_sse_connection("Local", scope="local", style=style)
            for data in sends:
                send_sse_event(data, from_event=True)
            then()

        add_route("get", "/local", local)

    return setup


def in_store(house, count=1):
    eventually(lambda: len(house.hub.store.select("Events")) == count, "the stream is open")


def test_a_local_stream_is_exactly_what_was_sent(make_house):
    chunk = {"id": "c-1", "choices": [{"delta": {"content": "Grüße "}}]}
    house = make_house(local_route(chunk, '{"as": "it is"}', "two\nlines", "[DONE]"))
    with Raw(house, "/local") as client:
        answer = client.whole()
    assert answer.complete
    assert answer.body.decode() == (
        'data: {"id":"c-1","choices":[{"delta":{"content":"Grüße "}}]}\n\n'
        'data: {"as": "it is"}\n\n'
        "data: two\ndata: lines\n\n"
        "data: [DONE]\n\n"
    )


def test_its_head_names_nothing_of_ours(house):
    with Raw(house, group="admins", id="7") as client:
        head = client.head()
        names = [name.lower() for name, _ in head.headers.fields()]
        assert head.headers["Content-Type"] == "text/event-stream"
        assert head.headers["X-Accel-Buffering"] == "no"
        assert not [name for name in names if "pode" in name]


def test_its_head_comes_before_the_first_event(house):
    with Raw(house) as client:
        assert client.head().status_code == 200
        # Who has seen the head is in the store.
        assert house.send("first").queued == 1
        assert b"data: first\n\n" in client.read_until(b"first\n\n")


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_without_a_word(house, end):
    with Raw(house) as client:
        in_store(house)
        house.send("the only one")
        ENDS[end](house)
        answer = client.whole()
    assert answer.complete
    assert answer.body == b"data: the only one\n\n"


def test_the_older_of_two_with_one_client_id_ends_without_a_word(house):
    with Raw(house, id="1") as old:
        in_store(house)
        [first] = house.hub.store.select("Events")
        with Raw(house, id="1") as new:
            eventually(lambda: house.hub.store.select("Events")[0] is not first, "it took over")
            assert (old.whole().body, new.head().status_code) == (b"", 200)


def test_an_old_stream_ends_without_a_word(make_house, clock):
    house = make_house(lambda: set_sse_max_age(60, jitter=0), clock=clock)
    house.call(set_sse_ping, 0)
    house.call(set_sse_reconnect_spread, 30)
    with Raw(house) as client:
        in_store(house)
        clock.advance(60)
        answer = client.whole()
    assert (answer.body, answer.complete) == (b"", True)


def test_a_local_stream_that_outlives_the_grace_time_ends_without_a_word(make_house):
    released = threading.Event()

    def wait():
        released.wait(SOON)

    house = make_house(local_route("once upon a time", then=wait), grace=0.5)
    house.call(set_sse_reconnect_spread, 30)
    with Raw(house, "/local") as client:
        client.read_until(b"time\n\n")
        house.live.stop()
        answer = client.whole()
        released.set()
    assert answer.complete
    assert answer.body == b"data: once upon a time\n\n"


def test_a_local_stream_ends_with_its_route_while_the_server_stops(make_house):
    def go_on():
        while get_server_state() == "running":
            time.sleep(0.005)
        send_sse_event("the end", from_event=True)

    house = make_house(local_route("once upon a time", then=go_on), grace=SOON)
    with Raw(house, "/local") as client:
        client.read_until(b"time\n\n")
        house.live.stop()
        answer = client.whole()
    assert answer.complete
    assert answer.body == b"data: once upon a time\n\ndata: the end\n\n"


def test_a_route_that_fails_cuts_it_without_a_word(make_house):
    def fail():
        raise RuntimeError("broken")

    house = make_house(local_route("begun", then=fail))
    with Raw(house, "/local") as client:
        answer = client.whole()
    assert not answer.complete
    assert answer.body == b"data: begun\n\n"
    assert any("broken" in message for message in house.errors())


def test_a_client_that_does_not_read_is_cut_without_a_word(house):
    with Raw(house, receive_buffer=4096) as client:
        in_store(house)
        stick(house)
        while not house.send("x" * 65536).dropped:
            pass
        eventually(lambda: not house.hub.store.names(), "the stream is gone")
        received = client.rest()
    assert b"xxxx" in received
    assert b"pode." not in received.lower()


def test_a_silent_stream_gets_a_comment(timed_house, clock):
    with Raw(timed_house) as client:
        in_store(timed_house)
        timed_house.send("news").wait(SOON)
        clock.advance(15)
        received = client.read_until(b": ping\n\n")
        assert b"pode." not in received.lower()
        timed_house.call(close_sse_connection, "Events")
        assert client.whole().body == b"data: news\n\n: ping\n\n"


def test_pings_follow_their_interval(timed_house, clock):
    house = timed_house
    house.call(set_sse_ping, 0)
    with Raw(house) as never:
        in_store(house)
        house.call(set_sse_ping, 2)
        with Raw(house) as often:
            in_store(house, 2)
            house.send("a").wait(SOON)
            clock.advance(2)
            often.read_until(b": ping\n\n")
            house.call(close_sse_connection, "Events")
            assert never.whole().body == b"data: a\n\n"


def test_a_ping_displaces_no_event_where_the_latest_are_kept(make_house, clock):
    def setup():
        set_sse_slow_client_policy("keep_latest", events=2)

    house = make_house(setup, clock=clock)
    with Raw(house, receive_buffer=4096) as client:
        in_store(house)
        [connection] = house.hub.store.select("Events")
        stick(house)
        assert house.send("the latest").queued
        connection.outbox.put(b": ping\n\n")
        connection.outbox.put(b": ping\n\n")
        house.call(close_sse_connection, "Events")
        assert b"data: the latest\n\n" in client.rest()


def test_streams_of_both_styles_share_a_name(house):
    with house.open() as ours, Raw(house) as plain:
        in_store(house, 2)
        house.send({"price": 1}, event_type="quote", id="7")
        house.call(close_sse_connection, "Events")
        assert [event.type for event in ours.until_closed()] == ["quote", "pode.close"]
        assert plain.whole().body == b'id: 7\nevent: quote\ndata: {"price":1}\n\n'


def test_a_retry_that_the_route_asks_for_is_sent(house):
    with Raw(house, retry=2000) as client:
        in_store(house)
        house.call(close_sse_connection, "Events")
        assert client.whole().body == b"retry: 2000\n\n"


def test_a_client_that_comes_back_gets_what_it_missed_and_no_more(make_house):
    house = make_house(set_sse_history)
    with Raw(house) as client:
        in_store(house)
        house.send("one")
        seen = client.read_until(b"one\n\n")
        cursor = seen[seen.rindex(b"id: ") + 4 :].split(b"\n")[0].decode()
    eventually(lambda: not house.hub.store.names(), "it is gone")
    house.send("two")
    with Raw(house, last_event_id=cursor) as again:
        in_store(house)
        house.call(close_sse_connection, "Events")
        body = again.whole().body.decode()
    epoch, _, number = cursor.rpartition("-")
    assert body == f"id: {epoch}-{int(number) + 1}\ndata: two\n\n"


def test_a_client_whose_place_is_unknown_gets_what_is_sent_from_now_on(make_house):
    house = make_house(set_sse_history)
    house.send("long ago")
    with Raw(house, last_event_id="of-another-server-7") as client:
        in_store(house)
        house.send("now", id="8")
        house.call(close_sse_connection, "Events")
        assert client.whole().body == b"id: 8\ndata: now\n\n"


def test_a_style_is_known_in_any_case(house):
    with Raw(house, style="PLAIN") as client:
        assert "X-Pode-Sse-Name" not in client.head().headers
    with Raw(house, style="Pode") as client:
        assert client.head().headers["X-Pode-Sse-Name"] == "Events"


def test_an_unknown_style_is_told(house):
    with Raw(house, style="simple") as client:
        assert client.whole().status_code == 500
    [message] = house.errors()
    assert "style='simple' is not known. Use one of: 'pode', 'plain'." in message


def test_the_client_without_sockets_sees_the_same():
    with Client(local_route("one", "[DONE]")) as client, client.sse("/local") as events:
        assert [(event.type, event.data) for event in events.until_closed()] == [
            ("message", "one"),
            ("message", "[DONE]"),
        ]
        assert events.ended_cleanly
        assert "X-Pode-Sse-Name" not in events.headers
