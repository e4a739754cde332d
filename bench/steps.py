"""`python -m bench.steps`: what each step of a request costs in processor time, in this process.

No poller, no client, one thread: a table to look at before and after a change of the request
path, where `make bench` would show little more than the noise of the machine.
"""

import contextvars
import socket
import time
from collections.abc import Callable
from pathlib import Path

from pode_py import add_endpoint, add_route, web_event
from pode_py.core.calls import Job
from pode_py.core.clock import Clock
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.engine import Engine
from pode_py.engine.h11.head_writer import HeadWriter
from pode_py.engine.h11.reader import RequestReader
from pode_py.engine.options import Limits
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.stream import OpenStream
from pode_py.http.request import Peer, Request
from pode_py.http.response import Body, Response
from pode_py.server.options import ServerOptions
from pode_py.server.server import Server

PLAIN = b"GET /plain HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
JSON = PLAIN.replace(b"/plain", b"/users/7")
CALLS = 5000
ROUNDS = 9


def main() -> None:
    """Print the table."""
    server = Server(ServerOptions(root=Path(__file__).parent, threads=1))
    server.set_up(set_up)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        calls = costs(near, far)
        whole = whole_requests(server, near, far, calls)
    rows = [
        ("read and write on a socket, at both ends", calls),
        ("parse the head in the fast lane", reading(PLAIN, fast_lane=True)),
        ("parse the head with h11", reading(PLAIN, fast_lane=False)),
        ("pipeline and handler, plain text", handling(server, PLAIN)),
        ("pipeline and handler, a path parameter and JSON", handling(server, JSON)),
        ("make the response's head", writing()),
        *whole,
    ]
    print("| step | µs |\n| --- | ---: |")
    for name, seconds in rows:
        print(f"| {name} | {seconds * 1e6:.2f} |")


def set_up() -> None:
    add_endpoint(address="127.0.0.1", port=8080)
    add_route("get", "/plain", lambda: "hello")
    add_route("get", "/users/:id", lambda: {"id": web_event.parameters["id"], "name": "Ada"})


def best(work: Callable[[], object]) -> float:
    """Seconds of a call in the best of some rounds."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(CALLS):
            work()
        found.append(time.process_time() - begun)
    return min(found) / CALLS


def costs(near: socket.socket, far: socket.socket) -> float:
    def work() -> None:
        far.send(PLAIN)
        near.recv(65536)
        near.send(PLAIN)
        far.recv(65536)

    return best(work)


def reading(head: bytes, *, fast_lane: bool) -> float:
    reader = RequestReader(Limits(fast_lane=fast_lane), Peer())

    def work() -> None:
        reader.feed(head)
        reader.next()

    return best(work)


class Unsent(Exchange):
    """An exchange whose answer goes nowhere."""

    def _prepare(self, response: Response) -> Response:
        return response

    def _send(self, head: Response, body: Body) -> None: ...

    def _open(self, *_: object) -> OpenStream:
        raise NotImplementedError

    def _open_body(self, _: object) -> OpenStream:
        raise NotImplementedError

    def _cut(self) -> None: ...

    def _defer(self) -> None: ...

    def _resume(self, job: Job) -> None: ...

    def _is_ended(self) -> bool:
        return False


def handling(server: Server, head: bytes) -> float:
    reader = RequestReader(Limits(), Peer())
    reader.feed(head)
    request = reader.next()
    assert isinstance(request, Request)
    return best(lambda: server.runner.run(Unsent(request)))


def writing() -> float:
    writer = HeadWriter(Clock(), "Pode")

    def work() -> None:
        response = Response(200, b"hello")
        response.headers.set_first(("Content-Type", "text/plain; charset=utf-8"))
        writer.plain(response, 5)

    return best(work)


def whole_requests(
    server: Server, near: socket.socket, far: socket.socket, calls: float
) -> list[tuple[str, float]]:
    engine = server.engine
    assert isinstance(engine, Engine)
    engine.accepting = True
    connection = Connection(near, Peer(), None, Limits())
    rows = []
    for name, head in (("plain text", PLAIN), ("a path parameter and JSON", JSON)):
        seconds = best(lambda head=head: ask(engine, connection, far, head))  # type: ignore[misc]
        rows.append((f"the whole request but its system calls, {name}", seconds - calls))
    engine.stop(0)
    return rows


def ask(engine: Engine, connection: Connection, far: socket.socket, head: bytes) -> None:
    far.send(head)
    connection.claim()
    engine._serve(connection)
    assert far.recv(65536).startswith(b"HTTP/1.1 200")


if __name__ == "__main__":
    contextvars.copy_context().run(main)
