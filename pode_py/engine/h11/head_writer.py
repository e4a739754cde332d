"""HeadWriter: the heads of responses as bytes, of which whatever repeats is made once."""

from __future__ import annotations

from email.utils import formatdate

from pode_py.core.clock import Clock
from pode_py.http.response import HeadDefaults, Response, first_lines, last_lines

# Responses whose fields are the same share their first lines. Beyond that many kinds all are
# forgotten: what a handler makes anew each time (cookies, tags) must not fill the memory.
_MOST_KINDS = 512
# Their fields, and what they share, which counts as one. With more fields than these, besides those
# that all have, a head is hardly ever the same again.
_MOST_FIELDS = 5
# The Date field has a resolution of one second.
_DATE_LIVES = 0.5


class HeadWriter:
    """Of one engine, used by all of its workers.

    No lock: each step is one operation of a dict or one assignment, and the worst that two
    threads can do is make the same bytes twice.
    """

    def __init__(self, clock: Clock, server_name: str, defaults: HeadDefaults) -> None:
        self._clock = clock
        self._server_name = server_name
        self._defaults = defaults
        self._made = (0.0, b"")

    def head(self, response: Response, framing: bytes) -> bytes:
        """The whole head. `framing` is the engine's own lines, each ending in CRLF."""
        return b"%b%b%b" % (self._first_lines(response), framing, self._last_lines())

    def plain(self, response: Response, length: int) -> bytes:
        """The head of the plainest kind: a body of this length, and the connection stays open."""
        return b"%bContent-Length: %d\r\n%b" % (
            self._first_lines(response),
            length,
            self._last_lines(),
        )

    def _first_lines(self, response: Response) -> bytes:
        fields, defaults = response.headers.kind(), self._defaults
        if len(fields) > _MOST_FIELDS + defaults.repeated:
            return first_lines(response, self._server_name, defaults)
        kinds = defaults.known  # before the lines are made: see HeadDefaults
        kind = (response.status_code, response.reason, *fields)
        known = kinds.get(kind)
        if known is None:
            known = first_lines(response, self._server_name, defaults)
            if len(kinds) >= _MOST_KINDS:
                kinds.clear()
            kinds[kind] = known
        return known

    def _last_lines(self) -> bytes:
        now = self._clock.monotonic()
        made, lines = self._made
        if not lines or now - made >= _DATE_LIVES:
            lines = last_lines(formatdate(self._clock.now().timestamp(), usegmt=True))
            self._made = (now, lines)
        return lines
