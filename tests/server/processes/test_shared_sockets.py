"""The parent's listening sockets: one for each worker and address, all on the same port."""

from __future__ import annotations

import os
import socket

import pytest

from pode_py.core.errors import StartError
from pode_py.engine.sockets import open_sockets
from pode_py.server.processes.sockets import SharedSockets
from pode_py.server.systemd import Inherited

FREE = (("127.0.0.1",), 0)


@pytest.fixture
def shared():
    made = SharedSockets(Inherited())
    yield made
    made.close()


def port_of(sockets):
    return sockets[0].getsockname()[1]


def accepts(port):
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_workers_have_sockets_of_their_own_on_the_same_free_port(shared):
    opened = [shared.open(number, FREE) for number in range(3)]
    assert len({port_of(sockets) for sockets in opened}) == 1
    assert len({sockets[0].fileno() for sockets in opened}) == 3


def test_connections_are_spread_among_them(shared):
    opened = [shared.open(number, FREE)[0] for number in range(2)]
    clients = [socket.create_connection(opened[0].getsockname(), 5) for _ in range(40)]
    counts = []
    for listening in opened:
        count = 0
        while True:
            try:
                listening.accept()[0].close()
            except BlockingIOError:
                break
            count += 1
        counts.append(count)
    for client in clients:
        client.close()
    assert sum(counts) == 40
    assert all(counts)


def test_the_same_worker_gets_the_same_again(shared):
    assert shared.open(0, FREE) is shared.open(0, FREE)


def test_an_address_has_one_for_ipv4_and_one_for_ipv6(shared):
    place = (("0.0.0.0", "::"), 0)
    opened = [shared.open(number, place) for number in range(2)]
    ports = {sock.getsockname()[1] for sockets in opened for sock in sockets}
    assert len(ports) == 1
    assert len(opened[0]) == len(opened[1])


def test_what_a_worker_does_not_want_any_more_is_closed(shared):
    port = port_of(shared.open(0, FREE))
    other = (("127.0.0.2",), 0)
    shared.open(0, other)
    shared.keep(0, [other])
    assert not accepts(port)
    shared.keep(0, ())
    assert port_of(shared.open(0, FREE))


def test_a_port_goes_on_while_one_worker_has_it(shared):
    port = port_of(shared.open(0, FREE))
    shared.open(1, FREE)
    shared.keep(0, ())
    assert accepts(port)
    assert port_of(shared.open(0, FREE)) == port


def test_the_first_one_does_not_slip_into_a_port_that_others_share(shared):
    port = port_of(shared.open(0, FREE))
    with pytest.raises(StartError, match="listens on that port itself already"):
        open_sockets(("127.0.0.1",), port, "first")
    with pytest.raises(StartError, match="listens on that port itself already"):
        open_sockets(("127.0.0.1",), port)


def test_none_is_inherited_by_programs(shared):
    assert not os.get_inheritable(shared.open(0, FREE)[0].fileno())
