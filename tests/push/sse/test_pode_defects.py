"""The defects of Pode's event streams, one by one: ours has none of them.

The numbers are those of the list in the design's notes on Pode; 26 and 27 are about timers and
schedules, 28 about a page, and are tested there.
"""

from __future__ import annotations

import gc
import json
import threading
import time

import pytest

from pode_py import (
    add_middleware,
    add_route,
    close_sse_connection,
    convert_to_sse_connection,
    enable_sse_signing,
    get_sse_event,
    get_sse_name_list,
    register_sse_event,
    send_sse_event,
    set_header,
    set_sse_ping,
    test_sse_event,
    test_sse_name,
)
from pode_py.core.signing import sign
from pode_py.testing import Wire
from tests.push.house import AT_ONCE, SOON, eventually, stick

REQUEST = b"GET /events?name=%b HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


def test_01_data_with_line_ends_arrives_whole(house):
    with house.open() as events:
        house.send("first\nsecond\r\nthird\rfourth")
        assert events.next().data == "first\nsecond\nthird\nfourth"


@pytest.mark.parametrize("forged", ["1\ndata: forged\n\n", "1\rdata: forged\r\r", "1\0"])
def test_02_nothing_in_an_event_can_start_another_one(house, forged):
    with house.open() as events:
        for argument in ("id", "event_type"):
            with pytest.raises(ValueError, match=argument):
                house.send("x", **{argument: forged})
        house.send(f"x\n\nevent: pode.close\ndata: forged\n\nid: {forged}")
        event = events.next()
        assert event.type == "message"
        assert event.data.startswith("x\n\nevent: pode.close\ndata: forged\n\nid: 1")
        house.send("the next")
        assert events.next().data == "the next"


@pytest.mark.parametrize("argument", ["name", "group", "id"])
def test_03_no_header_can_be_injected_through_names(house, argument):
    with Wire(house.live.port) as wire:
        wire.send(
            b"GET /events?%b=a%%0d%%0aX-Forged:%%20yes HTTP/1.1\r\nHost: x\r\n"
            b"Accept: text/event-stream\r\n\r\n" % argument.encode()
        )
        response = wire.read_response()
        assert response.status_code == 500
        assert "X-Forged" not in response.headers


def test_04_pode_open_is_json_whatever_the_names_hold(house):
    text = 'a","admin":true,"b":"\\ \u2028'
    with house.open(text, wait=False, group=text, id=text) as events:
        opened = json.loads(events.next().data)
        assert opened == {"clientId": text, "group": text, "name": text}


