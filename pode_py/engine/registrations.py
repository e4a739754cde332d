"""Registrations: for which sockets the pusher waits, and who owns what happens there."""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Sequence
from typing import Any

from pode_py.engine.connection import Connection
from pode_py.engine.poller import Waker


class Registrations:
    """A selector that takes double registrations and forgotten ones for what they are."""

    def __init__(self, waker: Waker) -> None:
        self._selector = selectors.DefaultSelector()
        self._selector.register(waker.reading, selectors.EVENT_READ, None)

    def select(self, timeout: float | None) -> Sequence[tuple[selectors.SelectorKey, int]]:
        return self._selector.select(timeout)

    def register(self, connection: Connection, owner: Any, events: int) -> bool:
        """Wait for these events from now on. False if the connection was closed meanwhile."""
        try:
            self._selector.register(connection.fd, events, owner)
        except KeyError:
            self._selector.modify(connection.fd, events, owner)
        except (OSError, ValueError):
            return False
        return True

    def unregister(self, connection: Connection) -> None:
        # The descriptor of a closed connection may be another one's by now.
        if self.owner_of(connection.fd) in (connection, connection.stream):
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(connection.fd)

    def owner_of(self, fd: int) -> Any:
        """Who was registered with this descriptor; None if nobody is."""
        try:
            return self._selector.get_key(fd).data
        except (KeyError, ValueError):
            return None

    def owners(self) -> list[Any]:
        return [key.data for key in self._selector.get_map().values()]

    def close(self) -> None:
        self._selector.close()
