"""Systemd: the sockets that it has opened for the program, and the notifications that it gets.

Socket activation: LISTEN_FDS says how many sockets there are, from descriptor 3 on, and LISTEN_PID
whom they are meant for. Notification, as Type=notify asks: messages go to the datagram socket that
NOTIFY_SOCKET names; without one, to nobody.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from pode_py.core.errors import StartError
from pode_py.engine.listener import ListenerSettings

_FIRST = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

#: IP addresses, and the port that they share.
Place = tuple[Sequence[str], int]


class Inherited:
    """Takes them over, so that programs started later do not. They stay open until `close`."""

    def __init__(self) -> None:
        given = [os.environ.get(name, "") for name in _VARIABLES[:2]]
        count = int(given[1]) if given[0] == str(os.getpid()) and given[1].isdecimal() else 0
        if count:
            for name in _VARIABLES:
                os.environ.pop(name, None)
        self._sockets: list[socket.socket] = []
        self._missing: list[int] = []
        for descriptor in range(_FIRST, _FIRST + count):
            sock = _taken(descriptor)
            if sock is None:
                self._missing.append(descriptor)
            else:
                self._sockets.append(sock)

    def provide(self, settings: Sequence[ListenerSettings]) -> list[ListenerSettings]:
        """Give each listener the sockets that are open for it. Raises StartError, as `check`."""
        self.check((wanted.addresses, wanted.port) for wanted in settings)
        return [
            replace(wanted, sockets=tuple(sock.dup() for sock in self.find(wanted_at)))
            for wanted in settings
            for wanted_at in [(wanted.addresses, wanted.port)]
        ]

    def find(self, place: Place) -> list[socket.socket]:
        """Those that listen there. A socket for "::" may serve IPv4, too, as systemd's does."""
        addresses, port = place
        return [
            sock
            for sock in self._sockets
            if _is_listener(sock) and _where(sock)[0] in addresses and _where(sock)[1] == port
        ]

    def check(self, places: Iterable[Place]) -> None:
        """Raise StartError for a socket that no endpoint would use: its clients would hang."""
        if self._missing:
            raise StartError(
                f"LISTEN_FDS promises a socket as descriptor {self._missing[0]}, and there is "
                "none. Unset LISTEN_FDS, or start the program with its sockets."
            )
        used = [sock for place in places for sock in self.find(place)]
        for sock in self._sockets:
            if not _is_listener(sock):
                raise StartError(
                    "A socket was passed (LISTEN_FDS) that no endpoint can use: it is no listening "
                    "TCP socket. Name a port in ListenStream=, such as ListenStream=8080."
                )
            if sock not in used:
                address, port = _where(sock)
                wanted = "*" if address in ("::", "0.0.0.0") else address  # noqa: S104
                raise StartError(
                    f"A socket was passed (LISTEN_FDS) for {address} port {port}, and no endpoint "
                    "listens there. Make ListenStream= and add_endpoint agree, for example "
                    f'add_endpoint("{wanted}", {port}).'
                )

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets = []


def _taken(descriptor: int) -> socket.socket | None:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return None
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def _is_listener(sock: socket.socket) -> bool:
    with suppress(OSError):
        return (
            sock.family in (socket.AF_INET, socket.AF_INET6)
            and sock.type == socket.SOCK_STREAM
            and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        )
    return False


def _where(sock: socket.socket) -> tuple[str, int]:
    address, port = sock.getsockname()[:2]
    return str(address), int(port)


# A service manager that does not read must not hold the server.
_PATIENCE = 1.0


class Notifier:
    """Looks at NOTIFY_SOCKET once. Only the process that systemd has started should tell."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """Requests are answered: after a start, and after a restart."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A restart begins; `ready` says that it has ended, however it went."""
        # Type=notify-reload compares the time with when it asked.
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        # "@" stands for the byte 0 of a name in Linux' abstract namespace.
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_PATIENCE)
            sock.sendto(text.encode(), address)
