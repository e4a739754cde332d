"""Cookies as they travel: what clients send, and the Set-Cookie lines we answer with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Literal
from urllib.parse import quote, unquote

from pode_py.http.fields import Fields

MAX_COOKIES: Final = 200
#: Octets of a Set-Cookie line that every browser keeps (RFC 6265, 6.1).
LONGEST_COOKIE: Final = 4096

SameSite = Literal["strict", "lax", "none"]

# RFC 6265, 4.1.1.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")
# What a value carries as it is: the octets of RFC 6265, but for the percent sign.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '",;\\%')


class CookieFields(Fields):
    """The cookies of a request, decoded. `raw` has them as they were sent: a signature may have
    been made of that."""

    __slots__ = ("raw",)

    def __init__(self, raw: dict[str, str]) -> None:
        super().__init__("cookie", {name: decoded(value) for name, value in raw.items()})
        self.raw = raw


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


def decoded(value: str) -> str:
    """The value of a cookie without its percent-encoding.

    >>> decoded("G%C3%B6%20100%25")
    'Gö 100%'
    """
    return unquote(value, errors="replace") if "%" in value else value


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that was received, or one to set. Not in Pode.

    Of a cookie that a client has sent, only name, value and signed are known. `max_age` is in
    seconds, `expires` has a time zone, and `value` is text: it is encoded when it is sent.
    """

    name: str
    value: str
    signed: bool = False
    max_age: int | None = None
    expires: datetime | None = None
    path: str | None = "/"
    domain: str | None = None
    secure: bool = False
    http_only: bool = True
    same_site: SameSite | None = "lax"
    partitioned: bool = False

    def header(self) -> str:
        """The value of its Set-Cookie field. ValueError for what no browser would keep.

        >>> Cookie("id", "a b", max_age=60).header()
        'id=a%20b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax'
        """
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a cookie name: use letters, digits, - and _.")
        self._check_rules()
        pair = f"{self.name}={quote(self.value, safe=_SAFE, errors='replace')}"
        line = "; ".join([pair, *self._attributes()])
        if len(line) > LONGEST_COOKIE:
            raise ValueError(
                f"The cookie {self.name} has {len(line)} octets with its attributes, and browsers "
                f"drop what is above {LONGEST_COOKIE}. Keep the data on the server, and only its "
                "id in the cookie."
            )
        return line

    def _check_rules(self) -> None:
        """Raise ValueError for a cookie that browsers refuse."""
        prefix = self.name[:9].lower()
        for wanted, what in (
            (self.same_site == "none", "same_site='none'"),
            (self.partitioned, "partitioned=True"),
            (prefix == "__secure-", "a name that begins with __Secure-"),
            (prefix.startswith("__host-"), "a name that begins with __Host-"),
        ):
            if wanted and not self.secure:
                raise ValueError(
                    f"The cookie {self.name} needs secure=True for {what}: browsers refuse it "
                    "otherwise. It is the default where the client uses https."
                )
        if prefix.startswith("__host-") and (self.path != "/" or self.domain is not None):
            raise ValueError(
                f"The cookie {self.name} must have path='/' and no domain: browsers hold names "
                "that begin with __Host- to that."
            )

    def _attributes(self) -> list[str]:
        found = []
        if self.max_age is not None:
            found.append(f"Max-Age={self.max_age}")
        if self.expires is not None:
            found.append(f"Expires={format_datetime(self.expires.astimezone(UTC), usegmt=True)}")
        for name, value in (("Path", self.path), ("Domain", self.domain)):
            if value is not None:
                fits = isinstance(value, str) and _ATTRIBUTE.match(value)
                if not fits or (name == "Path" and not value.startswith("/")):  # RFC 6265, 5.2.4
                    begins = " It begins with a slash." if name == "Path" else ""
                    raise ValueError(
                        f"{name} of the cookie {self.name} can't be {value!r}.{begins}"
                    )
                found.append(f"{name}={value}")
        if self.secure:
            found.append("Secure")
        if self.http_only:
            found.append("HttpOnly")
        if self.same_site is not None:
            found.append(f"SameSite={self.same_site.capitalize()}")
        if self.partitioned:
            found.append("Partitioned")
        return found
