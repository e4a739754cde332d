"""Siblings: the other processes that serve the same script, and what streams would need there.

A stream belongs to the process that has its socket. Without a backplane an event reaches the
clients of the process that sent it, and nobody would see why the others get nothing.
"""

from __future__ import annotations

from pode_py.core.errors import PodeError


class Siblings:
    """`workers` is how many processes there are. `wanted_by` names what in the set-up says that
    streams will be opened.
    """

    def __init__(self) -> None:
        self.workers = 1
        self.wanted_by = ""

    def check(self) -> None:
        """Raise PodeError for a stream that is about to open, where there are others."""
        if self.workers > 1:
            raise PodeError(self.complaint("a route opens a stream"))

    def complaint(self, why: str) -> str:
        """What is wrong, and what to do."""
        return (
            f"start_server(workers={self.workers}) can't serve event streams by itself, and {why}: "
            "an event would reach only the clients of the worker that sends it. Call "
            'enable_sse_backplane("redis://localhost") in the set-up function, or use workers=1.'
        )
