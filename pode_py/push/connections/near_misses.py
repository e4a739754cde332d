"""NearMisses: a send that reaches nobody, while somebody is connected under nearly the same name;
and a setting for a name that differs from that of a connection by case or blanks alone.

That a send reaches nobody is no error, and mostly as it should be. So a hint is given only where
name, group or client id differ from one that is there by case, by blanks or by a few letters, and
where nobody has ever been connected under it. A worker looks, once a second at most, and says what
it finds once a minute at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pode_py.core.clock import Clock
from pode_py.core.paths import line_of_call
from pode_py.core.signing import PREFIX, is_signed
from pode_py.push.connections.audience import Audience
from pode_py.push.connections.connection import PushConnection
from pode_py.push.connections.lookups import Lookups
from pode_py.push.connections.store import Store

_BETWEEN_LOOKS = 1.0
_QUIET = 60.0
# Where there are more names, they are made up by code, and resemble each other.
_MOST_KNOWN = 5000
_MOST_COMPARED = 1000
# Shorter names resemble each other by chance.
_SHORTEST = 4
_ALIKE = 0.8
_DIGITS = re.compile(r"\d+")


class NearMisses:
    """Any thread may call it. `submit` has a job run on a worker, `warn` gets the hints."""

    def __init__(
        self,
        clock: Clock,
        store: Store[Any],
        lookups: Lookups,
        submit: Callable[[Callable[[], None]], None],
        warn: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._store = store
        self._lookups = lookups
        self._submit = submit
        self._warn = warn
        self._next_look = float("-inf")
        # What connections have ever had; groups are folded.
        self._names: set[str] = set()
        self._groups: set[str] = set()
        # By its key, the names that calls have set something for.
        self._settings: dict[str, dict[str, set[str]]] = {}

    def entered(self, connection: PushConnection) -> None:
        """These names and groups are no mistakes."""
        if len(self._names) < _MOST_KNOWN and not self._names.issuperset(connection.names):
            if self._settings:
                self._compare_settings(set(connection.names) - self._names)
            self._names.update(connection.names)
        if connection.groups and len(self._groups) < _MOST_KNOWN:
            self._groups.update(group.casefold() for group in connection.groups)

    def set_for(self, name: str, call: str) -> None:
        """`call` has set something for connections of this name."""
        if name != "*":
            self._settings.setdefault(_key_of(name), {}).setdefault(call, set()).add(name)

    def _compare_settings(self, names: Iterable[str]) -> None:
        for name in names:
            for call, meant in self._settings.get(_key_of(name), {}).items():
                if name not in meant:
                    self._warn(
                        f"{call} was called for {min(meant)!r}, and a connection of {name!r} has "
                        "opened: names are compared exactly."
                    )

    def reached_nobody(self, audience: Audience) -> None:
        """A send has reached nobody here."""
        now = self._clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _BETWEEN_LOOKS
        where = line_of_call()
        self._submit(lambda: self._look(audience, where))

    def _look(self, audience: Audience, where: str) -> None:
        """On a worker: it may ask other nodes."""
        hint = self._hint(audience)
        if hint is not None:
            self._next_look = self._clock.monotonic() + _QUIET
            self._warn(f"{where}{hint}")

    def _hint(self, audience: Audience) -> str | None:
        connected = self._lookups.names()
        for name in audience.names:
            if name in connected:
                hint = self._hint_within(name, audience)
            else:
                near = None if name in self._names else _nearest(name, connected)
                hint = near and f"nobody is connected to {name!r}; connected: {near!r}."
            if hint is not None:
                return hint
        return None

    def _hint_within(self, name: str, audience: Audience) -> str | None:
        """Somebody has the name, but not the group or the client id."""
        groups = self._lookups.groups(name) if audience.groups else []
        known = {group.casefold() for group in groups} | self._groups
        for group in audience.groups:
            near = None if group.casefold() in known else _nearest(group, groups)
            if near is not None:
                return f"nobody at {name!r} is in the group {group!r}; there is: {near!r}."
        if not audience.client_ids:
            return None
        own = [one.client_id for one in self._store.select(name)]
        alike = {_key_of(_unsigned(client_id)): client_id for client_id in own}
        for client_id in audience.client_ids:
            near = None if client_id in own else alike.get(_key_of(_unsigned(client_id)))
            if near is not None and is_signed(near):
                return (
                    f"nobody at {name!r} has the client id {client_id!r}, but one whose id is "
                    "signed: send to the whole id, with its signature."
                )
            if near is not None:
                return f"nobody at {name!r} has the client id {client_id!r}; there is: {near!r}."
        return None


def _nearest(text: str, there: Iterable[str]) -> str | None:
    """The one that was probably meant, if any: the same but for case and blanks, or nearly so."""
    some = list(islice(there, _MOST_COMPARED))
    for one in some:
        if _key_of(one) == _key_of(text):
            return one
    if len(text) < _SHORTEST:
        return None
    # user-1 is no misspelled user-2.
    digits = _DIGITS.findall(text)
    found = get_close_matches(
        text, [one for one in some if _DIGITS.findall(one) == digits], 1, _ALIKE
    )
    return found[0] if found else None


def _key_of(text: str) -> str:
    return "".join(text.split()).casefold()


def _unsigned(client_id: str) -> str:
    return client_id[len(PREFIX) :].rpartition(".")[0] if is_signed(client_id) else client_id
