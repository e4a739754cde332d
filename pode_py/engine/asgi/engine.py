"""AsgiEngine: serves requests that an ASGI server hands over. Sockets are that server's.

Walk of a request: a task of the ASGI server calls `serve` on its loop; the head is checked, the
body read within its limits; a worker runs `handle` with an exchange, inside the server's context,
as with our own engine; what the worker answers goes back to the task, which sends it. An event
stream lives on in that task. Nothing on the loop waits for a worker, and no worker for the loop but
one whose body is an iterator.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

from pode_py.core.calls import Job
from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.core.thread_pool import ThreadPool
from pode_py.engine.asgi.channel import Channel, Gone, Receive, Send
from pode_py.engine.asgi.exchange import AsgiExchange
from pode_py.engine.asgi.messages import Head, Scope, body_message, start_message
from pode_py.engine.asgi.stream import AsgiStream
from pode_py.engine.asgi.timer import LoopTimer
from pode_py.engine.full_house import FULL, FullHouse
from pode_py.engine.listener import Listener, ListenerSettings
from pode_py.engine.options import EngineOptions
from pode_py.engine.port import Refused, Report
from pode_py.engine.replies import simple_response
from pode_py.exchange.batches import Numbers, queue_to_each
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.outbox import Outbox
from pode_py.http.strictness import ProtocolError, too_large

# How long the loop is given for what `stop` asks of it.
_LOOP_PATIENCE = 2.0


class AsgiEngine:
    """`serve` is the application for scopes of the type "http". See EnginePort for the rest.

    `timer` and `event_loop` are there from `start` on.
    """

    timer: LoopTimer
    event_loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        options: EngineOptions,
        run: Callable[[Exchange], bool],
        *,
        clock: Clock,
        context: Context,
        report: Report,
        warn: Callable[[str], object],
        loop: EventLoop,
        refused: Refused = lambda *_: None,
    ) -> None:
        self._limits = options.limits
        self._run_exchange = run
        self._full_house = FullHouse(options.threads, warn)
        self._full_since: float | None = None
        self._being_served: set[AsgiExchange] = set()
        self._clock = clock
        self._report = report
        self._warn = warn
        self._refused = refused
        self._loop = loop
        # An ASGI server has a name of its own.
        self.server_name = ""
        self.head_defaults = options.head_defaults
        self.accepting = False
        # Whether connections are to close after their next answer.
        self.closing = False
        self._endpoints: list[tuple[int, Any]] = []
        self._pool = ThreadPool(
            "web", options.threads, context, lambda error: report(error, "worker")
        )
        self._exchanges: set[AsgiExchange] = set()
        self._open: set[AsgiStream] = set()
        # Other threads append to these and wake the loop, once for many.
        self._jobs: deque[Callable[[], None]] = deque()
        self._dirty: deque[AsgiStream] = deque()
        self._turn_planned = False
        self._idle = threading.Condition()
        self._busy = 0

    def start(self, settings: Sequence[ListenerSettings]) -> list[Listener]:
        """Serve. It listens nowhere: `settings` only say which endpoint a port belongs to."""
        self.event_loop = self._loop.running()
        self.timer = LoopTimer(self._clock, self.event_loop)
        self._pool.start_all()
        self._endpoints = [(wanted.port, wanted.endpoint) for wanted in settings]
        self.accepting = True
        return []

    @property
    def connections(self) -> int:
        """Requests that are being served, streams included: connections are not seen here."""
        return len(self._exchanges)

    @property
    def streams(self) -> int:
        return len(self._open)

    @property
    def open_streams(self) -> list[AsgiStream]:
        return list(self._open)

    @property
    def waiting(self) -> int:
        return self._pool.waiting

    @property
    def unfinished(self) -> list[AsgiExchange]:
        return [exchange for exchange in list(self._exchanges) if not exchange.decided]

    def stop_listening(self) -> None:
        """Have connections close after their next answer. Who listens is the ASGI server."""
        self.closing = True

    def wait_last_requests(self, timeout: float) -> bool:
        """Nothing to wait for: an ASGI server's connections are not seen here."""
        del timeout
        return True

    def stop_accepting(self) -> None:
        """Answer what was begun. The ASGI server brings nothing more, or it gets 503."""
        self.accepting = False

    def wait_handlers(self, timeout: float) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, timeout)

    def drain(self, timeout: float) -> bool:
        """Wait until all that was answered has been sent, and streams have ended."""
        deadline = time.monotonic() + timeout
        while any(one.decided for one in list(self._exchanges)):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self, timeout: float) -> None:
        """End the workers, and cut what is still open. A second call does nothing."""
        self.accepting = False
        self._pool.stop(timeout)
        if not hasattr(self, "event_loop"):  # it never started
            return
        self._on_loop(self._cut_all)
        self._wait_until(lambda: not self._exchanges)

    def deliver(self, frames: Sequence[bytes], outboxes: Sequence[Outbox]) -> Numbers:
        return queue_to_each(frames, outboxes)

    def is_io_thread(self) -> bool:
        try:
            return asyncio.get_running_loop() is self.event_loop
        except (AttributeError, RuntimeError):  # not started; no loop on this thread
            return False

    def submit(self, job: Callable[[], None]) -> None:
        def run() -> None:
            try:
                job()
            finally:
                self._finished()

        with self._idle:
            self._busy += 1
        if not self._pool.submit(run):
            self._finished()

    def run_soon(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)
        if not self._plan_turn():
            self._turn()

    # What exchanges ask of it.

    def notify(self, stream: AsgiStream) -> None:
        """The stream's outbox has something to do. Any thread."""
        self._dirty.append(stream)
        self._plan_turn()

    def resume(self, exchange: AsgiExchange, job: Job) -> None:
        """Have a worker go on with a deferred exchange."""
        if not self._submit(exchange, job):
            self._on_loop(exchange.cut)

    def adopt(self, stream: AsgiStream) -> None:
        self._open.add(stream)

    def forget(self, stream: AsgiStream) -> None:
        self._open.discard(stream)

    # On the loop.

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        channel = Channel(scope, receive, send, self.timer, self._limits.write_timeout)
        try:
            await self._serve(scope, channel, self._endpoint_of(scope))
        except Gone:
            pass
        finally:
            await channel.close()

    async def _serve(self, scope: Scope, channel: Channel, endpoint: Any) -> None:
        if not self.accepting:
            await self._send_away(scope, channel)
            return
        head = Head(scope, channel.refused_head)
        refusal = None
        try:
            channel.check()
            head.check(channel.framing)
            request = head.request(await self._read_body(head, channel), channel.certificate)
        except ProtocolError as error:
            refusal, request = error, head.unread(channel.certificate)
        exchange = AsgiExchange(request, endpoint, channel, self)
        exchange.refusal = refusal
        self._exchanges.add(exchange)
        try:
            self._hand_over(exchange)
            await exchange.carry_out()
        finally:
            self._exchanges.discard(exchange)

    async def _read_body(self, head: Head, channel: Channel) -> bytes:
        limits = self._limits
        if not head.may_have_body:
            return b""
        if head.framing.length is not None and head.framing.length > limits.body_size:
            raise too_large(limits.body_size)
        body = bytearray()
        began = self._clock.monotonic()
        while channel.expects_body:
            # What has come slower than the rate has used up its time.
            spare = began + len(body) / limits.body_rate - self._clock.monotonic()
            body += await channel.receive(limits.request_timeout, spare)
            if len(body) > limits.body_size:
                raise too_large(limits.body_size)
        return bytes(body)

    async def _send_away(self, scope: Scope, channel: Channel) -> None:
        """Answer a request that comes while the server stops."""
        response = simple_response(503, "The server is stopping.")
        start = start_message(
            response, head_only=False, server=self.server_name, defaults=self.head_defaults
        )
        if str(scope.get("http_version")).startswith("1"):
            start["headers"].append((b"connection", b"close"))
        assert isinstance(response.body, bytes)
        body = b"" if scope["method"] == "HEAD" else response.body
        await channel.send(start)
        await channel.send(body_message(body, more=False))

    def _hand_over(self, exchange: AsgiExchange) -> None:
        if not self._submit(exchange, lambda: self._run_exchange(exchange)):
            exchange.cut()

    def _look_whether_full(self) -> None:
        """Report it when requests have waited for a worker for a while."""
        if not self._pool.waiting or self._full_since is None:
            self._full_since = None
            return
        left = self._full_since + FULL - time.monotonic()
        if left <= 0:
            self._full_since = time.monotonic()
            self._full_house.tell(list(self._being_served), self._pool.waiting)
            left = FULL
        self.event_loop.call_later(left, self._look_whether_full)

    def _endpoint_of(self, scope: Scope) -> Any:
        """The one with the port that the client connected to; behind a proxy, the first."""
        port = (scope.get("server") or ("", 0))[1]
        for known, endpoint in self._endpoints:
            if known == port:
                return endpoint
        return self._endpoints[0][1] if self._endpoints else None

    def _turn(self) -> None:
        """Run the jobs that came since the last turn, then wake the streams that have work."""
        self._turn_planned = False
        # Only those that are there: one that comes again finds that streams were written.
        for _ in range(len(self._jobs)):
            try:
                self._jobs.popleft()()
            except Exception as error:  # noqa: BLE001 - one broken job must not keep the others
                self._report(error, "engine")
        while self._dirty:
            self._dirty.popleft().wake()

    def _plan_turn(self) -> bool:
        """Have `_turn` run soon. False if there is no loop to run it."""
        if self._turn_planned:
            return True
        self._turn_planned = True
        if self._on_loop(self._turn):
            return True
        self._turn_planned = False
        return False

    def _cut_all(self) -> None:
        self.timer.stop()
        for exchange in list(self._exchanges):
            exchange.cut()

    # On a worker.

    def _run(self, exchange: AsgiExchange, job: Job) -> None:
        """Go on with the exchange; once it is answered, that is all."""
        answered = True
        self._being_served.add(exchange)
        try:
            answered = job()
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, must not end a worker
            exchange.abort()
            # A client that went away while it was answered is nobody's error.
            if not (exchange.replied and isinstance(error, ConnectionError)):
                self._report(error, "engine")
        finally:
            if not self._pool.waiting:
                self._full_since = None
            self._being_served.discard(exchange)
            if answered:
                exchange.finish()
            self._finished()

    def _finished(self) -> None:
        with self._idle:
            self._busy -= 1
            if not self._busy:
                self._idle.notify_all()

    # On any thread.

    def _submit(self, exchange: AsgiExchange, job: Job) -> bool:
        """Have a worker run the job. False if there is none any more."""
        with self._idle:
            self._busy += 1
        if self._pool.submit(lambda: self._run(exchange, job)):
            if self._pool.waiting and self._full_since is None:
                self._full_since = time.monotonic()
                self._on_loop(self._look_whether_full)
            return True
        self._finished()
        return False

    def _on_loop(self, job: Callable[[], None]) -> bool:
        """Run `job` on the loop soon. False if there is none."""
        try:
            self.event_loop.call_soon_threadsafe(job)
        except (AttributeError, RuntimeError):  # not started; the loop has ended
            return False
        return True

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _LOOP_PATIENCE
        while not condition() and not self.event_loop.is_closed():
            if time.monotonic() >= deadline or not self.event_loop.is_running():
                return
            time.sleep(0.005)
