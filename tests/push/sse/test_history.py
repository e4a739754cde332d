"""History: what a client gets that comes back, and what nobody gets."""

from __future__ import annotations

import random
import threading
import time
from urllib.parse import quote

import pytest

from pode_py import close_sse_connection, set_sse_history, set_sse_slow_client_policy
from pode_py.testing import FaultProxy, SseClient, Wire, sse, storm
from tests.push.house import SOON, eventually
from tests.push.sse.resuming import texts, up_to, with_history


@pytest.fixture
def kept(make_house):
    """A house that keeps a history."""
    return make_house(with_history())


def many(house, names, last_event_id=None, **asked) -> SseClient:
    query = "".join(f"&{key}={quote(value)}" for key, value in asked.items())
    client = house.live.sse(f"/many?name={names}{query}", last_event_id=last_event_id)
    assert client.next().type == "pode.open"
    return client


def cursor(house, name="Events", **query) -> str:
    """Where a client is that has connected now."""
    with house.open(name, **query) as client:
        return client.last_event_id


def test_ids_grow_and_say_which_server_made_them(kept):
    with kept.open() as events:
        start = events.last_event_id
        for number in range(3):
            kept.send(number)
        ids = [event.id for event in events.take(3)]
    epochs = {one.split("-")[0] for one in [start, *ids]}
    numbers = [int(one.split("-")[1]) for one in [start, *ids]]
    assert len(epochs) == 1
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_what_was_missed_comes_once_between_pode_open_and_the_live_ones(kept):
    events = kept.open()
    kept.send("seen")
    assert events.next().data == "seen"
    events.close()
    kept.send("missed 1")
    kept.send("missed 2", event_type="news")
    with events.reconnect() as again:
        first, *missed = again.take(3)
        kept.send("live")
        assert first.type == "pode.open"
        assert texts(missed) == ["missed 1", "missed 2"]
        assert missed[1].type == "news"
        assert up_to(again, "live") == []
        assert again.received[-1].data == "live"
    # Once more from there: nothing is missing, and nothing comes twice.
    with again.reconnect() as third:
        assert third.next().type == "pode.open"
        kept.send("end")
        assert up_to(third, "end") == []


def test_the_query_may_say_where_a_client_was(kept):
    start = cursor(kept)
    kept.send("missed")
    with kept.open(last_event_id=None, **{"wait": True}) as fresh:
        kept.send("end")
        assert up_to(fresh, "end") == []
    with kept.live.sse(f"/events?last_event_id={start}") as events:
        assert events.next().type == "pode.open"
        assert texts(events.take(2)) == ["missed", "end"]
    # The header is what a browser sends later, with the same address: it wins.
    with kept.live.sse(
        f"/events?last_event_id={start}", last_event_id=events.last_event_id
    ) as late:
        assert late.next().type == "pode.open"
        kept.send("more")
        assert up_to(late, "more") == []


def test_a_client_that_is_cut_before_its_first_event_knows_where_it_was(kept):
    events = kept.open()
    assert events.last_event_id
    events.close()
    kept.send("missed")
    with events.reconnect() as again:
        assert texts(again.take(2))[1] == "missed"


def test_a_client_that_missed_nothing_is_moved_to_the_present(make_house):
    # Else the events of others would push its cursor out of the history.
    house = make_house(with_history(limit=5))
    start = cursor(house, id="me")
    for number in range(4):
        house.send(number, client_id="other")
    moved = house.live.sse("/events?id=me", last_event_id=start)
    assert moved.next().type == "pode.open"
    for number in range(4):
        house.send(number, client_id="other")
    with moved.reconnect() as again:
        assert again.next().type == "pode.open"
        house.send("end")
        assert up_to(again, "end") == []


