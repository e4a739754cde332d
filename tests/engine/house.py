"""An engine on a free port with a small handler, and a client that trusts nothing.

Every wait has a deadline: a server that hangs fails a test, it does not hang it.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.engine.asgi.uvicorn import UvicornEngine
from pode_py.engine.certificates import TlsSettings
from pode_py.engine.h11.engine import Engine
from pode_py.engine.listener import ListenerSettings
from pode_py.engine.options import EngineOptions, Limits
from pode_py.engine.port import EnginePort
from pode_py.engine.replies import simple_response
from pode_py.exchange.exchange import Exchange
from pode_py.http.response import FileBody, Response

#: How long a test waits for what must happen; a busy machine is given time.
PATIENCE = 30.0

Handle = Callable[[Exchange], None]


def plain(exchange: Exchange) -> None:
    """Answers with method, path and body."""
    request = exchange.request
    text = f"{request.http_method} {request.path} ".encode()
    exchange.reply(text_response(text + request.raw_body))


def text_response(body: Any, status: int = 200) -> Response:
    response = Response(status, body)
    response.headers["Content-Type"] = "text/plain"
    return response


def file_body(path: Path) -> FileBody:
    return FileBody(path.open("rb"), 0, path.stat().st_size)


@dataclass
class HandClock(Clock):
    """A clock that a test moves; it begins at no special number."""

    time: float = 1000.0
    wakes: list[Callable[[], Any]] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.time

    def timeout_until(self, deadline: float | None) -> float | None:
        return 0.0 if deadline is not None and deadline <= self.time else None

    def watch(self, wake: Callable[[], Any], wait_idle: Any = None) -> None:
        self.wakes.append(wake)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        for wake in self.wakes:
            wake()


class House:
    """A running engine. `seen` are the requests that reached the handler."""

    def __init__(
        self,
        handle: Handle = plain,
        *,
        threads: int = 4,
        limits: Limits | None = None,
        poller: str = "auto",
        clock: Clock | None = None,
        tls: TlsSettings | None = None,
        addresses: tuple[str, ...] = ("127.0.0.1",),
        max_connections: int | None = None,
        endpoint: Any = None,
        kind_of: Callable[[Any], object] = lambda request: request.path,
        quiet_time: float = 0.25,
        kind: str = "h11",
    ) -> None:
        self.seen: list[Any] = []
        self.reports: list[tuple[BaseException | str, str]] = []
        self.warnings: list[str] = []
        #: What was refused before there was an exchange.
        self.refused: list[str] = []
        self.may_report = False
        self.is_tls = tls is not None
        self._handle = handle
        options = EngineOptions(
            threads=threads,
            limits=limits or Limits(),
            poller=poller,
            max_connections=max_connections,
            quiet_time=quiet_time,
        )
        given: dict[str, Any] = {
            "clock": clock or Clock(),
            "context": contextvars.copy_context(),
            "warn": self.warnings.append,
            "refused": lambda error, _: self.refused.append(str(error)),
            "report": lambda error, where: self.reports.append((error, where)),
        }
        self._loop = EventLoop()
        self.engine: EnginePort
        if kind == "uvicorn":
            self.engine = UvicornEngine(options, self._see, loop=self._loop, **given)
        else:
            self.engine = Engine(options, self._see, kind_of=kind_of, **given)
        listeners = self.engine.start([ListenerSettings(addresses, 0, tls, endpoint)])
        self.port = listeners[0].port

    def _see(self, exchange: Exchange) -> bool:
        if exchange.refusal is not None:  # as the pipeline: no handler sees it
            error = exchange.refusal
            exchange.reply(simple_response(error.status, str(error)))
            return True
        self.seen.append(exchange.request)
        self._handle(exchange)
        return True

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.seen]

    def wire(self, address: str = "127.0.0.1", **options: Any) -> Wire:
        return Wire(socket.create_connection((address, self.port), timeout=PATIENCE), **options)

    def tls_wire(self, context: ssl.SSLContext | None = None, **options: Any) -> Wire:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        context = context or trusting()
        return Wire(context.wrap_socket(sock, server_hostname="localhost"), **options)

    def any_wire(self) -> Wire:
        return self.tls_wire() if self.is_tls else self.wire()

    def get(self, target: str = "/") -> Answer:
        """A request on a connection of its own."""
        with self.any_wire() as wire:
            wire.ask("GET", target)
            return wire.answer()

    def stop(self) -> None:
        self.engine.stop_accepting()
        self.engine.stop(PATIENCE)
        self._loop.stop(PATIENCE)


def trusting() -> ssl.SSLContext:
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes = b""
    line: str = ""

    def __getitem__(self, name: str) -> str | None:
        values = [value for known, value in self.fields if known.lower() == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times"
        return values[0] if values else None


class Wire:
    """A client: raw bytes out, answers in, parsed strictly."""

    def __init__(self, sock: socket.socket, *, slow: bool = False) -> None:
        self.sock = sock
        if slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._buffer = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def ask(self, method: str, target: str, *fields: str, body: bytes = b"") -> None:
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def finish_sending(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with RST."""
        linger = b"\x01\0\0\0\0\0\0\0"
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sock.close()

    def answer(self, *, head_only: bool = False) -> Answer:
        """The next response; EOFError if the connection ends before it is whole."""
        answer = self.head()
        if head_only or answer.status < 200 or answer.status in (204, 304):
            return answer
        if answer["Transfer-Encoding"] is not None:
            assert answer["Transfer-Encoding"] == "chunked"
            assert answer["Content-Length"] is None
            answer.body = b"".join(self.chunks())
        elif answer["Content-Length"] is not None:
            answer.body = self.exactly(int(answer["Content-Length"]))
        else:
            answer.body = self.rest()
        return answer

    def head(self) -> Answer:
        head = self.until(b"\r\n\r\n")[:-4].decode("latin-1")
        line, *lines = head.split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1"
        fields = [tuple(text.split(": ", 1)) for text in lines]
        return Answer(int(status), fields, line=line)  # type: ignore[arg-type]

    def chunks(self) -> Any:
        while size := int(self.until(b"\r\n"), 16):
            chunk = self.exactly(size + 2)
            assert chunk.endswith(b"\r\n")
            yield chunk[:-2]
        assert self.until(b"\r\n") == b"\r\n"

    def until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found + end

    def exactly(self, size: int) -> bytes:
        got = io.BytesIO(self._buffer)
        got.seek(0, os.SEEK_END)
        while got.tell() < size:
            got.write(self._receive())
        data = got.getvalue()
        self._buffer = data[size:]
        return data[:size]

    def rest(self) -> bytes:
        """Everything until the end of the connection."""
        parts = [self._buffer]
        self._buffer = b""
        with contextlib.suppress(EOFError):
            while True:
                parts.append(self._receive())
        return b"".join(parts)

    @property
    def is_closed(self) -> bool:
        """Wait for the end of the connection; anything that still comes is an error."""
        return self.rest() == b""

    def has_input(self, within: float) -> bool:
        """Whether something (or the end) arrives in time. For what must *not* come."""
        self.sock.settimeout(within)
        try:
            return bool(self._buffer or self.sock.recv(1, socket.MSG_PEEK) or True)
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(PATIENCE)

    def _more(self) -> None:
        self._buffer += self._receive()

    def _receive(self) -> bytes:
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            data = b""
        if not data:
            raise EOFError(f"The connection ended. Read before: {self._buffer[:200]!r}")
        return data


