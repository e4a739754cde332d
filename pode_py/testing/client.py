"""Client: requests to a server without any socket, straight into its pipeline.

What it tests is the application: routes, middleware, responses. What the wire adds (limits,
keep-alive, pings, slow readers) needs a LiveServer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from pode_py.core.clock import Clock
from pode_py.core.paths import StrPath
from pode_py.exchange.outbox import Ending
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.strictness import split_target
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.server import Server
from pode_py.testing.conversation import Headers, body_of, pairs
from pode_py.testing.live import LiveServer
from pode_py.testing.memory import MemoryExchange, MemoryStream
from pode_py.testing.messages import ClientResponse
from pode_py.testing.stream import SseTimeout
from pode_py.testing.wire import DEADLINE
from pode_py.web.endpoints.endpoint import Binding
from pode_py.web.endpoints.endpoints import Endpoints

_MOVED = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 20
# What a body had, and a request without one must not say.
_BODY_HEADERS = frozenset({"content-type", "content-length", "transfer-encoding"})


class Client:
    """Sends requests to the server that `setup` makes, without sockets.

    The server is not started: no port is opened, timers and schedules do not run. Cookies that
    responses set are sent with later requests, whatever their path and domain; `cookies` can be
    changed.

    setup: the function for start_server, or a LiveServer.
    root_path: the folder of views/, public/, errors/ and routes/; by default the current one.
    config: what a configuration file would say; without it there is none.
    headers: sent with each request.
    host: the host that requests ask for.
    remote_address: the address that requests come from.

        def server():
            add_route("get", "/users/:id", lambda: {"id": 7})

        with Client(server) as client:
            assert client.get("/users/7").json() == {"id": 7}
    """

    def __init__(
        self,
        setup: Callable[[], Any] | LiveServer,
        *,
        root_path: StrPath | None = None,
        config: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        headers: Headers = (),
        host: str = "localhost",
        remote_address: str = "127.0.0.1",
    ) -> None:
        self._owns = not isinstance(setup, LiveServer)
        if isinstance(setup, LiveServer):
            self.server = setup.server
        else:
            arguments = StartArguments(
                folder=Path.cwd(),
                root=None if root_path is None else Path(root_path),
                config=config,
                is_test=True,
            )
            self.server = Server(arguments.read(), clock=clock)
            try:
                self.server.set_up(setup)
            except BaseException:
                self.server.stop(0.0)
                raise
        self.cookies: dict[str, str] = {}
        self._headers = list(pairs(headers))
        self._host = host
        self._remote_address = remote_address
        self._streams: list[MemoryStream] = []

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Headers = (),
        data: Any = None,
        json: Any = None,
        follow_redirects: bool = False,
        endpoint_name: str | None = None,
    ) -> ClientResponse:
        """Send a request and return its response.

        target: a path with its query.
        data: bytes, text, or a dict of form fields.
        json: a value that is sent as JSON.
        follow_redirects: follow at most 20 of them.
        endpoint_name: the endpoint that the request reaches; by default the first.

        Raises ConnectionResetError where the server would cut the connection.
        """
        body, content_type = body_of(data, json)
        fields = [*self._headers, *pairs(headers)]
        if content_type and not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("Content-Type", content_type))
        response = self._send(method, target, fields, body or b"", endpoint_name)
        for _ in range(_MOST_REDIRECTS if follow_redirects else 0):
            location = response.headers.get("Location")
            if response.status_code not in _MOVED or location is None:
                break
            # 307 and 308 keep method and body; the others have become GETs in practice.
            if response.status_code < 307 and method.upper() != "HEAD":
                method, body = "GET", None
                fields = [field for field in fields if field[0].lower() not in _BODY_HEADERS]
            target = _path_of(urljoin(target, location))
            response = self._send(method, target, fields, body or b"", endpoint_name)
        return response

    def get(self, target: str, **options: Any) -> ClientResponse:
        return self.request("GET", target, **options)

    def post(self, target: str, **options: Any) -> ClientResponse:
        return self.request("POST", target, **options)

    def put(self, target: str, **options: Any) -> ClientResponse:
        return self.request("PUT", target, **options)

    def patch(self, target: str, **options: Any) -> ClientResponse:
        return self.request("PATCH", target, **options)

    def delete(self, target: str, **options: Any) -> ClientResponse:
        return self.request("DELETE", target, **options)

    def head(self, target: str, **options: Any) -> ClientResponse:
        return self.request("HEAD", target, **options)

    def options(self, target: str, **options: Any) -> ClientResponse:
        return self.request("OPTIONS", target, **options)

    def sse(
        self,
        target: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        last_event_id: str | None = None,
        data: Any = None,
        json: Any = None,
        deadline: float = DEADLINE,
        endpoint_name: str | None = None,
    ) -> MemoryStream:
        """Open an event stream.

        The route runs on a thread of its own, so that a local stream can be read while it runs.

        deadline: seconds for each wait.

            with client.sse("/events") as events:
                assert events.next().type == "pode.open"
        """
        fields = [("Accept", "text/event-stream"), *self._headers]
        given = list(pairs(headers))
        names = {name.lower() for name, _ in given}
        fields = [field for field in fields if field[0].lower() not in names] + given
        if last_event_id is not None:
            fields.append(("Last-Event-ID", last_event_id))
        body, content_type = body_of(data, json)
        if content_type and "content-type" not in names:
            fields.append(("Content-Type", content_type))
        exchange = self._exchange(method, target, fields, body or b"", endpoint_name)
        threading.Thread(
            target=self._handle, args=(exchange,), name="pode-test-client", daemon=True
        ).start()
        if not exchange.wait_answered(deadline):
            exchange.close()
            raise SseTimeout(f"{method} {target} was not answered in time.")
        self._keep_cookies(_answer_of(exchange, method, target))
        stream = MemoryStream(exchange, deadline)
        self._streams.append(stream)
        return stream

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a function that finds this server, as the server's own code does.

        client.call(send_sse_event, "hello", name="Events")
        """
        return self.server.context.copy().run(function, *arguments, **named)

    def close(self) -> None:
        """Leave all streams, and stop the server unless it is that of a LiveServer."""
        for stream in self._streams:
            stream.close()
        if self._owns:
            self.server.stop(0.0)

    def _send(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        endpoint_name: str | None,
    ) -> ClientResponse:
        exchange = self._exchange(method, target, headers, body, endpoint_name)
        self._handle(exchange)
        if exchange.wait_answered(DEADLINE) and exchange.is_body:
            return self._read_body(exchange, _answer_of(exchange, method, target))
        if not exchange.wait_finished(DEADLINE):
            raise TimeoutError(f"{method} {target} was not answered in time.")
        response = _answer_of(exchange, method, target)
        self._keep_cookies(response)
        if not exchange.upgraded:
            return response
        with MemoryStream(exchange, 0.0) as stream:
            assert exchange.stream is not None
            if exchange.stream.outbox.ending is Ending.OPEN:
                raise AssertionError(f"{target} is an open event stream: use client.sse(...).")
            body = b"".join(iter(lambda: stream._read(0.0) or b"", b""))
        return ClientResponse(response.status_code, response.headers, body)

    def _read_body(self, exchange: MemoryExchange, response: ClientResponse) -> ClientResponse:
        """A response whose body is still being made."""
        self._keep_cookies(response)
        with MemoryStream(exchange, DEADLINE) as stream:
            until = time.monotonic() + DEADLINE
            body = b"".join(iter(lambda: stream._read(until) or b"", b""))
        exchange.wait_finished(DEADLINE)
        if not stream.ended_cleanly:
            raise ConnectionResetError("The server cut the connection within the body.")
        return replace(response, body=body)

    def _exchange(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        endpoint_name: str | None,
    ) -> MemoryExchange:
        binding = self._binding(endpoint_name)
        secure = binding is not None and binding.tls is not None
        given = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        host = dict(given).get(b"host") or self._host.encode()
        raw = [(b"host", host), *[field for field in given if field[0] != b"host"]]
        if self.cookies and b"cookie" not in dict(given):
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            raw.append((b"cookie", cookies.encode("latin-1")))
        if body:
            raw.append((b"content-length", b"%d" % len(body)))
        whole, path, query, asked = split_target(target.encode("latin-1"), host)
        port = 0 if binding is None else binding.port
        peer = Peer(self._remote_address, 50000, "127.0.0.1", port, "https" if secure else "http")
        fields = RequestHeaders(raw)
        request = Request(method.upper(), whole, path, query, fields, "1.1", body, asked, peer)
        return MemoryExchange(request, binding)

    def _handle(self, exchange: MemoryExchange) -> None:
        if self.server.runner.run(exchange):
            exchange.finish()
            exchange.mark_finished()

    def _binding(self, name: str | None) -> Binding | None:
        endpoints = self.server.room(Endpoints)
        bindings = endpoints.bindings()
        if name is None:
            return bindings[0] if bindings else None
        wanted = endpoints.need(name)
        return next(binding for binding in bindings if wanted in binding.endpoints)

    def _keep_cookies(self, response: ClientResponse) -> None:
        for line in response.headers.get_all("Set-Cookie"):
            pair, *attributes = line.split(";")
            name, _, value = pair.strip().partition("=")
            if self._is_over(attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def _is_over(self, attributes: list[str]) -> bool:
        for attribute in attributes:
            name, _, value = attribute.strip().partition("=")
            if name.lower() == "max-age":
                return int(value) <= 0
            if name.lower() == "expires":
                with suppress(ValueError):
                    return parsedate_to_datetime(value) <= self.server.clock.now()
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _answer_of(exchange: MemoryExchange, method: str, target: str) -> ClientResponse:
    if exchange.aborted or exchange.response is None:
        raise ConnectionResetError(f"{method} {target}: the server cut the connection.")
    return exchange.response


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
