"""Pode's Responses area, the part about views: engines, folders, partial views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.arguments import filled
from pode_py.core.checks import checked, decorates
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Function, Handler
from pode_py.core.paths import Folders, StrPath
from pode_py.core.registration import Registration, waiting
from pode_py.web.views.views import Views

__all__ = [
    "add_view_folder",
    "set_view_engine",
    "use_partial_view",
]

_OURS = {
    "html": "html",
    "jinja": "jinja2",
    "jinja2": "jinja2",
    "markdown": "markdown",
    "md": "markdown",
    "pode": "pode",
}


@decorates('set_view_engine("name")')
def set_view_engine(
    type: str,
    handler: Function | None = None,
    *,
    extension: str | None = None,
    environment: Any = None,
) -> Registration:
    """Set what renders views. Pode: Set-PodeViewEngine.

    Without a call it is Jinja2. Any thread can render, several at the same time.

    type: "jinja2", "pode", "html" or "markdown", in any case of letters; or a name of your own,
        with a handler.
    handler: a function of the path of the view and of data, which returns the text. It can leave
        out data, and can't be async: a view is rendered where its route's handler runs.
    extension: the extension of view files; by default "html" for jinja2, "md" for markdown, and
        the type for others.
    environment: for jinja2: a `jinja2.Environment`, or a function that gets ours and changes it.
        One without autoescape gets ours. Not in Pode.

    Returns a decorator if the type is a name of your own and there is no handler.
    Raises PodeError if a package is missing, or if the handler is async.

        from pathlib import Path
        from string import Template

        @set_view_engine("dollar", extension="tpl")
        def render(path, data):
            return Template(Path(path).read_text()).safe_substitute(data)
    """
    what = f'set_view_engine("{filled("type", type)}")'
    ours = _OURS.get(type.lower())
    if environment is not None and ours != "jinja2":
        raise ValueError(f'{what} takes no environment: that is for set_view_engine("jinja2").')
    if ours is not None and handler is not None:
        raise ValueError(
            f"{what} is an engine of pode_py and takes no handler. Choose another name for yours."
        )
    views, suffix = room(Views), (extension or "").lower().lstrip(".")
    if ours is not None:
        views.use(ours, suffix, environment)
        return Registration(what)

    def register(function: Function) -> None:
        made = Handler(function, what=what, values=("path", "data"))
        views.use_custom(suffix or type.lower(), made)

    return waiting(what, register, handler)


@checked
def add_view_folder(name: str, source: StrPath) -> None:
    """Add a folder with further views, for the parameter `folder`. Pode: Add-PodeViewFolder.

    Templates of Jinja2 reach it as "name:path": ``{% extends "shop:layout.html" %}``.

    source: a folder, relative to the server's root.

    Raises PodeError if there is no such folder, or if the name is taken.

        add_view_folder("shop", "shop/views")
    """
    name = filled("name", name)
    if ":" in name or "/" in name:
        raise ValueError(f"name={name!r} must have neither ':' nor '/'.")
    room(Views).add_folder(name, room(Folders).resolve(source))


def use_partial_view(
    path: StrPath, data: Mapping[str, Any] | None = None, *, folder: str | None = None
) -> str:
    """Return the text of a view, for use in another one. Pode: Use-PodePartialView.

    It works in templates and anywhere else, without a request, too. A template inserts the text as
    it is, except if it was made by a template that does not escape (CSS, JavaScript, JSON, text).

    data: the values of the view; they are not changed.
    folder: the name of a folder of `add_view_folder`.

    Raises PodeError if there is no such view.

        text = use_partial_view("mail/welcome", data={"name": "Ann"})
    """
    text = room(Views).render(str(path), data, folder, page=False)
    if text is None:
        raise PodeError(room(Views).absence_of(str(path), folder))
    return text
