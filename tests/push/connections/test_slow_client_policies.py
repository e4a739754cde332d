"""What becomes of events that a client does not read, as its name's policy says."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py import (
    disable_log_error_type,
    enable_log_error_type,
    get_sse_connection,
    new_log_custom_method,
    register_sse_event,
    set_sse_slow_client_policy,
)
from pode_py.observability.logs.logs import Logs
from pode_py.testing import SlowReader
from tests.push.house import SOON, eventually, stick

PADDING = "x" * 1000
LIMIT = 64 * 1024


def with_policy(make_house, policy, more=lambda: None, **options):
    told = []

    def setup():
        disable_log_error_type()
        enable_log_error_type(new_log_custom_method(told.append), levels=["warning"], raw=True)
        set_sse_slow_client_policy(policy, **{"limit": LIMIT, **options})
        more()

    house = make_house(setup)
    house.told = told
    return house


def warnings(house):
    assert house.live.server.room(Logs).flush()
    return [str(one["message"]) for one in house.told if "reads too slowly" in str(one["message"])]


def fill(house, count=500, kinds=("a", "b", "c")):
    """Make the one client stuck, then send numbered events of several kinds."""
    stick(house)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        house.send(f"{number} {PADDING}", event_type=kind)


def after_filling(house, stuck, last="end"):
    """Read everything; the (kind, number) of the numbered events."""
    got = []
    wanted = f"{last} "
    for event in stuck.stream:
        if event.type in "abc":
            got.append((event.type, int(event.data.split()[0])))
        if event.data.startswith(wanted):
            return got
    raise AssertionError("The stream ended.")


def record_of(house):
    [found] = house.call(get_sse_connection, "Events")
    return found


def sent_all(house):
    """Send a marker that fits, once everything before it has left the queue."""
    eventually(lambda: not record_of(house).queued_events, "the queue is empty")
    house.send("end ")


def read_beside(house, stuck):
    """Read in this thread while another one sends the marker, when the queue has emptied."""
    marker = threading.Thread(target=sent_all, args=(house,))
    marker.start()
    try:
        return after_filling(house, stuck)
    finally:
        marker.join()


def test_drop_oldest_leaves_the_newest(make_house):
    house = with_policy(make_house, "drop_oldest")
    with SlowReader(house.url + "/events") as stuck:
        fill(house)
        seen = record_of(house)
        assert seen.queued_bytes <= LIMIT
        got = [number for _, number in read_beside(house, stuck)]
    assert got == list(range(500 - len(got), 500))
    assert 20 < len(got) < 100
    assert seen.dropped_events >= 500 - len(got)
    assert len(warnings(house)) == 1


def test_drop_newest_leaves_the_oldest(make_house):
    house = with_policy(make_house, "drop_newest")
    with SlowReader(house.url + "/events") as stuck:
        fill(house)
        seen = record_of(house)
        assert seen.queued_bytes <= LIMIT
        got = [number for _, number in read_beside(house, stuck)]
    assert got == sorted(set(got))  # the socket may take a little now and then
    assert got[:20] == list(range(20))
    assert len(got) < 200
    assert seen.dropped_events == 500 - len(got)
    assert len(warnings(house)) == 1


def test_keep_latest_leaves_the_newest_of_each_kind(make_house):
    house = with_policy(make_house, "keep_latest")
    with SlowReader(house.url + "/events") as stuck:
        stick(house)
        house.send(f"-1 {PADDING}", event_type="a")  # the only one of its kind from here on
        fill(house, kinds=("b", "c"))
        assert record_of(house).queued_bytes <= LIMIT
        got = read_beside(house, stuck)
    assert got[0] == ("a", -1)
    assert got[-2:] == [("b", 498), ("c", 499)]
    numbers = [number for _, number in got]
    assert numbers == sorted(numbers)
    assert len(warnings(house)) == 1


def test_keep_latest_with_thousands_of_kinds_keeps_no_sender_waiting(make_house):
    house = with_policy(make_house, "keep_latest", limit=1 << 20)
    with SlowReader(house.url + "/events"):
        stick(house)
        began = time.process_time()
        for number in range(30_000):
            house.send("x", event_type=f"kind {number}")
        # 300 times slower, if each event cost a pass over the queue.
        assert time.process_time() - began < 20


def test_disconnect_cuts_tells_and_counts(make_house):
    gone = []

    def note():
        register_sse_event("Events", "disconnect", "note", lambda: gone.append(1))

    house = with_policy(make_house, "Disconnect", note)
    with SlowReader(house.url + "/events") as stuck:
        dropped = 0
        for _ in range(5000):
            dropped += house.send(PADDING).dropped
            if dropped:
                break
        assert dropped == 1
        stuck.wait_until_cut(SOON)
    eventually(lambda: gone, "the handler ran")
    eventually(lambda: not house.connections, "the connection is gone")
    assert gone == [1]
    [message] = warnings(house)
    assert "It is disconnected." in message
    assert "'Events'" in message
    assert "127.0.0.1" in message


def test_the_limit_may_be_one_of_events(make_house):
    house = with_policy(make_house, "drop_oldest", limit=1 << 20, events=10)
    with SlowReader(house.url + "/events") as stuck:
        fill(house, 200, kinds="a")
        assert record_of(house).queued_events == 10
        got = [number for _, number in read_beside(house, stuck)]
    assert got[-10:] == list(range(190, 200))


def test_each_name_has_its_own_policy_and_the_star_is_for_the_others(make_house):
    def setup():
        set_sse_slow_client_policy("drop_newest", limit=LIMIT)
        set_sse_slow_client_policy("drop_oldest", name="Prices", limit=2 * LIMIT)

    house = make_house(setup)
    for name, policy, size in (
        ("Prices", "drop_oldest", 2 * LIMIT),
        ("Other", "drop_newest", LIMIT),
    ):
        with house.open(name):
            [connection] = house.hub.store.select(name)
            limits = connection.outbox.limits
            assert (limits.policy, limits.size) == (policy, size)


def test_a_policy_holds_for_connections_opened_from_then_on(house):
    with house.open(id="before"):
        house.call(set_sse_slow_client_policy, "drop_oldest")
        with house.open(id="after"):
            policies = {
                one.client_id: one.outbox.limits.policy for one in house.hub.store.select("Events")
            }
    assert policies == {"before": "disconnect", "after": "drop_oldest"}


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest", "keep_latest"])
def test_others_lose_nothing_and_wait_for_nobody(make_house, policy):
    house = with_policy(make_house, policy)
    with SlowReader(house.url + "/events?name=All"), house.open("All") as other:
        for number in range(3000):
            house.send(f"{number} {PADDING}", "All", event_type="a")
            if number % 40 == 39:  # no faster than it reads
                assert [int(one.data.split()[0]) for one in other.take(40)] == list(
                    range(number - 39, number + 1)
                )
    assert len(warnings(house)) == 1


def test_a_reader_that_is_slow_but_steady_stays(make_house):
    house = with_policy(make_house, "drop_oldest")
    with SlowReader(house.url + "/events", rate=200_000) as slow:
        for number in range(3000):
            house.send(f"{number} {PADDING}", event_type="a")
        eventually(lambda: slow.bytes_read > 50_000, "it reads on")
        assert len(house.client_ids()) == 1


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"type": "drop"}, ValueError, "Use one of: 'disconnect', 'drop_oldest', 'drop_newest'"),
        ({"type": None}, ValueError, "type=None is not known"),
        ({"limit": 10}, ValueError, "limit=10 must be at least 1024"),
        ({"limit": 1e6}, TypeError, "limit takes a whole number"),
        ({"events": 0}, ValueError, "events=0 must be at least 1"),
        ({"events": None}, TypeError, "events takes a whole number"),
        ({"name": " "}, ValueError, "name must not be empty"),
    ],
)
def test_bad_arguments_are_told(house, arguments, kind, text):
    with pytest.raises(kind, match=text):
        house.call(set_sse_slow_client_policy, **arguments)
