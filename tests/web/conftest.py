"""A web without sockets: exchanges in memory, and the rooms a request passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pode_py.core import ambient
from pode_py.core.calls import Calls, Job
from pode_py.core.loop import EventLoop
from pode_py.core.paths import Folders
from pode_py.core.registration import WaitingRegistrations
from pode_py.core.runtime import Report
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive, OpenStream
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.response import Body, FileBody, Response, pieces
from pode_py.http.strictness import split_target
from pode_py.observability.logs.records import RequestRecord
from pode_py.observability.metrics.requests import RequestCounts
from pode_py.web.deadlines import AnswerDeadlines
from pode_py.web.pipeline import Pipeline
from pode_py.web.rooms import WebRooms
from tests.runtimes import a_runtime, unexpected


class UnreadStream(OpenStream):
    """Nobody takes what is put on it."""

    def notify(self) -> None: ...


class MemoryExchange(Exchange):
    """Keeps what was answered."""

    def __init__(self, request: Request, endpoint: Any = None) -> None:
        super().__init__(request, endpoint)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.gone = False

    def _prepare(self, response: Response) -> Response:
        return response

    def _send(self, head: Response, body: Body) -> None:
        if self.gone:
            raise ConnectionResetError("the client went away")
        self.status = head.status_code
        self.headers = {name.lower(): value for name, value in head.headers.items()}
        if isinstance(body, bytes):
            self.body = body
        elif isinstance(body, FileBody):
            self.body = body.read(body.length)
            body.close()
        else:
            for piece in pieces(body):
                self.body += piece
        self.bytes_sent = len(self.body)

    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> OpenStream:
        self.status = head.status_code
        return UnreadStream(limits, keepalive)

    def _open_body(self, head: Response) -> OpenStream:
        self.status = head.status_code
        self.headers = {name.lower(): value for name, value in head.headers.items()}
        return UnreadStream(None, None)

    def take_pushed(self) -> None:
        """What was pushed as the body, once its maker has ended."""
        if self._stream is not None and not self.upgraded:
            self.body = b"".join(self._stream.outbox.take(1 << 20))

    def _cut(self) -> None: ...

    def _defer(self) -> None: ...

    def _resume(self, job: Job) -> None:
        raise NotImplementedError("Here the thread waits.")

    def _is_ended(self) -> bool:
        return self.gone

    @property
    def text(self) -> str:
        return self.body.decode()


class ListLogs:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.wheres: list[str] = []
        self.requests: list[RequestRecord] = []
        self.wants_requests = self.wants_client_errors = False

    def write_request(self, record: RequestRecord) -> None:
        self.requests.append(record)

    def write_exception(
        self, error: BaseException, *, where: str, context_id: str | None = None
    ) -> None:
        self.errors.append(error)
        self.wheres.append(where)


class Web:
    """The rooms, as a server would have them, and requests to them."""

    def __init__(self, root: Path, *, report: Report = unexpected, **options: Any) -> None:
        self.logs = ListLogs()
        self.loop = EventLoop()
        self.root = root
        self.folders = Folders(root)
        self.registrations = WaitingRegistrations()
        runtime = a_runtime(root, self.loop, report=report)
        self.rooms = WebRooms.create(runtime, **options)
        deadlines = AnswerDeadlines(runtime, self.rooms, lambda: None)
        self.pipeline = Pipeline(self.rooms, self.logs, self.loop, RequestCounts(), deadlines)
        calls = Calls(self.loop)
        self._all = [self.folders, self.registrations, calls, *vars(self.rooms).values()]

    def room(self, kind: type[Any]) -> Any:
        return next(room for room in self._all if isinstance(room, kind))

    def send(
        self,
        method: str,
        target: str,
        *,
        headers: dict[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        endpoint: Any = None,
        host: str = "localhost:8080",
        address: str = "127.0.0.1",
        gone: bool = False,
    ) -> MemoryExchange:
        """Answer one request; method in upper case."""
        fields = headers.items() if isinstance(headers, dict) else headers
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields]
        whole, path, query, host = split_target(target.encode(), host.encode())
        request = Request(
            method, whole, path, query, RequestHeaders(raw), "1.1", body, host, Peer(address)
        )
        exchange = MemoryExchange(request, endpoint)
        exchange.gone = gone
        Calls(self.loop).run(self.pipeline.serve(exchange))
        exchange.take_pushed()
        return exchange

    def get(self, target: str, **options: Any) -> MemoryExchange:
        return self.send("GET", target, **options)

    def post(self, target: str, body: bytes, content_type: str, **options: Any) -> MemoryExchange:
        headers = {"Content-Type": content_type, **options.pop("headers", {})}
        return self.send("POST", target, body=body, headers=headers, **options)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A web that is the current server. Its root is tmp_path."""
    made = Web(tmp_path)
    token = ambient._server.set(made)
    yield made
    ambient._server.reset(token)
    made.loop.stop(2)
