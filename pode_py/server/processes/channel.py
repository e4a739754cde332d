"""ControlChannel: whole messages between the parent and one worker process, and sockets with them.

A pair of Unix sockets that keep messages apart (SOCK_SEQPACKET). Its end is how a worker learns
that its parent is gone. Nothing here waits: a worker that stands still must not hold its parent.
"""

from __future__ import annotations

import array
import contextlib
import json
import select
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_LONGEST = 64 * 1024
#: What the system lets one message carry.
MOST_SOCKETS = 253


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """What it is about, JSON values that belong to it, and sockets that travel with it."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    sockets: tuple[socket.socket, ...] = ()


class ControlChannel:
    """One end. Any thread may send; one receives. `gone`: nobody has the other end any more."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self.gone = False

    @classmethod
    def pair(cls) -> tuple[ControlChannel, ControlChannel]:
        """Two ends. Programs that either process starts do not inherit them."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, message: ControlMessage) -> bool:
        """False if the other end is gone, or has left too much unread."""
        data = json.dumps({"kind": message.kind, **message.values}).encode()
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
        values = json.loads(data)
        kind = values.pop("kind")
        return ControlMessage(kind, values, tuple(_sockets(extra)))

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