class Streams:
    """A handler that upgrades /stream and keeps the outboxes."""

    def __init__(self, **options):
        self.options = options
        self.outboxes = []
        self.gone = []
        self.gate = None

    def __call__(self, exchange):
        if exchange.request.path == "/blocked":
            assert self.gate.wait(30)
        if exchange.request.path != "/stream":
            plain(exchange)
            return
        response = Response()
        response.headers["Content-Type"] = "text/event-stream"
        outbox = exchange.upgrade(response, **self.options)
        exchange.on_close(lambda: self.gone.append(outbox))
        outbox.release()
        self.outboxes.append(outbox)

    def open(self, house, wire):
        """Ask for a stream on `wire`, and give its outbox and head."""
        before = len(self.outboxes)
        wire.ask("GET", "/stream")
        wait_until(lambda: len(self.outboxes) > before)
        outbox = self.outboxes[-1]
        outbox.put(b"first")
        answer = wire.head()
        assert next(wire.chunks()) == b"first"
        return outbox, answer


def frames(wire: Wire, end: bytes) -> bytes:
    """The text of the stream until `end`."""
    text = b""
    chunks = wire.chunks()
    while not text.endswith(end):
        text += next(chunks)
    return text


def wait_until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for something that has no event of its own."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"Waited in vain for {what}."
        time.sleep(0.002)
    return found


def in_thread(job: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    return thread
