"""Masking: hides secrets in what is logged: well-known ones always, others by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, unquote_plus

DEFAULT_MASK: Final = "********"

# Names of values that nobody else may read, decoded and without brackets. `sort_key`, `zip_code`
# and `max_tokens` are none.
_SECRET_NAME: Final = re.compile(
    r"(?ix) .*(?:ticket|token|secret|passw(?:or)?d|passphrase|passcode|pwd|jwt|signature|sessid"
    r"       |session_?id|credentials?|assertion|verifier|authorization)"
    r"| (?:.*[_.-])?(?:sig|hmac|auth|pass|t?otp|sid|pin)"
    r"| (?:.*(?:api|access|secret|private|auth|licen[cs]e|signing|subscription|shared|account"
    r"       |client|encryption|app|master)[_.-]?)?key"
    r"| (?:.*(?:auth|authorization|access|device|user|verification|confirmation|invite|reset"
    r"       |login|security|backup|recovery)[_.-]?)?code"
    r"| (?:.*(?:session|auth|login|relay)[_.-]?)?state"
    r"| samlre(?:quest|sponse)"
)
_BRACKETS: Final = re.compile(r"[\[\]]+")
# Repetitions are bounded on purpose: clients send this text, and the time must stay linear.
_NAME_IN_URL: Final = re.compile(r"[?&;#]([^=?&;#]{1,120})=")
_END_IN_URL: Final = re.compile(r"[&#]")
_NEXT: Final = re.compile(r"[?&;#]")
_NAME_IN_TEXT: Final = re.compile(r"[?&;#]([^=?&;#\s\"'<>]{1,120})=")
_END_IN_TEXT: Final = re.compile(r"[&#\s\"'<>]")
# A URL may carry another one, encoded; and that one, too.
_DEEPEST: Final = 3
# What is masked already stays as it is.
_PASSWORD_IN_URL: Final = re.compile(
    r"(?P<keep_before>://[^\s/?#@:\"'<>]{0,100}:)(?!\*+@)[^\s/?#@\"'<>]{1,200}(?P<keep_after>@)"
)
# A text without the word needs no search: `in` is ten times as fast.
_FIELDS: Final = (
    (
        "authorization",
        re.compile(r"(?i)(?P<keep_before>authorization['\"]?:\s{0,4}['\"]?(?:\w+ )?)[^\s'\",]+"),
    ),
    (
        "cookie",
        re.compile(r"(?i)(?P<keep_before>cookie['\"]?:\s{0,4}['\"]?)[^\r\n'\"]+"),
    ),
)
# The signature in s:<value>.<signature>, as the house signs client ids and cookies: the value is
# worth nothing without it. Also percent-encoded.
_SIGNED: Final = re.compile(r"(?P<keep_before>\.)(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])")


@dataclass(frozen=True, slots=True)
class Masking:
    """Replaces what `patterns` match by `mask`, on top of the secrets that are always hidden."""

    patterns: tuple[re.Pattern[str], ...] = ()
    mask: str = DEFAULT_MASK

    @classmethod
    def of(cls, patterns: Iterable[str], mask: str = DEFAULT_MASK) -> Masking:
        """Patterns as users write them: case is ignored, and .NET's `(?<name>` is understood."""
        return cls(tuple(_compiled(pattern) for pattern in patterns), mask)

    def url(self, target: str) -> str:
        """A path or URL without the secrets in its query, its fragment and its authority."""
        if "=" in target:
            target = self._without_values(target, _NAME_IN_URL, _END_IN_URL, _DEEPEST)
        return self._without_own(target)

    def secrets(self, text: str) -> str:
        """Any text without the secrets that are always hidden."""
        lower = text.lower()
        for word, pattern in _FIELDS:
            if word in lower:
                text = pattern.sub(self._hide, text)
        if "=" in text:
            text = self._without_values(text, _NAME_IN_TEXT, _END_IN_TEXT, 0)
        return self._without_own(text)

    def protect(self, text: str) -> str:
        """Any text without secrets and without what the patterns match."""
        text = self.secrets(text)
        for pattern in self.patterns:
            text = pattern.sub(self._hide, text)
        return text

    def _without_values(
        self, text: str, name: re.Pattern[str], end: re.Pattern[str], depth: int
    ) -> str:
        """Hide the values of secret names, and values that are URLs with such names."""
        parts: list[str] = []
        done = at = 0
        while (found := name.search(text, at)) is not None:
            at = found.end()
            if _is_secret(found[1]):
                until = _place(end, text, at)
            elif depth and self._has_secret(text[at : _place(_NEXT, text, at)], depth - 1):
                until = _place(_NEXT, text, at)
            else:
                continue
            if until > at:
                parts += (text[done:at], self.mask)
                done = at = until
        return "".join([*parts, text[done:]])

    def _has_secret(self, value: str, depth: int) -> bool:
        """Whether an encoded value holds a secret."""
        if "%3d" not in value.lower():
            return False
        decoded = unquote(value)
        return self._without_values(decoded, _NAME_IN_URL, _END_IN_URL, depth) != decoded

    def _without_own(self, text: str) -> str:
        """Hide passwords before a host, and our own signatures."""
        if "@" in text and "://" in text:
            text = _PASSWORD_IN_URL.sub(self._hide, text)
        return _SIGNED.sub(self._hide, text) if "." in text else text

    def _hide(self, match: re.Match[str]) -> str:
        kept = match.groupdict(default="")
        return kept.get("keep_before", "") + self.mask + kept.get("keep_after", "")


def _place(end: re.Pattern[str], text: str, start: int) -> int:
    """Where a value ends that begins at `start`."""
    found = end.search(text, start)
    return len(text) if found is None else found.start()


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    """By a name as it was sent: ``tok%65n``, ``token[]``, ``user[password]``."""
    parts = _BRACKETS.split(unquote_plus(name))
    return any(_SECRET_NAME.fullmatch(part) for part in parts)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern), re.IGNORECASE)
    except re.error as error:
        raise ValueError(
            f"The masking pattern {pattern!r} is not a regular expression: {error}."
        ) from error
