"""Listener: the listening sockets of one endpoint, and the TLS they speak."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pode_py.engine.certificates import TlsSettings, server_context
from pode_py.engine.sockets import open_sockets

# Linux gives an accepted socket the options of the one that listens: six system calls less for
# each connection, of which those for keepalive are slow.
_INHERITS = sys.platform == "linux"
# The part of the time after which a stream's client counts as dead that its probes may take.
_SHARE = 0.45
# struct linger: on, after 0 seconds.
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where to listen: IP addresses, which share the port. Port 0 is any free one.

    `endpoint` is handed to every exchange, unread. `sockets` are those that listen there already:
    they are taken over, and nothing is bound.
    """

    addresses: tuple[str, ...]
    port: int
    tls: TlsSettings | None = None
    endpoint: Any = None
    sockets: tuple[socket.socket, ...] = ()


def close_sockets(settings: Iterable[ListenerSettings]) -> None:
    """Close the sockets that were open already, where nobody will take them over."""
    for wanted in settings:
        for sock in wanted.sockets:
            sock.close()


class Listener:
    """One endpoint's sockets: one for IPv4, one for IPv6, on the same port."""

    def __init__(self, settings: ListenerSettings) -> None:
        self.settings = settings
        self.endpoint = settings.endpoint
        self.port = settings.port
        self.tls: ssl.SSLContext | None = None
        self.sockets: list[socket.socket] = list(settings.sockets)

    def open(self, warn: Callable[[str], object] = lambda _: None) -> None:
        """Bind and listen. Raises StartError in a sentence that says what to do; `warn` hears of
        what will trouble clients only."""
        settings = self.settings
        try:
            if settings.tls is not None:
                self.tls = server_context(settings.tls, settings.addresses, warn)
        except BaseException:
            self.close()
            raise
        if not self.sockets:
            self.sockets = open_sockets(settings.addresses, settings.port)
        self.port = self.sockets[0].getsockname()[1]

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        self.sockets = []


def prepare(sock: socket.socket, dead_after: float) -> None:
    """Set what every accepted socket needs."""
    sock.setblocking(False)
    if not _INHERITS:
        set_dead_after(sock, dead_after)


def set_dead_after(sock: socket.socket, dead_after: float) -> None:
    """Have a vanished peer found within `dead_after` seconds. For a socket that listens: of those
    that it accepts.

    A peer that vanished without a word shows only in unanswered packets: keepalive probes find
    it while the connection is silent, TCP_USER_TIMEOUT while data is on its way. The timeout ends
    a silent connection, too, at the first probe after it: so several probes go out before, and
    one lost packet costs nobody the connection.
    """
    seconds = dead_after * _SHARE
    # A unix socket or an odd system may not know one of these; the connection works without.
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _probing(seconds / 2))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _probing(seconds / 6))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _milliseconds(dead_after))


def watch_stream(sock: socket.socket, dead_after: float) -> None:
    """Have a vanished peer of an event stream found within `dead_after` seconds.

    Each half of that time is enough for one of the two: had the peer vanished just before the
    probes would have found it, an event could go out and the wait begin anew.
    """
    with contextlib.suppress(OSError, AttributeError):
        timeout = _milliseconds(dead_after * _SHARE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)


def drop_unsent(sock: socket.socket) -> None:
    """Have the close of this socket drop what the client has not taken, and reset the connection.
    Otherwise the system would go on offering it to a client that does not read."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def _probing(seconds: float) -> int:
    """Whole seconds, as many as Linux takes for its probes."""
    return max(1, min(int(seconds), 32_767))


def _milliseconds(seconds: float) -> int:
    return min(int(seconds * 1000), 2**31 - 1)
