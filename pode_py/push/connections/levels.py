"""Levels: how exactly a send has to say whom it means, by name of the connections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pode_py.core.errors import PodeError

Level = Literal["name", "group", "clientid"]
LEVELS: tuple[Level, ...] = ("name", "group", "clientid")


class Levels:
    """The level of a name, else that of "*", else "name". Names ignore case here, as in Pode."""

    def __init__(self) -> None:
        self._levels: dict[str, Level] = {}

    def set(self, name: str, level: Level) -> None:
        self._levels[name.casefold()] = level

    def get(self, name: str) -> Level:
        return self._levels.get(name.casefold()) or self._levels.get("*") or "name"

    def allows(self, name: str, groups: Collection[str], client_ids: Collection[str]) -> bool:
        level = self.get(name)
        if level == "name":
            return True
        return bool(client_ids) or (level == "group" and bool(groups))

    def check(self, name: str, groups: Collection[str], client_ids: Collection[str]) -> None:
        """Raise PodeError if a send says less than the level asks for."""
        if not self._levels or self.allows(name, groups, client_ids):
            return
        needed = "group= or client_id=" if self.get(name) == "group" else "client_id="
        raise PodeError(
            f"The broadcast level of {name!r} is {self.get(name)!r}: pass {needed} as well. "
            "Nothing was sent."
        )
