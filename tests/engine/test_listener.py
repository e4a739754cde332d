"""Listening: every address or none, and one sentence for what is wrong."""

from __future__ import annotations

import contextlib
import contextvars
import os
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from pode_py.core.clock import Clock
from pode_py.core.errors import StartError
from pode_py.engine.certificates import TlsSettings
from pode_py.engine.h11.engine import Engine
from pode_py.engine.listener import Listener, ListenerSettings
from pode_py.engine.options import EngineOptions
from tests.engine.house import House, Wire, plain


def new_engine():
    return Engine(
        EngineOptions(threads=2),
        plain,
        kind_of=lambda request: request.path,
        clock=Clock(),
        context=contextvars.copy_context(),
        report=lambda *_: None,
        warn=lambda _: None,
    )


def refusal(*settings):
    with pytest.raises(StartError) as caught:
        new_engine().start(settings)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.fixture
def free():
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_a_port_in_use_is_said(taken):
    text = refusal(ListenerSettings(("127.0.0.1",), taken))
    assert text.startswith(f"Can't listen on 127.0.0.1 port {taken}: this program listens on that")
    assert "port" in refusal(ListenerSettings(("0.0.0.0",), taken))


def test_the_port_of_another_engine_is_in_use():
    house = House()
    try:
        text = refusal(ListenerSettings(("127.0.0.1",), house.port))
        assert "this program listens on that port itself already" in text
        assert house.get().status == 200
    finally:
        house.stop()


@pytest.mark.parametrize(
    ("address", "port", "message"),
    [
        ("192.0.2.1", 0, "no network interface of this machine has that address"),
        ("2001:db8::1", 0, "no network interface of this machine has that address"),
        ("no.such.host.invalid", 0, "is no IP address"),
        ("127.0.0.1", 65536, "ports go from 0 to 65535"),
        ("127.0.0.1", -1, "ports go from 0 to 65535"),
    ],
)
def test_an_address_that_nobody_has_is_said(address, port, message):
    assert message in refusal(ListenerSettings((address,), port))


def test_one_bad_address_of_an_endpoint_opens_none(free):
    assert "192.0.2.1" in refusal(ListenerSettings(("127.0.0.1", "192.0.2.1"), free))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=10)


def test_one_bad_endpoint_opens_none(free, taken):
    refusal(ListenerSettings(("127.0.0.1",), free), ListenerSettings(("127.0.0.1",), taken))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=10)


def test_one_bad_certificate_opens_none(free, tmp_path):
    bad = TlsSettings(tmp_path / "nowhere.pem")
    refusal(ListenerSettings(("127.0.0.1",), free), ListenerSettings(("127.0.0.1",), 0, bad))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=10)


def test_a_failed_start_leaves_no_descriptor_and_no_thread(taken):
    refusal(ListenerSettings(("127.0.0.1",), taken))
    threads, before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        refusal(ListenerSettings(("127.0.0.1",), 0), ListenerSettings(("127.0.0.1",), taken))
    assert len(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads


def test_an_engine_that_failed_to_start_can_be_stopped(taken):
    engine = new_engine()
    with pytest.raises(StartError):
        engine.start([ListenerSettings(("127.0.0.1",), taken)])
    engine.stop_accepting()
    assert engine.wait_handlers(0)
    assert engine.drain(0)
    engine.stop(0)


def test_ports_below_1024_need_rights():
    """In a child that gives its rights away, and in which such ports are special."""
    code = """
        import os, sys
        from pode_py.core.errors import StartError
        from pode_py.engine.listener import Listener, ListenerSettings
        if int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()) < 1024:
            sys.exit("unprivileged")
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            Listener(ListenerSettings(("127.0.0.1",), 1)).open()
        except StartError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if "unprivileged" in done.stderr or "PermissionError" in done.stderr:
        pytest.skip("On this machine every user may listen on any port, or none may change.")
    assert "ports below 1024 need special rights" in done.stdout, done.stderr


def test_a_listener_serves_both_families_on_one_port():
    with contextlib.closing(Listener(ListenerSettings(("127.0.0.1", "::1"), 0))) as listener:
        listener.open()
        ports = {sock.getsockname()[1] for sock in listener.sockets}
        assert ports == {listener.port}
        assert len(listener.sockets) == 2


def test_ipv6_is_served(build):
    house = build(addresses=("127.0.0.1", "::1"))
    for address in ("127.0.0.1", "::1"):
        with house.wire(address) as wire:
            wire.ask("GET", "/")
            assert wire.answer().status == 200
    assert [request.peer.remote_address for request in house.seen] == ["127.0.0.1", "::1"]
    assert [request.peer.local_address for request in house.seen] == ["127.0.0.1", "::1"]


def test_several_endpoints_are_served_and_told_apart():
    endpoints = []
    engine = Engine(
        EngineOptions(threads=2),
        lambda exchange: (endpoints.append(exchange.endpoint), plain(exchange), True)[2],
        kind_of=lambda request: request.path,
        clock=Clock(),
        context=contextvars.copy_context(),
        report=lambda *_: None,
        warn=lambda _: None,
    )
    listeners = engine.start(
        [ListenerSettings(("127.0.0.1",), 0, endpoint=name) for name in ("one", "two")]
    )
    try:
        for listener in listeners:
            sock = socket.create_connection(("127.0.0.1", listener.port), timeout=10)
            with contextlib.closing(Wire(sock)) as wire:
                wire.ask("GET", "/")
                assert wire.answer().status == 200
    finally:
        engine.stop(5)
    assert endpoints == ["one", "two"]


def test_a_port_is_free_again_after_the_stop():
    house = House()
    port = house.port
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        house.stop()
    for _ in range(3):
        engine = new_engine()
        engine.start([ListenerSettings(("127.0.0.1",), port)])
        engine.stop(5)


def test_what_is_accepted_sends_at_once_and_looks_for_vanished_peers(build):
    house = build()
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        [accepted] = _sockets_to(wire.sock.getsockname())
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


def _sockets_to(address):
    """Copies of this process' sockets that are connected to that address."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                found.append(socket.socket(fileno=os.dup(int(name))))
    for sock in found:
        if _peer_of(sock) != address:
            sock.close()
    return [sock for sock in found if sock.fileno() >= 0]


def _peer_of(sock):
    try:
        return sock.getpeername()
    except OSError:  # it listens
        return None
