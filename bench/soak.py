"""The soak: streams come and go, some slow, some cut, while events flow; nothing may grow.

    python -m bench.soak [--minutes 10]

It prints memory, descriptors, threads and processor time of the server over time, then what is
left when everybody has gone, and what a thousand idle streams cost. Exit code 1 if anything has
grown, or a client that came back missed an event or got one twice.
"""

import argparse
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.process import free_port
from bench.tools import ROOT
from pode_py.testing import FaultProxy, SlowReader, SseClient, fetch, sse, storm

BATCH = 40
STEADY = 100
SLOW = 4
RETURNING = 4
IDLE = 1000
WAIT = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
# What memory may grow by between the first third and the last: allocators are never quite still.
GROWTH = 6 << 20


@dataclass(frozen=True)
class Sample:
    """The server's process at one moment."""

    at: float
    memory: int
    descriptors: int
    threads: int
    processor: float


class Soak:
    """The clients, each kind in threads of its own, until `stop`."""

    def __init__(self, port: int, pid: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.pid = pid
        self.stop = threading.Event()
        self.cycles = 0
        self.resumed = 0
        self.faults: list[str] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        kinds: list[Callable[[], None]] = [self._come_and_go, self._stay]
        kinds += [self._read_slowly] * SLOW + [self._come_back] * RETURNING
        for kind in kinds:
            thread = threading.Thread(target=self._guard, args=(kind,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def join(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(WAIT)
            if thread.is_alive():
                self.faults.append("A client hangs.")

    def _guard(self, kind: Callable[[], None]) -> None:
        try:
            while not self.stop.is_set():
                kind()
        except Exception as error:
            self.faults.append(f"{kind.__name__.strip('_')}: {error!r}")

    def _come_and_go(self) -> None:
        """A crowd arrives at once and leaves in all manners."""
        group = random.choice(("some", "others"))
        clients = storm(f"{self.url}/events?group={group}", BATCH, deadline=WAIT)
        for client in random.sample(clients, BATCH // 4):
            client.next()
        for client in clients:
            (client.reset if random.random() < 0.5 else client.close)()
        self.cycles += BATCH
        self.stop.wait(0.02)

    def _stay(self) -> None:
        """A crowd stays for a while and must hear everything in order."""
        clients = storm(self.url + "/events", STEADY, deadline=WAIT)
        last: dict[SseClient, int] = {}
        until = time.monotonic() + 20
        while time.monotonic() < until and not self.stop.is_set():
            for client in clients:
                for event in client.take(20, "message"):
                    self._check(last, client, event.data)
                client.received.clear()
        for client in clients:
            client.close()

    def _read_slowly(self) -> None:
        rate = random.choice((0, 500, 20_000))
        with SlowReader(f"{self.url}/events?name=Slow", rate=rate, deadline=WAIT):
            self.stop.wait(random.uniform(5, 20))

    def _come_back(self) -> None:
        """A client that is cut again and again in mid-frame gets each event once."""
        last: dict[str, int] = {}
        cursor = None
        with FaultProxy(self.port) as proxy:
            for _ in range(50):
                if self.stop.is_set():
                    return
                proxy.cut_after = random.randrange(600, 6000)
                with sse(proxy.url + "/events", last_event_id=cursor, deadline=WAIT) as client:
                    for event in client:
                        if event.type == "pode.reset":
                            self.faults.append("A reset within the time that history is kept.")
                        elif event.type == "message":
                            self._check(last, "it", event.data)
                    cursor = client.last_event_id or cursor
                self.resumed += 1

    def _check(self, last: dict, who: object, data: str) -> None:
        if data == "some":
            return
        number = int(data)
        if who in last and number != last[who] + 1:
            self.faults.append(f"{number} came after {last[who]}.")
        last[who] = number

    def sample(self) -> Sample:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return Sample(
            time.monotonic(),
            pages * os.sysconf("SC_PAGESIZE"),
            len(os.listdir(f"/proc/{self.pid}/fd")),
            int(fields[17]),
            (int(fields[11]) + int(fields[12])) / TICKS,
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description="Nothing may grow.")
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    port = free_port()
    command = [sys.executable, str(ROOT / "bench" / "servers" / "soak.py"), str(port)]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait_for(port)
        return _run(Soak(port, server.pid), minutes * 60)
    finally:
        server.send_signal(signal.SIGTERM)
        print(f"Stopped with exit code {server.wait(30)}.")


def _wait_for(port: int) -> None:
    until = time.monotonic() + WAIT
    while True:
        with contextlib.suppress(OSError):
            fetch(f"http://127.0.0.1:{port}/facts")
            return
        if time.monotonic() > until:
            raise SystemExit("The server did not start.")
        time.sleep(0.1)


def _run(soak: Soak, seconds: float) -> int:
    before = soak.sample()
    soak.start()
    every = min(10.0, seconds / 12)
    samples = _watch(soak, seconds, every)
    soak.join()
    faults = [*soak.faults, *_growth(samples), *_left_behind(soak, before)]
    print(f"{soak.cycles} streams came and went, {soak.resumed} came back after a cut.")
    for fault in dict.fromkeys(faults):
        print("FAULT:", fault)
    return 1 if faults else 0


def _watch(soak: Soak, seconds: float, every: float) -> list[Sample]:
    print("  seconds    memory  descriptors  threads  processor  streams that came")
    began, samples = time.monotonic(), [soak.sample()]
    while time.monotonic() - began < seconds and not soak.faults:
        soak.stop.wait(every)
        last, now = samples[-1], soak.sample()
        samples.append(now)
        share = (now.processor - last.processor) / (now.at - last.at)
        print(
            f"{now.at - began:9.0f} {now.memory / 1e6:6.1f} MB {now.descriptors:12} "
            f"{now.threads:8} {share:9.0%} {soak.cycles:18}",
            flush=True,
        )
    return samples


def _growth(samples: list[Sample]) -> list[str]:
    """What is larger in the last third than in the one before."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    faults = []

    def typical(part: list[Sample], what: str) -> float:
        return statistics.median(getattr(sample, what) for sample in part)

    grown = typical(last, "memory") - typical(middle, "memory")
    if grown > GROWTH:
        faults.append(f"Memory grew by {grown / 1e6:.1f} MB.")
    if typical(last, "descriptors") > typical(middle, "descriptors") * 1.5 + 50:
        faults.append("Open descriptors became more.")
    if max(sample.threads for sample in last) > max(sample.threads for sample in middle):
        faults.append("Threads became more.")
    return faults


def _left_behind(soak: Soak, before: Sample) -> list[str]:
    """What is there when everybody has gone; and what idle streams cost."""
    faults = []
    until = time.monotonic() + WAIT
    facts = {}
    while time.monotonic() < until:
        facts = fetch(soak.url + "/facts", deadline=WAIT).json()
        if not facts["streams"] and facts["connects"] == facts["leaves"]:
            break
        time.sleep(0.2)
    now = soak.sample()
    print(f"All gone: {now.memory / 1e6:.1f} MB, {now.descriptors} descriptors, {facts}")
    if facts["streams"] or facts["names"] or facts["connects"] != facts["leaves"]:
        faults.append(f"Streams were left behind: {facts}")
    if now.descriptors > before.descriptors + 1:
        faults.append(f"Descriptors: {before.descriptors} before, {now.descriptors} after.")
    share = _idle(soak)
    print(f"{IDLE} idle streams: {share:.1%} of a processor.")
    if share > 0.02:
        faults.append("Idle streams cost processor time.")
    return faults


def _idle(soak: Soak) -> float:
    fetch(soak.url + "/quiet", deadline=WAIT)
    clients = storm(soak.url + "/events?name=Idle", IDLE, deadline=WAIT)
    # Until the deadlines of all those requests have passed: each is looked at once.
    time.sleep(35)
    first = soak.sample()
    time.sleep(min(10.0, WAIT))
    last = soak.sample()
    for client in clients:
        client.close()
    return (last.processor - first.processor) / (last.at - first.at)


if __name__ == "__main__":
    sys.exit(main())
