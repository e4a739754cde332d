"""Opening listening sockets: one for each address of an endpoint, all on the same port.

Several processes may share a port, each with a socket of its own among which the kernel spreads
new connections (SO_REUSEPORT). Another program must not slip in, and one that is there must be
found: so the first socket of a port is bound as if it were the only one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import Literal

from pode_py.core.errors import StartError

# Whether others will listen on the same port: none; or it is the first of several, or a further
# one.
Sharing = Literal["none", "first", "further"]

_BACKLOG = 4096  # the kernel cuts it to net.core.somaxconn
_PORT_TRIES = 10
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what "*" means


def open_sockets(
    addresses: Sequence[str], port: int, sharing: Sharing = "none"
) -> list[socket.socket]:
    """Bind and listen; port 0 is any that is free on all addresses.

    Raises StartError in a sentence that says what to do; nothing is left open then.
    """
    for _ in range(_PORT_TRIES):
        opened: list[socket.socket] = []
        try:
            for address in addresses:
                number = opened[0].getsockname()[1] if opened else port
                sock = _open_one(address, number, sharing, may_lack=bool(opened))
                if sock is not None:
                    opened.append(sock)
            return opened
        except (OSError, OverflowError) as error:
            for sock in opened:
                sock.close()
            # A free port of IPv4 may be taken on IPv6: then another one is tried.
            if port or not opened or _errno(error) != errno.EADDRINUSE:
                raise StartError(_explain(error, address, port)) from error
    raise StartError("No port is free on all addresses of an endpoint. Choose one.")


def _open_one(address: str, port: int, sharing: Sharing, *, may_lack: bool) -> socket.socket | None:
    """None on a machine without IPv6, which still serves "localhost" and "*" on IPv4."""
    may_lack = may_lack and address in ("::", "::1")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT and may_lack:
            return None
        raise
    try:
        _listen(sock, address, port, sharing)
    except (OSError, OverflowError) as error:
        sock.close()
        if _errno(error) == errno.EADDRNOTAVAIL and may_lack:
            return None
        raise
    return sock


def _listen(sock: socket.socket, address: str, port: int, sharing: Sharing) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if sharing == "further":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address, port))
    if sharing == "first":
        # Only now: to bind found whoever listens here already, another crew of worker
        # processes included.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.listen(_BACKLOG)
    sock.setblocking(False)


def _is_own(port: int) -> bool:
    """Whether a socket of this very process listens on that port."""
    for name in _descriptors():
        with contextlib.suppress(OSError):
            sock = socket.socket(fileno=int(name))
            try:
                is_tcp = sock.family in (socket.AF_INET, socket.AF_INET6)
                listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if is_tcp and listens and sock.getsockname()[1] == port:
                    return True
            finally:
                sock.detach()  # it is somebody else's
    return False


def _descriptors() -> list[str]:
    try:
        return os.listdir("/dev/fd")
    except OSError:  # a system without it: then it was another program, as far as is known
        return []


def _errno(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _explain(error: Exception, address: str, port: int) -> str:
    where = f"port {port}" if address in _EVERYWHERE else f"{address} port {port}"
    number = _errno(error)
    if number == errno.EADDRINUSE and _is_own(port):
        return (
            f"Can't listen on {where}: this program listens on that port itself already. A second "
            "start_server, or a socket that your script has opened, needs a port of its own; "
            "several endpoints belong into one set-up function."
        )
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
