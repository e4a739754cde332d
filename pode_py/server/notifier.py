"""Notifier: notifies the service manager how the server is doing, as systemd's Type=notify asks.

The messages go to the datagram socket that NOTIFY_SOCKET names. Without one, to nobody.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

# A service manager that does not read must not hold the server.
_TIMEOUT = 1.0


class Notifier:
    """Looks at NOTIFY_SOCKET once. Only the process that systemd has started should notify."""

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
            sock.settimeout(_TIMEOUT)
            sock.sendto(text.encode(), address)
