"""Socket activation: the server takes the sockets that systemd has opened."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from tests.server.processes.crew import crew, pids_of_all
from tests.server.program import DEADLINE, HELLO, Program, is_listening

#: Puts the sockets that it inherits where systemd puts them, and becomes the program.
LAUNCHER = """
import os, sys
for place, number in enumerate(map(int, sys.argv[1].split(",")), 3):
    os.dup2(number, place + 100)
for place, _ in enumerate(sys.argv[1].split(","), 3):
    os.dup2(place + 100, place)
    os.close(place + 100)
os.environ["LISTEN_PID"] = str(os.getpid() + int(os.environ.get("WRONG_PID", 0)))
os.environ["LISTEN_FDS"] = str(len(sys.argv[1].split(",")))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture
def activated(program, tmp_path):
    """Start a script with sockets: ``activated(code, sockets)``."""
    launcher = tmp_path / "launcher.py"
    launcher.write_text(LAUNCHER)
    opened: list[socket.socket] = []

    def start(code: str, *sockets: socket.socket, **options: object) -> Program:
        opened.extend(sockets)
        numbers = [sock.fileno() for sock in sockets]
        before = [sys.executable, str(launcher), ",".join(map(str, numbers))]
        started = program(code, before=before, pass_fds=numbers, **options)
        for sock in sockets:
            sock.close()
        return started

    yield start
    for sock in opened:
        sock.close()


def listening(port: int = 0, address: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    dual = family == socket.AF_INET6
    return socket.create_server((address, port), family=family, dualstack_ipv6=dual)


def at(code: str, sock: socket.socket, address: str = '"127.0.0.1", ') -> str:
    return code.replace("port=PORT", f"{address}port={sock.getsockname()[1]}")


def ask(port: int, address: str = "127.0.0.1") -> str:
    with socket.create_connection((address, port), DEADLINE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        data = b""
        while more := client.recv(4096):
            data += more
    return data.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("workers", [1, 3])
def test_an_endpoint_uses_the_socket_that_is_there(activated, workers):
    sock = listening()
    port = sock.getsockname()[1]
    server = activated(at(crew(workers), sock), sock).ready()
    server.port = port
    assert len(pids_of_all(server, workers)) == workers
    assert server.stop() == 0
    assert server.err == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_clients_that_came_before_the_server_are_answered(activated, workers):
    sock = listening()
    port = sock.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as early:
        early.sendall(b"GET / HTTP/1.0\r\n\r\n")
        activated(at(crew(workers), sock), sock).ready()
        early.settimeout(DEADLINE)
        assert early.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("workers", [1, 2])
def test_it_survives_restarts(activated, workers):
    sock = listening()
    port = sock.getsockname()[1]
    server = activated(at(crew(workers), sock), sock).ready()
    server.port = port
    for number in range(2, 4):
        server.get("/restart")
        server.wait_for("[Running]", count=number)
        assert server.get().status_code == 200
    assert server.stop() == 0
    assert not is_listening(port)
    assert server.err == ""


def test_a_socket_for_everywhere_serves_both_kinds_of_addresses(activated):
    with contextlib.ExitStack() as stack:
        try:
            sock = stack.enter_context(listening(0, "::"))
        except OSError:
            pytest.skip("This machine has no IPv6.")
        port = sock.getsockname()[1]
        activated(at(HELLO, sock, '"*", '), sock).ready()
        assert ask(port) == "hello"
        assert ask(port, "::1") == "hello"


def test_other_endpoints_are_opened_as_ever(activated):
    sock = listening()
    own = sock.getsockname()[1]
    added = f'add_endpoint("127.0.0.1", {own}); add_endpoint(port=PORT)'
    server = activated(HELLO.replace("add_endpoint(port=PORT)", added), sock).ready()
    assert ask(own) == "hello"
    assert server.get().text == "hello"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_socket_that_no_endpoint_uses_is_an_error_that_says_what_to_do(activated, workers):
    sock = listening()
    port = sock.getsockname()[1]
    server = activated(crew(workers), sock)
    assert server.end() == 1
    assert server.err == (
        f"pode_py: A socket was passed (LISTEN_FDS) for 127.0.0.1 port {port}, and no endpoint "
        "listens there. Make ListenStream= and add_endpoint agree, for example "
        f'add_endpoint("127.0.0.1", {port}).\n'
    )


def test_a_socket_of_another_kind_is_an_error(activated):
    server = activated(HELLO, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    assert server.end() == 1
    assert "it is no listening TCP socket" in server.err


def test_what_is_meant_for_another_process_is_left_alone(activated):
    sock = listening()
    server = activated(HELLO, sock, env={"WRONG_PID": "1"}).ready()
    assert server.get().text == "hello"


def test_a_socket_that_is_not_there_is_an_error(program):
    server = program(
        HELLO,
        before=["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh"],
    )
    assert server.end() == 1
    assert "LISTEN_FDS promises a socket as descriptor 3" in server.err


def test_programs_that_a_handler_starts_get_neither_sockets_nor_the_promise(activated):
    sock = listening()
    code = at(HELLO, sock).replace(
        'lambda: "hello"', "lambda: ' '.join([str(os.get_inheritable(3)), *os.environ])"
    )
    port = sock.getsockname()[1]
    activated(code, sock).ready()
    words = ask(port).split()
    assert words[0] == "False"
    assert not [word for word in words if word.startswith("LISTEN_")]
