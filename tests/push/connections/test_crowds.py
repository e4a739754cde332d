"""Many streams, many threads: nothing is mixed up, nothing is left behind, nobody waits."""

from __future__ import annotations

import os
import resource
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from pode_py import add_route, close_sse_connection, send_sse_event
from pode_py.testing import fetch
from tests.push.house import SOON, eventually
from tests.support import skip_or_fail


def descriptors() -> int:
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


def in_threads(count, work):
    """Run work(0), work(1), … at the same time; raise what one of them raises."""
    together = threading.Barrier(count)
    failures = []

    def run(number):
        together.wait(SOON)
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_eight_threads_send_ten_thousand_events_each_to_one_client(house):
    """Every frame parses, and each thread's order is kept, while pings go out."""
    each = 10_000
    house.hub.ping_interval = 0.001
    with house.open(deadline=100) as events:  # of the whole conversation

        def speak(thread):
            for number in range(each):
                delivery = send_sse_event(
                    f"{thread}\n{number}", name="Events", id=f"{thread}-{number}", event_type="n"
                )
                assert delivery.queued == 1
                if number % 500 == 499:  # no faster than the client reads
                    assert delivery.wait(60)

        senders = threading.Thread(
            target=in_threads, args=(8, lambda thread: house.call(speak, thread))
        )
        senders.start()
        last = dict.fromkeys(range(8), -1)
        for _ in range(8 * each):
            event = events.next("n")
            thread, number = map(int, event.data.split("\n"))
            assert event.id == f"{thread}-{number}"
            assert number == last[thread] + 1
            last[thread] = number
        senders.join()
        assert set(last.values()) == {each - 1}
        # It is idle now, so a ping comes if none came before.
        if not any(event.type == "pode.ping" for event in events.received):
            assert events.next().type == "pode.ping"
        kinds = {event.type for event in events.received}
        assert kinds == {"pode.open", "n", "pode.ping"}


def test_two_simultaneous_first_clients_of_a_name_both_receive(house):
    for turn in range(50):
        name = f"Name {turn}"
        opened = {}

        def arrive(number, name=name, opened=opened):
            opened[number] = house.open(name)

        in_threads(2, arrive)
        assert house.send("hello", name=name).matched == 2
        for events in opened.values():
            assert events.next().data == "hello"
            events.close()


def test_a_thousand_streams_come_and_go_and_leave_nothing(house):
    def cycle(number):
        with house.open(f"Name {number}", group="g", id=number):
            pass

    for number in range(20):  # what is made once is made now
        cycle(number)
    eventually(lambda: house.connections == 0, "the first are gone")
    fds, threads = descriptors(), threading.active_count()
    for number in range(1000):
        cycle(number)
    eventually(lambda: house.connections == 0, "all connections are closed")
    eventually(lambda: len(house.hub.store) == 0, "nobody is connected")
    assert house.hub.store.names() == []
    assert house.live.server.engine.streams == 0
    eventually(lambda: descriptors() <= fds, "no descriptor is left")
    assert threading.active_count() <= threads


@pytest.fixture
def many():
    """How many streams fit in this process, where both ends of them are."""
    wanted = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        skip_or_fail(f"This needs {needed} file descriptors (ulimit -n); the limit is {hard}.")
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return wanted


def test_two_thousand_streams_need_no_threads_and_two_workers_serve_on(make_house, many):
    asleep, wake_up = threading.Semaphore(0), threading.Event()

    def more():
        def sleep():
            asleep.release()
            wake_up.wait(SOON * 3)

        add_route("get", "/sleep", sleep)

    house = make_house(more, threads=2)
    # Some are opened before threads are counted: many streams of one address are logged once.
    streams = [house.open(id=number, deadline=30) for number in range(10)]
    assert house.errors() == []
    threads = threading.active_count()
    streams += [house.open(id=number, deadline=30) for number in range(10, many)]
    assert house.live.server.engine.streams == many
    assert threading.active_count() <= threads  # those of tests before may end meanwhile

    for _ in range(20):
        assert house.live.get("/quick").text == "quick"

    delivery = house.send("to all")
    assert (delivery.matched, delivery.queued) == (many, many)
    assert all(events.next().data == "to all" for events in streams)

    sleepers = [threading.Thread(target=fetch, args=(house.url + "/sleep",)) for _ in range(2)]
    for sleeper in sleepers:
        sleeper.start()
        assert asleep.acquire(timeout=SOON)
    try:
        house.send("while all workers sleep")
        assert all(events.next().data == "while all workers sleep" for events in streams)
        for events in streams[: many // 2]:
            events.close()
        eventually(lambda: len(house.hub.store) == many // 2, "those that left are missed")
    finally:
        wake_up.set()
        for sleeper in sleepers:
            sleeper.join()
    assert threading.active_count() == threads
    house.live.stop()
    assert all(events.next().type == "pode.close" for events in streams[many // 2 :])


def test_pings_flow_while_all_workers_sleep(make_house):
    asleep, wake_up = threading.Semaphore(0), threading.Event()

    def more():
        def sleep():
            asleep.release()
            wake_up.wait(SOON)

        add_route("get", "/sleep", sleep)

    house = make_house(more, threads=2)
    house.hub.ping_interval = 0.05
    with house.open() as events:
        sleepers = [threading.Thread(target=fetch, args=(house.url + "/sleep",)) for _ in range(2)]
        for sleeper in sleepers:
            sleeper.start()
            assert asleep.acquire(timeout=SOON)
        assert [event.type for event in events.take(3)] == ["pode.ping"] * 3
        wake_up.set()
        for sleeper in sleepers:
            sleeper.join()


def test_streams_come_and_go_while_others_are_sent_to(house):
    """Broadcast, connect, close and look up from many threads at once: no error, no loss."""
    stop = threading.Event()
    counts = defaultdict(int)

    def work(number):
        if number == 0:
            for n in range(2000):
                house.send(n)
            stop.set()
        elif number == 1:
            while not stop.is_set():
                house.hub.store.names()
                house.hub.store.groups("Events")
                house.call(close_sse_connection, "Events", group="closed")
                counts["looked"] += 1
        else:
            while not stop.is_set():
                with house.open(group="closed" if number % 2 else None, wait=False) as events:
                    assert events.next().type == "pode.open"
                counts["opened"] += 1

    with house.open(id="stays", deadline=30) as stays:
        in_threads(6, work)
        got = [int(event.data) for event in stays.take(2000)]
    assert got == list(range(2000))
    assert counts["looked"]
    assert counts["opened"]
    assert house.errors() == []
    eventually(lambda: len(house.hub.store) == 0, "everybody has left")
