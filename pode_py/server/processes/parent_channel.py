"""ParentChannel: a worker process's end of the channel to its parent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pode_py.core.errors import StartError
from pode_py.engine.listener import ListenerSettings
from pode_py.server.processes.channel import ControlChannel, ControlMessage

# The parent does nothing that takes long. This is for a machine that is busy beyond reason.
_TIMEOUT = 30.0
_LONGEST_TEXT = 16_000


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What a worker process is started with.

    `number` counts from 0. The `secret` is that of all workers. `awaits_primary`: another process
    runs timers and schedules until the parent says so. `first`: nobody had this number before.
    """

    number: int
    parent: int
    secret: str
    restarts: int = 0
    awaits_primary: bool = False
    first: bool = True


class ParentChannel:
    """The main thread reads; any thread may send. What the parent has said are flags."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel
        self.must_leave = False
        self.in_hurry = False
        self.is_primary = False
        self._answer: ControlMessage | None = None

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone."""
        return self._channel.gone

    def fileno(self) -> int:
        return self._channel.fileno()

    def send(self, kind: str, **values: object) -> None:
        self._channel.send(ControlMessage(kind, values))

    def fail(self, text: str, code: int = 1) -> None:
        """Say why this process ends before it serves. No text: it was shown already."""
        self.send("failed", text=text[:_LONGEST_TEXT], code=code)

    def read(self) -> None:
        """Take what the parent has said meanwhile."""
        while (message := self._channel.receive()) is not None:
            if message.kind == "leave":
                self.must_leave = True
            elif message.kind == "hurry":
                self.in_hurry = True
            elif message.kind == "primary":
                self.is_primary = True
            else:
                self._answer = message

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Until this is so, or the parent is gone, or the time is over. Whether it is so."""
        deadline = time.monotonic() + seconds
        self.read()
        while not until() and not self.orphaned:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._channel.wait(min(left, 0.1))
            self.read()
        return until()

    def provide(self, settings: Sequence[ListenerSettings]) -> list[ListenerSettings]:
        """Have the parent open the sockets of these listeners. Raises StartError."""
        self.send("listen", places=[[wanted.addresses, wanted.port] for wanted in settings])
        if not self.wait(lambda: self._answer is not None, _TIMEOUT):
            raise StartError("The parent process has not sent this worker its sockets.")
        answer, self._answer = self._answer, None
        assert answer is not None
        if answer.kind == "refused":
            raise StartError(answer.values["text"])
        sockets = iter(answer.sockets)
        return [
            replace(wanted, sockets=tuple(islice(sockets, count)))
            for wanted, count in zip(settings, answer.values["counts"], strict=True)
        ]
