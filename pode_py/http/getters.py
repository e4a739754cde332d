"""Getters: what a client sent under a name, read as a number, a date, a choice. Or StatusError 400.

Text of a query or a header and values of a JSON body are read alike: ``7`` and ``"7"`` are the same
number. Messages name the field, and repeat nothing of what the client sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Any, TypeVar, cast, overload
from uuid import UUID

from pode_py.core.errors import StatusError

Default = TypeVar("Default")
Choice = TypeVar("Choice", bound=Enum)
Value = TypeVar("Value")

# Instead of a default: the field is needed.
_NEEDED: Any = object()

# Python's own int() and float() also take underscores and the digits of other scripts.
_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")
_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class Getters:
    """The getters. Who derives from it says what was sent (`_sent`), and what one is called.

    Each takes a default for a field that was not sent, or is empty. Without one the field is
    needed: a request that does not have it gets 400. So does one whose value does not fit, or that
    has several values where one is meant.
    """

    __slots__ = ()

    #: What one of them is called in messages: "query parameter".
    what: str
    #: What a client probably did wrong if one is missing, with a space before it.
    hint = ""

    def _sent(self, name: str) -> list[Any]:
        """What was sent under this name: nothing, one value, or several."""
        raise NotImplementedError

    def _items(self, name: str) -> list[Any]:
        """The items of the list that was sent under this name."""
        return list(self._sent(name))

    @overload
    def get_str(self, name: str) -> str: ...
    @overload
    def get_str(self, name: str, default: Default) -> str | Default: ...
    def get_str(self, name: str, default: Any = _NEEDED) -> Any:
        """Text; an empty one is text, too."""
        sent = self._sent(name)
        if sent == [""]:
            return ""
        return self._one(name, default, _str, "text")

    @overload
    def get_int(
        self, name: str, *, minimum: int | None = None, maximum: int | None = None
    ) -> int: ...
    @overload
    def get_int(
        self,
        name: str,
        default: Default,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> int | Default: ...
    def get_int(
        self,
        name: str,
        default: Any = _NEEDED,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> Any:
        """A whole number within the bounds, which it may reach."""
        what = f"a whole number{_bounds(minimum, maximum)}"
        return self._one(name, default, _within(_int, minimum, maximum), what)

    @overload
    def get_float(
        self, name: str, *, minimum: float | None = None, maximum: float | None = None
    ) -> float: ...
    @overload
    def get_float(
        self,
        name: str,
        default: Default,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> float | Default: ...
    def get_float(
        self,
        name: str,
        default: Any = _NEEDED,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> Any:
        """A number with a decimal point within the bounds; never infinite, never NaN."""
        what = f"a number{_bounds(minimum, maximum)}"
        return self._one(name, default, _within(_float, minimum, maximum), what)

    @overload
    def get_bool(self, name: str) -> bool: ...
    @overload
    def get_bool(self, name: str, default: Default) -> bool | Default: ...
    def get_bool(self, name: str, default: Any = _NEEDED) -> Any:
        """True for true, 1, yes, on; False for false, 0, no, off, in any case of letters."""
        return self._one(name, default, _bool, "true or false")

    @overload
    def get_date(
        self, name: str, *, minimum: date | None = None, maximum: date | None = None
    ) -> date: ...
    @overload
    def get_date(
        self,
        name: str,
        default: Default,
        *,
        minimum: date | None = None,
        maximum: date | None = None,
    ) -> date | Default: ...
    def get_date(
        self,
        name: str,
        default: Any = _NEEDED,
        *,
        minimum: date | None = None,
        maximum: date | None = None,
    ) -> Any:
        """A day, written as 2027-03-14, within the bounds."""
        what = f"a date such as 2027-03-14{_bounds(minimum, maximum)}"
        return self._one(name, default, _within(_date, minimum, maximum), what)

    @overload
    def get_uuid(self, name: str) -> UUID: ...
    @overload
    def get_uuid(self, name: str, default: Default) -> UUID | Default: ...
    def get_uuid(self, name: str, default: Any = _NEEDED) -> Any:
        """A UUID, with its hyphens or without."""
        return self._one(name, default, _uuid, "a UUID")

    @overload
    def get_enum(self, name: str, choices: type[Choice]) -> Choice: ...
    @overload
    def get_enum(self, name: str, choices: type[Choice], default: Default) -> Choice | Default: ...
    def get_enum(self, name: str, choices: type[Enum], default: Any = _NEEDED) -> Any:
        """The member of an Enum that has this value, or else this name, in any case of letters."""
        return self._one(name, default, _enum(choices), _one_of(choices))

    @overload
    def get_list(self, name: str) -> list[Any]: ...
    @overload
    def get_list(self, name: str, kind: type[Value]) -> list[Value]: ...
    def get_list(self, name: str, kind: type[Any] | None = None) -> list[Any]:
        """All values, as a list: of none, one or several.

        `kind` is str, int, float, bool, date, UUID or an Enum, and what each value is read as.
        """
        sent = self._items(name)
        if kind is None:
            return sent
        read, what = reader_of(kind)
        return [self._read(name, value, read, f"a list, each of it {what}") for value in sent]

    def _one(self, name: str, default: Any, read: Callable[[Any], Any], what: str) -> Any:
        sent = self._sent(name)
        if len(sent) > 1:
            raise StatusError(400, f"The {self.what} {name!r} must be one value: {what}.")
        value = sent[0] if sent else None
        if value is None or (isinstance(value, str) and not value.strip()):
            if default is _NEEDED:
                raise missing(self.what, name, self.hint)
            return default
        return self._read(name, value, read, what)

    def _read(self, name: str, value: Any, read: Callable[[Any], Any], what: str) -> Any:
        try:
            return read(value)
        except (ValueError, OverflowError):
            raise StatusError(400, f"The {self.what} {name!r} must be {what}.") from None


def missing(what: str, name: str, hint: str = "") -> StatusError:
    """What a request is answered with that lacks a field."""
    return StatusError(400, f"The request needs the {what} {name!r}.{hint}")


# They raise ValueError or OverflowError for what does not fit.


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


def _int(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else int(_matched(_WHOLE, value))


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    number = float(value if isinstance(value, (int, float)) else _matched(_NUMBER, value))
    if not math.isfinite(number):
        raise ValueError
    return number


def _bool(value: Any) -> bool:
    word = _WORDS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if word is None:
        raise ValueError
    return word


def _date(value: Any) -> date:
    return date.fromisoformat(_matched(_DATE, value))


def _uuid(value: Any) -> UUID:
    return UUID(_matched(_UUID, value))


def _matched(pattern: re.Pattern[str], value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not pattern.match(text):
        raise ValueError
    return text


def _enum(choices: type[Enum]) -> Callable[[Any], Enum]:
    def read(value: Any) -> Enum:
        if isinstance(value, (list, dict)):
            raise ValueError
        text = _choice_text(value)
        members = list(choices)
        for member in members:
            if _choice_text(member.value) == text:
                return member
        wanted = text.strip().lower()
        for member in members:
            if wanted in (_choice_text(member.value).lower(), member.name.lower()):
                return member
        raise ValueError

    return read


def _choice_text(value: Any) -> str:
    """As it stands in a query, or in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one_of(choices: type[Enum]) -> str:
    return "one of: " + ", ".join(_choice_text(member.value) for member in choices)


