"""Parent: starts the worker processes, holds their sockets, and watches them until all end.

It runs none of the user's code and starts no thread: so it can be forked at any time, and nothing
in it can hang. One thread, one poll; signals are flags; a message is answered at once. A worker
that stands still is killed when its time is over. What happens in a restart is in roll.py.
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

from pode_py.core.errors import PodeError, StartError
from pode_py.server.console import complain, hold_standard_descriptors, say
from pode_py.server.ending import ending
from pode_py.server.inherited import Inherited
from pode_py.server.notifier import Notifier
from pode_py.server.options import ServerOptions
from pode_py.server.signals import Signals
from pode_py.server.workers.channel import MOST_SOCKETS, Message
from pode_py.server.workers.child import WorkerLife
from pode_py.server.workers.link import Link, Post
from pode_py.server.workers.process import WorkerProcess, collect_orphans, fork
from pode_py.server.workers.roll import Roll
from pode_py.server.workers.seats import Seat
from pode_py.server.workers.sockets import SharedSockets
from pode_py.server.workers.terminal import Terminal
from pode_py.server.workers.words import complain_of, outcome_of, warn_of_threads

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

    def __init__(self, options: ServerOptions, handler: Callable[[], Any]) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise PodeError(
                f"start_server(workers={options.workers}) works in the main thread only, for it "
                "forks the program. Call it there, or use workers=1."
            )
        hold_standard_descriptors()
        self._inherited = Inherited()  # before anything else takes the descriptors
        self._sockets = SharedSockets(self._inherited)
        self._options = options
        self._handler = handler
        self._secret = secrets.token_urlsafe(32)
        self._notifier = Notifier()
        self._terminal = Terminal()
        self._signals = Signals(
            ignore_interrupt=options.disable_termination, also=(signal.SIGHUP, signal.SIGCHLD)
        )
        self._seats = [Seat(number) for number in range(options.workers)]
        self._roll = Roll(self._seats, self._start, self._begin_of_roll, self._end_of_roll)
        # Once the user's set-up has been through in one worker.
        self._set_up_once = False
        # Once all workers have served at the same time.
        self._announced = False
        self._stop_wished = False
        # Asked for before all workers served.
        self._restart_wished = False
        self._outcome: BaseException | None = None
        self._banner = ""

    def run(self) -> None:
        """Returns when all workers have ended. Raises SystemExit if they can't start."""
        warn_of_threads()
        try:
            with self._signals, closing(self._inherited):
                self._seats[0].due = time.monotonic()
                try:
                    self._watch()
                finally:
                    self._end_all()
            if self._outcome is not None:
                raise self._outcome
        except StartError as error:
            raise ending(error) from error

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
        return self._signals.stop or self._stop_wished or self._outcome is not None

    def _processes(self) -> Iterator[WorkerProcess]:
        for seat in self._seats:
            yield from list(seat.processes())

    def _next_time(self) -> float | None:
        times = [seat.due for seat in self._seats]
        times += [process.deadline for process in self._processes()]
        return min((moment for moment in times if moment is not None), default=None)

    def _sleep(self, until: float | None) -> None:
        # Flags and messages are looked at after the bytes are cleared: none can be missed.
        poller = select.poll()
        poller.register(self._signals, select.POLLIN)
        for process in self._processes():
            if not process.channel.gone:
                poller.register(process.channel, select.POLLIN)
        left = None if until is None else max(0.0, until - time.monotonic()) * 1000
        poller.poll(left)
        self._signals.clear()

    def _on_hang_up(self) -> None:
        if self._terminal.has_gone():
            self._stop_wished = True
        else:
            self._restart(again=True)

    # Starting.

    def _start_due(self) -> None:
        now = time.monotonic()
        for seat in self._seats:
            if seat.due is not None and seat.due <= now:
                seat.due = None
                self._fill(seat)

    def _fill(self, seat: Seat) -> None:
        try:
            seat.process = self._start(seat)
        except OSError as error:  # no memory, descriptors or process ids: may pass
            text = f"No worker process can be started: {error.strerror}."
            if not self._announced:
                self._outcome = StartError(text)
                return
            self._sockets.keep(seat.number, ())
            complain(f"{text} It is tried again in {_SHORTAGE:g} s.")
            seat.due = time.monotonic() + _SHORTAGE

    def _start(self, seat: Seat) -> WorkerProcess:
        post = Post(
            number=seat.number,
            parent=os.getpid(),
            secret=self._secret,
            restarts=self._roll.restarts,
            awaits_duty=seat.process is not None,
            first=not seat.taken,
        )
        seat.taken = True
        return fork(
            seat.number,
            lambda channel, unblock: WorkerLife(
                self._options, self._handler, Link(channel), post
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
            "wish": self._on_wish,
            "failed": self._on_failed,
        }
        while (message := process.channel.receive()) is not None:
            answers[message.kind](process, message)

    def _on_listen(self, process: WorkerProcess, message: Message) -> None:
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
            process.tell("refused", text=str(error))
            return
        counts = {"counts": [len(sockets) for sockets in opened]}
        process.channel.send(Message("sockets", counts, tuple(chain(*opened))))

    def _on_serving(self, process: WorkerProcess, message: Message) -> None:
        seat = self._seats[process.number]
        process.state = "serving"
        process.serving_since = time.monotonic()
        if process.number == 0:
            self._banner = message.facts["banner"]
        if process is seat.successor:
            self._roll.take_over(seat, time.monotonic() + self._options.grace + _MARGIN)
        if not self._announced:
            # The set-up works: the others may try it, too.
            self._start_others()
            self._announce()

    def _start_others(self) -> None:
        for seat in self._seats:
            if not seat.taken:
                seat.due = time.monotonic()

    def _announce(self) -> None:
        if not all(seat.is_serving for seat in self._seats):
            return
        self._announced = True
        self._tell(self._banner)
        self._notifier.ready()
        if self._restart_wished:
            self._restart(again=False)

    def _on_resigned(self, process: WorkerProcess, message: Message) -> None:
        del message
        heir = self._seats[process.number].process
        if heir is not None:
            heir.tell("duty")

    def _on_wish(self, process: WorkerProcess, message: Message) -> None:
        if message.facts["wish"] == "stop":
            self._stop_wished = True
        elif process.state == "serving":
            self._restart(again=False)

    def _on_failed(self, process: WorkerProcess, message: Message) -> None:
        process.failure = message

    # Restarting.

    def _restart(self, *, again: bool) -> None:
        """Replace all workers. `again`: once more, if that is being done already."""
        self._restart_wished = not self._announced
        if self._announced:
            self._roll.begin(again=again)

    def _begin_of_roll(self) -> None:
        self._tell("Restarting.")
        self._notifier.reloading()

    def _end_of_roll(self, why_not: str | None) -> None:
        if why_not is None:
            self._tell(self._banner)
        else:
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
        seat = self._seats[process.number]
        if process is seat.process:
            self._on_death(seat, process)
        else:
            self._roll.on_end(seat, process)
            if seat.process is None and seat.due is None:
                seat.due = time.monotonic()
        places = [place for one in seat.processes() for place in one.places]
        if seat.process is not None and seat.leaving is None:
            self._sockets.keep(seat.number, places)

    def _on_death(self, seat: Seat, process: WorkerProcess) -> None:
        """A worker has ended that was to serve."""
        seat.process = None
        if self._must_stop():
            return
        if process.failure is not None and not self._announced:
            self._outcome = outcome_of(process.failure)
            return
        wait = seat.backoff.ended(process.served)
        if self._is_hopeless(seat):
            self._outcome = StartError(
                f"{_MOST_FAILED_STARTS} worker processes in a row have ended before they served; "
                f"the last one with {process.ending()}. Find out why with workers=1."
            )
            return
        if wait > _TOO_LONG:
            self._sockets.keep(seat.number, ())
        if self._announced:
            complain_of(process, wait)
        if seat.successor is None:
            seat.due = time.monotonic() + wait

    def _is_hopeless(self, seat: Seat) -> bool:
        if seat.backoff.failed_starts < _MOST_FAILED_STARTS:
            return False
        return not self._announced or not any(one.is_serving for one in self._seats)

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
        while any(self._alive()) and time.monotonic() < deadline + _LAST_BREATH:
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

    def _alive(self) -> Iterator[WorkerProcess]:
        return (process for process in self._processes() if not process.collect())

    def _hurry(self, deadline: float) -> float:
        deadline = min(deadline, time.monotonic() + _MARGIN)
        for process in self._processes():
            process.tell("hurry")
            process.deadline = deadline
        return deadline

    def _tell(self, text: str) -> None:
        if not self._options.quiet:
            say(text)
