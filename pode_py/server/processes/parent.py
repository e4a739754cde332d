"""Parent: starts the worker processes, holds their sockets, and watches them until all end.

It runs none of the user's code and starts no thread: so it can be forked at any time, and nothing
in it can hang. One thread, one poll; signals are flags; a message is answered at once. A worker
that stands still is killed when its time is over. Restarts are in rolling_restart.py.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any

from pode_py.core.clock import LONGEST_WAIT
from pode_py.core.errors import PodeError, StartError
from pode_py.server.console.screen import complain, say
from pode_py.server.options import ServerOptions
from pode_py.server.processes.channel import MOST_SOCKETS, ControlMessage, ParentChannel, WorkerSpec
from pode_py.server.processes.child import WorkerLife
from pode_py.server.processes.process import (
    WorkerProcess,
    collect_orphans,
    complain_of,
    fork,
    outcome_of,
    warn_of_threads,
)
from pode_py.server.processes.rolling_restart import RollingRestart, WorkerSlot
from pode_py.server.processes.sockets import SharedSockets
from pode_py.server.shutdown import exit_of
from pode_py.server.signals import Signals, Terminal
from pode_py.server.systemd import Inherited, Notifier

# A worker ends within its grace time and about a second. One that has not by then never will.
_MARGIN = 3.0
# What the system may take to end a process that was killed.
_LAST_BREATH = 5.0
_MOST_FAILED_STARTS = 5
# While the number of a worker waits longer than this for its next process, it takes no more
# connections, which would wait, too.
_TOO_LONG = 1.0
# When the system lacks something, how long it is left alone.
_SHORTAGE = 5.0


class Parent:
    """One start_server call with several workers. All of it happens on the main thread."""

    def __init__(
        self,
        options: ServerOptions,
        handler: Callable[[], Any],
        read_options: Callable[[], ServerOptions],
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise PodeError(
                f"start_server(workers={options.workers}) works in the main thread only, for it "
                "forks the program. Call it there, or use workers=1."
            )
        self._inherited = Inherited()  # before anything else takes the descriptors
        self._sockets = SharedSockets(self._inherited)
        self._options = options
        # Those before the restart that goes on. They hold again if it fails.
        self._options_before = options
        self._handler = handler
        self._read_options = read_options
        self._secret = secrets.token_urlsafe(32)
        self._notifier = Notifier()
        self._terminal = Terminal()
        self._signals = Signals(
            ignore_interrupt=options.disable_termination, also=(signal.SIGHUP, signal.SIGCHLD)
        )
        self._slots = [WorkerSlot(number) for number in range(options.workers)]
        self._rolling_restart = RollingRestart(
            self._slots, self._start, self._begin_restart, self._end_restart
        )
        # Once the user's set-up has been through in one worker.
        self._set_up_once = False
        # Once all workers have served at the same time.
        self._announced = False
        self._stop_requested = False
        # Asked for before all workers served.
        self._restart_requested = False
        self._outcome: BaseException | None = None
        self._banner = ""

    def run(self) -> None:
        """Returns when all workers have ended. Raises SystemExit if they can't start."""
        warn_of_threads()
        try:
            with self._signals, closing(self._inherited):
                self._slots[0].due = time.monotonic()
                try:
                    self._watch()
                finally:
                    self._end_all()
            if self._outcome is not None:
                raise self._outcome
        except StartError as error:
            raise exit_of(error) from error

    # The loop.

    def _watch(self) -> None:
        while not self._must_stop():
            self._start_due()
            self._sleep(self._next_time())
            for process in self._processes():
                self._hear(process)
            self._collect()
            self._kill_late()
            if signal.SIGHUP in self._signals.others:
                self._signals.others.discard(signal.SIGHUP)
                self._on_hang_up()

    def _must_stop(self) -> bool:
        if self._signals.stop and not self._set_up_once and self._outcome is None:
            # As in a single process, where the set-up is interrupted.
            interrupted = self._signals.first == signal.SIGINT
            self._outcome = KeyboardInterrupt() if interrupted else SystemExit(128 + signal.SIGTERM)
        return self._signals.stop or self._stop_requested or self._outcome is not None

    def _processes(self) -> Iterator[WorkerProcess]:
        for slot in self._slots:
            yield from list(slot.processes())

    def _next_time(self) -> float | None:
        times = [slot.due for slot in self._slots]
        times += [process.deadline for process in self._processes()]
        return min((moment for moment in times if moment is not None), default=None)

    def _sleep(self, until: float | None) -> None:
        # Flags and messages are looked at after the bytes are cleared: none can be missed.
        poller = select.poll()
        poller.register(self._signals, select.POLLIN)
        for process in self._processes():
            if not process.channel.gone:
                poller.register(process.channel, select.POLLIN)
        left = None if until is None else max(0.0, until - time.monotonic())
        poller.poll(None if left is None else min(left, LONGEST_WAIT) * 1000)
        self._signals.clear()

    def _on_hang_up(self) -> None:
        if self._terminal.has_gone():
            self._stop_requested = True
        else:
            self._restart(again=True)

    # Starting.

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.due is not None and slot.due <= now:
                slot.due = None
                self._fill(slot)

    def _fill(self, slot: WorkerSlot) -> None:
        try:
            slot.process = self._start(slot)
        except OSError as error:  # no memory, descriptors or process ids: may pass
            text = f"No worker process can be started: {error.strerror}."
            if not self._announced:
                self._outcome = StartError(text)
                return
            self._sockets.keep(slot.number, ())
            complain(f"{text} It is tried again in {_SHORTAGE:g} s.")
            slot.due = time.monotonic() + _SHORTAGE

    def _start(self, slot: WorkerSlot) -> WorkerProcess:
        spec = WorkerSpec(
            number=slot.number,
            parent=os.getpid(),
            secret=self._secret,
            restarts=self._rolling_restart.restarts,
            awaits_primary=slot.process is not None,
            first=not slot.taken,
        )
        slot.taken = True
        return fork(
            slot.number,
            lambda channel, unblock: WorkerLife(
                self._options, self._handler, ParentChannel(channel), spec
            ).run(unblock),
            self._abandon,
        )

    def _abandon(self) -> None:
        """In a new process: what the parent holds is not its own."""
        self._signals.abandon()
        self._sockets.close()
        self._inherited.close()
        for process in self._processes():
            process.channel.close()

    # What workers say.

    def _hear(self, process: WorkerProcess) -> None:
        answers = {
            "listen": self._on_listen,
            "serving": self._on_serving,
            "resigned": self._on_resigned,
            "request": self._on_request,
            "failed": self._on_failed,
        }
        while (message := process.channel.receive()) is not None:
            answers[message.kind](process, message)

    def _on_listen(self, process: WorkerProcess, message: ControlMessage) -> None:
        """The set-up is through: give the worker its sockets."""
        self._set_up_once = True
        places = [(tuple(addresses), port) for addresses, port in message.facts["places"]]
        process.places = places
        try:
            if process.number == 0:
                self._sockets.check(places)
            opened = [self._sockets.open(process.number, place) for place in places]
            if sum(map(len, opened)) > MOST_SOCKETS:
                raise StartError(
                    f"Several workers can listen on {MOST_SOCKETS} addresses at most. Use fewer "
                    "endpoints, or workers=1."
                )
        except StartError as error:
            process.notify("refused", text=str(error))
            return
        counts = {"counts": [len(sockets) for sockets in opened]}
        process.channel.send(ControlMessage("sockets", counts, tuple(chain(*opened))))

    def _on_serving(self, process: WorkerProcess, message: ControlMessage) -> None:
        slot = self._slots[process.number]
        process.state = "serving"
        process.serving_since = time.monotonic()
        if process.number == 0:
            self._banner = message.facts["banner"]
        if process is slot.successor:
            self._rolling_restart.take_over(slot, time.monotonic() + self._options.grace + _MARGIN)
        if not self._announced:
            # The set-up works: the others may try it, too.
            self._start_others()
            self._announce()

    def _start_others(self) -> None:
        for slot in self._slots:
            if not slot.taken:
                slot.due = time.monotonic()

    def _announce(self) -> None:
        if not all(slot.is_serving for slot in self._slots):
            return
        self._announced = True
        self._tell(self._banner)
        self._notifier.ready()
        if self._restart_requested:
            self._restart(again=False)

    def _on_resigned(self, process: WorkerProcess, message: ControlMessage) -> None:
        del message
        heir = self._slots[process.number].process
        if heir is not None:
            heir.notify("primary")

    def _on_request(self, process: WorkerProcess, message: ControlMessage) -> None:
        if message.facts["request"] == "stop":
            self._stop_requested = True
        elif process.state == "serving":
            self._restart(again=False)

    def _on_failed(self, process: WorkerProcess, message: ControlMessage) -> None:
        process.failure = message

    # Restarting.

    def _restart(self, *, again: bool) -> None:
        """Replace all workers. `again`: once more, if that is being done already."""
        self._restart_requested = not self._announced
        if self._announced:
            self._rolling_restart.begin(again=again)

    def _begin_restart(self) -> str | None:
        """Read the configuration, once for all workers. Returns why it can't be."""
        self._tell("Restarting.")
        self._notifier.reloading()
        self._options_before = self._options
        try:
            self._options = self._read_options().following(self._options)
        except StartError as error:
            return str(error)
        return None

    def _end_restart(self, why_not: str | None) -> None:
        if why_not is None:
            self._tell(self._banner)
        else:
            self._options = self._options_before
            complain(f"The restart has ended: {why_not} The old workers go on.")
        self._notifier.ready()

    # What ends.

    def _collect(self) -> None:
        for process in self._processes():
            if process.collect():
                self._hear(process)
                process.channel.close()
                process.channel.gone = True
                self._on_end(process)
        if os.getpid() == 1:
            collect_orphans({process.pid for process in self._processes()})

    def _on_end(self, process: WorkerProcess) -> None:
        slot = self._slots[process.number]
        if process is slot.process:
            self._on_death(slot, process)
            self._keep_sockets(slot, without=process)
            return
        # Before the restart says that it has ended: a port that is no longer wanted is closed then.
        self._keep_sockets(slot, without=process)
        self._rolling_restart.on_end(slot, process)
        if slot.process is None and slot.due is None:
            slot.due = time.monotonic()

    def _keep_sockets(self, slot: WorkerSlot, *, without: WorkerProcess) -> None:
        """Close those that only a process wanted that has ended."""
        if slot.process is not None and slot.leaving in (None, without):
            places = [
                place for one in slot.processes() if one is not without for place in one.places
            ]
            self._sockets.keep(slot.number, places)

    def _on_death(self, slot: WorkerSlot, process: WorkerProcess) -> None:
        """A worker has ended that was to serve."""
        slot.process = None
        if self._must_stop():
            return
        if process.failure is not None and not self._announced:
            self._outcome = outcome_of(process.failure)
            return
        wait = slot.backoff.ended(process.served)
        if self._is_hopeless(slot):
            self._outcome = StartError(
                f"{_MOST_FAILED_STARTS} worker processes in a row have ended before they served; "
                f"the last one with {process.ending()}. Find out why with workers=1."
            )
            return
        if wait > _TOO_LONG:
            self._sockets.keep(slot.number, ())
        if self._announced:
            complain_of(process, wait)
        if slot.successor is None:
            slot.due = time.monotonic() + wait

    def _is_hopeless(self, slot: WorkerSlot) -> bool:
        if slot.backoff.failed_starts < _MOST_FAILED_STARTS:
            return False
        return not self._announced or not any(one.is_serving for one in self._slots)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for process in self._processes():
            if process.deadline is not None and process.deadline <= now:
                process.deadline = None
                process.send_signal(signal.SIGKILL)
                who = f"Worker {process.number} (PID {process.pid})"
                complain(f"{who} did not end in time and is killed.")

    # The end of all.

    def _end_all(self) -> None:
        # New clients must be refused, and not wait for workers that will never come.
        self._sockets.close()
        self._signals.expect_hurry()
        if self._announced:
            self._notifier.stopping()
            self._tell("Stopping. Press Ctrl+C again to stop at once.")
        deadline = time.monotonic() + self._options.grace + _MARGIN
        for process in self._processes():
            process.send_signal(signal.SIGTERM)
            process.deadline = deadline
        hurried = False
        while (
            any(not one.collect() for one in self._processes())
            and time.monotonic() < deadline + _LAST_BREATH
        ):
            if self._signals.at_once and not hurried:
                hurried = True
                deadline = self._hurry(deadline)
            self._sleep(min(deadline, time.monotonic() + _LAST_BREATH))
            for process in self._processes():
                process.channel.receive()
            self._kill_late()
        for process in self._processes():
            process.channel.close()
        if self._announced:
            self._tell("Stopped.")

    def _hurry(self, deadline: float) -> float:
        deadline = min(deadline, time.monotonic() + _MARGIN)
        for process in self._processes():
            process.notify("hurry")
            process.deadline = deadline
        return deadline

    def _tell(self, text: str) -> None:
        if not self._options.quiet:
            say(text)
