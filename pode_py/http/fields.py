"""Fields: named values that a client sent, or forgot to send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pode_py.core.errors import StatusError


class Fields(dict[str, Any]):
    """A dict that answers 400 for a name the client did not send.

    ``fields["name"]`` raises StatusError, ``fields.get("name")`` returns None. `what` names one
    of them in messages: "query parameter".
    """

    __slots__ = ("what",)

    def __init__(self, what: str, values: Any = ()) -> None:
        super().__init__(values)
        self.what = what

    def __missing__(self, name: str) -> Any:
        raise StatusError(400, f"The request needs the {self.what} {name!r}.")

    @classmethod
    def of_pairs(cls, what: str, pairs: Iterable[tuple[str, str]]) -> Fields:
        """A name that occurs more than once gets the list of its values."""
        made = cls(what)
        for name, value in pairs:
            if name not in made:
                made[name] = value
            elif isinstance(made[name], list):
                made[name].append(value)
            else:
                made[name] = [made[name], value]
        return made