def _within(read: Callable[[Any], Any], minimum: Any, maximum: Any) -> Callable[[Any], Any]:
    if minimum is None and maximum is None:
        return read
    for name, bound in (("minimum", minimum), ("maximum", maximum)):
        if isinstance(bound, str):
            raise TypeError(f"{name} takes a value to compare with, not {bound!r}: no text.")

    def checked(value: Any) -> Any:
        found = read(value)
        if (minimum is not None and found < minimum) or (maximum is not None and found > maximum):
            raise ValueError
        return found

    return checked


def _bounds(minimum: Any, maximum: Any) -> str:
    if maximum is None:
        return "" if minimum is None else f", at least {minimum}"
    return f", at most {maximum}" if minimum is None else f" from {minimum} to {maximum}"


_READERS: dict[type, tuple[Callable[[Any], Any], str]] = {
    str: (_str, "text"),
    int: (_int, "a whole number"),
    float: (_float, "a number"),
    bool: (_bool, "true or false"),
    date: (_date, "a date such as 2027-03-14"),
    UUID: (_uuid, "a UUID"),
}


def reader_of(kind: type[Any]) -> tuple[Callable[[Any], Any], str]:
    """What reads a value of this kind, and what to call that. TypeError for an unknown kind."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind), _one_of(kind)
    try:
        return _READERS[cast(type, kind)]
    except (KeyError, TypeError):
        known = ", ".join(one.__name__ for one in _READERS)
        raise TypeError(
            f"get_list reads values as one of {known}, or an Enum; not {kind!r}."
        ) from None
