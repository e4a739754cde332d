"""Channel: the way to one client through an ASGI server, as far as such a server lets us see it.

An ASGI server gives two coroutines, `receive` and `send`, and no more: it does not say how much
the client has taken, and offers no way to cut the connection. A *transport* is what our own uvicorn
engine knows besides (see engine/asgi/uvicorn_protocol.py). Without one, an end that must show that
something is missing is an application that returns before its last message, and who does not
read is noticed when `send` does not come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from pode_py.engine.asgi.messages import Message, Scope
from pode_py.engine.asgi.timer import NEVER, LoopTimer
from pode_py.http.request import ClientCertificate
from pode_py.http.strictness import Framing, PlainHead, ProtocolError, too_slow

# How long a client that was refused may go on sending before it is cut.
_LINGER = 2.0
# Turns of the loop that a transport needs at most to say that it was cut; TLS needs three.
_TURNS_TO_HEAR = 10

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: The key in `scope["state"]` under which a server of ours puts its transport.
TRANSPORT = "pode_py.transport"


class Transport(Protocol):
    """A connection of our own server below ASGI. Everything on the loop's thread."""

    @property
    def is_lost(self) -> bool: ...

    @property
    def is_closing(self) -> bool:
        """Whether nothing more can be sent, although what was sent may still be on its way."""

    @property
    def certificate(self) -> ClientCertificate | None: ...

    @property
    def framing(self) -> Framing | None:
        """That of the request that is being served, if its head has been checked already."""

    @property
    def refused_head(self) -> PlainHead | None:
        """The head of the request that is being served, if it was refused."""

    @property
    def unsent(self) -> int:
        """Bytes that the system has not taken yet."""

    async def flushed(self) -> None:
        """Wait until the system took everything, or the connection is lost."""

    @property
    def has_ended(self) -> bool:
        """Whether the client sends nothing more."""

    def watch(self, when_lost: Callable[[], None]) -> None:
        """Call back when the connection is lost."""

    def hear_refusal(self, refuse: Callable[[ProtocolError], None]) -> None:
        """Call back if the body turns out to be malformed; forget what comes from then on."""

    def be_served(self) -> None:
        """The request has been answered: the next may come."""

    def keep_open(self, when_lost: Callable[[], None]) -> None:
        """The connection becomes a stream: forget what the client sends; its end is a hang-up."""

    def abort(self, *, reset: bool) -> None:
        """Close at once. With `reset`, drop what the system has not sent either."""


class Gone(Exception):
    """The client has gone, or was cut off."""


