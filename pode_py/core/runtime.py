"""Runtime: what each room of a server gets. A value, and no way to the server."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from threading import RLock

from pode_py.core.calls import Calls
from pode_py.core.clock import Clock
from pode_py.core.paths import Folders

#: Gets an error, or what is wrong in words, and where: "Timer 'tick'".
Report = Callable[[BaseException | str, str], None]


@dataclass(frozen=True, slots=True)
class Runtime:
    """`report` logs an error that belongs to no request, `warn` what is odd and harmed nobody.

    `lockable` is the server's global lock, for events. What runs for users runs in a copy of
    `context`, where this server is the current one.
    """

    clock: Clock
    folders: Folders
    calls: Calls
    context: Context
    report: Report
    warn: Report
    lockable: RLock
