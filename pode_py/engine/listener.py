"""Listener: the listening sockets of one endpoint, and the TLS they speak."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import Any

from pode_py.core.errors import StartError
from pode_py.engine.certificates import TlsSettings, server_context

_BACKLOG = 4096  # the kernel cuts it to net.core.somaxconn
_PORT_TRIES = 10
# Linux gives an accepted socket the options of the one that listens: six system calls less for
# each connection, of which those for keepalive are slow.
_INHERITS = sys.platform == "linux"
# The part of the time after which a stream's client counts as dead that its probes may take.
_SHARE = 0.45
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what "*" means


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """Where to listen: IP addresses, which share the port. Port 0 is any free one.

    `endpoint` is handed to every exchange, unread.
    """

    addresses: tuple[str, ...]
    port: int
    tls: TlsSettings | None = None
    endpoint: Any = None


class Listener:
    """One endpoint's sockets: one for IPv4, one for IPv6, on the same port."""

    def __init__(self, settings: ListenerSettings) -> None:
        self.settings = settings
        self.endpoint = settings.endpoint
        self.port = settings.port
        self.tls: ssl.SSLContext | None = None
        self.sockets: list[socket.socket] = []

    def open(self) -> None:
        """Bind and listen. Raises StartError in a sentence that says what to do."""
        settings = self.settings
        if settings.tls is not None:
            self.tls = server_context(settings.tls, settings.addresses)
        for _ in range(_PORT_TRIES):
            try:
                for address in settings.addresses:
                    self._open_one(address)
                return
            except (OSError, OverflowError) as error:
                self.close()
                # A free port of IPv4 may be taken on IPv6: then another one is tried.
                if settings.port == 0 and self.port and _errno(error) == errno.EADDRINUSE:
                    self.port = 0
                    continue
                raise StartError(_explain(error, address, settings.port)) from error
        raise StartError("No port is free on all addresses of an endpoint. Choose one.")

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        self.sockets = []

    def _open_one(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT and self._may_lack(address):
                return
            raise
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, self.port))
            sock.listen(_BACKLOG)
        except (OSError, OverflowError) as error:
            sock.close()
            if _errno(error) == errno.EADDRNOTAVAIL and self._may_lack(address):
                return
            raise
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        self.sockets.append(sock)

    def _may_lack(self, address: str) -> bool:
        """A machine without IPv6 still serves "localhost" and "*" on IPv4."""
        return bool(self.sockets) and address in ("::", "::1")


def _errno(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _explain(error: Exception, address: str, port: int) -> str:
    where = f"port {port}" if address in _EVERYWHERE else f"{address} port {port}"
    number = _errno(error)
    if number == errno.EADDRINUSE:
        return (
            f"Can't listen on {where}: another program uses it already. Stop that program, or "
            "choose another port in add_endpoint."
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"Can't listen on {where}: ports below 1024 need special rights. Choose a port from "
            "1024 on, or give the Python program the capability cap_net_bind_service."
        )
    if isinstance(error, socket.gaierror):
        return f"Can't listen on {where}: {address!r} is no IP address."
    if isinstance(error, OverflowError):
        return f"Can't listen on {where}: ports go from 0 to 65535."
    if number == errno.EADDRNOTAVAIL:
        return (
            f"Can't listen on {where}: no network interface of this machine has that address. "
            'Use one that has, "localhost", or "*".'
        )
    return f"Can't listen on {where}: {getattr(error, 'strerror', None) or error}."


def prepare(sock: socket.socket, dead_after: float) -> None:
    """Set what every accepted socket needs."""
    sock.setblocking(False)
    if not _INHERITS:
        set_patience(sock, dead_after)


def set_patience(sock: socket.socket, dead_after: float) -> None:
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
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(seconds / 2)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, int(seconds / 6)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(dead_after * 1000))


def watch_stream(sock: socket.socket, dead_after: float) -> None:
    """Have a vanished peer of an event stream found within `dead_after` seconds.

    Each half of that time is enough for one of the two: had the peer vanished just before the
    probes would have found it, an event could go out and the wait begin anew.
    """
    with contextlib.suppress(OSError, AttributeError):
        timeout = int(dead_after * _SHARE * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
