"""ServerEvents: handlers of what happens to the server itself. Those of connections: push/."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from pode_py.core import ambient
from pode_py.core.calls import steps
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.core.runtime import Runtime
from pode_py.push.connections.event import TriggeredEvent
from pode_py.server.info import ServerInfo, ServerState

ServerEventKind = Literal[
    "starting",
    "start",
    "running",
    "terminate",
    "stop",
    "crash",
    "restarting",
    "restart",
    "browser",
]
# Pode's, of functions that are not there yet.
_LaterKind = Literal["suspending", "suspend", "resuming", "resume", "enable", "disable"]
EventType = Literal[ServerEventKind, _LaterKind]
_LATER: Final = get_args(_LaterKind)
ALL_EVENTS: Final[tuple[str, ...]] = get_args(EventType)
# They come once, at the start.
_ONCE: Final = frozenset({"starting", "start", "running", "restart"})


@dataclass(frozen=True, slots=True)
class RegisteredEvent:
    """One registered handler."""

    type: str
    name: str
    handler: Handler


class ServerEvents:
    """Handlers run in the order in which they were registered, on the thread that fires; one that
    raises is logged and stops nobody. Any thread may register.
    """

    def __init__(self, runtime: Runtime, info: ServerInfo) -> None:
        self._runtime = runtime
        self._info = info
        self._lock = threading.Lock()
        # Names ignore case, as in Pode.
        self._registered: dict[tuple[str, str], RegisteredEvent] = {}
        self._is_live = False

    def register(self, one: RegisteredEvent) -> None:
        """Raises PodeError if type and name are taken, or what is registered can't come."""
        if one.type in _LATER:
            raise PodeError(
                f"register_event({one.type!r}, ...): to suspend, resume, enable and disable a "
                "server is planned, not there yet. Until then this event never comes."
            )
        if one.type in _ONCE and self._info.state is not ServerState.STARTING:
            raise PodeError(
                f"register_event({one.type!r}, ...) comes too late: the server has started. "
                "Register it in the function you give to start_server."
            )
        key = (one.type, one.name.casefold())
        with self._lock:
            if key in self._registered:
                raise PodeError(
                    f"The {one.type} event {one.name!r} is registered already. Unregister it "
                    "first, or choose another name."
                )
            self._registered[key] = one

    def unregister(self, kind: str, name: str) -> None:
        """Raises PodeError if there is none of this type and name."""
        with self._lock:
            if self._registered.pop((kind, name.casefold()), None) is None:
                known = [one.name for one in self._registered.values() if one.type == kind]
                listed = ", ".join(map(repr, known)) or "none"
                raise PodeError(f"There is no {kind} event {name!r}. Registered: {listed}.")

    def find(self, kinds: Collection[str], names: Collection[str] = ()) -> list[RegisteredEvent]:
        """The registrations of these types and names; no name means any."""
        wanted = {name.casefold() for name in names}
        with self._lock:
            known = list(self._registered.items())
        return [
            one for (kind, name), one in known if kind in kinds and (not wanted or name in wanted)
        ]

    def clear(self, kind: str) -> None:
        """Forget all of a type."""
        with self._lock:
            self._registered = {
                key: one for key, one in self._registered.items() if one.type != kind
            }

    def fire(self, kind: ServerEventKind, exception: BaseException | None = None) -> None:
        """Run the handlers of this type, and return when they have ended."""
        for one in self.find((kind,)):
            context = self._runtime.context.copy()
            event = TriggeredEvent(
                "",
                kind,
                cast(Any, None),
                self._runtime.clock.now(),
                self._runtime.lockable,
                worker=self._info.worker_number,
                exception=exception,
            )
            context.run(ambient.TRIGGERED.variable.set, event)
            try:
                self._runtime.calls.run(steps(one.handler, event), context)
            except BaseException as error:  # noqa: BLE001 - logged; SystemExit, too, stops nobody
                self._runtime.report(error, f"{kind} event {one.name!r}")

    def fire_running(self) -> None:
        """The server runs now. From here on it can end."""
        self._is_live = True
        self.fire("running")
        if self._info.restarts:
            self.fire("restart")

    def fire_end(self, _: float = 0.0) -> None:
        """The server ends, or another takes its place; says so once, and only if it ran."""
        was_live, self._is_live = self._is_live, False
        if not was_live:
            return
        if self._info.state is ServerState.RESTARTING:
            self.fire("restarting")
            return
        self.fire("terminate")
        self.fire("stop")

    def fire_crash(self, error: BaseException) -> None:
        """It could not start, or its main loop has failed."""
        self._is_live = False
        self.fire("crash", error)
        self.fire("stop", error)
