"""Masking: hides secrets in what is logged: well-known ones always, others by pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DEFAULT_MASK: Final = "********"

# Repetitions are bounded on purpose: clients send this text, and the time must stay linear.
_NAME: Final = (
    r"[\w.%-]{0,40}?(?:ticket|token|secret|passw(?:or)?d|passphrase|pwd|api[_-]?key|jwt"
    r"|signature|session_?id)="
)
# A text without any of the words needs no search: `in` is ten times as fast.
_WORDS: Final = (
    *("ticket", "token", "secret", "passw", "passphrase", "pwd", "key", "jwt", "signature"),
    "session",
)
_IN_URL: Final = re.compile(rf"(?i)(?P<keep_before>[?&;]{_NAME})[^&#]+")
_IN_TEXT: Final = (
    (
        _WORDS,
        re.compile(rf"(?i)(?P<keep_before>[?&;]{_NAME})[^&#\s\"'<>]+"),
    ),
    (
        ("authorization",),
        re.compile(r"(?i)(?P<keep_before>authorization['\"]?:\s{0,4}['\"]?(?:\w+ )?)[^\s'\",]+"),
    ),
    (
        ("cookie",),
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
        """A path or URL without the secrets in its query."""
        if "=" in target:
            target = _IN_URL.sub(self._hide, target)
        return _SIGNED.sub(self._hide, target) if "." in target else target

    def secrets(self, text: str) -> str:
        """Any text without the secrets that are always hidden."""
        lower = text.lower()
        for words, pattern in _IN_TEXT:
            if any(word in lower for word in words):
                text = pattern.sub(self._hide, text)
        return _SIGNED.sub(self._hide, text)

    def protect(self, text: str) -> str:
        """Any text without secrets and without what the patterns match."""
        text = self.secrets(text)
        for pattern in self.patterns:
            text = pattern.sub(self._hide, text)
        return text

    def _hide(self, match: re.Match[str]) -> str:
        kept = match.groupdict(default="")
        return kept.get("keep_before", "") + self.mask + kept.get("keep_after", "")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern), re.IGNORECASE)
    except re.error as error:
        raise ValueError(
            f"The masking pattern {pattern!r} is not a regular expression: {error}."
        ) from error