class Channel:
    """One request's `receive` and `send`, with a deadline for each.

    Belongs to the task that serves the request; `cut` may come from others on the loop.
    `write_timeout` is how long a client may take nothing of what it is sent.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, timer: LoopTimer, write_timeout: float
    ) -> None:
        self.transport: Transport | None = (scope.get("state") or {}).get(TRANSPORT)
        self._receive = receive
        self._send = send
        self._timer = timer
        self._write_timeout = write_timeout
        self._task = asyncio.current_task()
        self._listener: asyncio.Task[None] | None = None
        self._when_gone: Callable[[], None] | None = None
        self.is_gone = False
        self.expects_body = True
        # When what the task waits for must have happened; and, for a send, how much was unsent.
        self.watched_until = NEVER
        self._read_until = NEVER
        self._sent_until = NEVER
        self._unsent = 0
        self._cutting = False
        self._refusal: ProtocolError | None = None
        self._woken = False
        if self.transport is not None:
            self.transport.hear_refusal(self.refuse)

    @property
    def certificate(self) -> ClientCertificate | None:
        return None if self.transport is None else self.transport.certificate

    @property
    def framing(self) -> Framing | None:
        return None if self.transport is None else self.transport.framing

    @property
    def refused_head(self) -> PlainHead | None:
        return None if self.transport is None else self.transport.refused_head

    @property
    def is_stuck(self) -> bool:
        """Whether a send waits for the client."""
        return self._sent_until != NEVER

    @property
    def unsent(self) -> int:
        """Bytes that the system is known not to have taken yet."""
        return 0 if self.transport is None else self.transport.unsent

    async def receive(self, seconds: float, spare: float = 0.0) -> bytes:
        """The next piece of the body. Raises Gone, or ProtocolError after that many seconds.

        What the body has saved or lost of its time before is `spare`.
        """
        self.check()
        self._read_until = self._timer.now() + seconds + spare
        if spare < -seconds / 10:  # rarely: a body that drips in
            self._timer.look_at(self, seconds + spare)
        self._timer.expect(self, seconds)
        try:
            message = await self._own(self._receive())
        except OSError:
            message = {"type": "http.disconnect"}
        finally:
            self._read_until = NEVER
            self._timer.happened(self, seconds)
        if message["type"] == "http.disconnect":
            self._mark_gone()
            raise Gone
        self.expects_body = bool(message.get("more_body"))
        return bytes(message.get("body") or b"")

    async def send(self, message: Message) -> None:
        """Send, and wait until the client has taken it as far as can be known. Raises Gone."""
        if self.is_gone or (self.transport is not None and self.transport.is_closing):
            self._mark_gone()
            raise Gone
        self._begin_to_wait()
        try:
            await self._own(self._send(message))
            if self.transport is not None and self.transport.unsent:
                self._begin_to_wait()
                await self._own(self.transport.flushed())
        except OSError:  # what some servers raise for a client that has gone
            self._mark_gone()
        finally:
            self._sent_until = NEVER
            self._timer.happened(self, self._write_timeout)
        if self.is_gone or (self.transport is not None and self.transport.is_lost):
            self._mark_gone()
            raise Gone

    def keep_open(self, when_gone: Callable[[], None]) -> None:
        """Expect nothing more of the client but that it goes; call back when it does."""
        if self.is_gone:
            when_gone()
            return
        self._when_gone = when_gone
        if self.transport is not None:
            self.transport.keep_open(self._mark_gone)
        else:
            self.listen()

    def watch(self, when_gone: Callable[[], None]) -> None:
        """Call back when the client goes, while its request is being served."""
        if self.is_gone:
            when_gone()
            return
        self._when_gone = when_gone
        if self.transport is not None:
            self.transport.watch(self._mark_gone)
        else:
            self.listen()

    @property
    def has_ended(self) -> bool:
        """Whether the client has gone or sends nothing more, as far as it shows."""
        return self.is_gone or (self.transport is not None and self.transport.has_ended)

    def listen(self) -> None:
        """Hear of it when the client goes, where only `receive` shows it."""
        if self.transport is None and self._listener is None:
            self._listener = asyncio.get_running_loop().create_task(self._listen())

    def cut(self, *, reset: bool = False) -> None:
        """Cut the connection, as far as that is possible."""
        self._cutting = True
        if self.transport is not None:
            self.transport.abort(reset=reset)
        self._mark_gone()
        self._wake_task()

    def check(self) -> None:
        """Raise ProtocolError if what has arrived is no request."""
        if self._refusal is not None:
            raise self._refusal

    def refuse(self, error: ProtocolError) -> None:
        """What arrives is no body: `receive` says so."""
        self._refusal = error
        if self._read_until != NEVER:
            self._woken = True
            self._wake_task()

    async def linger(self) -> None:
        """Read on for a moment: a connection that is closed over unread data is reset, and the
        answer with it (RFC 9112, 9.6). A transport sees to that itself."""
        if self.transport is not None or not self.expects_body:
            return
        with suppress(TimeoutError, ProtocolError):
            async with asyncio.timeout(_LINGER):
                while self.expects_body:
                    await self.receive(_LINGER)

    async def close(self) -> None:
        """The request has been served."""
        self._task = None
        if self.transport is not None:
            self.transport.be_served()
        if self._cutting and self.transport is not None:
            # uvicorn would complain of an answer without an end if it had not heard of the cut.
            for _ in range(_TURNS_TO_HEAR):
                if not self.transport.is_lost:
                    await asyncio.sleep(0)
        self._when_gone = None
        if self._listener is not None:
            self._listener.cancel()

    # What the timer calls.

    def look(self, now: float) -> None:
        """End what has waited for the client for too long."""
        deadline = min(self._read_until, self._sent_until)
        if now < deadline:
            if deadline != NEVER:
                self._timer.look_at(self, deadline - now)
        elif self._read_until <= now:
            self.refuse(too_slow())
        elif self.transport is not None and self.transport.unsent < self._unsent:
            self._begin_to_wait()
        else:
            self.cut(reset=True)

    def _begin_to_wait(self) -> None:
        self._unsent = self.unsent
        self._sent_until = self._timer.now() + self._write_timeout
        self._timer.expect(self, self._write_timeout)

    def _wake_task(self) -> None:
        """Get the task out of what it waits for."""
        if self._task is not None and (self.is_stuck or self._read_until != NEVER):
            self._task.cancel()

    async def _own(self, step: Awaitable[Any]) -> Any:
        """Await; turn a cancellation of ours into its reason. One by the server stays one."""
        try:
            return await step
        except asyncio.CancelledError:
            if not (self._cutting or self._woken):
                raise
            if self._task is not None:
                self._task.uncancel()
            if self._cutting:
                raise Gone from None
            self._woken = False
            assert self._refusal is not None
            raise self._refusal from None

    async def _listen(self) -> None:
        with suppress(OSError):
            while (await self._receive())["type"] != "http.disconnect":
                pass
        self._mark_gone()

    def _mark_gone(self) -> None:
        if self.is_gone:
            return
        self.is_gone = True
        if self._when_gone is not None:
            self._when_gone()
