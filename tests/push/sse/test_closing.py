"""How streams end: by a call, with the server, by the client; and what keeps them alive."""

from __future__ import annotations

import threading

import pytest

from pode_py import (
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    register_sse_event,
    send_sse_event,
    set_sse_ping,
    web_event,
)
from pode_py.testing import fetch, sse
from tests.push.house import SOON, eventually, stick


def ends_well(events) -> bool:
    last = events.until_closed()[-1]
    return (last.type, last.data) == ("pode.close", "") and events.ended_cleanly


def wait_closed(house) -> None:
    """The pusher has done everything it was given: it opened a stream after it."""
    with house.open("closed"):
        pass
    eventually(lambda: not house.client_ids("closed"), "the stream is closed")


def test_close_sends_pode_close_and_ends_the_body(house):
    with house.open() as one, house.open() as two:
        house.send("last")
        assert house.call(close_sse_connection, "Events") == 2
        for events in (one, two):
            assert events.next().data == "last"
            assert ends_well(events)
    eventually(lambda: not house.hub.store.names(), "nobody is connected")


def test_close_can_mean_groups_and_clients(house):
    with (
        house.open(id="1", group="red") as one,
        house.open(id="2", group="red") as two,
        house.open(id="3") as three,
    ):
        assert house.call(close_sse_connection, "Events", group="RED", client_id=[1, 3]) == 1
        assert ends_well(one)
        assert house.call(close_sse_connection, "Events", group="red") == 1
        assert ends_well(two)
        assert house.call(close_sse_connection, "Nobody") == 0
        house.send("you stay")
        assert three.next().data == "you stay"


def test_nothing_is_sent_after_pode_close(house):
    with house.open() as events:
        [connection] = house.hub.store.select("Events")
        connection.close()
        assert house.send("too late").queued == 0
        assert ends_well(events)


def test_a_route_can_close_its_own_stream(make_house):
    def more():
        def route():
            convert_to_sse_connection("Events", client_id="me")
            send_sse_event("once", from_event=True)
            close_sse_connection("Events", client_id="me")

        add_route("get", "/once", route)

    with make_house(more).live.sse("/once") as events:
        assert [event.type for event in events] == ["pode.open", "message", "pode.close"]
        assert events.ended_cleanly


def test_the_end_of_the_server_says_goodbye_to_all_streams(house):
    streams = [house.open(name) for name in ("A", "B", "C") * 5]
    house.live.stop()
    assert all(map(ends_well, streams))


def test_a_stream_that_does_not_read_does_not_keep_the_server(house):
    stuck = house.open("Stuck", receive_buffer=4096)
    stick(house, "Stuck")
    readers = [house.open("Readers") for _ in range(3)]
    house.live.stop(0.5)
    assert all(map(ends_well, readers))
    stuck.close()


def test_a_local_stream_within_the_grace_time_delivers_its_last_event(make_house):
    stopping = threading.Event()

    def more():
        def local():
            convert_to_sse_connection("Events", scope="local")
            stopping.wait(SOON)
            send_sse_event("the last one", from_event=True)

        add_route("get", "/local", local)

    house = make_house(more, grace=SOON)
    with house.live.sse("/local") as events:
        assert events.next().type == "pode.open"
        stopper = threading.Thread(target=house.live.stop)
        stopper.start()
        eventually(lambda: refused(house), "the server accepts nothing any more")
        stopping.set()
        assert [event.data for event in events.until_closed()] == ["the last one", ""]
        assert events.ended_cleanly
        stopper.join(SOON)


def refused(house) -> bool:
    try:
        fetch(house.url + "/quick")
    except (ConnectionError, AssertionError):
        return True
    return False


def test_a_local_stream_beyond_the_grace_time_is_ended_with_a_farewell(make_house):
    go_on = threading.Event()

    def more():
        def local():
            convert_to_sse_connection("Events", scope="local")
            while web_event.sse.is_open and not go_on.wait(0.01):
                pass

        add_route("get", "/local", local)

    house = make_house(more)
    with house.live.sse("/local") as events:
        assert events.next().type == "pode.open"
        house.live.stop(0.2)
        go_on.set()
        assert ends_well(events)


def test_a_stream_can_not_be_opened_while_the_server_stops(make_house):
    inside, go_on = threading.Event(), threading.Event()

    def more():
        def late():
            inside.set()
            go_on.wait(SOON)
            convert_to_sse_connection("Events")

        add_route("get", "/late", late)

    house = make_house(more)
    house.hub.close_all()
    go_on.set()
    with house.live.sse("/late") as events:
        assert events.status == 503
        assert events.headers["Retry-After"] == "1"


def test_a_silent_stream_is_pinged_after_fifteen_seconds(timed_house, clock):
    house = timed_house
    with house.open() as events:
        wait_closed(house)
        clock.advance(14.9)
        house.send("no ping so far")
        assert events.next().data == "no ping so far"
        wait_closed(house)
        clock.advance(14.9)
        house.send("none so far")
        assert events.next().data == "none so far"
        wait_closed(house)
        clock.advance(15)
        ping = events.next()
        assert (ping.type, ping.data) == ("pode.ping", "")
        wait_closed(house)
        clock.advance(15)
        assert events.next().type == "pode.ping"


def test_pings_stop_with_interval_zero_and_follow_it_otherwise(timed_house, clock):
    house = timed_house
    house.call(set_sse_ping, 0)
    with house.open("Never") as never:
        house.call(set_sse_ping, 2)
        with house.open("Often") as often:
            wait_closed(house)
            clock.advance(2)
            assert often.next().type == "pode.ping"
            clock.advance(3600)
            house.send("quiet", name="Never")
            assert never.next().data == "quiet"
    with pytest.raises(ValueError, match="interval"):
        house.call(set_sse_ping, -1)


def test_a_client_that_leaves_is_missed_without_any_traffic(make_house):
    gone = threading.Event()

    def more():
        set_sse_ping(0)
        register_sse_event("Events", "disconnect", "note", gone.set)

    house = make_house(more)
    for leave in ("close", "reset"):
        gone.clear()
        events = house.open()
        getattr(events, leave)()
        assert gone.wait(SOON), leave
        eventually(lambda: not house.hub.store.names(), "the name is gone")
        eventually(lambda: house.connections == 0, "the connection is closed")


def test_a_client_that_ends_only_its_sending_is_gone_too(house):
    """Browsers never half-close; what half-closes a stream will not read it either."""
    with house.open() as events:
        events.wire.finish_sending()
        eventually(lambda: not house.client_ids(), "the client is out")


def test_an_https_stream(make_house):
    from pode_py import add_endpoint

    house = make_house(lambda: add_endpoint(port=8443, protocol="https", self_signed=True))
    assert house.url.startswith("https://")
    with house.open() as one, house.open() as two:
        house.send("x" * 300_000 + "\nsecret")
        assert one.next().data == two.next().data == "x" * 300_000 + "\nsecret"
        two.close()
        eventually(lambda: len(house.client_ids()) == 1, "the client is out")
        for number in range(100):
            house.send(number)
        assert [event.data for event in one.take(100)] == [str(n) for n in range(100)]
        house.call(close_sse_connection, "Events")
        assert ends_well(one)


def test_streams_work_on_the_portable_poller_too(make_house):
    house = make_house(poller="selectors")
    with house.open() as one, sse(house.url + "/events") as two:
        house.send("hello")
        assert one.next().data == "hello"
        assert two.next("message").data == "hello"
        house.live.stop()
        assert ends_well(one)
