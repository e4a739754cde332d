"""What error pages are like where nothing nearer says it. In Pode a part of server.psd1."""

from __future__ import annotations

from collections.abc import Mapping

from pode_py.core.ambient import room
from pode_py.core.checks import checked
from pode_py.web.errors.pages import ErrorPages

__all__ = [
    "set_error_page_defaults",
]


@checked
def set_error_page_defaults(
    *,
    default: str | None = None,
    routes: Mapping[str, str] | None = None,
    show_exceptions: bool | None = None,
    strict_content_typing: bool | None = None,
) -> None:
    """Set the types of error pages for the whole server. Not in Pode.

    In Pode these are settings of server.psd1: Web.ErrorPages. None leaves what was set before.

    default: the content type of pages for clients that ask for none.
    routes: paths with the content type of their pages. ``*`` in a path means any text, and the case
        of letters does not count. The first that fits decides, also where there is no route.
    show_exceptions: put the traceback on the page, for development.
    strict_content_typing: use the type of the request's body.

    Raises ValueError for what is no content type.

        set_error_page_defaults(routes={"/api/*": "application/json"})
    """
    room(ErrorPages).set_defaults(default, routes, show_exceptions, strict_content_typing)
