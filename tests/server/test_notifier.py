"""What systemd is told: Type=notify, over a real datagram socket."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import time

import pytest

from tests.server.processes.crew import crew
from tests.server.program import DEADLINE, HELLO

pytestmark = pytest.mark.own_engine("what a service manager is told does not depend on the engine")


class Manager:
    """Stands for systemd: reads what services tell it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(DEADLINE)
        self.sock.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)

    def next(self) -> list[str]:
        return self.sock.recv(4096).decode().splitlines()


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request, tmp_path):
    # Paths of Unix sockets are short.
    where = f"/tmp/pode-{secrets.token_hex(6)}" if request.param == "a path" else None
    made = Manager(where or f"@pode-{secrets.token_hex(6)}")
    yield made
    made.sock.close()
    if where:
        os.unlink(where)


@pytest.mark.parametrize("workers", [1, 3])
def test_it_is_told_of_start_restart_and_stop(program, manager, workers):
    began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    server = program(crew(workers), env={"NOTIFY_SOCKET": manager.address})
    assert manager.next() == ["READY=1"]
    assert server.get().status_code == 200
    server.get("/restart")
    reloading, when = manager.next()
    assert reloading == "RELOADING=1"
    assert int(when.removeprefix("MONOTONIC_USEC=")) > began
    assert manager.next() == ["READY=1"]
    server.signal()
    assert manager.next() == ["STOPPING=1"]
    assert server.end() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_restart_that_fails_has_ended_too(program, manager, workers):
    server = program(
        "count = []\n"
        + crew(workers).replace(
            "    add_endpoint",
            "    if get_server_restart_count(): raise StartError('no')\n    add_endpoint",
            1,
        ),
        env={"NOTIFY_SOCKET": manager.address},
    )
    assert manager.next() == ["READY=1"]
    server.ready().get("/restart")
    assert manager.next()[0] == "RELOADING=1"
    assert manager.next() == ["READY=1"]
    assert server.get().status_code == 200
    assert server.stop() == 0


def test_a_server_that_can_not_start_is_never_ready(program, manager):
    server = program("start_server(lambda: sys.exit(4))", env={"NOTIFY_SOCKET": manager.address})
    assert server.end() == 4
    manager.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        manager.next()


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody", "nonsense", "vsock:2:1234"])
def test_where_nobody_listens_nothing_is_told(program, address):
    server = program(HELLO, env={"NOTIFY_SOCKET": address}).ready()
    assert server.stop() == 0
    assert server.err == ""


def test_a_manager_that_does_not_read_does_not_hold_it(program, manager):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        address = manager.address
        address = address.replace("@", "\0", 1) if address[0] == "@" else address
        with contextlib.suppress(BlockingIOError):
            while True:
                sender.sendto(b"x", address)
    server = program(HELLO, env={"NOTIFY_SOCKET": manager.address}).ready()
    server.signal(signal.SIGTERM)
    assert server.end() == 0
