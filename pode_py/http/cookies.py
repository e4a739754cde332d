"""Cookies as they travel: what clients send, and the Set-Cookie lines we answer with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

MAX_COOKIES = 200

# RFC 6265, 4.1.1.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\Z")
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")


def parse_cookies(headers: Iterable[str]) -> dict[str, str]:
    """Names and values of Cookie fields; the first of equal names counts (RFC 6265, 5.4).

    Quotes around a value are taken off; anything odd is kept as it came and does no harm.

    >>> parse_cookies(['a=1; b="two"; a=3; lonely'])
    {'a': '1', 'b': 'two'}
    """
    found: dict[str, str] = {}
    for header in headers:
        for part in header.split(";", MAX_COOKIES)[:MAX_COOKIES]:
            name, equals, value = part.partition("=")
            name, value = name.strip(" \t"), value.strip(" \t")
            if equals and name and name not in found:
                quoted = len(value) > 1 and value[0] == value[-1] == '"'
                found[name] = value[1:-1] if quoted else value
    return found


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie to set. `max_age` is in seconds, `expires` is aware."""

    name: str
    value: str
    max_age: int | None = None
    expires: datetime | None = None
    path: str | None = "/"
    domain: str | None = None
    secure: bool = False
    http_only: bool = True
    same_site: Literal["strict", "lax", "none"] | None = "lax"

    def header(self) -> str:
        """The value of its Set-Cookie field. ValueError for what could break out of it.

        >>> Cookie("id", "7", max_age=60).header()
        'id=7; Max-Age=60; Path=/; HttpOnly; SameSite=Lax'
        """
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a cookie name: use letters, digits, - and _.")
        if not _VALUE.match(self.value):
            raise ValueError(
                f"The value of the cookie {self.name} has characters that a cookie can't carry. "
                "Percent-encode it."
            )
        return "; ".join([f"{self.name}={self.value}", *self._attributes()])

    def _attributes(self) -> list[str]:
        if self.same_site == "none" and not self.secure:
            raise ValueError(f"The cookie {self.name} needs secure=True for same_site='none'.")
        found = []
        if self.max_age is not None:
            found.append(f"Max-Age={self.max_age}")
        if self.expires is not None:
            found.append(f"Expires={format_datetime(self.expires.astimezone(UTC), usegmt=True)}")
        for name, value in (("Path", self.path), ("Domain", self.domain)):
            if value is not None:
                if not _ATTRIBUTE.match(value):
                    raise ValueError(f"{name} of the cookie {self.name} can't be {value!r}.")
                found.append(f"{name}={value}")
        if self.secure:
            found.append("Secure")
        if self.http_only:
            found.append("HttpOnly")
        if self.same_site is not None:
            found.append(f"SameSite={self.same_site.capitalize()}")
        return found
