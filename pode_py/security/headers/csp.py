"""ContentPolicy: the value of Content-Security-Policy, from words as Pode takes them. A value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pode_py.core.arguments import as_list

#: Parameters and the directives they make, in the order in which these are sent, which is Pode's.
DIRECTIVES: Final = {
    "default": "default-src",
    "child": "child-src",
    "connect": "connect-src",
    "font": "font-src",
    "frame": "frame-src",
    "image": "img-src",
    "manifest": "manifest-src",
    "media": "media-src",
    "object": "object-src",
    "scripts": "script-src",
    "style": "style-src",
    "base_uri": "base-uri",
    "form_action": "form-action",
    "frame_ancestor": "frame-ancestors",
    "fenced_frame": "fenced-frame-src",
    "prefetch": "prefetch-src",
    "script_attr": "script-src-attr",
    "script_elem": "script-src-elem",
    "style_attr": "style-src-attr",
    "style_elem": "style-src-elem",
    "worker": "worker-src",
}

NONE: Final = "'none'"
#: Stands in a policy where each response has a nonce of its own.
NONCE: Final = "'nonce'"
_KEYWORDS: Final = frozenset(
    {"none", "self", "strict-dynamic", "report-sample", "inline-speculation-rules", "nonce"}
    | {"unsafe-inline", "unsafe-eval", "unsafe-hashes", "unsafe-webtransport-hashes"}
    | {"wasm-unsafe-eval", "trusted-types-eval", "unsafe-allow-redirects"}
)
_SCHEMES: Final = frozenset(
    {"http", "https", "ws", "wss", "data", "blob", "filesystem", "mediastream"}
)
# What is quoted, too: values of nonces and hashes.
_QUOTED: Final = re.compile(r"(?:nonce|sha256|sha384|sha512)-[\w+/=-]+\Z", re.ASCII)
# Printable ASCII without blanks, semicolons and commas, which would end a word (CSP 3, 2.3.1).
_WORD: Final = re.compile(r"[!-+\--:<-~]+\Z")


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """`sources` are the words of each directive, by parameter. `sandbox` is None for none, else
    the permission it leaves, which may be empty."""

    sources: Mapping[str, tuple[str, ...]]
    sandbox: str | None = None
    report_uri: str = ""
    upgrade_insecure: bool = False
    xss_block: bool = False
    report_only: bool = False

    @classmethod
    def of(cls, sources: Mapping[str, Any], **rest: Any) -> ContentPolicy:
        """The policy of these sources. ValueError for words that can't be sent, and for none."""
        words = {name: words_of(name, value) for name, value in sources.items()}
        report_uri = rest.pop("report_uri", "") or ""
        if report_uri:
            _check("report_uri", report_uri)
        return cls({name: one for name, one in words.items() if one}, None, report_uri, **rest)

    def with_sandbox(self, sandbox: str) -> ContentPolicy:
        """`sandbox` is a permission, "" for a sandbox without any, "none" to leave it as it is."""
        wanted = sandbox.lower()
        return self if wanted == "none" else replace(self, sandbox=wanted)

    def added(self, other: ContentPolicy) -> ContentPolicy:
        """This one, with the other's words behind its own. Its 'none' gives way to them."""
        sources = dict(self.sources)
        for name, words in other.sources.items():
            known = tuple(word for word in sources.get(name, ()) if word != NONE)
            sources[name] = _alone(name, tuple(dict.fromkeys((*known, *words))))
        return replace(
            self,
            sources=sources,
            sandbox=self.sandbox if other.sandbox is None else other.sandbox,
            report_uri=other.report_uri or self.report_uri,
            upgrade_insecure=self.upgrade_insecure or other.upgrade_insecure,
            report_only=self.report_only or other.report_only,
        )

    @property
    def header(self) -> str:
        """The name of the header."""
        return f"Content-Security-Policy{'-Report-Only' if self.report_only else ''}"

    @property
    def text(self) -> str:
        """The value. Where it has NONCE, a response puts its own there."""
        parts = [
            f"{directive} {' '.join(self.sources[name])}"
            for name, directive in DIRECTIVES.items()
            if name in self.sources
        ]
        if self.report_uri:
            parts.append(f"report-uri {self.report_uri}")
        if self.sandbox is not None:
            parts.append(f"sandbox {self.sandbox}".strip())
        if self.upgrade_insecure:
            parts.append("upgrade-insecure-requests")
        return "; ".join(parts)


def words_of(name: str, value: Any) -> tuple[str, ...]:
    """The words of one directive as they are sent.

    >>> words_of("image", ["self", "data", "https://img.example"])
    ("'self'", 'data:', 'https://img.example')
    """
    given = [one for one in as_list(value) if one is not None and one != ""]
    return _alone(name, tuple(dict.fromkeys(_word(name, one) for one in given)))


def _word(name: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else value
    _check(name, text)
    plain = text.strip("'")
    lower = plain.lower()
    if lower in _KEYWORDS:
        return f"'{lower}'"
    if _QUOTED.match(plain):
        return f"'{plain}'"
    if lower.rstrip(":") in _SCHEMES and lower.count(":") <= 1:
        return f"{lower.rstrip(':')}:"
    if "'" in text:
        raise ValueError(f"{name}={value!r}: only keywords, nonces and hashes have quotes.")
    return str(text)


def _check(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} takes a str or a list of them, not {value!r}.")
    if not _WORD.match(value):
        raise ValueError(
            f"{name}={value!r} can't stand in a policy: a source is one word of ASCII without "
            'blanks, ";" and ",". Write several as a list: ["self", "https://cdn.example"].'
        )


def _alone(name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    if NONE in words and len(words) > 1:
        raise ValueError(f'{name}: "none" stands alone. Leave it out, or the others.')
    return words
