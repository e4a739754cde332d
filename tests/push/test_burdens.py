"""Heavy loads on a server in a process of its own: memory, crowds, and descriptors used up."""

from __future__ import annotations

import hashlib
import re
import selectors
import socket
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest

from pode_py.testing import SlowReader, fetch, storm
from pode_py.testing.messages import BodyDecoder
from tests.push.house import eventually

#: Bytes that may wait for a client.
LIMIT = 1 << 20

MEMORY = """
def server():
    add_endpoint(port=PORT)
    add_route("get", "/events", lambda: convert_to_sse_connection(web_event.query["name"]) and None)
    for policy in ("disconnect", "drop_oldest", "drop_newest", "keep_latest"):
        set_sse_slow_client_policy(policy, name=policy)
    add_route("get", "/send", send)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

def send():
    highest, dropped = 0, 0
    name, count = web_event.query["name"], int(web_event.query["count"])
    for number in range(count):
        data = f"{number:<1000000}"
        dropped += send_sse_event(data, name=name, event_type=f"{number % 3}").dropped
        highest = max(highest, resident())
    records = get_sse_connection(name)
    return {"highest": highest, "dropped": dropped + sum(one.dropped_events for one in records)}

# A client that takes nothing is cut after a while: not while it is looked at.
start_server(server, dead_client_timeout=600)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "megabytes"),
    [
        ("drop_oldest", 200),
        *(
            pytest.param(policy, size, marks=pytest.mark.own_engine("queues are the same on both"))
            for policy, size in (
                ("disconnect", 200),
                ("drop_oldest", 1000),
                ("drop_newest", 200),
                ("keep_latest", 200),
            )
        ),
    ],
)
def test_a_gigabyte_for_a_client_that_does_not_read_costs_its_limit(program, policy, megabytes):
    # So that the C library gives back at once what was freed: what we hold is measured, not what
    # it keeps for later, which is some megabytes more.
    run = program(MEMORY, env={"MALLOC_MMAP_THRESHOLD_": "65536"}).ready()
    # What sending such events takes without any client.
    before = run.get("/send?name=nobody&count=50").json()["highest"]
    with SlowReader(f"{run.url}/events?name={policy}"):
        found = fetch(f"{run.url}/send?name={policy}&count={megabytes}", deadline=100).json()
    assert found["dropped"] > (0 if policy == "disconnect" else megabytes * 0.9)
    # One event of a megabyte waits, one is on its way into the socket; both are copied once. What
    # is sent in a burst to a client that is to be disconnected may be eight times the limit.
    rise = found["highest"] - before
    limit = 8 * LIMIT if policy == "disconnect" else LIMIT
    assert rise < limit + (5 << 20), f"It rose by {rise / 1e6:.1f} MB."


CROWD = """
def server():
    add_endpoint(port=PORT)
    set_sse_ping(0)
    set_sse_slow_client_policy("drop_oldest", limit=LIMIT)
    add_route("get", "/events", events)
    add_route("get", "/fill", fill)
    add_route("get", "/broadcast", broadcast)
    add_route("get", "/dropped", dropped)

def events():
    convert_to_sse_connection("Events", group=web_event.query["group"])

def dropped():
    return {one.groups[0]: one.dropped_events for one in get_sse_connection()}

def fill():
    while send_sse_event("x" * 60000, name="Events", group="stuck").wait(0.3):
        pass

def broadcast():
    for number in range(10_000):
        send_sse_event(f"{number}", name="Events")
        if number % 200 == 199:  # at the pace of those who read
            assert send_sse_event("mark", name="Events", group="readers").wait(60)

LIMIT = 65536
start_server(server, dead_client_timeout=600)
"""


def test_ten_thousand_events_reach_199_clients_beside_one_that_does_not_read(program):
    run = program(CROWD).ready()
    expected = b"".join(
        b"data: %d\n\n" % number + (b"data: mark\n\n" if number % 200 == 199 else b"")
        for number in range(10_000)
    )
    with ExitStack() as stack:
        stack.enter_context(SlowReader(run.url + "/events?group=stuck"))
        run.get("/fill")
        clients = storm(run.url + "/events?group=readers", 199, deadline=30)
        for client in clients:
            stack.callback(client.close)
            client.next("pode.open")
            assert not client.wire.received
        reader = threading.Thread(target=lambda: fetch(run.url + "/broadcast", deadline=100))
        reader.start()
        got = read_all([client.wire.sock for client in clients], len(expected))
        reader.join()
        wanted = (len(expected), hashlib.sha256(expected).hexdigest())
        assert got == [wanted] * 199
        dropped = run.get("/dropped").json()
        assert dropped["stuck"] > 4_000
        assert dropped["readers"] == 0


def read_all(socks, size):
    """Length and hash of what comes on each, until so many bytes of body have."""
    selector = selectors.DefaultSelector()
    found = {sock: [BodyDecoder(chunked=True), hashlib.sha256(), 0] for sock in socks}
    for sock in socks:
        sock.settimeout(0)
        selector.register(sock, selectors.EVENT_READ)
    until = time.monotonic() + 100
    missing = len(socks)
    while missing:
        assert time.monotonic() < until, f"{missing} clients miss events"
        for key, _ in selector.select(1):
            state = found[key.fileobj]
            data = state[0].feed(key.fileobj.recv(1 << 18))
            state[1].update(data)
            state[2] += len(data)
            if state[2] >= size:
                selector.unregister(key.fileobj)
                missing -= 1
    selector.close()
    return [(found[sock][2], found[sock][1].hexdigest()) for sock in socks]


FEW = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    add_route("get", "/events", lambda: convert_to_sse_connection("Events") and None)
    add_schedule_of_events()

def add_schedule_of_events():
    numbers = iter(range(1_000_000))
    add_timer("tick", 0.05, lambda: send_sse_event(next(numbers), name="Events") and None)

start_server(server)
"""


@pytest.mark.own_engine("asyncio pauses by itself, and tells nobody but its own log")
def test_with_all_descriptors_used_accept_pauses_and_recovers(program):
    run = program(FEW).ready()
    with run.sse() as events, ExitStack() as stack:
        crowd = [
            stack.enter_context(socket.create_connection(("127.0.0.1", run.port)))
            for _ in range(400)
        ]
        eventually(lambda: "new ones wait" in run.err or "can be accepted" in run.err, "it is told")
        used = processor_seconds(run.pid)
        # The open stream goes on as if nothing were.
        first = int(events.next("message").data)
        later = [int(event.data) for event in events.take(40, "message")]
        assert later == list(range(first + 1, first + 41))
        assert processor_seconds(run.pid) - used < 1.5, "it waits busily"
        lines = [line for line in run.err.splitlines() if "accept" in line]
        assert len(lines) < 10
        for sock in crowd:
            sock.close()
        eventually(lambda: answers(run), "new connections are served again")
        assert int(events.next("message").data) > first
    assert run.stop() == 0


def answers(run):
    try:
        return run.get("/").text == "hello"
    except (OSError, AssertionError):
        return False


def processor_seconds(pid):
    text = subprocess.run(
        ["cat", f"/proc/{pid}/stat"], capture_output=True, text=True, check=True
    ).stdout
    fields = re.sub(r"^.*\) ", "", text).split()
    return (int(fields[11]) + int(fields[12])) / 100
