"""Engine: accepts connections, has their requests handled, and ends them. Our own, on h11.

Walk of a request: the leader among the workers polls, claims the connection, reads, lets the
reader parse, calls `handle` with an exchange, which answers on the same thread; then the
connection is parked again. Only where the request's route is known to be slow is it handed to
another worker before. Whatever stays open or does not fit the socket goes to the pusher.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import Context

from pode_py.core.calls import Job
from pode_py.core.clock import Clock
from pode_py.engine.descriptors import descriptor_room
from pode_py.engine.full_house import FullHouse
from pode_py.engine.h11.acceptor import Acceptor
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.exchange import H11Exchange
from pode_py.engine.h11.head_writer import HeadWriter
from pode_py.engine.h11.poller import make_poller
from pode_py.engine.h11.pusher import Pusher
from pode_py.engine.h11.slow_routes import Pace, SlowRoutes
from pode_py.engine.h11.stream import H11Stream
from pode_py.engine.h11.workers import Workers
from pode_py.engine.listener import Listener, ListenerSettings
from pode_py.engine.options import EngineOptions
from pode_py.engine.port import Refused, Report
from pode_py.engine.replies import distrusted, simple_response
from pode_py.exchange.batches import Numbers
from pode_py.exchange.exchange import Exchange
from pode_py.exchange.outbox import Outbox
from pode_py.http.request import Request
from pode_py.http.response import framing_lines
from pode_py.http.strictness import ProtocolError, too_slow


class Engine:
    """Start it with listeners; stop it in the order accepting, handlers, streams, threads."""

    def __init__(
        self,
        options: EngineOptions,
        run: Callable[[Exchange], bool],
        *,
        kind_of: Callable[[Request], object],
        clock: Clock,
        context: Context,
        report: Report,
        warn: Callable[[str], object],
        refused: Refused = lambda *_: None,
    ) -> None:
        self._options = options
        self._warn = warn
        self._full_house = FullHouse(options.threads, warn)
        self._slow = SlowRoutes(kind_of)
        self._limits = options.limits
        self._run = run
        self._clock = clock
        self._report = report
        self._refused = refused
        self._connections: dict[int, Connection] = {}
        self._max_connections = options.max_connections or descriptor_room()
        self.heads = HeadWriter(clock, options.server_name)
        self.write_timeout = options.limits.write_timeout
        self.outbox_lock = threading.Lock()
        self.monotonic = clock.monotonic
        self.accepting = False
        # Whether connections that wait for their next request are closed.
        self._parting = False
        self._poller = make_poller(options.poller)
        self._make_threads(clock, context, report)

    def _make_threads(self, clock: Clock, context: Context, report: Report) -> None:
        self._pusher = Pusher(
            clock,
            self._limits,
            poller=self._options.poller,
            find=self._connections.get,
            forget=self.forget,
            give_back=self._resume,
            expire=self._expire,
            report=report,
        )
        self._acceptor = Acceptor(
            self._poller,
            self._limits,
            room=lambda: self._max_connections - len(self._connections),
            admit=self._admit,
            call_later=self._pusher.call_later,
            report=report,
        )
        self._workers = Workers(
            self._options.threads,
            self._poller,
            context,
            serve=self._serve,
            accept=self._acceptor.accept,
            report=report,
            full=self._tell_full_house,
            quiet_time=self._options.quiet_time,
        )

    def start(self, settings: Sequence[ListenerSettings]) -> list[Listener]:
        """Listen and serve. Raises StartError, and then nothing of it is left open."""
        try:
            listeners = self._acceptor.open(settings, self._warn)
        except BaseException:
            self.stop(0.0)
            raise
        self.accepting = True
        self._pusher.start()
        self._workers.start()
        self._acceptor.resume()
        return listeners

    @property
    def connections(self) -> int:
        """Open client connections, streams included."""
        return len(self._connections)

    @property
    def streams(self) -> int:
        return len(self._pusher.streams)

    @property
    def open_streams(self) -> list[H11Stream]:
        return list(self._pusher.streams)

    @property
    def waiting(self) -> int:
        """Requests that no worker has taken up yet."""
        return self._workers.waiting

    @property
    def unfinished(self) -> list[Exchange]:
        pairs = [(one.exchange, one.deferred) for one in list(self._connections.values())]
        found = {exchange for pair in pairs for exchange in pair if exchange is not None}
        return [exchange for exchange in found if not exchange.upgraded]

    def stop_listening(self) -> None:
        """Close the listening sockets; connections close after their next answer."""
        self.accepting = False
        self._acceptor.close()

    def wait_last_requests(self, timeout: float) -> bool:
        """Wait until every connection but streams has had its last answer. False if some have not.

        A client must not find its connection closed just as it sends its next request.
        """
        deadline = time.monotonic() + timeout
        while len(self._connections) > len(self._pusher.streams):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop_accepting(self) -> None:
        """Close the listening sockets; connections close after their current answer."""
        self.stop_listening()
        self._parting = True
        for connection in list(self._connections.values()):
            # A worker looks whether a request has arrived, and closes it if none has.
            if connection.claim_parked() and (
                connection.reader.phase == "idle" or not connection.release()
            ):
                self._workers.offer(connection)

    def wait_handlers(self, timeout: float) -> bool:
        """Wait until no handler runs. False if some still do."""
        return self._workers.wait_idle(timeout)

    def drain(self, timeout: float) -> bool:
        """Wait until streams and slow downloads have ended. False if some have not."""
        deadline = time.monotonic() + timeout
        while self._pusher.busy:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self, timeout: float) -> None:
        """End all threads and close every connection. A second call does nothing."""
        self.accepting = False
        self._acceptor.close()
        self._workers.stop(timeout)
        self._pusher.stop(timeout)
        for connection in list(self._connections.values()):
            self.forget(connection)
        self._poller.close()

    # What exchanges ask of it (engine/h11/exchange.py).

    def notify(self, stream: H11Stream) -> None:
        self._pusher.notify(stream)

    def run_soon(self, job: Callable[[], None]) -> None:
        """Run a quick job of the streams' room on the I/O thread."""
        self._pusher.run_soon(job)

    def is_io_thread(self) -> bool:
        return self._pusher.is_current

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job that may wait on a worker."""
        self._workers.submit(job)

    def deliver(self, frames: Sequence[bytes], outboxes: Sequence[Outbox]) -> Numbers:
        """Give frames to many streams; on the I/O thread, write them past empty queues."""
        return self._pusher.deliver(frames, outboxes)

    def begin(self, stream: H11Stream) -> None:
        """A stream was released: what it begins with goes out, and it is the pusher's."""
        if not stream.is_body:
            self._poller.leave(stream.connection.fd)
        self._pusher.begin(stream)

    def rearm(self, connection: Connection) -> None:
        """Hear of what happens on a connection that no thread serves at the moment."""
        self._poller.rearm(connection.fd, connection)

    def resume(self, connection: Connection, exchange: H11Exchange, job: Job) -> None:
        """Have a worker go on with a deferred exchange, and with its connection afterwards."""
        self._workers.submit(lambda: self._go_on(connection, exchange, job))

    def _admit(self, connection: Connection) -> None:
        """Park a new connection."""
        self._connections[connection.fd] = connection
        wait = self._limits.request_timeout
        if connection.is_tls:
            wait = self._limits.handshake_timeout
        self._pusher.watch(connection, self._clock.monotonic() + wait)
        try:
            self._poller.add(connection.fd, connection)
        except OSError:  # the system's limit of watched descriptors
            self.forget(connection)

    # Serving. All of this runs on a worker that owns the connection.

    def _serve(
        self, connection: Connection, request: Request | None = None, *, reads: bool = True
    ) -> None:
        """Serve what the connection has to say; after a request that has been read already."""
        while True:
            try:
                ours = request is None or self._answer(connection, request)
                request = None
                ours = ours and self._take_turn(connection, reads=reads)
                reads = True
            except ProtocolError as error:
                self._refuse(connection, error)
                return
            except OSError as error:
                if isinstance(error, ssl.SSLCertVerificationError):
                    self._refused(distrusted(error), connection.peer.remote_address)
                self.forget(connection)
                return
            except Exception as error:  # noqa: BLE001 - a fault of ours costs this connection only
                self._report(error, "engine")
                self.forget(connection)
                return
            if not ours:
                return
            # Watched again before it is parked: once parked it may be closed by another thread,
            # and its descriptor be another connection's.
            self._poller.rearm(connection.fd, connection)
            if not connection.release():
                continue
            # A stop that began meanwhile found it taken, and has left it to this thread.
            if not (self._parting and connection.claim_parked()):
                return
            if connection.reader.phase != "idle" and connection.release():
                return

    def _take_turn(self, connection: Connection, *, reads: bool) -> bool:
        """Read and answer what is there. False when the connection is no longer ours."""
        if not connection.handshaken and not connection.handshake():
            return True
        reader = connection.reader
        # What is buffered comes first: to read on while answers wait would let a client that
        # pipelines fill the memory.
        if reader.has_input and not self._answer_all(connection):
            return False
        if reads:
            connection.read()
            if reader.has_input and not self._answer_all(connection):
                return False
        if connection.eof or (self._parting and reader.phase == "idle"):
            self._part(connection)
            return False
        if reader.continue_wanted:
            reader.continue_wanted = False
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if connection.has_leftover:
                self._pusher.drain(connection)
                return False
        self._set_deadline(connection)
        return True

    def _answer_all(self, connection: Connection) -> bool:
        """Answer the requests that have arrived whole. False if the connection is not ours then."""
        reader = connection.reader
        while (request := reader.next()) is not None:
            pace = self._slow.pace(request)
            if pace != "quick" and self._hand_over(connection, request, pace):
                return False
            if not self._answer(connection, request):
                return False
            if not reader.has_input:
                break
        return True

    def _hand_over(self, connection: Connection, request: Request, pace: Pace) -> bool:
        return self._workers.hand_over(
            lambda: self._serve(connection, request), is_long=pace == "long"
        )

    def _answer(self, connection: Connection, request: Request) -> bool:
        connection.request_began = None
        exchange = connection.exchange = H11Exchange(connection, request, self)
        began = exchange.began = time.monotonic()
        try:
            answered = self._run(exchange)
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, must not end a worker
            answered = True
            exchange.abort()
            # A client that went away while it was answered is nobody's error.
            if not (exchange.replied and isinstance(error, ConnectionError)):
                self._report(error, "engine")
        self._slow.note(request, time.monotonic() - began)
        if not answered:  # it is deferred, and may be on another thread by now
            return False
        connection.exchange = None
        return self._settle(connection, exchange)

    def _go_on(self, connection: Connection, exchange: H11Exchange, job: Job) -> None:
        """Go on with an exchange that was deferred."""
        connection.exchange = exchange
        if not job():
            return
        # After a body that was pushed, the next request may be on its way already.
        if connection.exchange is exchange:
            connection.exchange = None
        if connection.deferred is exchange:
            connection.deferred = None
        if self._settle(connection, exchange):
            # What has arrived meanwhile has left word, or does so when it is parked.
            self._serve(connection, reads=False)

    def _settle(self, connection: Connection, exchange: H11Exchange) -> bool:
        """See to a connection whose exchange was answered. False if it is not ours any more."""
        if not exchange.replied or exchange.aborted:
            exchange.finish()
            return False
        if exchange.is_streaming:
            return False
        if not exchange.keep_alive:
            connection.close_after = True
            sends = connection.again or connection.reader.phase != "idle"
            if sends or exchange.refusal is not None or connection.has_leftover:
                self._pusher.linger(connection)
            else:
                self._part(connection)
            return False
        if connection.has_leftover:
            self._pusher.drain(connection)
            return False
        return True

    def _tell_full_house(self) -> None:
        """No worker has been free for a while."""
        busy = [connection.exchange for connection in list(self._connections.values())]
        self._full_house.tell(
            [exchange for exchange in busy if exchange is not None], self._workers.waiting
        )

    def _set_deadline(self, connection: Connection) -> None:
        limits = self._limits
        now = self._clock.monotonic()
        if not connection.reader.has_input:
            connection.request_began = None
            self._pusher.watch(connection, now + limits.keep_alive_timeout)
            return
        phase = connection.reader.phase
        if connection.request_began is None or connection.phase_seen != phase:
            connection.request_began = now
            connection.phase_seen = phase
        deadline = connection.request_began + limits.request_timeout
        if phase == "body":
            deadline += connection.reader.body_received / limits.body_rate
        self._pusher.watch(connection, deadline)

    def _refuse(self, connection: Connection, error: ProtocolError) -> None:
        """Answer a request that is none, and close. The client may still be sending."""
        request = connection.reader.begun
        if request is not None:
            exchange = H11Exchange(connection, request, self)
            exchange.refusal, exchange.began = error, time.monotonic()
            self._go_on(connection, exchange, lambda: self._run(exchange))
            return
        self._poller.remove(connection.fd)
        self._refused(error, connection.peer.remote_address)
        response = simple_response(error.status, str(error))
        framing = framing_lines(response, head_only=False, keep_alive=False, chunks=True)
        head = self.heads.head(response, framing)
        assert isinstance(response.body, bytes)
        try:
            connection.send(head + response.body)
        except OSError:
            self.forget(connection)
            return
        self._pusher.linger(connection)

    # What the pusher calls.

    def _expire(self, connection: Connection) -> None:
        """A parked connection's deadline has passed; the pusher has claimed it."""
        if connection.handshaken and connection.reader.phase != "idle":
            if connection.reader.begun is None:
                self._refuse(connection, too_slow())
            else:  # not here: some of the answer may be a user's
                self._workers.submit(lambda: self._refuse(connection, too_slow()))
        else:
            self._part(connection)

    def _resume(self, connection: Connection) -> None:
        """A slow download is through: the connection is a worker's again."""
        connection.again = True
        self._workers.offer(connection)

    def _part(self, connection: Connection) -> None:
        """Close a connection on which everything has been said."""
        connection.shutdown()
        self.forget(connection)

    def forget(self, connection: Connection) -> None:
        if connection.closed:  # its descriptor may be another connection's by now
            return
        self._poller.remove(connection.fd)
        if self._connections.get(connection.fd) is connection:
            del self._connections[connection.fd]
        connection.close()