def test_05_an_event_is_atomic(house):
    house.hub.ping_interval = 0.0005
    with house.open(deadline=30) as events:

        def speak(thread):
            for number in range(500):
                made = send_sse_event(f"{thread}\n{number}", name="Events", event_type=f"t{thread}")
            made.wait(SOON)

        threads = [threading.Thread(target=house.call, args=(speak, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        seen = 0
        while seen < 2000:
            event = events.next()
            if event.type == "pode.ping":
                assert event.data == ""
                continue
            assert event.data.split("\n")[0] == event.type.removeprefix("t")
            seen += 1
        for thread in threads:
            thread.join()


def test_06_two_sends_in_a_row_arrive_in_that_order(house):
    with house.open() as events:
        for number in range(2000):
            house.send(number)
        assert [event.data for event in events.take(2000)] == [str(n) for n in range(2000)]


def test_07_one_slow_client_does_not_hold_up_the_rest(house):
    with (
        house.open("All", id="a", receive_buffer=4096),
    ):
        stick(house, "All")
        with house.open("All", id="z") as quick:
            began = time.monotonic()
            for number in range(100):
                house.send(number, name="All")
            assert [event.data for event in quick.take(100)] == [str(n) for n in range(100)]
            assert time.monotonic() - began < AT_ONCE


def test_08_when_the_slow_client_fails_the_others_still_get_every_event(make_house):
    house = make_house(dead_client_timeout=1)
    with house.open("Stuck", id="b", receive_buffer=4096):
        stick(house, "Stuck")
        with house.open("Stuck", id="a") as before, house.open("Stuck", id="c") as after:
            sent = 0
            while "b" in house.client_ids("Stuck"):
                house.send(sent, name="Stuck")
                sent += 1
                time.sleep(0.01)
            house.send("end", name="Stuck")
            expected = [*map(str, range(sent)), "end"]
            assert [event.data for event in before.take(sent + 1)] == expected
            assert [event.data for event in after.take(sent + 1)] == expected


def test_09_two_first_clients_of_a_name_are_both_reached(house):
    for turn in range(30):
        name = f"N{turn}".encode()
        with Wire(house.live.port) as one, Wire(house.live.port) as two:
            one.send(REQUEST % name)
            two.send(REQUEST % name)
            for wire in (one, two):
                assert wire.read_head().status_code == 200
            name = name.decode()
            eventually(lambda name=name: len(house.client_ids(name)) == 2, "both are in the store")
            assert house.send("x", name=name).queued == 2


def test_10_a_client_that_answers_pode_open_at_once_is_known(house):
    for number in range(100):
        with house.open(f"N{number}", id="me"):
            headers = {"X-Pode-Sse-Client-Id": "me", "X-Pode-Sse-Name": f"N{number}"}
            assert house.live.get("/who", headers=headers).status_code == 200


def test_11_a_stuck_connection_does_not_block_its_successor(make_house):
    house = make_house(threads=1)
    with house.open(id="me", receive_buffer=4096):
        stick(house, "Events")
        began = time.monotonic()
        with house.open(id="me"):
            assert time.monotonic() - began < AT_ONCE
            assert house.live.get("/quick").text == "quick"


def test_12_the_end_of_a_local_stream_leaves_a_global_one_with_its_name_and_id_alone(make_house):
    def more():
        add_route(
            "get",
            "/local",
            lambda: (
                convert_to_sse_connection("Events", scope="local", client_id="me")
                and send_sse_event("local", from_event=True)
                and None
            ),
        )

    house = make_house(more)
    with house.open(id="me") as stays:
        with house.live.sse("/local") as local:
            assert len(local.until_closed()) == 3
        eventually(lambda: house.connections == 1, "the local one is gone")
        assert house.send("still there").matched == 1
        assert stays.next().data == "still there"


def test_13_no_more_than_fifteen_seconds_pass_without_a_byte(timed_house, clock):
    house = timed_house

    def noted():
        """The time of a write is noted after it; a second stream shows that it was."""
        with house.open("later"):
            pass

    with house.open() as events:
        noted()
        silent = 0.0
        for _ in range(300):  # five minutes, second by second, with a send now and then
            clock.advance(1)
            silent += 1
            if silent >= 15:
                assert events.next(deadline=SOON).type == "pode.ping"
                silent = 0
                noted()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_14_a_client_that_leaves_is_noticed_without_any_write(make_house, leave):
    gone = threading.Event()

    def more():
        set_sse_ping(0)
        register_sse_event("Events", "disconnect", "note", gone.set)

    house = make_house(more)
    getattr(house.open(), leave)()
    assert gone.wait(SOON)
    eventually(lambda: house.connections == 0, "the socket is closed")


def test_15_closing_while_pings_go_out_ends_nothing_else(house):
    house.hub.ping_interval = 0.0002
    for turn in range(100):
        with house.open(id="me", wait=False) as events:
            if turn % 3 == 0:
                events.next("pode.open")
                house.call(close_sse_connection, "Events")
            elif turn % 3 == 1:
                events.next("pode.open")
    house.hub.ping_interval = 15.0
    with house.open() as events:
        house.send("alive")
        assert events.next().data == "alive"
    assert house.errors() == []


def test_16_closing_connections_collects_no_garbage(house):
    streams = [house.open() for _ in range(200)]
    before = gc.get_stats()[2]["collections"]
    for events in streams:
        events.close()
    eventually(lambda: house.connections == 0, "all are closed")
    assert gc.get_stats()[2]["collections"] - before < 10


def test_17_a_stop_gives_up_writes_that_nobody_reads(house):
    with house.open(receive_buffer=4096):
        stick(house, "Events")
        house.live.stop(0.2)
        assert house.live.server.engine.streams == 0


def test_18_at_the_stop_a_stuck_client_does_not_delay_the_farewell_of_the_rest(house):
    with house.open("Stuck", receive_buffer=4096) as stuck:
        stick(house, "Stuck")
        readers = [house.open(f"N{number}") for number in range(5)]
        stopper = threading.Thread(target=house.live.stop, args=(100.0,))
        stopper.start()
        for events in readers:
            assert [event.type for event in events.until_closed()] == ["pode.close"]
            assert events.ended_cleanly
        assert stopper.is_alive()
        stuck.close()
        stopper.join()


def test_19_headers_and_cookies_set_before_the_conversion_are_sent(make_house):
    def more():
        def before():
            set_header("Set-Cookie", "session=1")
            set_header("Access-Control-Allow-Origin", "https://example.com")
            set_header("Access-Control-Allow-Credentials", "true")
            set_header("X-Frame-Options", "DENY")

        add_middleware("before", before)

    headers = make_house(more).open().headers
    assert headers["Set-Cookie"] == "session=1"
    assert headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["X-Frame-Options"] == "DENY"


def test_20_an_accept_header_may_be_a_list_and_a_refusal_is_406(house):
    for accept in ("application/json, text/event-stream", "text/event-stream;q=0.9"):
        with house.open(headers={"Accept": accept}):
            pass
    with house.open(wait=False, headers={"Accept": "application/json"}) as events:
        assert events.status == 406
    assert house.errors() == []


def test_21_proxies_are_told_not_to_hold_events_back(house):
    headers = house.open().headers
    assert headers["X-Accel-Buffering"] == "no"
    assert "no-transform" in headers["Cache-Control"]


def test_22_signatures_have_case_and_signed_looking_ids_are_checked(house):
    house.call(enable_sse_signing, "secret")
    good = sign("me", "secret")
    value, _, signature = good.rpartition(".")
    for forged in (f"{value}.{signature.swapcase()}", "s:me.", "s:me.anything"):
        headers = {"X-Pode-Sse-Client-Id": forged}
        assert house.live.get("/who", headers=headers).status_code == 400
        with house.open(id=forged, wait=False) as events:
            assert events.status == 400
    with house.open(id=good) as events:
        assert events.headers["X-Pode-Sse-Client-Id"] == good


def test_23_a_name_goes_with_its_last_connection(house):
    for number in range(20):
        house.open(f"user-{number}").close()
    eventually(lambda: house.call(get_sse_name_list) == [], "no name is left")
    assert not house.call(test_sse_name, "user-1")


def test_24_handlers_registered_after_the_start_are_called(house):
    seen = []
    for kind in ("connect", "disconnect"):
        house.call(register_sse_event, "Events", kind, "note", lambda kind=kind: seen.append(kind))
    house.open().close()
    eventually(lambda: seen == ["connect", "disconnect"], "both have run")


def test_25_registered_handlers_are_found_by_their_event_name(house):
    house.call(register_sse_event, "Events", "connect", "greet", lambda: None)
    assert house.call(test_sse_event, "connect", name="Events", event_name="greet")
    assert not house.call(test_sse_event, "connect", name="Events", event_name="Events")
    [found] = house.call(get_sse_event, "connect", event_name="greet")
    assert found.event_name == "greet"
