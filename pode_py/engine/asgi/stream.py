"""AsgiStream: an open event stream through an ASGI server, and the task that drains its outbox.

One task for each stream sleeps until its engine wakes it, takes everything that waits, and sends
it as one message. So a burst costs as many messages as the client's pace asks for, and a slow
client holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from pode_py.core.calls import Job
from pode_py.engine.asgi.channel import Channel, Gone
from pode_py.engine.asgi.messages import Message, body_message
from pode_py.engine.asgi.timer import NEVER, LoopTimer
from pode_py.exchange.outbox import Ending
from pode_py.exchange.overflow import OutboxLimits
from pode_py.exchange.stream import TURN, Keepalive, OpenStream
from pode_py.http.response import HeadDefaults

# What a client still gets when the ASGI server cancels its request: servers do that when they
# have waited for long enough at their end, and go on to the next step at once.
_LAST_WORDS = 0.5


class AsgiHost(Protocol):
    """What streams and exchanges need of their engine."""

    server_name: str
    head_defaults: HeadDefaults
    closing: bool
    timer: LoopTimer
    event_loop: asyncio.AbstractEventLoop

    def notify(self, stream: AsgiStream) -> None: ...
    def adopt(self, stream: AsgiStream) -> None: ...
    def forget(self, stream: AsgiStream) -> None: ...
    def resume(self, exchange: Any, job: Job) -> None: ...


class AsgiStream(OpenStream):
    """Made by a worker thread; belongs to the loop's thread from then on."""

    def __init__(
        self,
        channel: Channel,
        host: AsgiHost,
        head: Message,
        limits: OutboxLimits | None,
        keepalive: Keepalive | None,
        *,
        head_only: bool,
    ) -> None:
        super().__init__(limits, keepalive, head_only=head_only)
        self._channel = channel
        self._host = host
        self._timer = host.timer
        self._head = head
        self.is_body = False  # of a response: its client may send the next request meanwhile
        self._sleeper: asyncio.Future[None] | None = None
        self._awake = True
        self._last_write = 0.0
        self._in_flight = 0  # bytes that are being sent
        self.watched_until = NEVER

    def notify(self) -> None:
        self._host.notify(self)

    @property
    def wants_write(self) -> bool:
        """Whether the client takes nothing at the moment."""
        return self._channel.is_stuck

    def wake(self) -> None:
        """The outbox has something to do, or the client has gone."""
        if self.outbox.overflowed:
            self._channel.cut(reset=True)
        elif self.outbox.is_over:
            self._look_over(self._timer.now())
        self._awake = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def run(self) -> None:
        """Send until the stream ends, from whichever side. Gone, if it was not to its end."""
        if self.is_body:
            self._channel.watch(self.wake)
        else:
            self._channel.keep_open(self.wake)
        try:
            # Who has read the head may rely on being in the store: not before it is released.
            while self.outbox.is_held and not self._channel.is_gone:
                await self._sleep()
            await self._channel.send(self._head)
            if not self.outbox.has_work and not self.head_only:
                # Some servers keep the head back until something follows it.
                await self._channel.send(body_message(b"", more=True))
            self._last_write = self._timer.now()
            self._plan_ping()
            await self._drain()
        except asyncio.CancelledError:
            if not await self._say_goodbye():
                raise
        finally:
            self.mark_ended()

    def look(self, now: float) -> None:
        """Ping a client that has been sent nothing for a while; end one that lets too much wait."""
        if self.outbox.is_over:
            self._look_over(now)
        keepalive = self.keepalive
        if keepalive is None or self.outbox.closed:
            return
        due = self._last_write + keepalive.interval
        if now >= due:
            if not self.wants_write:
                self.outbox.put(keepalive.frame)
            due = now + keepalive.interval
        self._timer.look_at(self, due - now)

    def _look_over(self, now: float) -> None:
        """More waits for the client than may. It may be cut, or is looked at again."""
        taken = self.outbox.bytes_sent + max(0, self._in_flight - self._channel.unsent)
        again = self.outbox.look(now, taken)
        if again is not None:
            self._timer.look_at(self, again - now)

    async def _drain(self) -> None:
        outbox = self.outbox
        while not self._channel.is_gone:
            # Read before the queue is: what is put before the end is taken with it or before.
            ended = outbox.ending is not Ending.OPEN
            if outbox.overflowed:
                self._channel.cut(reset=True)
                break
            frames = [] if self.head_only else outbox.take(TURN)
            if frames:
                await self._send(frames)
            elif ended:
                await self._end()
                return
            else:
                outbox.stuck = False
                await self._sleep()
        raise Gone

    async def _send(self, frames: list[bytes]) -> None:
        body = frames[0] if len(frames) == 1 else b"".join(frames)
        self._in_flight = len(body)
        # On this thread, where events are put, nobody sees it unless `send` has to wait.
        self.outbox.mark_stuck()
        await self._channel.send(body_message(body, more=True))
        self._in_flight = 0
        self.outbox.sent(len(frames), len(body))
        self._last_write = self.outbox.last_write = self._timer.now()

    async def _end(self) -> None:
        if self.outbox.ending is Ending.CUT and not self.head_only:
            self._channel.cut()
            raise Gone
        await self._channel.send(body_message(b"", more=False))

    async def _sleep(self) -> None:
        """Until somebody wakes it; at once if somebody has since it last slept."""
        if self._awake:
            self._awake = False
            return
        self._sleeper = asyncio.get_running_loop().create_future()
        try:
            await self._sleeper
        finally:
            self._sleeper = None
            self._awake = False

    async def _say_goodbye(self) -> bool:
        """The ASGI server has cancelled the request, but its connection may still be open.

        False if the client could not be notified in time.
        """
        last_frame = b"" if self.keepalive is None else self.keepalive.last_frame
        self.outbox.end(*([last_frame] if last_frame else []))
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await self._drain()
        except (Gone, TimeoutError):
            self._channel.cut()
            return False
        return True

    def _plan_ping(self) -> None:
        if self.keepalive is not None and self.keepalive.interval:
            self._timer.look_at(self, self.keepalive.interval)

    def mark_ended(self) -> None:
        super().mark_ended()
        self._host.forget(self)
