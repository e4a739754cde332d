"""Shutdown: how long the steps of a stop may wait, what is said of those that it cuts, and how a
program that can't start exits."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from math import inf

from pode_py.core.errors import StartError
from pode_py.core.handlers import describe
from pode_py.exchange.exchange import Exchange

# Requests that are named when a stop cuts them.
_NAMED = 5
# How soon somebody's hurry is noticed.
_LOOK = 0.05


class GracePeriod:
    """The grace time, from now on. `hurried` is asked while something waits.

    What may wait for all of it runs on a thread of its own, and is left alone when the time is
    over. So a signal never has to raise in the middle of anything.
    """

    def __init__(self, seconds: float, hurried: Callable[[], bool]) -> None:
        self._deadline = time.monotonic() + seconds
        self._hurried = hurried

    @property
    def left(self) -> float:
        """Seconds of the grace time that are left."""
        return 0.0 if self._hurried() else max(0.0, self._deadline - time.monotonic())

    def wait(
        self, job: Callable[[float], object], at_least: float = 0.0, at_most: float = inf
    ) -> None:
        """Run `job` with the seconds that it may take; `at_least` these, even in a hurry.

        Returns when it has ended or the time is over. With a bound of its own, or no time at all,
        it runs right here.
        """
        begun = time.monotonic()
        seconds = min(max(self.left, at_least), at_most)
        if not seconds or at_most < inf:
            job(seconds)
            return
        ended = threading.Event()
        threading.Thread(
            target=_run, args=(job, seconds, ended), name="pode-stop", daemon=True
        ).start()
        while not ended.wait(min(_LOOK, seconds)):
            if time.monotonic() - begun >= max(self.left and seconds, at_least):
                return


def _run(job: Callable[[float], object], seconds: float, ended: threading.Event) -> None:
    try:
        job(seconds)
    finally:  # what it raises is shown as any thread's
        ended.set()


def cut_off(exchanges: Iterable[Exchange]) -> str:
    """What to say of requests whose handlers did not end in time: the longest of each kind."""
    now = time.monotonic()
    kinds: dict[str, list[float]] = {}
    for exchange in sorted(exchanges, key=lambda exchange: exchange.began):
        kinds.setdefault(_label(exchange), []).append(now - exchange.began)
    named = [_named(label, waited) for label, waited in list(kinds.items())[:_NAMED]]
    left = sum(map(len, kinds.values())) - sum(map(len, list(kinds.values())[:_NAMED]))
    if left:
        named.append(f"and {left} more")
    return (
        f"The stop waits no longer, and cuts {', '.join(named)}. A coroutine is cancelled; a plain "
        "handler goes on without a client until the program ends. Have it end sooner, or pass a "
        "longer grace= to start_server."
    )


def _label(exchange: Exchange) -> str:
    handler = None if exchange.route is None else exchange.route.handler
    what = "" if handler is None else f", `{describe(handler.function)}`"
    return f"{exchange.label}{what}"


def _named(label: str, waited: list[float]) -> str:
    times = f" ({len(waited)} times)" if len(waited) > 1 else ""
    return f"{label}{times}, after {waited[0]:.1f} s"


def exit_of(error: StartError) -> BaseException:
    """What ends a program that can't start: one sentence on standard error, exit code 1.

    A thread would end without a word, and an interactive session would end with everything in
    it: both get the error itself.
    """
    if threading.current_thread() is not threading.main_thread() or hasattr(sys, "ps1"):
        return error
    return SystemExit(f"pode_py: {error}")
