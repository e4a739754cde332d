"""ConnectionEvents: handlers that run when a connection opens or ends, on a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from pode_py.core import ambient
from pode_py.core.calls import steps
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.core.runtime import Runtime
from pode_py.core.thread_pool import ThreadPool
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.event import KINDS, EventKind, TriggeredEvent


@dataclass(frozen=True, slots=True)
class EventRegistration:
    """One registered handler."""

    name: str
    type: EventKind
    event_name: str
    handler: Handler


class ConnectionEvents:
    """Handlers run one after another, off the I/O path; one that raises stops nobody."""

    def __init__(self, runtime: Runtime, pool: ThreadPool) -> None:
        self._runtime = runtime
        self._pool = pool
        self._lock = threading.Lock()
        # Names of connections, kinds and event names ignore case, as in Pode.
        self._registered: dict[tuple[str, str], dict[str, EventRegistration]] = {}

    def register(self, registration: EventRegistration) -> None:
        """Raises PodeError if name, kind and event name are taken."""
        key = (registration.name.casefold(), registration.type)
        with self._lock:
            known = self._registered.setdefault(key, {})
            if registration.event_name.casefold() not in known:
                # A new dict each time: `fire` reads without the lock.
                self._registered[key] = {**known, registration.event_name.casefold(): registration}
                return
        raise PodeError(
            f"The {registration.type} event {registration.event_name!r} is registered already "
            f"for {registration.name!r}. Unregister it first, or choose another event_name."
        )

    def unregister(self, name: str, kind: EventKind, event_name: str) -> None:
        key = (name.casefold(), kind)
        with self._lock:
            known = dict(self._registered.get(key, {}))
            known.pop(event_name.casefold(), None)
            self._registered[key] = known

    def find(
        self,
        names: Collection[str] = (),
        kinds: Collection[str] = KINDS,
        event_names: Collection[str] = (),
    ) -> list[EventRegistration]:
        """The registrations of these names, kinds and event names; no name means any."""
        wanted_names = {name.casefold() for name in names}
        wanted_events = {name.casefold() for name in event_names}
        with self._lock:
            everything = [one for group in self._registered.values() for one in group.values()]
        return [
            one
            for one in everything
            if one.type in kinds
            and (not wanted_names or one.name.casefold() in wanted_names)
            and (not wanted_events or one.event_name.casefold() in wanted_events)
        ]

    def fire(self, kind: EventKind, connection: PushConnection) -> None:
        """Have the handlers of this connection's names run soon."""
        if not self._registered:
            return
        handlers = tuple(
            registration
            for name in dict.fromkeys(one.casefold() for one in connection.names)
            for registration in self._registered.get((name, kind), {}).values()
        )
        if handlers:
            self._pool.submit(lambda: self._run(handlers, connection))

    def _run(
        self, registrations: tuple[EventRegistration, ...], connection: PushConnection
    ) -> None:
        for one in registrations:
            moment, lockable = self._runtime.clock.now(), self._runtime.lockable
            event = TriggeredEvent(one.name, one.type, connection, moment, lockable)
            context = self._runtime.context.copy()
            context.run(ambient.TRIGGERED.variable.set, event)
            try:
                self._runtime.calls.run(steps(one.handler, event), context)
            except Exception as error:  # noqa: BLE001 - a background run: logged, the next goes on
                self._runtime.report(error, f"{one.type} event {one.event_name!r}")
