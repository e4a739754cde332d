"""AccessPolicy: which other origins may read answers, and what it says to them. A value.

Theory: a browser sends the Origin of the page that asks. It shows the answer to that page only if
Access-Control-Allow-Origin names it, or is ``*``. Before a request that no form could send, it asks
by itself, with OPTIONS: the preflight. Nothing here keeps anybody from sending requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pode_py.core.arguments import as_list, whole_number
from pode_py.http.headers import checked_field
from pode_py.http.patterns import Pattern, route_path

Field = tuple[str, str]

_ORIGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://((?:\*\.)?(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]))(:\d{1,5})?\Z"
)
_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VARY: Final = ("Vary", "Origin")


@dataclass(frozen=True, slots=True, eq=False)
class AccessPolicy:
    """`fields` go to an origin that matches, next to its own name. `methods` are without those that
    `auto_methods` looks up. `pattern` is None for every path."""

    pattern: Pattern | None
    any_origin: bool
    origins: frozenset[str]
    wild: re.Pattern[str] | None
    methods: tuple[str, ...]
    auto_methods: bool
    fields: tuple[Field, ...]

    @classmethod
    def of(
        cls,
        origin: Any,
        *,
        methods: Any,
        headers: Any,
        duration: int,
        credentials: bool,
        with_options: bool,
        auto_methods: bool,
        more_headers: tuple[str, ...],
        expose: Any,
        route: str | None,
    ) -> AccessPolicy:
        """Raises ValueError for what browsers refuse, or what says two things at once."""
        origins = dict.fromkeys(_origin(one) for one in as_list(origin))
        if not origins:
            raise ValueError('origin is empty. Write "*", or one like "https://app.example.com".')
        if "*" in origins and len(origins) > 1:
            raise ValueError('origin="*" stands alone: it is any origin.')
        allowed = _tokens("methods", methods, upper=True)
        names, exposed = _tokens("headers", headers), _tokens("expose", expose)
        words = {"origin": origins, "methods": allowed, "headers": names, "expose": exposed}
        starred = next((name for name, some in words.items() if "*" in some), None)
        if credentials and starred:
            raise ValueError(
                f'{starred}="*" and credentials: browsers refuse that. Name what is allowed, '
                'as in origin=["https://app.example.com"].'
            )
        if auto_methods and "*" in allowed:
            raise ValueError('methods="*" and auto_methods say two things. Write one of them.')
        if "content-type" in more_headers and "*" in names:
            raise ValueError('headers="*" and auto_headers say two things. Write one of them.')
        if with_options and "*" not in allowed:
            allowed = tuple(dict.fromkeys((*allowed, "OPTIONS")))
        whole_number("duration", duration, minimum=1)
        wanted = {one.lower(): one for one in (*reversed(more_headers), *reversed(names))}
        fields = [
            ("Access-Control-Allow-Headers", ", ".join(reversed(wanted.values()))),
            ("Access-Control-Expose-Headers", ", ".join(exposed)),
            ("Access-Control-Max-Age", str(duration)),
            ("Access-Control-Allow-Credentials", "true" if credentials else ""),
        ]
        exact = frozenset(one for one in origins if "*" not in one)
        wild = [_expression(one) for one in origins if "*" in one and one != "*"]
        return cls(
            None if route is None else Pattern(route_path(route)),
            "*" in origins,
            exact,
            re.compile("|".join(wild)) if wild else None,
            allowed,
            auto_methods,
            tuple(field for field in fields if field[1]),
        )

    def covers(self, path: str) -> bool:
        """Whether it is about requests to this path."""
        return self.pattern is None or self.pattern.fits(path)

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may read the answer."""
        if self.any_origin or origin in self.origins:
            return True
        return self.wild is not None and self.wild.fullmatch(origin) is not None

    def answer(self, origin: str | None, methods: Iterable[str]) -> list[Field]:
        """The fields for a request with this Origin. `methods`: those that were looked up."""
        if self.any_origin:
            fields = [("Access-Control-Allow-Origin", "*")]
        elif origin is None or not self.allows(origin):
            return [_VARY]
        else:
            fields = [("Access-Control-Allow-Origin", origin), _VARY]
        allowed = tuple(dict.fromkeys((*self.methods, *methods)))
        if allowed:
            fields.append(("Access-Control-Allow-Methods", ", ".join(allowed)))
        return [*fields, *self.fields]


def _origin(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"origin takes a str or a list of them, not {value!r}.")
    text = value.strip().lower()
    if text in ("*", "null"):
        return text
    found = _ORIGIN.match(text)
    if found is None:
        stripped = re.match(r"[a-z][a-z0-9+.-]*://[^/?#]+", text)
        better = (
            stripped[0] if stripped and _ORIGIN.match(stripped[0]) else "https://app.example.com"
        )
        raise ValueError(
            f"origin={value!r} is none: an origin is scheme, host and port, without a path. "
            f'Write "{better}"; for all subdomains "https://*.example.com".'
        )
    scheme, host, port = found.groups()
    # Browsers leave the usual port out.
    return f"{scheme}://{host}{'' if port in (None, _USUAL_PORTS.get(scheme)) else port}"


def _expression(origin: str) -> str:
    """Of an origin with ``*.``: any number of labels, and none of it is a port or a path."""
    scheme, _, rest = origin.partition("*.")
    return rf"{re.escape(scheme)}(?:[a-z0-9_-]+\.)+{re.escape(rest)}"


def _tokens(name: str, value: Any, *, upper: bool = False) -> tuple[str, ...]:
    words = []
    for one in as_list(value):
        if one is None or one == "":
            continue
        if not isinstance(one, str) or not _TOKEN.match(one.strip()):
            raise ValueError(f"{name}={one!r} is no name. Write several as a list.")
        words.append(one.strip().upper() if upper else one.strip())
    if words:
        checked_field(name, ", ".join(words))
    return tuple(dict.fromkeys(words))
