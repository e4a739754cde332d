"""How much is measured: each setting is an option of the command line. It reads no command line."""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any


def option(default: int, text: str, *, quick: int | None = None) -> Any:
    """Return a field that is an option: its default, what --help says, its default with --quick."""
    return field(
        default=default,
        metadata={"text": text, "quick": default if quick is None else quick},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured. A field made by `option` is an option of its name."""

    rounds: int = option(5, "figures are medians of so many", quick=1)
    seconds: int = option(
        2, "how long requests, or token streams, load a server in a round", quick=1
    )
    streams: int = option(1000, "open event streams", quick=100)
    burst: int = option(500, "events back to back to each stream", quick=100)
    burst_timeout: int = option(
        60, "seconds after which a burst is over; what has not arrived is lost", quick=20
    )
    paced: int = option(30, "events with an interval between", quick=10)
    interval_ms: int = option(100, "that interval")
    offered: int = option(5000, "events, one each millisecond, to each stream", quick=500)
    idle_streams: int = option(10_000, "streams on which nothing happens", quick=500)
    idle_seconds: int = option(15, "how long they are watched: from ping to ping", quick=2)
    server_core: int | None = None
    client_core: int | None = None

    @property
    def pinned(self) -> str:
        """Return what a title says of it: nothing unless server and client have a core each."""
        return "" if self.server_core is None else ", server and client pinned to a core each"


def options() -> Iterator[Field[int]]:
    """Return the fields that are options of the command line."""
    return (one for one in fields(Settings) if "text" in one.metadata)
