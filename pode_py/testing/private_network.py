"""PrivateNetwork: a loopback network of the test's own, in which packets can be dropped.

What no proxy can do: a peer behind dropped packets acknowledges nothing, as one whose cable was
cut. Needs Linux, the right to make a network namespace (root, as in most containers of CI), and
the program `ip`.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_OWN = Path("/proc/thread-self/ns/net")


class NoPrivateNetwork(RuntimeError):
    """This machine allows no private network. The message says why."""


class PrivateNetwork:
    """A network that has only 127.0.0.0/8, for this thread while its `with` block runs.

    Sockets, and threads that are started, belong to it: so start the server in the block, and
    connect from addresses of your choice.

    Raises NoPrivateNetwork where there can be none.

        with PrivateNetwork() as network, running(server) as live:
            with live.sse("/events", source="127.0.0.2"):
                network.drop("127.0.0.2")
    """

    def __init__(self) -> None:
        self._home = -1

    def drop(self, address: str) -> None:
        """Drop every packet to this address from now on."""
        _ip("route", "add", "table", "local", "blackhole", f"{address}/32")

    def restore(self, address: str) -> None:
        """Let packets through again."""
        _ip("route", "del", "table", "local", "blackhole", f"{address}/32")

    def __enter__(self) -> PrivateNetwork:
        if not _OWN.exists() or shutil.which("ip") is None:
            raise NoPrivateNetwork("A private network needs Linux and the program ip (iproute2).")
        self._home = os.open(_OWN, os.O_RDONLY)
        try:
            _system_call("unshare", _NEW_NETWORK)
        except OSError as error:
            os.close(self._home)
            raise NoPrivateNetwork(
                f"A network namespace can't be made here: {error.strerror}. It takes root, or "
                "the capability SYS_ADMIN."
            ) from error
        try:
            _ip("link", "set", "lo", "up")
        except BaseException:
            self._go_home()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._go_home()

    def _go_home(self) -> None:
        _system_call("setns", self._home, _NEW_NETWORK)
        os.close(self._home)


def _system_call(name: str, *arguments: int) -> None:
    # os.unshare and os.setns came with Python 3.12.
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _ip(*arguments: str) -> None:
    ran = subprocess.run(  # noqa: S603 - our own arguments
        ["ip", *arguments],  # noqa: S607 - wherever the system keeps it
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise NoPrivateNetwork(f"ip {' '.join(arguments)} failed: {ran.stderr.strip()}")
