"""Phases: the order in which the rooms of a server start and stop, and the time each stop gets."""

from __future__ import annotations

from enum import Enum, auto
from math import inf


class Start(Enum):
    """In this order."""

    NODES = auto()  # the other nodes of a backplane
    LISTEN = auto()  # requests are answered from here on
    BACKGROUND = auto()  # and timers and schedules run


class Stop(Enum):
    """In this order, with the seconds that a room has at least and at most.

    The least is what is left when the grace time is over or somebody is in a hurry: streams still
    get their last event, and logs their last lines. All of them together are about a second.
    """

    LISTENING = 0, 0.0, 0.0
    TICKER = 1, 0.0, 1.0  # nothing becomes due any more
    TERMINATE = 2, 0.25, inf  # users' handlers of the server's end
    REQUESTS = 3, 0.0, inf
    RUNS = 4, 0.0, inf
    LATE = 5, 0.25, 0.25  # async handlers and runs that have not ended are cancelled
    GOODBYE = 6, 0.0, 0.0  # streams get their last event
    DRAIN = 7, 0.5, inf  # and it is written
    NODES = 8, 0.5, inf
    EVENTS = 9, 0.25, inf
    ENGINE = 10, 0.25, 0.25
    # Custom log methods may be async: their last lines are written while the loop runs.
    LINES = 11, 1.0, inf
    LOOP = 12, 0.25, 0.25
    LOGS = 13, 1.0, inf

    def __init__(self, place: int, at_least: float, at_most: float) -> None:
        self.place = place
        self.at_least = at_least
        self.at_most = at_most
