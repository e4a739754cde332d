"""Headers of requests and responses: names ignore case, values are checked before they travel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from pode_py.http.charsets import field_text
from pode_py.http.getters import Getters, missing

RawHeaders = list[tuple[bytes, bytes]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
# Visible ASCII, space, tab and the octets above 127 (RFC 9110, 5.5).
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")

# What commas separate, but those in quotes (RFC 9110, 5.6.1).
_ITEM = re.compile(r'(?:[^,"\\]|\\.|"(?:[^"\\]|\\.)*"|["\\])+')

# Of names that a handler makes up there may be any number.
_MOST_FOUND = 100


class RequestHeaders(Getters):
    """What the client sent, as h11 returns it: lower-case names, values as bytes. Read only.

    Values are UTF-8, as Pode reads them, or Latin-1 where they are none.

    Requests of one connection that repeat their fields share one of these, so what is looked up
    for every request is remembered.
    """

    __slots__ = ("_found", "raw")

    what = "header"

    def __init__(self, raw: RawHeaders) -> None:
        self.raw = raw
        self._found: dict[str, str | None] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """The value; several fields of one name are joined by commas (RFC 9110, 5.3)."""
        if name in self._found:
            value = self._found[name]
        else:
            values = self.get_all(name)
            value = ", ".join(values) if values else None
            if len(self._found) < _MOST_FOUND:
                self._found[name] = value
        return default if value is None else value

    def get_all(self, name: str) -> list[str]:
        key = name.lower().encode("latin-1", "replace")
        return [field_text(value) for known, value in self.raw if known == key]

    def _sent(self, name: str) -> list[str]:
        return self.get_all(name)

    def _items(self, name: str) -> list[str]:
        found = [item.strip() for field in self.get_all(name) for item in _ITEM.findall(field)]
        return [item for item in found if item]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise missing(self.what, name)
        return str(value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.decode("latin-1") for name, _ in self.raw))

    def __len__(self) -> int:
        return len(self.raw)

    def items(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), field_text(value)) for name, value in self.raw]

    def __repr__(self) -> str:
        return f"RequestHeaders({self.items()!r})"


class ResponseHeaders(MutableMapping[str, str]):
    """What will be sent, in the order it was set. Setting replaces, `add` keeps what is there.

    A name or value that could break out of its line (CR, LF, NUL and the like) is a ValueError
    at once, so that nothing of it reaches the wire.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str]] = []
        for name, value in fields:
            self.add(name, value)

    def add(self, name: str, value: Any) -> None:
        self._fields.append(checked_field(name, value))

    def add_known(self, *fields: tuple[str, str]) -> None:
        """Add fields of ours that can be sent for certain, so they need no check. Their names must
        not be set yet."""
        self._fields += fields

    def set_first(self, field: tuple[str, str]) -> None:
        """Set a constant field of ours, which needs no check, unless its name is set already."""
        if not self._fields or field[0] not in self:
            self._fields.append(field)

    def set_line(self, name: str, start: str, value: Any) -> None:
        """Set the one field of this name whose value begins with `start`; the others stay."""
        field = checked_field(name, value)
        key = name.lower()
        place = None
        kept: list[tuple[str, str]] = []
        for known in self._fields:
            if known[0].lower() != key or not known[1].startswith(start):
                kept.append(known)
            elif place is None:
                place = len(kept)
        kept.insert(len(kept) if place is None else place, field)
        self._fields = kept

    def __setitem__(self, name: str, value: Any) -> None:
        field = checked_field(name, value)
        key = name.lower()
        kept = [known for known in self._fields if known[0].lower() != key]
        kept.append(field)
        self._fields = kept

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0] if len(values) == 1 else ", ".join(values)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        key = name.lower()
        self._fields = [known for known in self._fields if known[0].lower() != key]

    def get_all(self, name: str) -> list[str]:
        key = name.lower()
        return [value for known, value in self._fields if known.lower() == key]

    def fields(self) -> list[tuple[str, str]]:
        """All fields as they will be sent."""
        return self._fields

    def __contains__(self, name: object) -> bool:
        if not self._fields or not isinstance(name, str):
            return False
        key = name.lower()
        return key in [known.lower() for known, _ in self._fields]  # twice as fast as `any`

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._fields))

    def __len__(self) -> int:
        return len(set(self))

    def __repr__(self) -> str:
        return f"ResponseHeaders({self._fields!r})"


def checked_field(name: str, value: Any) -> tuple[str, str]:
    """Name and value as they may be sent; ValueError for what could break the message."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError(f"{name!r} is not a header name: use letters, digits and hyphens.")
    text = value if isinstance(value, str) else str(value)
    if not is_field_value(text):
        raise ValueError(
            f"The value {text!r} of the header {name} can't be sent: CR, LF, NUL, other control "
            "characters and characters above U+00FF are not allowed. Percent-encode it."
        )
    return name, text.strip(" \t")


def is_field_value(text: str) -> bool:
    """Whether a field can carry this text."""
    return _VALUE.match(text) is not None
