"""Fields: named values that a client sent, or forgot to send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from pode_py.http.getters import Getters, missing


class Fields(dict[str, Any], Getters):
    """A dict that answers 400 for a name the client did not send.

    ``fields["name"]`` raises StatusError, ``fields.get("name")`` returns None. `what` names one
    of them in messages: "query parameter".
    """

    __slots__ = ("what",)

    def __init__(self, what: str, values: Any = ()) -> None:
        super().__init__(values)
        self.what = what

    def __missing__(self, name: str) -> Any:
        raise missing(self.what, name, self.hint)

    def _sent(self, name: str) -> list[Any]:
        value = self.get(name)
        if isinstance(value, list):
            return value
        return [] if value is None else [value]

    @classmethod
    def of_pairs(cls, what: str, pairs: Iterable[tuple[str, str]]) -> Self:
        """A name that occurs more than once gets the list of its values."""
        made = cls(what)
        for name, value in pairs:
            before = dict.get(made, name)  # exactly this name
            if before is None:
                made[name] = value
            elif isinstance(before, list):
                before.append(value)
            else:
                made[name] = [before, value]
        return made


class AnyCaseFields(Fields):
    """Fields whose names are found exactly first, and then in any case of letters.

    So ported scripts find what they ask for, as in Pode. Iteration shows names as they were sent.
    """

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        key = self._alike(name)
        return super().__missing__(name) if key is None else self[key]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self._alike(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        if super().__contains__(name):
            return super().get(name)
        key = self._alike(name)
        return default if key is None else super().get(key)

    def _alike(self, name: object) -> str | None:
        """The first name that differs in the case of letters only."""
        if not isinstance(name, str):
            return None
        wanted = name.lower()
        return next((known for known in self if known.lower() == wanted), None)
