"""Exchange: one request and whatever answers it. Engines make them, the pipeline finishes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from pode_py.core.calls import Job
from pode_py.core.errors import ClientDisconnected
from pode_py.exchange.deadline import Deadline
from pode_py.exchange.outbox import Ending, Outbox
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import Keepalive, OpenStream
from pode_py.http.request import Request
from pode_py.http.response import FileBody, PushedBody, Response, SentBody, close_body, plain_body
from pode_py.http.statuses import BODILESS
from pode_py.http.strictness import ProtocolError


class Exchange(ABC):
    """Answered exactly once, by `reply`, `upgrade` or `abort`. That is decided here; an engine
    says how heads are made (`_prepare`), sent (`_send`, `_open`), and connections cut (`_cut`).

    Between its arrival and its answer it may be *deferred*: it holds no thread then. An engine says
    what its client's leaving looks like meanwhile (`_defer`), and whose thread goes on (`_resume`).

    `endpoint` is what the listener was made for; engines pass it on without looking. `route` is
    what the request is for, from when somebody has looked for it.
    """

    # What most exchanges never change costs them nothing.
    replied = False
    upgraded = False
    aborted = False
    #: Whether the connection belongs to a stream, or to a body that is pushed.
    is_streaming = False
    #: Whether a body that is pushed has ended before all of it was sent.
    is_cut_short = False
    bytes_sent = 0
    route: Any = None
    #: What the engine found wrong with the request: no handler may see it.
    refusal: ProtocolError | None = None
    #: The monotonic time at which it was complete.
    began = 0.0
    #: Whether a client that leaves ends what is awaited. Endware runs in any case.
    interruptible = True
    #: Whether the connection goes on after the answer, where an engine can tell.
    keep_alive = True
    #: Until when it has to be answered.
    deadline: Deadline | None = None
    was_deferred = False
    _stream: OpenStream | None = None
    _client_left: Callable[[], None] | None = None
    _cancel: Callable[[BaseException], bool] | None = None

    def __init__(self, request: Request, endpoint: Any = None) -> None:
        self.request = request
        self.endpoint = endpoint

    def reply(self, response: Response) -> None:
        """Send a whole response. An iterator body is sent piece by piece on this thread.

        What the iterator raises comes out of here after the connection was cut.
        """
        if self.replied or self.upgraded or self.aborted:
            raise RuntimeError("This request has been answered already.")
        body = response.body
        if type(body) is not bytes:
            body = response.body = plain_body(body)
        head = self._prepare(response)
        # What is wrong with the head has been raised by now: another response may still be sent.
        self.replied = True
        send: Callable[[Any, Any], None] = self._send
        if self.request.http_method == "HEAD" or response.status_code in BODILESS:
            close_body(body)
            body = b""
        elif type(body) is bytes:
            self.bytes_sent = len(body)
        elif type(body) is FileBody:
            self.bytes_sent = body.length
        elif isinstance(body, PushedBody):
            send = self._push
        try:
            send(head, body)
        except BaseException:
            # The head has gone, so no status can tell: a missing end of the body does.
            self.abort()
            raise

    def reply_early(self, response: Response) -> None:
        """Answer while the handler goes on. A client that leaves then does not end it."""
        self.interruptible = False
        self.reply(response)

    def upgrade(
        self,
        head: Response,
        *,
        limits: OutboxLimits | None = None,
        keepalive: Keepalive | None = None,
    ) -> Outbox:
        """Send a head and keep the connection open. The outbox is held until released."""
        if self.replied or self.upgraded or self.aborted:
            raise RuntimeError("This request has been answered already.")
        if self.deadline is not None and not self.deadline.settle():
            raise ClientDisconnected  # it has got 503, and waits for nothing any more
        stream = self._stream = self._open(head, limits, keepalive)
        self.upgraded = self.is_streaming = True
        if self._client_left is not None:
            stream.call_at_end(self._client_left)
        if stream.head_only:
            stream.outbox.end()
        return stream.outbox

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, soon, when an upgraded connection is gone. It must be quick."""
        assert self._stream is not None
        self._stream.call_at_end(callback)

    def abort(self) -> None:
        """Have the connection cut: a stream at once, anything else when the handler has ended."""
        self.aborted = True
        if self._stream is not None:
            self._stream.outbox.end(ending=Ending.CUT)

    def defer(
        self,
        client_left: Callable[[], None],
        cancel: Callable[[BaseException], bool] | None = None,
    ) -> None:
        """The thread goes; the exchange stays. `client_left` is called, by any thread, once nobody
        waits for the answer any more; `cancel` by whoever ends what is awaited."""
        self.was_deferred = True
        self._client_left = client_left
        self._cancel = cancel
        if self._stream is not None:
            self._stream.call_at_end(client_left)
        else:
            self._defer()

    def resume(self, job: Job) -> None:
        """Have a worker run the job, which goes on with the deferred exchange and returns whether
        that is answered now. Any thread may call this."""
        self._resume(job)

    def pause(self) -> None:  # noqa: B027 - an engine need not know
        """No thread serves it from here on, until it is resumed."""

    def end_deferral(self) -> None:
        """It is answered."""
        self._client_left = self._cancel = None

    def cancel(self, reason: BaseException) -> bool:
        """Have `reason` raised where something is awaited. False if nothing is. Any thread."""
        cancel = self._cancel
        return cancel is not None and cancel(reason)

    def reply_past(self, response: Response) -> None:
        """Answer on a thread that does not serve it, while the one that does is elsewhere. It must
        have been decided that nobody else answers (exchange/deadline.py)."""
        self.keep_alive = False
        self.reply(response)

    def client_left(self) -> None:
        """The engine has seen that nobody waits for the answer any more."""
        left = self._client_left
        if left is not None:
            left()

    @property
    def has_client_left(self) -> bool:
        """Whether the client has ended its side: it has gone, or sends nothing any more."""
        if self.deadline is not None and self.deadline.is_expired:
            return True
        stream = self._stream
        return stream.outbox.closed if stream is not None else self._is_ended()

    @property
    def label(self) -> str:
        """Method and path, that of the route where it is known, for messages."""
        path = self.request.path if self.route is None else self.route.path
        return f"{self.request.http_method} {path}"

    def _push(self, head: Any, body: PushedBody) -> None:
        stream = self._stream = self._open_body(head)
        self.is_streaming = True
        stream.call_at_end(self._body_ended)
        body.send_to(stream.outbox)
        stream.outbox.release()

    def _body_ended(self) -> None:
        outbox = self._stream.outbox if self._stream is not None else None
        whole = outbox is not None and outbox.ending is Ending.CLEAN
        if outbox is None or not whole or outbox.flushed < outbox.queued:
            self.is_cut_short = True
            self.client_left()

    def finish(self) -> None:
        """The handler has ended: cut what it aborted, or left without an answer."""
        if self._stream is None and (self.aborted or not self.replied):
            self.aborted = True
            self._cut()

    @abstractmethod
    def _prepare(self, response: Response) -> Any:
        """The head of a whole response, as `_send` takes it. Raises ValueError for one that can't
        be sent."""

    @abstractmethod
    def _send(self, head: Any, body: SentBody) -> None:
        """Send the head and what follows it. Whoever sends a file closes it."""

    @abstractmethod
    def _open(
        self, head: Response, limits: OutboxLimits | None, keepalive: Keepalive | None
    ) -> OpenStream:
        """Make the connection a stream. Raises ValueError for a head that can't be sent."""

    @abstractmethod
    def _cut(self) -> None:
        """Cut a connection that is no stream."""

    @abstractmethod
    def _open_body(self, head: Any) -> OpenStream:
        """Send the head; what is put into the outbox follows as the body. The connection goes on
        after it where it can."""

    @abstractmethod
    def _defer(self) -> None:
        """Call `client_left` when the client goes."""

    @abstractmethod
    def _resume(self, job: Job) -> None:
        """Have a worker run the job, and go on with the connection if that returns True."""

    @abstractmethod
    def _is_ended(self) -> bool:
        """Whether the client has ended its side of a connection that is no stream."""
