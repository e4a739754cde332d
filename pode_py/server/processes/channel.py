"""ProcessChannel: messages between the parent and a worker process, with sockets if need be.

A pair of Unix sockets that keep messages apart (SOCK_SEQPACKET). Its end is how a worker learns
that its parent is gone. Nothing here waits: a worker that stands still must not hold its parent.
"""

from __future__ import annotations

import array
import contextlib
import json
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pode_py.core.errors import StartError
from pode_py.engine.listener import ListenerSettings

_LONGEST = 64 * 1024
#: What the system lets one message carry.
MOST_SOCKETS = 253


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """What it is about, JSON values that belong to it, and sockets that travel with it."""

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    sockets: tuple[socket.socket, ...] = ()


class ProcessChannel:
    """One end. Any thread may send; one receives. `gone`: nobody has the other end any more."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self.gone = False

    @classmethod
    def pair(cls) -> tuple[ProcessChannel, ProcessChannel]:
        """Two ends. Programs that either process starts do not inherit them."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, message: ControlMessage) -> bool:
        """False if the other end is gone, or has left too much unread."""
        data = json.dumps({"kind": message.kind, **message.facts}).encode()
        passed = array.array("i", [sock.fileno() for sock in message.sockets])
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed.tobytes())] if passed else []
        try:
            self._sock.sendmsg([data], extra)
        except OSError:
            return False
        return True

    def receive(self) -> ControlMessage | None:
        """The next message; None if there is none. The sockets are the receiver's to close."""
        try:
            # Close-on-exec from the first moment: another thread may just start a program. Not
            # socket.recv_fds, which leaves its flags out (Python 3.11).
            data, extra, _, _ = self._sock.recvmsg(
                _LONGEST, socket.CMSG_SPACE(4 * MOST_SOCKETS), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError:
            data, extra = b"", []
        if not data:
            self.gone = True
            return None
        facts = json.loads(data)
        kind = facts.pop("kind")
        return ControlMessage(kind, facts, tuple(_sockets(extra)))

    def wait(self, seconds: float) -> None:
        """Until a message has come, the other end has gone, or the time is over."""
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        poller.poll(seconds * 1000)

    def close(self) -> None:
        self._sock.close()


def _sockets(extra: Iterable[tuple[int, int, bytes]]) -> Iterator[socket.socket]:
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors = array.array("i")
            descriptors.frombytes(data)
            yield from (socket.socket(fileno=number) for number in descriptors)


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close them, whatever is the matter with one."""
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.close()


# The parent does nothing that takes long. This is for a machine that is busy beyond reason.
_PATIENCE = 30.0
_LONGEST_TEXT = 16_000


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker process is started with.

    `number` counts from 0. The `secret` is that of all workers. `awaits_primary`: another process
    runs timers and schedules until the parent says so. `first`: nobody had this number before.
    """

    number: int
    parent: int
    secret: str
    restarts: int = 0
    awaits_primary: bool = False
    first: bool = True


class ParentChannel:
    """The main thread reads; any thread may tell. What the parent said are flags."""

    def __init__(self, channel: ProcessChannel) -> None:
        self._channel = channel
        self.must_leave = False
        self.in_hurry = False
        self.is_primary = False
        self._answer: ControlMessage | None = None

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone."""
        return self._channel.gone

    def fileno(self) -> int:
        return self._channel.fileno()

    def notify(self, kind: str, **facts: object) -> None:
        self._channel.send(ControlMessage(kind, facts))

    def fail(self, text: str, code: int = 1) -> None:
        """Say why this process ends before it serves. No text: it was shown already."""
        self.notify("failed", text=text[:_LONGEST_TEXT], code=code)

    def read(self) -> None:
        """Take what the parent has said meanwhile."""
        while (message := self._channel.receive()) is not None:
            if message.kind == "leave":
                self.must_leave = True
            elif message.kind == "hurry":
                self.in_hurry = True
            elif message.kind == "primary":
                self.is_primary = True
            else:
                self._answer = message

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Until this is so, or the parent is gone, or the time is over. Whether it is so."""
        deadline = time.monotonic() + seconds
        self.read()
        while not until() and not self.orphaned:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._channel.wait(min(left, 0.1))
            self.read()
        return until()

    def provide(self, settings: Sequence[ListenerSettings]) -> list[ListenerSettings]:
        """Have the parent open the sockets of these listeners. Raises StartError."""
        self.notify("listen", places=[[wanted.addresses, wanted.port] for wanted in settings])
        if not self.wait(lambda: self._answer is not None, _PATIENCE):
            raise StartError("The parent process gives this worker no sockets.")
        answer, self._answer = self._answer, None
        assert answer is not None
        if answer.kind == "refused":
            raise StartError(answer.facts["text"])
        sockets = iter(answer.sockets)
        return [
            replace(wanted, sockets=tuple(islice(sockets, count)))
            for wanted, count in zip(settings, answer.facts["counts"], strict=True)
        ]
