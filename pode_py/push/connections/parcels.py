"""Parcels: events on their way to connections, and what number each got in each outbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pode_py.exchange.batch import Batch
from pode_py.exchange.batches import Numbers
from pode_py.exchange.outbox import Outbox
from pode_py.push.sse.connection import SseConnection


class Parcel:
    """One event on its way to `found`; afterwards, what number it got in each outbox."""

    __slots__ = ("_numbers", "_place", "found", "frame")

    def __init__(self, frame: bytes, found: Sequence[SseConnection]) -> None:
        self.frame = frame
        self.found = found
        self._numbers: Numbers | Sorted | None = None
        self._place = 0

    def arrived(self, numbers: Numbers | Sorted, place: int = 0) -> None:
        """It was the event at `place` of a batch, which got these numbers."""
        self._numbers, self._place = numbers, place

    @property
    def is_settled(self) -> bool:
        return self._numbers is not None

    def tickets(self) -> Iterator[tuple[Outbox, int]]:
        """The outboxes that took it, and its number there. None if carrying it out failed."""
        if self._numbers is None:
            return
        if isinstance(self._numbers, Sorted):
            own = self._numbers.numbers_of(self)
        else:
            own = [_at(number, self._place) for number in self._numbers]
        for connection, number in zip(self.found, own, strict=True):
            if number:
                yield connection.outbox, number


class Sorted:
    """Parcels for many audiences, sorted by connection: each gets all of its events at once.

    To put them one by one costs a lock for each event and connection. Which number an event got
    where is worked out when somebody asks.
    """

    __slots__ = ("_numbers", "_parcels", "_places")

    def __init__(self, parcels: Sequence[Parcel]) -> None:
        self._parcels = parcels
        self._numbers: dict[SseConnection, int | list[int]] = {}
        self._places: dict[Parcel, list[int]] | None = None

    def carry_out(self) -> int:
        """Put them into the outboxes. Gives how many were taken."""
        mail: dict[SseConnection, list[bytes]] = {}
        for parcel in self._parcels:
            frame = parcel.frame
            for connection in parcel.found:
                if connection in mail:
                    mail[connection].append(frame)
                else:
                    mail[connection] = [frame]
        taken = 0
        for connection, frames in mail.items():
            number: int | list[int]
            if len(frames) == 1:
                number = connection.outbox.put(frames[0])
            else:
                number = connection.outbox.put_all(frames, Batch.of(frames))
            self._numbers[connection] = number
            taken += count_taken(number, len(frames))
        for parcel in self._parcels:
            parcel.arrived(self)
        return taken

    def numbers_of(self, parcel: Parcel) -> list[int]:
        if self._places is None:
            self._places = self._find_places()
        places = zip(parcel.found, self._places[parcel], strict=True)
        return [_at(self._numbers[connection], place) for connection, place in places]

    def _find_places(self) -> dict[Parcel, list[int]]:
        """At which place of its connection's events each event stands, for each connection."""
        counts: dict[SseConnection, int] = {}
        found: dict[Parcel, list[int]] = {}
        for parcel in self._parcels:
            places = found[parcel] = []
            for connection in parcel.found:
                place = counts.get(connection, 0)
                counts[connection] = place + 1
                places.append(place)
        return found


def count_taken(number: int | list[int], events: int) -> int:
    """How many of a batch's events an outbox took, by the numbers it gave."""
    return sum(map(bool, number)) if isinstance(number, list) else events * bool(number)


def batches(parcels: Iterable[Parcel], most: int) -> Iterator[list[Parcel]]:
    """Events in a row for the same connections, up to `most` bytes."""
    batch: list[Parcel] = []
    size = 0
    for parcel in parcels:
        if batch and (parcel.found is not batch[0].found or size + len(parcel.frame) > most):
            yield batch
            batch, size = [], 0
        batch.append(parcel)
        size += len(parcel.frame)
    if batch:
        yield batch


def _at(number: int | list[int], place: int) -> int:
    if isinstance(number, list):
        return number[place]
    return number and number + place
