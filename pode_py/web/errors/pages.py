"""ErrorPages: what a client gets to see for statuses from 400 up.

A page shows the status and a description, nothing of the request and nothing of the server. What
went wrong is shown only if the server is set to (`status_page_exceptions="show"`).
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pode_py.core.jsons import to_json
from pode_py.core.runtime import Report
from pode_py.core.tracebacks import text_of as traceback_text
from pode_py.http.accept import best_of
from pode_py.http.charsets import text_of
from pode_py.http.mime import content_type_of, with_charset
from pode_py.http.patterns import Pattern, route_path
from pode_py.http.statuses import has_body, reason
from pode_py.web.bodies.bodies import checked_type
from pode_py.web.bodies.xmls import xml_text
from pode_py.web.event import WebEvent
from pode_py.web.views.views import RenderedView, Views

HTML = "text/html"
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain"
XML = "application/xml"

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
    """Writes error pages: a user's file from `folder` if there is one, else a plain one.

    Files can be templates of the view engine. If one fails, that is reported, and the plain page is
    the answer.
    """

    def __init__(
        self, folder: Path, views: Views, report: Report, *, show_exceptions: bool = False
    ) -> None:
        self._folder = folder
        self._views = views
        self._report = report
        self.defaults = PageDefaults(show_exceptions=show_exceptions)

    def set_defaults(
        self,
        default: str | None,
        routes: Mapping[str, str] | None,
        show_exceptions: bool | None,
        strict: bool | None,
    ) -> None:
        """None leaves what was set before. ValueError for what is no content type."""
        known = self.defaults
        kinds = None if routes is None else routes.items()
        self.defaults = replace(
            known,
            default=known.default if default is None else checked_type(default),
            routes=known.routes
            if kinds is None
            else tuple((Pattern(route_path(path)), checked_type(kind)) for path, kind in kinds),
            show_exceptions=known.show_exceptions if show_exceptions is None else show_exceptions,
            strict=known.strict if strict is None else strict,
        )

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
        shown = error if self.defaults.show_exceptions else None
        # Texts of ours are no data: pages show the apostrophe of a teapot as it is.
        text = description or RenderedView(reason(status) or f"Status {status}")
        page = _Page(event.request.url, status, text, shown, data)
        kind, body = self._page(_wanted(event, content_type, self.defaults), page)
        response.body = response.page = body
        response.headers["Content-Type"] = kind
        response.headers["X-Content-Type-Options"] = "nosniff"

    def _page(self, wanted: list[str], page: _Page) -> tuple[str, bytes]:
        """Content type and text in the first of the wanted types that there is a page in."""
        for kind in wanted:
            own = self._own(kind, page)
            if own is not None:
                return with_charset(kind), own
            make = _PAGES.get(kind)
            if make is not None:
                # RFC 9457, 3: the type of problems has no charset.
                shown = kind if kind == PROBLEM else with_charset(kind)
                return shown, make(page).encode("utf-8", "replace")
        raise AssertionError("HTML is always wanted, and there is a page in it.")

    def _own(self, kind: str, page: _Page) -> bytes | None:
        """The user's page: ``404.html``, ``404.html.pode`` or ``404.pode``, else ``default``'s."""
        if not self._folder.is_dir():
            return None
        for name in (str(page.status), "default"):
            try:
                files = [*self._folder.glob(f"{name}.*")]
            except OSError:  # no descriptor is left, say
                return None
            found = [(self._rank(file, kind), file) for file in files]
            for _, file in sorted(one for one in found if one[0]):
                try:
                    return self._text_of(file, kind, page)
                except OSError:  # a folder, or not ours to read: the plain page will do
                    continue
                except Exception as error:  # noqa: BLE001 - the user's template
                    self._report(error, f"The error page {file.name}")
                    return None
        return None

    def _rank(self, file: Path, kind: str) -> int:
        """Which of several files is taken, from 1 on; 0 for one of another type."""
        is_template = self._views.is_template(file.name)
        if not is_template and self._views.role_of(file.name) == "hide":
            return 0
        inner = file.stem if is_template else file.name
        if content_type_of(inner).partition(";")[0] == kind:
            return 1 + is_template
        # 404.pode, for which the name says nothing of a type.
        return 3 if is_template and "." not in inner and kind == HTML else 0

    def _text_of(self, file: Path, kind: str, page: _Page) -> bytes:
        if not self._views.is_template(file.name):
            return _as_utf8(file.read_bytes())
        text = self._views.render_file(file.resolve(), page.values(kind))
        if text is None:
            raise FileNotFoundError(file)
        return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page may say. `error` is there if it may be shown."""

    url: str
    status: int
    description: str
    error: BaseException | None
    data: Any

    @property
    def trace(self) -> str | None:
        return None if self.error is None else traceback_text(self.error)

    def values(self, kind: str) -> dict[str, Any]:
        """What templates know as `data`, as in Pode."""
        exception = None
        if self.error is not None:
            last = [*traceback.walk_tb(self.error.__traceback__)][-1:]
            exception = {
                "message": str(self.error),
                "stacktrace": self.trace,
                "line": "".join(f"{frame.f_code.co_filename}:{line}" for frame, line in last),
                "category": type(self.error).__qualname__,
            }
        return {
            "url": self.url,
            "status": {"code": self.status, "description": self.description},
            "exception": exception,
            "content_type": kind,
        }


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
        best_of(event.headers.get("accept"), (HTML, PROBLEM, JSON, XML)),
        JSON if "json" in body else None,
        defaults.default,
        HTML,
    ]
    return [kind.partition(";")[0].strip().lower() for kind in wanted if kind]


def _html(page: _Page) -> str:
    trace = page.trace
    detail = f"<pre>{html.escape(trace)}</pre>" if trace else ""
    text = html.escape(page.description)
    return _HTML.format(status=page.status, description=text, detail=detail)


def _json(page: _Page) -> str:
    made: dict[str, object] = {"status": {"code": page.status, "description": page.description}}
    if page.data is not None:
        made["data"] = page.data
    if page.error is not None:
        made["exception"] = page.trace
    return to_json(made)


def _problem(page: _Page) -> str:
    """RFC 9457. A title is the same whenever the status is; what else is said is the detail."""
    title = reason(page.status) or f"Status {page.status}"
    made: dict[str, object] = {"type": "about:blank", "title": title, "status": page.status}
    if page.description != title:
        made["detail"] = page.description
    if page.data is not None:
        made["data"] = page.data
    if page.error is not None:
        made["exception"] = page.trace
    return to_json(made)


def _xml(page: _Page) -> str:
    trace = page.trace
    detail = f"<Exception>{xml_text(trace)}</Exception>" if trace else ""
    text = xml_text(page.description)
    status = f"<Code>{page.status}</Code><Description>{text}</Description>"
    return f"<Error><Status>{status}</Status>{detail}</Error>\n"


def _text(page: _Page) -> str:
    trace = page.trace
    return f"{page.status} {page.description}\n" + (f"\n{trace}" if trace else "")


_PAGES = {HTML: _html, JSON: _json, PROBLEM: _problem, TEXT: _text, XML: _xml}

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
