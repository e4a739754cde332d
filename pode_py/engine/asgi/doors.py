"""Doors: the listening sockets of an ASGI server of ours, on its loop. asyncio's own tries as often
as its backlog is long when the descriptors run out, logs each try, and plans as many new ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from pode_py.engine.descriptors import NO_ROOM, PAUSE, TURN, why_exhausted
from pode_py.engine.listener import Listener
from pode_py.engine.port import Report

Welcome = Callable[[Listener, socket.socket], None]


class Doors:
    """Belongs to the loop's thread. `room` says how many connections may still come, `welcome`
    takes each one over."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listeners: Sequence[Listener],
        *,
        room: Callable[[], int],
        welcome: Welcome,
        report: Report,
    ) -> None:
        self._loop = loop
        self._listeners = listeners
        self._room = room
        self._welcome = welcome
        self._report = report
        self._listening = False
        self._closed = False

    def open(self) -> None:
        """Accept what comes."""
        if self._closed or self._listening:
            return
        self._listening = True
        for listener in self._listeners:
            for sock in listener.sockets:
                self._loop.add_reader(sock, self._accept, listener, sock)

    def close(self) -> None:
        """Close the listening sockets."""
        self._closed = True
        self._unwatch()
        for listener in self._listeners:
            listener.close()

    def _accept(self, listener: Listener, sock: socket.socket) -> None:
        """Take what waits at a door, but not more than a turn of it."""
        for _ in range(TURN):
            if self._room() <= 0:
                self._pause(NO_ROOM)
                return
            try:
                client, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                why = why_exhausted(error)
                if why is not None:
                    self._pause(why)
                return
            client.setblocking(False)
            self._welcome(listener, client)

    def _pause(self, why: str) -> None:
        self._unwatch()
        self._report(why, "accept")
        self._loop.call_later(PAUSE, self.open)

    def _unwatch(self) -> None:
        self._listening = False
        for listener in self._listeners:
            for sock in listener.sockets:
                self._loop.remove_reader(sock)
