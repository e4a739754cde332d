"""Roamer: a client that is cut again and again, and comes back to another node each time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

from pode_py.testing import FaultProxy, SseEnded, SseRefused, SseTimeout, WireTimeout, sse

#: How long the whole of it may take.
LONGEST = 90.0


class Roamer:
    """Runs while its `with` block does. `events` are the data and ids of what it got; of
    everything that must not happen to it, `surprises` tells."""

    def __init__(
        self, urls: Sequence[str], *, seed: int = 7, cuts: int = 100, path: str = "/events"
    ) -> None:
        self._random = random.Random(seed)
        self._proxies = [FaultProxy(url) for url in urls]
        self._path = path
        self._cuts = cuts
        self._last: str | None = None
        self._over = threading.Event()
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.connects = 0
        self.events: list[tuple[str, str]] = []
        self.surprises: list[str] = []

    @property
    def texts(self) -> list[str]:
        return [data for data, _ in self.events]

    def calm(self) -> None:
        """Be cut once more, and then never again."""
        self._cuts = 0
        for proxy in self._proxies:
            proxy.cut_after = None
            proxy.cut()

    def wait_for(self, text: str, seconds: float = LONGEST) -> None:
        """Until this text has come."""
        until = time.monotonic() + seconds
        while text not in self.texts[-50:]:
            last = self.events[-3:]
            assert time.monotonic() < until, f"{text!r} did not come; the last were {last}."
            assert not self.surprises, self.surprises
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._over.is_set():
            proxy = self._proxies[self.connects % len(self._proxies)]
            cut = self.connects <= self._cuts
            proxy.cut_after = self._random.randrange(600, 5000) if cut else None
            self.connects += 1
            try:
                self._listen(proxy.url + self._path)
            except (OSError, SseEnded, SseRefused, WireTimeout):
                time.sleep(0.01)
            except SseTimeout as error:
                self.surprises.append(str(error))
                return

    def _listen(self, url: str) -> None:
        with sse(url, last_event_id=self._last, deadline=LONGEST) as stream:
            try:
                while not self._over.is_set():
                    event = stream.next()
                    if event.type == "message":
                        self.events.append((event.data, event.id))
                    elif event.type == "pode.open":
                        self._opened.set()
                    elif event.type not in ("pode.ping", "pode.close"):
                        self.surprises.append(event.type)
            finally:
                self._last = stream.last_event_id or self._last

    def __enter__(self) -> Roamer:
        self._thread.start()
        assert self._opened.wait(30), "It could not connect."
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for proxy in self._proxies:
            proxy.close()
        self._thread.join(10)