def test_each_event_comes_once_and_in_order_over_a_hundred_cuts(make_house):
    total, cuts = 10_000, 100
    house = make_house(with_history(limit=total))
    rng = random.Random(7)
    got, ids = [], []
    over = threading.Event()

    def publish():
        for number in range(total):
            house.send(f"{number} {'x' * rng.randrange(60)}")
            if number % 50 == 0:
                time.sleep(0.004)
        over.set()

    with FaultProxy(house.live.port) as proxy:
        publisher = threading.Thread(target=publish)
        last, connects = None, 0
        while len(got) < total:
            proxy.cut_after = rng.randrange(1000, 9000) if connects <= cuts * 2 else None
            connects += 1
            with sse(proxy.url + "/events", last_event_id=last, deadline=SOON) as events:
                if connects == 1:
                    events.next("pode.open")
                    publisher.start()
                while len(got) < total and (event := events._next(_soon(), "event")) is not None:
                    assert event.type != "pode.reset"
                    if event.type == "message":
                        got.append(int(event.data.split()[0]))
                        ids.append(event.id)
                last = events.last_event_id or last
        publisher.join()
    assert got == list(range(total))
    assert len(set(ids)) == total
    assert connects > cuts
    assert over.is_set()


def _soon() -> float:
    return time.monotonic() + SOON


def test_a_storm_of_five_hundred_misses_nothing_while_events_flow(kept):
    storm_of(kept, 500)


@pytest.mark.own_engine("a storm of five hundred is enough for uvicorn")
@pytest.mark.slow
def test_a_storm_of_five_thousand_misses_nothing_while_events_flow(kept):
    storm_of(kept, 5000)


def storm_of(house, clients):
    start = cursor(house)
    for number in range(5):
        house.send(number)
    stop = threading.Event()
    sent = [5]

    def publish():
        while not stop.wait(0.05):
            house.send(sent[0])
            sent[0] += 1

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        streams = storm(house.url + "/events", clients, last_event_id=start, deadline=60)
    finally:
        stop.set()
        publisher.join()
    try:
        house.send("end")
        expected = [*map(str, range(sent[0])), "end"]
        for stream in streams:
            assert stream.status == 200
            events = stream.take(len(expected) + 1)
            assert events[0].type == "pode.open"
            assert texts(events[1:]) == expected
        assert house.hub.admission.total == clients
    finally:
        for stream in streams:
            stream.close()
    eventually(lambda: house.connections == 0, "all are gone", 60)


def test_only_what_the_client_would_have_got(kept):
    start = cursor(kept, id="me")
    kept.send("all")
    kept.send("other name", name="Other")
    kept.send("my group", group="RED")
    kept.send("their group", group="blue")
    kept.send("either", group=["blue", "red"])
    kept.send("me", client_id="me")
    kept.send("you", client_id="you")
    kept.send("me in red", group="red", client_id="me")
    kept.send("me in blue", group="blue", client_id="me")
    kept.send("two names", name=["Events", "Other"])
    with kept.open(id="me", group="red", last_event_id=start) as events:
        kept.send("end")
        wanted = ["all", "my group", "either", "me", "me in red", "two names"]
        assert up_to(events, "end") == wanted
    with kept.open(id="you", last_event_id=start) as events:
        kept.send("end 2")
        assert up_to(events, "end 2") == ["all", "you", "two names", "end"]


def test_one_cursor_serves_several_names(kept):
    with many(kept, "A,B", id="me") as events:
        kept.send("1", name="A")
        kept.send("2", name="B")
        assert texts(events.take(2)) == ["1", "2"]
    kept.send("3", name="B")
    kept.send("4", name="A")
    kept.send("5", name=["A", "B"])
    kept.send("not yours", name="C")
    with many(kept, "A,B", events.last_event_id, id="me") as again:
        kept.send("end", name="B")
        assert up_to(again, "end") == ["3", "4", "5"]


