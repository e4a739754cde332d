"""Clients that leave, with a word or without, and what is left of them: nothing."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from pode_py import (
    add_route,
    convert_to_sse_connection,
    register_sse_event,
    set_sse_ping,
    triggered_event,
)
from pode_py.server.functions import start_server
from pode_py.testing import (
    FaultProxy,
    LiveServer,
    NoPrivateNetwork,
    PrivateNetwork,
    SlowReader,
    storm,
)
from tests.push.house import SOON, build, eventually
from tests.support import skip_or_fail


@pytest.fixture
def watched(make_house):
    """A house, and how often the disconnect handler ran for each client id."""
    gone: Counter[str] = Counter()
    lock = threading.Lock()

    def setup():
        def note():
            with lock:
                gone[triggered_event.connection.client_id] += 1

        set_sse_ping(0)
        register_sse_event("Events", "disconnect", "note", note)

    house = make_house(setup)
    house.gone = gone
    return house


def settled(house, clients):
    """Nothing is left of so many clients, and each of them was reported once."""
    eventually(lambda: len(house.gone) == clients, f"{clients} handlers have run")
    eventually(lambda: not house.connections, "no connection is left")
    assert house.hub.store.names() == []
    assert house.hub.admission.total == 0
    assert set(house.gone.values()) == {1}


@pytest.mark.parametrize("how", ["close", "reset"])
def test_who_leaves_is_missed_without_any_traffic(watched, how):
    client = watched.open(id="me")
    assert watched.client_ids() == ["me"]
    getattr(client, how)()
    eventually(lambda: watched.gone["me"], "the handler ran")
    settled(watched, 1)


def test_who_only_stops_sending_has_left_too(watched):
    with watched.open(id="me") as client:
        client.wire.finish_sending()
        assert client.until_closed() == []
        settled(watched, 1)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_three_hundred_vanish_at_once(watched, how):
    clients = storm(watched.url + "/events", 300, deadline=30)
    assert len(watched.client_ids()) == 300
    for client in clients:
        getattr(client, how)()
    settled(watched, 300)
    assert not watched.errors()


def test_three_hundred_vanish_while_events_flow(watched):
    clients = storm(watched.url + "/events", 300, deadline=30)
    stop = threading.Event()

    def speak():
        while not stop.wait(0.001):
            watched.send("x" * 100)

    speaker = threading.Thread(target=speak)
    speaker.start()
    for number, client in enumerate(clients):
        (client.reset if number % 2 else client.close)()
    try:
        settled(watched, 300)
    finally:
        stop.set()
        speaker.join()
    assert not watched.errors()


def test_who_vanishes_while_it_is_opened_leaves_nothing(make_house):
    asked, leave = threading.Semaphore(0), threading.Event()
    gone = []

    def setup():
        def slowly():
            asked.release()
            leave.wait(SOON)
            convert_to_sse_connection("Events")

        add_route("get", "/slowly", slowly)
        register_sse_event("Events", "disconnect", "note", lambda: gone.append(1))

    house = make_house(setup)
    with ExitStack() as stack:
        socks = []
        for _ in range(8):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", house.live.port)))
            sock.sendall(b"GET /slowly HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
            socks.append(sock)
        for _ in socks:
            assert asked.acquire(timeout=SOON)
    leave.set()
    eventually(lambda: len(gone) == 8, "the handlers have run")
    eventually(lambda: not house.connections, "no connection is left")
    assert house.hub.store.names() == []
    assert house.hub.admission.total == 0


# Networks that die without a word.


def test_a_dead_network_is_noticed_in_the_time_that_was_set():
    in_private_network(dead_for_silent_streams)


@pytest.mark.slow
def test_a_dead_network_is_noticed_in_time_while_events_flow():
    in_private_network(dead_for_busy_streams)


@pytest.mark.slow
def test_a_network_that_comes_back_in_time_loses_nothing():
    in_private_network(comes_back)


def in_private_network(test):
    """Run a test on a thread of its own, in a network of its own."""
    failures = []

    def run():
        try:
            with PrivateNetwork() as network:
                test(network)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures and isinstance(failures[0], NoPrivateNetwork):
        skip_or_fail(str(failures[0]))
    if failures:
        raise failures[0]


def house_in(stack, dead_after, more=None):
    gone: dict[str, float] = {}

    def setup():
        set_sse_ping(1)
        register_sse_event(
            "Events",
            "disconnect",
            "note",
            lambda: gone.setdefault(triggered_event.connection.client_id, time.monotonic()),
        )

    def live(setup, **options):
        return stack.enter_context(LiveServer(setup, **options))

    house = build(live, setup, dead_client_timeout=dead_after)
    house.gone = gone
    return house


def silent(house, client_id):
    return house.live.sse(f"/events?id={client_id}", source="127.0.0.2", deadline=30)


def dead_for_silent_streams(network):
    with ExitStack() as stack:
        house = house_in(stack, 4)
        house.hub.ping_interval = 0
        with house.open(id="well") as well, silent(house, "dead") as dead:
            dead.next("pode.open")
            network.drop("127.0.0.2")
            died = time.monotonic()
            eventually(lambda: "dead" in house.gone, "the dead client is missed", 30)
            # 4 s, and the kernel's probes come whole seconds apart; unasked, it takes a quarter of
            # an hour. A busy machine adds its own.
            assert 1 < house.gone["dead"] - died < 30
            assert house.client_ids() == ["well"]
            eventually(lambda: house.connections == 1, "its socket is freed")
            house.send("still here")
            assert well.next("message").data == "still here"


def dead_for_busy_streams(network):
    with ExitStack() as stack:
        house = house_in(stack, 4)
        with house.open(id="well") as well, silent(house, "dead") as dead:
            dead.next("pode.open")
            network.drop("127.0.0.2")
            died, sent = time.monotonic(), 0
            while "dead" not in house.gone:
                assert time.monotonic() - died < 30
                house.send(sent)
                sent += 1
                time.sleep(0.005)
            assert 1 < house.gone["dead"] - died < 30
            got = [int(event.data) for event in well.take(sent, "message")]
            assert got == list(range(sent))


def comes_back(network):
    with ExitStack() as stack:
        house = house_in(stack, 20)
        with silent(house, "away") as away:
            away.next("pode.open")
            network.drop("127.0.0.2")
            for number in range(100):
                house.send(number)
                time.sleep(0.02)
            network.restore("127.0.0.2")
            got = [int(event.data) for event in away.take(100, "message", deadline=30)]
            assert got == list(range(100))
        assert list(house.gone) in ([], ["away"])


def test_a_client_behind_a_proxy_that_swallows_is_missed_when_the_proxy_goes(watched):
    with FaultProxy(watched.live.port) as proxy:
        client = watched.live.sse("/events?id=me")
        client.close()
        eventually(lambda: watched.gone["me"] == 1, "it has left")
        with storm_through(proxy) as behind:
            proxy.go_silent()
            behind.close()
            # Its proxy still takes everything: nobody can know.
            assert watched.send("x").wait(SOON)
            assert len(watched.client_ids()) == 1
    settled(watched, 2)


def storm_through(proxy):
    [client] = storm(proxy.url + "/events", 1)
    client.next("pode.open")
    return client


def test_who_takes_nothing_is_cut_after_the_time_that_was_set(make_house):
    gone = []
    house = make_house(
        lambda: register_sse_event("Events", "disconnect", "n", lambda: gone.append(1)),
        dead_client_timeout=1,
    )
    with SlowReader(house.url + "/events") as stuck:
        while house.send("x" * 65536).wait(0.1):
            pass
        eventually(lambda: gone == [1], "the handler ran")
        eventually(lambda: not house.connections, "the socket is freed")
        # As soon as it reads again, it hears of it, and a browser comes back.
        stuck.stream.until_closed()
        assert not stuck.stream.ended_cleanly


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.5, ValueError, "dead_client_timeout=0.5 must be at least 1 seconds"),
        ("30", TypeError, "dead_client_timeout takes seconds"),
    ],
)
def test_a_bad_dead_client_timeout_is_told(value, kind, text):
    with pytest.raises(kind, match=text):
        start_server(lambda: None, dead_client_timeout=value)


# Leaks.

TCP_STATES = {"08": "CLOSE_WAIT", "01": "ESTABLISHED"}


def sockets_of(port, state):
    """How many sockets of this port, on the server's side, are in this state."""
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, code, *_ = line.split()
        found += int(local.split(":")[1], 16) == port and TCP_STATES.get(code) == state
    return found


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_two_thousand_connects_and_leaves_leave_nothing_behind(watched):
    if not Path("/proc/net/tcp").exists():
        skip_or_fail("/proc/net/tcp tells the states of sockets, on Linux only")
    descriptors = len(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    before = 0
    for turn in range(20):
        clients = storm(watched.url + "/events", 100, deadline=30)
        watched.send("x")
        for number, client in enumerate(clients):
            if number % 4 == 0:
                assert client.take(2)[1].data == "x"
            (client.reset if number % 2 else client.close)()
        eventually(lambda turn=turn: len(watched.gone) == 100 * (turn + 1), "all were missed")
        if turn == 9:
            before = resident()
    settled(watched, 2000)
    assert sockets_of(watched.live.port, "CLOSE_WAIT") == 0
    assert sockets_of(watched.live.port, "ESTABLISHED") == 0
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert threading.active_count() <= threads + 1  # the first starts that of events
    # The second thousand needs no more than the first; the allowance is the test's own lists.
    assert resident() - before < 8 << 20
