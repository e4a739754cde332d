"""A Runtime for rooms that are tested without their server."""

from __future__ import annotations

from contextvars import Context, copy_context
from pathlib import Path
from threading import RLock

from pode_py.core.calls import Calls
from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.core.paths import Folders
from pode_py.core.runtime import Report, Runtime


def unexpected(error: BaseException | str, where: str) -> None:
    """Where a test expects no report."""
    raise AssertionError(f"{where}: {error}")


def a_runtime(
    root: Path = Path(),
    loop: EventLoop | None = None,
    clock: Clock | None = None,
    *,
    report: Report = unexpected,
    context: Context | None = None,
) -> Runtime:
    """One whose reports and warnings go to `report`."""
    return Runtime(
        clock=clock or Clock(),
        folders=Folders(root),
        calls=Calls(loop or EventLoop()),
        context=context or copy_context(),
        report=report,
        warn=report,
        lockable=RLock(),
    )
