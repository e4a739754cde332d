"""Acceptor: the listening sockets and what comes through them. Pauses when there is no room.

Why it pauses: see engine/descriptors.py.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pode_py.engine.descriptors import NO_ROOM, PAUSE, TURN, why_exhausted
from pode_py.engine.h11.connection import Connection
from pode_py.engine.h11.fast_lane import RequestLines
from pode_py.engine.h11.poller import Poller
from pode_py.engine.listener import (
    Listener,
    ListenerSettings,
    close_sockets,
    prepare,
    set_dead_after,
)
from pode_py.engine.options import Limits
from pode_py.http.request import Peer


@dataclass(frozen=True, slots=True)
class Door:
    """A listening socket as the poller's tag."""

    listener: Listener
    sock: socket.socket


class Acceptor:
    """Any worker may call `accept`, the pusher `resume`, and the main thread the others.

    `room` says how many connections may still come, `admit` takes each one over.
    """

    def __init__(
        self,
        poller: Poller,
        limits: Limits,
        *,
        room: Callable[[], int],
        admit: Callable[[Connection], None],
        call_later: Callable[[float, Callable[[], None]], None],
        report: Callable[[BaseException | str, str], None],
    ) -> None:
        self._poller = poller
        self._limits = limits
        self._room = room
        self._admit = admit
        self._call_later = call_later
        self._report = report
        self._lines = RequestLines()
        self._listeners: list[Listener] = []
        # Guards the registrations in the poller: pausing, resuming and closing may meet.
        self._lock = threading.Lock()
        self._listening = False
        self._closed = False

    def open(
        self, settings: Sequence[ListenerSettings], warn: Callable[[str], object]
    ) -> list[Listener]:
        """Bind all or none. Raises StartError."""
        try:
            for wanted in settings:
                listener = Listener(wanted)
                listener.open(warn)
                for sock in listener.sockets:
                    set_dead_after(sock, self._limits.write_timeout)
                self._listeners.append(listener)
        except BaseException:
            self.close()
            close_sockets(settings)  # those whose turn did not come
            raise
        return self._listeners

    def resume(self) -> None:
        """Let the poller watch the listening sockets."""
        with self._lock:
            if self._closed or self._listening:
                return
            self._listening = True
            for listener in self._listeners:
                for sock in listener.sockets:
                    self._poller.add_listener(sock.fileno(), Door(listener, sock))
        self._poller.wake()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._unwatch()
            for listener in self._listeners:
                listener.close()

    def accept(self, tag: object) -> None:
        """Take what waits at a door, but not more than a turn of it."""
        assert isinstance(tag, Door)
        for _ in range(TURN):
            if self._room() <= 0:
                self._pause(NO_ROOM)
                return
            try:
                client, address = tag.sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                why = why_exhausted(error)
                if why is not None:
                    self._pause(why)
                return
            self._welcome(tag.listener, client, address)

    def _pause(self, why: str) -> None:
        with self._lock:
            if self._closed or not self._listening:
                return
            self._unwatch()
        self._report(why, "accept")
        self._call_later(PAUSE, self.resume)

    def _unwatch(self) -> None:
        self._listening = False
        for listener in self._listeners:
            for sock in listener.sockets:
                self._poller.remove(sock.fileno())

    def _welcome(self, listener: Listener, client: socket.socket, address: tuple[str, int]) -> None:
        try:
            prepare(client, self._limits.write_timeout)
            local = client.getsockname()
            scheme = "http" if listener.tls is None else "https"
            peer = Peer(_plain(address[0]), address[1], _plain(local[0]), local[1], scheme)
            if listener.tls is not None:
                client = listener.tls.wrap_socket(
                    client, server_side=True, do_handshake_on_connect=False
                )
        except (OSError, ValueError):  # gone before we looked
            client.close()
            return
        self._admit(Connection(client, peer, listener.endpoint, self._limits, self._lines))


def _plain(address: str) -> str:
    """An IPv4 address that came in over IPv6, as IPv4; without a scope."""
    return address.removeprefix("::ffff:").partition("%")[0]
