"""Sender: the thread that keeps the node in touch with Redis: connects, sends, gives signs of life.

It alone decides whether the node is together with the others. A connection that fails is made
anew at once; only if that fails, too, or if Redis does not answer, does the node go on alone, with
one warning, and tries again and again, at growing intervals.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

from pode_py.core.clock import Clock
from pode_py.core.errors import StartError
from pode_py.push.backplane.lease import Lease
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.presence import Presence
from pode_py.push.backplane.redis.server import RedisServer
from pode_py.push.backplane.redis.session import Session
from pode_py.push.backplane.replicated_history import ReplicatedHistory
from pode_py.push.backplane.replication import OtherEpoch, Replication

# After so many seconds each it is tried again, before a lost connection is an outage.
_QUICK_TRIES = (0.0, 0.1)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_WHERE = "SSE backplane"

Warn = Callable[[str, str], None]


class Silence(Exception):
    """Redis has not given the sign of life that it was asked for."""


class Sender:
    """`session` is the present one, None while there is none. Others read it and use its
    `ask`; nobody else changes it."""

    def __init__(
        self,
        server: RedisServer,
        options: BackplaneOptions,
        node: str,
        *,
        replication: Replication,
        history: ReplicatedHistory,
        presence: Presence,
        lease: Lease,
        clock: Clock,
        warn: Warn,
    ) -> None:
        self._server = server
        self._options = options
        self._node = node
        self._replication = replication
        self._history = history
        self._presence = presence
        self._lease = lease
        self._clock = clock
        self._warn = warn
        self._session_errors: tuple[type[BaseException], ...] = (*server.errors, OtherEpoch)
        self._thread = threading.Thread(target=self._run, name="pode-backplane-out", daemon=True)
        self._complaint: BaseException | None = None
        self._marked: Session | None = None
        self._next_beat = 0.0
        self._hurry = False
        self._stopping = False
        self._warned_of_overflow = False
        self.attempts = 0
        self.outages = 0
        self.session: Session | None = None

    def start(self) -> None:
        """Connect, and start the thread. StartError if Redis refuses this node; if it can't be
        reached the node begins alone."""
        self._replication.began = self._clock.monotonic()
        try:
            self._connect()
        except self._server.errors as error:
            if self._server.is_hopeless(error):
                raise StartError(
                    f"The backplane can't use Redis at {self._server.shown}: {error}. Check the "
                    "URL given to enable_sse_backplane: its user and password, database number, "
                    "and for rediss:// the certificates."
                ) from error
            self._go_alone(error)
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Send what is left, sign off, and end. True if the thread has ended in time."""
        with self._replication.work:
            self._stopping = True
            self._replication.work.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def complain(self, session: Session, error: BaseException) -> None:
        """The thread that reads from this session has found that it is of no use any more."""
        with self._replication.work:
            if session is self.session:
                self._complaint = error
                self._replication.work.notify_all()
                self._replication.changed.notify_all()

    def marked(self, session: Session) -> None:
        """All that was published before the mark has been read."""
        with self._replication.work:
            self._marked = session
            self._replication.changed.notify_all()

    def hurry(self, timeout: float) -> None:
        """Try to connect now, if there is no connection, and wait for the outcome."""
        with self._replication.work:
            if self.session is not None or self._stopping:
                return
            before = self.attempts
            self._hurry = True
            self._replication.work.notify_all()
            self._replication.changed.wait_for(
                lambda: self.session is not None or self.attempts > before, timeout
            )

    # The thread.

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping:
            try:
                if self.session is None:
                    self._connect()
                pause = _FIRST_PAUSE
                self._work(self.session)
            except Exception as error:  # noqa: BLE001 - whatever it is, the node lives on, alone
                if self._recover(error):
                    continue
                self._sleep(pause * random.uniform(0.5, 1))
                pause = min(2 * pause, _LONGEST_PAUSE)
        self._leave()

    def _work(self, session: Session | None) -> None:
        """Send what waits, or wait for it."""
        assert session is not None
        replication = self._replication
        with replication.work:
            if not self._has_work:
                replication.work.wait(max(0.0, self._next_beat - time.monotonic()))
            complaint = self._complaint
        if complaint is not None:
            raise complaint
        batch = replication.take()
        if batch:
            replication.confirm(session.publish(batch, self._history.epoch))
        if self._presence.is_waiting:
            self._presence.write(session.redis)
        if time.monotonic() >= self._next_beat:
            self._beat(session)

    @property
    def _has_work(self) -> bool:
        return (
            self._replication.is_waiting
            or self._presence.is_waiting
            or self._complaint is not None
            or self._stopping
        )

    def _beat(self, session: Session) -> None:
        pulse = session.beat(self._presence.to_refresh())
        self._next_beat = time.monotonic() + self._options.beat
        self._lease.answered(pulse.asked, held=pulse.leads)
        if pulse.epoch != self._history.epoch:
            raise OtherEpoch
        if not pulse.known:
            self._presence.note_all()

    # Connections come and go.

    def _connect(self) -> None:
        """Attach to Redis, take in what was missed, and be together with the others."""
        try:
            session = Session(self._server, self._options, self._node)
            try:
                self._catch_up(session)
                self._beat(session)
                if not self._replication.together:
                    session.leave()
                    self._beat(session)
                    self._presence.note_all()
            except BaseException:
                session.inbox.close()
                session.close()
                raise
        finally:
            self._count_attempt()
        with self._replication.work:
            self._complaint = None
            self.session = session
        self._replication.join()

    def _catch_up(self, session: Session) -> None:
        """All that was kept since the latest number that came here."""
        history, replication = self._history, self._replication
        standing = session.attach(history.epoch, history.number)
        replication.enter(standing.epoch, standing.forks)
        for page in session.history(lambda: history.number, standing.time):
            replication.catch_up(page)
        replication.skip_to(standing.number)

    def _recover(self, error: BaseException) -> bool:
        """Connect anew at once, if that may help. Else the node goes on alone."""
        was_connected = self.session is not None
        if isinstance(error, OtherEpoch):
            self._read_up()
        self._drop()
        for pause in _QUICK_TRIES if was_connected else ():
            if self._stopping or self._is_silence(error):
                break
            time.sleep(pause)
            try:
                self._connect()
            except Exception as second:  # noqa: BLE001 - as above
                error = second
            else:
                return True
        self._go_alone(error)
        return False

    def _read_up(self) -> None:
        """Redis is there, but has forgotten: what it published before is still to be read."""
        session = self.session
        if session is None:
            return
        with contextlib.suppress(*self._session_errors):
            session.mark()
            with self._replication.work:
                self._replication.changed.wait_for(
                    lambda: self._marked is session or self._complaint is not None,
                    self._options.timeout,
                )

    def _is_silence(self, error: BaseException) -> bool:
        return isinstance(error, (Silence, TimeoutError, self._server.timeout_error))

    def _drop(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def _go_alone(self, error: BaseException) -> None:
        self._presence.drop_changes()
        if not self._replication.together and self.outages:
            return
        self.outages += 1
        self._warned_of_overflow = False
        self._replication.part()
        self._warn(
            f"Redis at {self._server.shown} can't be used: {error}. Until it is back, events "
            "reach only the streams of this node; those of names with a history reach the others "
            "later. Timers and schedules rest.",
            _WHERE,
        )

    def _count_attempt(self) -> None:
        with self._replication.work:
            self.attempts += 1
            self._hurry = False
            self._replication.changed.notify_all()

    def _sleep(self, pause: float) -> None:
        self._replication.release()
        if self._replication.overflowed and not self._warned_of_overflow:
            self._warned_of_overflow = True
            self._warn(
                "More events were sent without Redis than are kept for it. The oldest will not "
                "reach other nodes: their clients get pode.reset. Raise limit= and "
                "size= of enable_sse_backplane to keep more.",
                _WHERE,
            )
        with self._replication.work:
            if not self._hurry and not self._stopping:
                self._replication.work.wait_for(lambda: self._hurry or self._stopping, pause)

    def _leave(self) -> None:
        """Send what is left, and be gone for the others."""
        session = self.session
        if session is None:
            lost = len(self._history.unacknowledged)
            if lost:
                self._warn(
                    f"The node stops without Redis: {lost} events that it has "
                    "kept for the other nodes are lost to them.",
                    _WHERE,
                )
            return
        try:
            for batch in iter(self._replication.take, []):
                self._replication.confirm(session.publish(batch, self._history.epoch))
            session.leave()
        except self._session_errors as error:
            self._warn(f"The node could not take leave of the others: {error}.", _WHERE)
        self._lease.give_up()
        self._drop()
