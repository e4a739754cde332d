"""Registrations: for which sockets the pusher waits, and who owns what happens there.

Where there is epoll, it is used as it is: Python's selectors keep a key of 200 bytes for each
socket, and an idle stream is to cost little.
"""

from __future__ import annotations

import contextlib
import select
import selectors
from collections.abc import Iterator
from typing import Any, Final, Protocol

from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.poller import Waker

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE
# What happens on more sockets than this is looked at in the next turn.
_MOST = 1024


class _Watch(Protocol):
    """Descriptors and what is waited for."""

    def add(self, fd: int, events: int) -> None: ...
    def change(self, fd: int, events: int) -> None: ...
    def remove(self, fd: int) -> None: ...
    def wait(self, timeout: float | None) -> Iterator[tuple[int, int]]: ...
    def close(self) -> None: ...


class _Epoll:
    """Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._masks = {
            0: 0,
            READ: select.EPOLLIN,
            WRITE: select.EPOLLOUT,
            READ | WRITE: select.EPOLLIN | select.EPOLLOUT,
        }

    def add(self, fd: int, events: int) -> None:
        self._epoll.register(fd, self._masks[events])

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, self._masks[events])

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def wait(self, timeout: float | None) -> Iterator[tuple[int, int]]:
        for fd, mask in self._epoll.poll(timeout, _MOST):
            # A broken connection shows in whatever is tried with it.
            reads = READ if mask & ~select.EPOLLOUT else 0
            writes = WRITE if mask & ~select.EPOLLIN else 0
            yield fd, reads | writes

    def close(self) -> None:
        self._epoll.close()


class _Selector:
    """Any system that Python's selectors know."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, fd: int, events: int) -> None:
        if events:  # a selector can't wait for a broken connection alone
            self._selector.register(fd, events)

    def change(self, fd: int, events: int) -> None:
        self.remove(fd)
        self.add(fd, events)

    def remove(self, fd: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def wait(self, timeout: float | None) -> Iterator[tuple[int, int]]:
        for key, mask in self._selector.select(timeout):
            yield key.fd, mask

    def close(self) -> None:
        self._selector.close()


class Registrations:
    """Takes double registrations and forgotten ones for what they are.

    `poller` is "auto" or "selectors", as for the workers.
    """

    def __init__(self, waker: Waker, poller: str) -> None:
        portable = poller == "selectors" or not hasattr(select, "epoll")
        self._watch: _Watch = _Selector() if portable else _Epoll()
        # Whether others than the pusher's thread may register sockets, too, while it waits.
        self.any_thread = not portable
        self._waker = waker
        self._watch.add(waker.fileno(), READ)
        self._owners: dict[int, Any] = {}

    def wait(self, timeout: float | None) -> Iterator[tuple[Any, int]]:
        """Who has something to read, or room to write, and which of them."""
        for fd, mask in self._watch.wait(timeout):
            owner = self._owners.get(fd)
            if owner is not None:
                yield owner, mask
            elif fd == self._waker.fileno():
                self._waker.clear()

    def register(self, connection: Connection, owner: Any, events: int) -> bool:
        """Wait for these events from now on. False if the connection was closed meanwhile."""
        fd = connection.fd
        known = fd in self._owners
        try:
            if known:
                self._watch.change(fd, events)
            else:
                self._watch.add(fd, events)
        except (OSError, ValueError, KeyError):
            return False
        self._owners[fd] = owner
        return True

    def unregister(self, connection: Connection) -> None:
        owner = self.owner_of(connection.fd)
        # The descriptor of a closed connection may be another one's by now.
        if owner is not None and owner in (connection, connection.stream):
            del self._owners[connection.fd]
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._watch.remove(connection.fd)

    def owner_of(self, fd: int) -> Any:
        """Who was registered with this descriptor; None if nobody is."""
        return self._owners.get(fd)

    def owners(self) -> list[Any]:
        return list(self._owners.values())

    def close(self) -> None:
        self._watch.close()
