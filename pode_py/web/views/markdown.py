"""Markdown made HTML: CommonMark and tables, by the package markdown-it-py (extra `markdown`)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pode_py.core.errors import PodeError

_NO_WORD = re.compile(r"[^\w\- ]")


def to_html(text: str, *, raw: bool) -> str:
    """HTML of Markdown. HTML in it passes if it is `raw`, and is escaped otherwise.

    Links that would run a script stay text. Headings get an id that is made of their text.
    """
    return str(_parser(raw).render(text))


@cache
def _parser(raw: bool) -> Any:
    markdown_it = need_markdown_it()
    parser = markdown_it.MarkdownIt("commonmark", {"html": raw}).enable("table")
    parser.core.ruler.push("heading_ids", _add_heading_ids)
    return parser


def _add_heading_ids(state: Any) -> None:
    """Name each heading by its text; a name that is taken gets a number."""
    taken: dict[str, int] = {}
    for opening, inline in zip(state.tokens, state.tokens[1:], strict=False):
        if opening.type != "heading_open":
            continue
        words = "".join(
            token.content
            for token in inline.children or ()
            if token.type in ("text", "code_inline")
        )
        name = _NO_WORD.sub("", words.strip().lower()).replace(" ", "-") or "section"
        count = taken.get(name, 0)
        taken[name] = count + 1
        opening.attrSet("id", f"{name}-{count}" if count else name)


def need_markdown_it() -> Any:
    """The package. PodeError if it is not installed."""
    try:
        import markdown_it
    except ImportError as error:
        raise PodeError(
            "Markdown needs the package markdown-it-py. Install it with: "
            'pip install "pode-py[markdown]"'
        ) from error
    return markdown_it
