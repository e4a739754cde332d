"""Receiver: the thread that reads what all nodes have published."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pode_py.push.backplane.codec import Envelope, EnvelopeBatch
from pode_py.push.backplane.options import BackplaneOptions
from pode_py.push.backplane.redis.sender import Sender, Silence
from pode_py.push.backplane.redis.session import Session
from pode_py.push.backplane.replication import Replication

# How soon it sees that there is another session.
_LOOK = 0.25


class Receiver:
    """`obey` gets other nodes' requests, `replaced` the token of a stream whose client has another
    one on another node by now."""

    def __init__(
        self,
        options: BackplaneOptions,
        *,
        replication: Replication,
        sender: Sender,
        obey: Callable[[Envelope], None],
        replaced: Callable[[int], None],
    ) -> None:
        self._options = options
        self._replication = replication
        self._sender = sender
        self._obey = obey
        self._replaced = replaced
        self._thread = threading.Thread(target=self._run, name="pode-backplane-in", daemon=True)
        self._stopping = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """True if the thread has ended in time."""
        with self._replication.changed:
            self._stopping = True
            self._replication.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether this is its thread, which nothing may wait for on itself."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        while not self._stopping:
            session = self._next_session()
            if session is None:
                continue
            try:
                self._read(session)
            except Exception as error:  # noqa: BLE001 - the sending thread says what it means
                self._sender.complain(session, error)
            finally:
                session.inbox.close()
            self._await_other(session)

    def _next_session(self) -> Session | None:
        with self._replication.changed:
            self._replication.changed.wait_for(
                lambda: self._stopping or self._sender.session is not None, 1.0
            )
            return self._sender.session

    def _await_other(self, session: Session) -> None:
        with self._replication.changed:
            while not self._stopping and self._sender.session is session:
                self._replication.changed.wait(_LOOK)

    def _read(self, session: Session) -> None:
        """Until there is another session, or this one fails."""
        heard, asked = time.monotonic(), False
        timeout = self._options.timeout
        while self._sender.session is session and not self._stopping:
            message = session.inbox.read(min(_LOOK, timeout))
            now = time.monotonic()
            if message is not None:
                heard, asked = now, False
                self._take(session, *message)
            elif asked and now - heard > 2 * timeout:
                raise Silence(f"no sign of life for {2 * timeout:g} seconds")
            elif not asked and now - heard > timeout:
                session.inbox.ping()
                asked = True

    def _take(self, session: Session, channel: str, data: bytes) -> None:
        if channel == self._options.channel:
            self._replication.receive(EnvelopeBatch.unpack(data), self._obey)
        elif channel:
            word, _, rest = data.partition(b" ")
            if word == b"replaced":
                self._replaced(int(rest))
            elif word == b"mark":
                self._sender.marked(session)