HOSTILE = [
    "unknown",
    "0",
    "-1",
    "pode.open",
    "../../etc/passwd",
    "%00",
    "x" * 10_000,
    "٣",
    "{epoch}-",
    "{epoch}--1",
    "{epoch}-1e3",
    "{epoch}-999999",
    "{epoch}-" + "9" * 40,
    "{epoch}-+2",
    "{epoch} -2",
    "{epoch}-2-2",
    "00000000-2",
    "-2",
    "' OR 1=1 --",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("where", ["header", "query"])
def test_a_cursor_that_is_not_ours_is_told_by_one_reset(kept, hostile, where):
    epoch = cursor(kept).split("-")[0]
    kept.send("for all")
    kept.send("secret", client_id="somebody")
    value = hostile.replace("{epoch}", epoch)
    if where == "header":
        given = value.encode().decode("latin-1")
        stream = kept.live.sse("/events?id=me", last_event_id=given)
    else:
        stream = kept.live.sse(f"/events?id=me&last_event_id={quote(value)}")
    with stream as events:
        assert events.next().type == "pode.open"
        reset = events.next()
        assert (reset.type, reset.data) == ("pode.reset", "")
        kept.send("live")
        assert up_to(events, "live") == []
    # From then on it has a cursor of ours.
    kept.send("missed")
    with events.reconnect() as again:
        assert texts(again.take(2))[1] == "missed"
    assert not kept.errors()


def test_a_nul_in_a_cursor_gets_no_further_than_http(kept):
    with Wire(kept.live.port) as wire:
        wire.send(
            b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
            b"Last-Event-ID: a\0b\r\n\r\n"
        )
        assert wire.read_response().status_code == 400
    with kept.live.sse("/events?last_event_id=a%00b") as events:
        assert [event.type for event in events.take(2)] == ["pode.open", "pode.reset"]


def test_a_cursor_of_10_kb_is_not_kept(kept):
    with kept.open(last_event_id="x" * 10_000):
        [connection] = kept.hub.store.select("Events")
        assert len(connection.last_event_id) < 2000


def test_a_cursor_of_somebody_else_gives_only_what_is_ours(kept):
    with kept.open(id="them") as them:
        kept.send("theirs 1", client_id="them")
        foreign = them.next().id
    kept.send("theirs 2", client_id="them")
    kept.send("for all")
    with kept.open(id="me", last_event_id=foreign) as events:
        kept.send("end")
        assert up_to(events, "end") == ["for all"]


def test_a_cursor_from_before_a_restart_is_told_by_a_reset(make_house):
    old = make_house(with_history())
    with old.open() as events:
        old.send("x")
        before = events.next().id
    new = make_house(with_history())
    for number in range(5):
        new.send(number)
    with new.open(last_event_id=before) as again:
        new.send("end")
        assert up_to(again, "end") == ["<pode.reset>"]


@pytest.mark.parametrize(
    ("limits", "sent"),
    [({"limit": 3}, 4), ({"size": 1000}, 4), ({"limit": 3, "size": 1000}, 4)],
    ids=["events", "bytes", "both"],
)
def test_an_evicted_cursor_is_told_by_a_reset(make_house, limits, sent):
    house = make_house(with_history(**limits))
    start = cursor(house)
    for number in range(sent):
        house.send(f"{number} {'x' * 250}")
    with house.open(last_event_id=start) as events:
        house.send("end")
        assert up_to(events, "end") == ["<pode.reset>"]
    # The one after the first event is still whole.
    number = int(start.split("-")[1]) + 2
    with house.open(last_event_id=f"{start.split('-')[0]}-{number}") as events:
        house.send("end")
        got = up_to(events, "end")
        assert [text.split()[0] for text in got] == ["2", "3"]


def test_events_age_out(make_house, clock):
    house = make_house(with_history(duration=60), clock=clock)
    start = cursor(house)
    house.send("old")
    clock.advance(40)
    house.send("young")
    second = cursor(house)
    with house.open(last_event_id=start) as events:
        assert texts(events.take(2)) == ["old", "young"]
    clock.advance(30)
    with house.open(last_event_id=start) as events:
        assert events.next().type == "pode.reset"
    with house.open(last_event_id=second) as events:
        house.send("end")
        assert up_to(events, "end") == []


def test_memory_of_names_that_fell_silent_is_given_back(make_house, clock):
    house = make_house(with_history(duration=60), clock=clock)
    for number in range(100):
        house.send("x" * 1000, name=f"User {number}")
    clock.advance(61)
    for _ in range(200):
        house.send("tick", name="Clock")
    histories = house.hub.history._names
    assert sum(one.size for name, one in histories.items() if name != "Clock") == 0


def test_a_name_may_keep_more_or_nothing_at_all(make_house):
    def more():
        set_sse_history("Short", limit=1)
        set_sse_history("Never", limit=0)

    house = make_house(with_history(more))
    start = cursor(house)
    for name in ("Events", "Short", "Never"):
        house.send("1", name=name)
        house.send("2", name=name)
    with house.open("Events", last_event_id=start) as events:
        assert texts(events.take(2)) == ["1", "2"]
    with house.open("Short", last_event_id=start) as events:
        assert events.next().type == "pode.reset"
    with house.open("Never", last_event_id=start) as events:
        house.send("plain", name="Never")
        event = events.next()
        assert (event.data, event.id) == ("plain", "")


def test_without_a_history_there_are_no_ids_and_a_cursor_means_nothing(house):
    with house.open(last_event_id="whatever") as events:
        assert events.received[0].id == ""
        house.send("x")
        event = events.next()
        assert (event.type, event.data, event.id) == ("message", "x", "")


@pytest.mark.parametrize("own", ["7", "order/12", "größe 😀", "a" * 900])
def test_ids_of_ones_own_are_cursors_too(kept, own):
    with kept.open() as events:
        kept.send("seen", id=own)
        assert events.next().id == own
    kept.send("missed")
    raw = own.encode().decode("latin-1")  # as a browser sends it
    with kept.open(last_event_id=raw) as again:
        kept.send("end")
        assert up_to(again, "end") == ["missed"]


def test_who_takes_over_gets_each_event_once(kept):
    old = kept.open(id="me")
    for turn in range(30):
        kept.send(f"{turn} before")
        assert old.next().data == f"{turn} before"
        kept.send(f"{turn} on its way")
        # Its browser has given the old connection up, which the server does not know yet.
        new = kept.live.sse("/events?id=me", last_event_id=old.last_event_id)
        assert new.next().type == "pode.open"
        kept.send(f"{turn} after")
        assert texts(new.take(2)) == [f"{turn} on its way", f"{turn} after"]
        assert [event.type for event in old.until_closed()][-1] == "pode.close"
        assert kept.client_ids() == ["me"]
        old.close()
        old = new
    old.close()


def test_taking_over_while_events_flow_loses_and_doubles_nothing(kept):
    # More than the publisher can send while a client changes over.
    kept.call(set_sse_history, "Events", limit=1_000_000)
    stop = threading.Event()
    sent = []

    def publish():
        while not stop.is_set():
            kept.send(len(sent))
            sent.append(None)
            if len(sent) % 20 == 0:
                time.sleep(0.001)

    events = kept.open(id="me")
    publisher = threading.Thread(target=publish)
    publisher.start()
    got = []
    try:
        for _ in range(40):
            taken = events.take(10, "message")
            got += texts(taken)
            newer = kept.live.sse("/events?id=me", last_event_id=taken[-1].id)
            events.close()
            events = newer
    finally:
        stop.set()
        publisher.join()
    kept.send("end")
    while (event := events.next("message")).data != "end":
        got.append(event.data)
    events.close()
    assert got == [str(number) for number in range(len(sent))]


def test_a_client_that_missed_more_than_may_wait_for_it_still_gets_it(make_house):
    def more():
        set_sse_slow_client_policy(limit=64 * 1024, events=100)

    house = make_house(with_history(more))
    start = cursor(house)
    for number in range(500):
        house.send(f"{number} {'x' * 4000}")
    with house.open(last_event_id=start, receive_buffer=8192) as events:
        house.send("live")
        got = up_to(events, "live")
        assert [text.split()[0] for text in got] == [str(number) for number in range(500)]


def test_a_client_that_was_told_to_stay_away_gets_no_history(kept):
    with kept.open(id="me") as events:
        kept.call(close_sse_connection, "Events", client_id="me", reconnect=False)
        events.until_closed()
    kept.send("not for you", client_id="me")
    with events.reconnect() as again:
        assert again.status == 204


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"limit": -1}, ValueError, "limit=-1 must be at least 0"),
        ({"limit": 2.5}, TypeError, "limit takes a whole number"),
        ({"limit": True}, TypeError, "limit takes a whole number"),
        ({"duration": -1}, ValueError, "duration=-1 must be at least 0 seconds"),
        ({"duration": "1h"}, TypeError, "duration takes seconds"),
        ({"duration": float("nan")}, ValueError, "duration=nan"),
        ({"size": 0}, ValueError, "size=0 must be at least 1"),
        ({"name": ""}, ValueError, "name must not be empty"),
        ({"name": None}, TypeError, "name takes a str"),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with pytest.raises(kind, match=text):
        house.call(set_sse_history, **arguments)
