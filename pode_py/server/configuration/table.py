"""ConfigTable: what get_config returns. Read-only, and its keys are found in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any


class ConfigTable(Mapping[str, Any]):
    """A table of a configuration. Tables in it are of this type, too; a list is always a copy.

    `where` says which table it is, for errors: "server.toml".
    """

    __slots__ = ("_keys", "_values", "_where")

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._where = where
        self._values = {key: _kept(value, key, where) for key, value in values.items()}
        self._keys = {key.casefold(): key for key in self._values}

    def __getitem__(self, key: str) -> Any:
        try:
            value = self._values[self._keys[key.casefold()]]
        except (KeyError, AttributeError):
            raise KeyError(self._missing(key)) from None
        return _copied(value) if isinstance(value, list) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<ConfigTable {self._where}: {', '.join(self._values)}>"

    def _missing(self, key: object) -> str:
        if not self._values:
            return f"There is no {key!r} in {self._where}, which has no keys."
        near = get_close_matches(str(key).casefold(), self._keys, 1)
        hint = f" Did you mean {self._keys[near[0]]!r}?" if near else ""
        keys = ", ".join(map(repr, self._values))
        return f"There is no {key!r} in {self._where}. Its keys are {keys}.{hint}"


def _kept(value: Any, key: str, where: str) -> Any:
    if isinstance(value, Mapping):
        return ConfigTable(value, f"{key} of {where}")
    return [_kept(one, key, where) for one in value] if isinstance(value, list) else value


def _copied(values: list[Any]) -> list[Any]:
    return [_copied(one) if isinstance(one, list) else one for one in values]
