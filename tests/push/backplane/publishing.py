"""What the tests of outages share: a thread that publishes, and whether all of it has come."""

from __future__ import annotations

import threading
from itertools import pairwise

from tests.push.house import eventually


def is_up(node) -> bool:
    return dict(metrics(node))["pode_backplane_up"] == 1


def metrics(node):
    return [(one.name, one.value) for one in node.hub.nodes.backplane.metrics()]


def warnings(node) -> list[str]:
    return [one["message"] for one in node.warnings if one["message"].startswith("Redis at ")]


class Publisher:
    """Sends numbered events on a node, from a thread, until it is told to stop."""

    def __init__(self, node, word, pause=0.002):
        self.node, self.word, self.pause = node, word, pause
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.wait(self.pause):
            self.node.send(f"{self.word}{self.sent}")
            self.sent += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    def send_more(self, count):
        goal = self.sent + count
        eventually(lambda: self.sent >= goal, f"{count} more were sent", 60)


def check(roamer, *publishers):
    """Each event came once, each sender's in order."""
    assert not roamer.surprises
    got = roamer.texts
    for publisher in publishers:
        word = publisher.word
        own = [int(text[len(word) :]) for text in got if text.startswith(word)]
        assert own == list(range(publisher.sent)), f"{word}: {wrong(own)}"


def wrong(numbers):
    """Where a row of numbers does not go on."""
    steps = pairwise(numbers)
    return [(a, b) for a, b in steps if b != a + 1][:10], numbers[-1:]
