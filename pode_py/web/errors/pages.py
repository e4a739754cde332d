"""ErrorPages: what a client gets to see for statuses from 400 up.

A page shows the status and a description, nothing of the request and nothing of the server. What
went wrong is shown only if the server is set to (`status_page_exceptions="show"`).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pode_py.core.jsons import to_json
from pode_py.core.tracebacks import text_of as traceback_text
from pode_py.http.accept import best_of
from pode_py.http.charsets import text_of
from pode_py.http.mime import content_type_of, with_charset
from pode_py.http.patterns import Pattern
from pode_py.http.statuses import has_body, reason
from pode_py.web.event import WebEvent

HTML = "text/html"
JSON = "application/json"
TEXT = "text/plain"

# They describe the answer that is not given.
_STALE = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Range",
    "Expires",
    "Last-Modified",
    "Location",
)


@dataclass(frozen=True, slots=True)
class PageDefaults:
    """What pages are like where nothing nearer says it. `routes` are patterns of paths, each with
    the type of the pages below it. `strict`: a page has the type that the request's body had."""

    default: str = ""
    routes: tuple[tuple[Pattern, str], ...] = ()
    show_exceptions: bool = False
    strict: bool = False


class ErrorPages:
    """Writes error pages: a user's file from `folder` if there is one, else a plain one."""

    def __init__(self, folder: Path, *, show_exceptions: bool = False) -> None:
        self._folder = folder
        self.defaults = PageDefaults(show_exceptions=show_exceptions)

    def write(
        self,
        event: WebEvent,
        status: int,
        description: str | None = None,
        *,
        error: BaseException | None = None,
        content_type: str | None = None,
        data: Any = None,
    ) -> None:
        """Make the event's response this page. Its other headers (cookies, CORS) stay.

        `data` is part of a page that is JSON.
        """
        response = event.response
        response.reset(status)
        for name in _STALE:
            response.headers.pop(name, None)
        response.written = True
        if not has_body(status):
            return
        wanted = _wanted(event, content_type, self.defaults)
        kind, body = self._page(wanted, status, description, error, data)
        response.body = response.page = body
        response.headers["Content-Type"] = kind
        response.headers["X-Content-Type-Options"] = "nosniff"

    def _page(
        self,
        wanted: list[str],
        status: int,
        description: str | None,
        error: BaseException | None,
        data: Any,
    ) -> tuple[str, bytes]:
        """Content type and text in the first of the wanted types that there is a page in."""
        shown = None
        if self.defaults.show_exceptions and error is not None:
            shown = traceback_text(error)
        text = description or reason(status) or f"Status {status}"
        for kind in wanted:
            own = self._file(kind, status)
            if own is not None:
                return with_charset(kind), own
            make = _PAGES.get(kind)
            if make is not None:
                return with_charset(kind), make(status, text, shown, data).encode(
                    "utf-8", "replace"
                )
        raise AssertionError("HTML is always wanted, and there is a page in it.")

    def _file(self, kind: str, status: int) -> bytes | None:
        """The user's page: ``404.html``, else ``default.html``."""
        if not self._folder.is_dir():
            return None
        for name in (str(status), "default"):
            for file in sorted(self._folder.glob(f"{name}.*")):
                if content_type_of(file.name).partition(";")[0] != kind:
                    continue
                try:
                    return _as_utf8(file.read_bytes())
                except OSError:  # a folder, or not ours to read: the plain page will do
                    continue
        return None


def _as_utf8(page: bytes) -> bytes:
    """The page as it is announced. Bytes that are no text go as they are."""
    try:
        return text_of(page).encode("utf-8")
    except UnicodeDecodeError:
        return page


def _wanted(event: WebEvent, content_type: str | None, defaults: PageDefaults) -> list[str]:
    """The types to try, in Pode's order; ours asks the Accept field before giving the default."""
    body = event.content_type.partition(";")[0].strip().lower()
    wanted = [
        content_type,
        event.error_type,
        next((kind for pattern, kind in defaults.routes if pattern.fits(event.path)), None),
        body if defaults.strict and body != TEXT else None,
        best_of(event.headers.get("accept"), (HTML, JSON)),
        JSON if "json" in body else None,
        defaults.default,
        HTML,
    ]
    return [kind.partition(";")[0].strip().lower() for kind in wanted if kind]


def _html(status: int, description: str, shown: str | None, data: Any) -> str:
    del data
    detail = f"<pre>{html.escape(shown)}</pre>" if shown else ""
    text = html.escape(description)
    return _HTML.format(status=status, description=text, detail=detail)


def _json(status: int, description: str, shown: str | None, data: Any) -> str:
    page: dict[str, object] = {"status": {"code": status, "description": description}}
    if data is not None:
        page["data"] = data
    if shown:
        page["exception"] = shown
    return to_json(page)


def _text(status: int, description: str, shown: str | None, data: Any) -> str:
    del data
    return f"{status} {description}\n" + (f"\n{shown}" if shown else "")


_PAGES = {HTML: _html, JSON: _json, TEXT: _text}

_HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status} {description}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; text-align: center;
  font: 1.1rem/1.5 system-ui, sans-serif; }}
h1 {{ margin: 0; font-size: 5rem; font-weight: 300; }}
p {{ margin: 0 1rem; opacity: .75; }}
pre {{ max-width: 90vw; overflow: auto; text-align: left; font-size: .85rem; padding: 1rem; }}
</style>
</head>
<body><main><h1>{status}</h1><p>{description}</p></main>{detail}</body>
</html>
"""
