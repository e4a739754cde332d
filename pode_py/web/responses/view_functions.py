"""Pode's Responses area, the part that answers with views and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.paths import StrPath
from pode_py.web.errors.pages import ErrorPages
from pode_py.web.event import current_event
from pode_py.web.responses.text_files import TextFiles
from pode_py.web.responses.written import write_text
from pode_py.web.views.markdown import to_html
from pode_py.web.views.views import Views

__all__ = [
    "write_markdown_response",
    "write_view_response",
]


def write_view_response(
    path: StrPath,
    data: Mapping[str, Any] | None = None,
    *,
    status_code: int = 200,
    folder: str | None = None,
) -> None:
    """Answer with a view, as HTML. Pode: Write-PodeViewResponse.

    Templates know `data`, each of its keys, `pagename` (the path), `flash`, `web_event`, and the
    functions of pode_py. Values are escaped, except in templates whose last real extension is css,
    js, json or txt. A file that changes is seen at once. If there is no such view, the answer is
    the page of status 404, and the log has a warning.

    path: below the folder views/, or below `folder`. Without an extension it gets the engine's.
    data: a dict; it is not changed.
    status_code: 200 leaves a status that was set before.
    folder: the name of a folder of `add_view_folder`.

    Raises what the template raises, with a note that names its file and line.

        write_view_response("index", data={"name": "Ann"})
    """
    event, views = current_event(), room(Views)
    text = views.render(str(path), data, folder, page=True)
    if text is None:
        views.warn_of(str(path), folder)
        room(ErrorPages).write(event, 404)
        return
    write_text(event, text, "text/html", status_code)


def write_markdown_response(
    value: str = "",
    *,
    path: StrPath | None = None,
    status_code: int = 200,
    as_html: bool = False,
) -> None:
    """Answer with Markdown, as it is or as HTML. Pode: Write-PodeMarkdownResponse.

    HTML needs the package markdown-it-py: ``pip install "pode-py[markdown]"``.

    value: Markdown. As HTML, tags in it are escaped: it can come from a user.
    path: a file, instead of `value`. Tags in it stay.
    status_code: 200 leaves a status that was set before.
    as_html: convert it to HTML: CommonMark and tables. Links that run scripts stay text.

    Raises PodeError if the package is missing.

        write_markdown_response("# Title", as_html=True)
    """
    text = str(value) if path is None else room(TextFiles).read(path)
    if as_html:
        text = to_html(text, raw=path is not None)
    write_text(current_event(), text, "text/html" if as_html else "text/markdown", status_code)
