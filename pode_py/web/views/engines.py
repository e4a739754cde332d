"""What a view engine is, and the small ones: files as they are, Markdown, a user's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pode_py.core.calls import begin, is_coroutine
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.web.views.files import Template
from pode_py.web.views.markdown import to_html

#: The text of a template that is filled with these values.
Render = Callable[[dict[str, Any]], str]

# What HTML's escapes would spoil.
_NO_MARKUP = frozenset({"css", "js", "json", "txt"})


class ViewEngine(Protocol):
    """Makes functions of templates. `extension` is that of its files."""

    extension: str

    def compile(self, template: Template) -> Render: ...


class HtmlEngine:
    """Files as they are."""

    def __init__(self, extension: str = "html") -> None:
        self.extension = extension

    def compile(self, template: Template) -> Render:
        text = template.text
        return lambda _: text


class MarkdownEngine:
    """Markdown files, HTML in them included. Values have no place in them."""

    def __init__(self, extension: str = "md") -> None:
        self.extension = extension

    def compile(self, template: Template) -> Render:
        text = to_html(template.text, raw=True)
        return lambda _: text


class CustomEngine:
    """A user's function of a path and the values. It reads the file each time, or keeps it."""

    def __init__(self, extension: str, handler: Handler) -> None:
        self.extension = extension
        self._handler = handler

    def compile(self, template: Template) -> Render:
        def render(data: dict[str, Any]) -> str:
            text = begin(self._handler, None, (template.path, data))
            if isinstance(text, str):
                return text
            if is_coroutine(text):
                text.close()
            raise PodeError(
                f"{self._handler}, returned {type(text).__name__} for {template.name}. Return the "
                "text of the page, a str."
            )

        return render


def extension_of(path: str) -> str:
    """The last extension in lower case, "" if there is none.

    >>> extension_of("v1.2/index"), extension_of("main.CSS")
    ('', 'css')
    """
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""


def inner_name(name: str, extension: str) -> str:
    """The name without the engine's extension.

    >>> inner_name("main.css.pode", "pode"), inner_name("index.html", "pode")
    ('main.css', 'index.html')
    """
    return name[: -len(extension) - 1] if extension_of(name) == extension else name


def escapes(name: str, extension: str) -> bool:
    """Whether values are escaped in this template: everywhere but in CSS, scripts, JSON and text.

    >>> escapes("index.pode", "pode"), escapes("main.css.pode", "pode"), escapes("a.txt", "html")
    (True, False, False)
    """
    if extension_of(name) in _NO_MARKUP:
        return False
    return extension_of(inner_name(name, extension)) not in _NO_MARKUP
