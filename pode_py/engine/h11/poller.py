"""Pollers: wait until connections have something to read. Edge-triggered where there is epoll.

With edge-triggered epoll a connection is registered once in its life; what arrives while a
worker has it shows as another edge, which the connection remembers. Elsewhere `SelectorPoller`
does the same with a one-shot registration that `rearm` renews.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
from typing import Any, Protocol


class Poller(Protocol):
    """Tags are whatever `add` was given; `poll` returns those whose socket is readable.

    One that comes twice is to be read twice.
    """

    def add(self, fd: int, tag: Any) -> None: ...
    def add_listener(self, fd: int, tag: Any) -> None: ...
    def rearm(self, fd: int, tag: Any) -> None: ...
    def remove(self, fd: int) -> None: ...
    def leave(self, fd: int) -> None: ...
    def poll(self, timeout: float | None) -> list[Any]: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


class Waker:
    """A pair of sockets: any thread writes a byte, the poller's thread wakes up."""

    def __init__(self) -> None:
        self.reading, self._writing = socket.socketpair()
        self.reading.setblocking(False)
        self._writing.setblocking(False)

    def fileno(self) -> int:
        return self.reading.fileno()

    def wake(self) -> None:
        # A full pipe wakes as well as one byte more; a closed one has nobody to wake.
        with contextlib.suppress(BlockingIOError, OSError):
            self._writing.send(b"\0")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while len(self.reading.recv(4096)) == 4096:
                pass

    def close(self) -> None:
        self.reading.close()
        self._writing.close()


_ENDED = 0
if hasattr(select, "epoll"):
    _ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class EpollPoller:
    """Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._tags: dict[int, Any] = {}
        self._waker = Waker()
        self._epoll.register(self._waker.fileno(), select.EPOLLIN)
        self._waker_fd = self._waker.fileno()

    def add(self, fd: int, tag: Any) -> None:
        self._tags[fd] = tag
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)

    def add_listener(self, fd: int, tag: Any) -> None:
        self._tags[fd] = tag
        self._epoll.register(fd, select.EPOLLIN)

    def rearm(self, fd: int, tag: Any) -> None:
        """Nothing to do: an edge-triggered registration stays."""

    def remove(self, fd: int) -> None:
        self._tags.pop(fd, None)
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(fd)

    def leave(self, fd: int) -> None:
        """As `remove`, for a socket that another poller watches until it closes. The system
        forgets it then; an edge before that finds no tag. It saves a system call."""
        self._tags.pop(fd, None)

    def poll(self, timeout: float | None) -> list[Any]:
        events = self._epoll.poll(timeout, 256)
        ready = []
        for fd, mask in events:
            if fd == self._waker_fd:
                self._waker.clear()
                continue
            tag = self._tags.get(fd)
            if tag is not None:
                ready.append(tag)
                # The end of input came with the same edge as the data before it: a worker that
                # reads the data and stops at a short read would never notice it.
                if mask & _ENDED:
                    ready.append(tag)
        return ready

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._waker.close()
        self._epoll.close()


class SelectorPoller:
    """Any system that Python's selectors know. Only one thread polls at a time."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._waker = Waker()
        self._selector.register(self._waker.reading, selectors.EVENT_READ, None)
        # Selectors may not change while another thread is inside select: changes wait in a list
        # that the polling thread applies.
        self._lock = threading.Lock()
        self._changes: list[tuple[int, Any]] = []
        self._listeners: set[int] = set()

    def add(self, fd: int, tag: Any) -> None:
        self._change(fd, tag)

    def add_listener(self, fd: int, tag: Any) -> None:
        self._listeners.add(fd)
        self._change(fd, tag)

    def rearm(self, fd: int, tag: Any) -> None:
        self._change(fd, tag)

    def remove(self, fd: int) -> None:
        self._listeners.discard(fd)
        with self._lock:
            self._changes = [change for change in self._changes if change[0] != fd]
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(fd)

    def leave(self, fd: int) -> None:
        self.remove(fd)

    def poll(self, timeout: float | None) -> list[Any]:
        self._apply()
        ready = []
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._waker.clear()
                continue
            ready.append(key.data)
            if key.fd not in self._listeners:
                with self._lock, contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(key.fd)
        self._apply()
        return ready

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._selector.close()
        self._waker.close()

    def _change(self, fd: int, tag: Any) -> None:
        with self._lock:
            self._changes.append((fd, tag))
        self._waker.wake()

    def _apply(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, []
            for fd, tag in changes:
                with contextlib.suppress(KeyError, ValueError, OSError):
                    self._selector.register(fd, selectors.EVENT_READ, tag)


def make_poller(kind: str = "auto") -> Poller:
    """The best poller of this system; "selectors" forces the portable one."""
    if kind == "auto" and hasattr(select, "epoll"):
        return EpollPoller()
    return SelectorPoller()
