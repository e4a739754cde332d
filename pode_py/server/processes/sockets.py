"""SharedSockets: the listening sockets of all worker processes. The parent has them open.

Each worker has one of its own for each address, and the kernel spreads new connections among
them. As the parent holds them too, what waits in the queue of a worker that died waits for the
next worker with its number; and while one worker replaces another, both accept from one queue.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from dataclasses import dataclass, field

from pode_py.engine.sockets import open_sockets
from pode_py.server.processes.channel import close_all
from pode_py.server.systemd import Inherited, Place


@dataclass(slots=True)
class _Port:
    """A port in use: its number, and the sockets of each worker."""

    number: int
    sockets: dict[int, list[socket.socket]] = field(default_factory=dict)


class SharedSockets:
    """Belongs to the parent's main thread. A worker is known by its number."""

    def __init__(self, inherited: Inherited) -> None:
        self._inherited = inherited
        self._ports: dict[Place, _Port] = {}

    def check(self, places: Collection[Place]) -> None:
        """Raise StartError if a socket was inherited that is for none of these places."""
        self._inherited.check(places)

    def open(self, worker: int, place: Place) -> list[socket.socket]:
        """The sockets of this worker; opened if need be. Raises StartError.

        All workers get the same port, where any is wanted. Sockets that were inherited serve
        all of them.
        """
        inherited = self._inherited.find(place)
        if inherited:
            return inherited
        addresses, wanted = place
        port = self._ports.get(place)
        if port is None:
            first = open_sockets(addresses, wanted, "first")
            port = self._ports[place] = _Port(first[0].getsockname()[1], {worker: first})
        elif worker not in port.sockets:
            port.sockets[worker] = open_sockets(addresses, port.number, "further")
        return port.sockets[worker]

    def keep(self, worker: int, places: Collection[Place]) -> None:
        """Close the sockets of this worker but those for these places."""
        for place, port in list(self._ports.items()):
            if place not in places:
                close_all(port.sockets.pop(worker, []))
            if not port.sockets:
                del self._ports[place]

    def close(self) -> None:
        for port in self._ports.values():
            for sockets in port.sockets.values():
                close_all(sockets)
        self._ports.clear()
