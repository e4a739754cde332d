"""Views: the room that knows engines and folders, and keeps each template compiled.

A template is compiled once for each state of its file. One `os.stat` a rendering shows that it is
still the same file; only after a change, or the first time, its path is looked at closely again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any, Literal

from pode_py.core import ambient
from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.core.paths import calling_frame
from pode_py.core.registry import Registry
from pode_py.core.runtime import Runtime
from pode_py.http.mime import MimeTypes
from pode_py.web.views.engines import (
    CustomEngine,
    HtmlEngine,
    MarkdownEngine,
    Render,
    ViewEngine,
    escapes,
    extension_of,
    inner_name,
)
from pode_py.web.views.files import Signature, Template, ViewFolder, read_template, signature_of
from pode_py.web.views.jinja import JinjaEngine
from pode_py.web.views.markdown import need_markdown_it

HTML = "text/html; charset=utf-8"

#: What is to become of a file that is not a view: see `Views.role_of`.
Role = Literal["render", "hide", "send"]

# Stands for a folder of files that are no views. No folder can be called so.
_FILES = "\0"

# Seconds in which one place is warned about once.
_QUIET = 60.0

_HTML = frozenset({"html", "htm"})
_MARKDOWN = frozenset({"md", "markdown"})


class RenderedView(str):
    """A text that was made by a template that escapes: others insert it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A template at `place`, links not followed, in one state of its file.

    `doubtful` is what was in it, as long as that may have changed unseen.
    """

    name: str
    place: str
    signature: Signature
    render: Render
    escapes: bool
    doubtful: bytes | None


class Views:
    """Renders templates, on any thread. What is set, is set before the server serves."""

    def __init__(self, root: Path, runtime: Runtime) -> None:
        self._warn = runtime.warn
        self._clock = runtime.clock
        self._lock = threading.Lock()
        # Who asked for a view that is not there: until when that is not said again, how often.
        self._warned: dict[str, tuple[float, int]] = {}
        self._main = ViewFolder("", root)
        self._folders: Registry[ViewFolder] = Registry("View folder")
        #: What every template knows besides its values. Rooms above may add names of theirs.
        self.names: dict[str, Any] = {**ambient.front_door, "Markup": _markup}
        self._engine: ViewEngine = JinjaEngine("html", self._find, self.names)
        self._by_extension: dict[str, ViewEngine] = {
            **dict.fromkeys(_HTML, HtmlEngine()),
            **dict.fromkeys(_MARKDOWN, MarkdownEngine()),
        }
        # By folder and path as they were asked for; _FILES for those that are no views.
        self._compiled: dict[tuple[str | None, str], _Compiled] = {}
        # Held while a template is read and compiled, so that this happens once. Reentrant: an
        # extension of Jinja may use a partial view.
        self._compiling = threading.RLock()

    def use(self, kind: str, extension: str = "", environment: Any = None) -> None:
        """Have an engine of ours render views: "jinja2", "pode", "html" or "markdown"."""
        if kind == "jinja2":
            self._use(JinjaEngine(extension or "html", self._find, self.names, environment))
        elif kind == "pode":
            self._use(self._pode_engine(extension or "pode"))
        elif kind == "html":
            self._use(HtmlEngine(extension or "html"))
        else:
            need_markdown_it()
            self._use(MarkdownEngine(extension or "md"))

    def use_custom(self, extension: str, handler: Handler) -> None:
        """Have a function of a user render views. PodeError if it is `async def`."""
        if handler.is_async:
            raise PodeError(
                f"{handler}, is async. A view is rendered where its handler runs, and nothing "
                "waits for it there. Make it a plain function, and get what it needs in the "
                "handler, which can wait."
            )
        self._use(CustomEngine(extension, handler))

    def add_folder(self, name: str, folder: Path) -> None:
        """Raises PodeError if the name is taken, or if there is no such folder."""
        if not folder.is_dir():
            raise PodeError(f"The folder {folder} of the views {name!r} does not exist.")
        self._folders.add(name, ViewFolder(name, folder))

    def render(
        self, path: str, data: Mapping[str, Any] | None, folder: str | None, *, page: bool
    ) -> str | None:
        """The text of a view; None if there is none. A `page` knows its own name."""
        if data is not None and not isinstance(data, Mapping):
            raise TypeError(f"data takes a dict of what the view shows, not {data!r}.")
        compiled: _Compiled | None = None
        try:
            compiled = self._known((folder, path)) or self._load(folder, path)
            if compiled is None:
                return None
            values: dict[str, Any] = {"pagename": path, "flash": {}} if page else {"flash": {}}
            if data:
                values.update(data)
            text = compiled.render(values)
        except Exception as error:
            self._explain(error, self._named(path) if compiled is None else compiled.name)
            raise
        return RenderedView(text) if compiled.escapes else text

    def warn_of(self, path: str, folder: str | None) -> None:
        """Log that a view is not there, once a minute for each place that asks for one.

        Paths can be made of what clients send.
        """
        user, now = _user("Asked for by"), self._clock.monotonic()
        with self._lock:
            quiet_until, more = self._warned.get(user, (now, 0))
            if now < quiet_until:
                self._warned[user] = (quiet_until, more + 1)
                return
            self._warned[user] = (now + _QUIET, 0)
        since = f" This was so {more} more times since the last warning." if more else ""
        self._warn(f"{self.absence_of(path, folder)} {user}{since}", "write_view_response")

    def absence_of(self, path: str, folder: str | None) -> str:
        """What to say of a view that is not there."""
        root = (self._main if folder is None else self._folders.need(folder)).root
        return (
            f"There is no view {self._named(path)!r} in {root}. The path of a view has no '..', "
            "does not begin with '/', and its parts are separated by '/'."
        )

    def role_of(self, name: str) -> Role:
        """What becomes of a file outside of the folders of views, by its name.

        It is rendered if it is a template of the engine; nobody gets the source of a template.
        """
        extension = extension_of(name)
        if extension not in _HTML | _MARKDOWN and self.is_template(name):
            return "render"
        return "hide" if extension == "pode" else "send"

    def is_template(self, name: str) -> bool:
        """Whether a file of this name is a template of the engine that is set."""
        fills = not isinstance(self._engine, (HtmlEngine, MarkdownEngine))
        return fills and extension_of(name) == self._engine.extension

    def render_file(self, path: Path, data: Mapping[str, Any] | None = None) -> str | None:
        """The text of a template anywhere; None if there is none. Its path must have no links."""
        place = str(path)
        try:
            compiled = self._known((_FILES, place))
            if compiled is None:
                with self._compiling:
                    template = read_template(path.name, place)
                    compiled = self._compile((_FILES, place), place, template)
            if compiled is None:
                return None
            return compiled.render({"flash": {}, **(data or {})})
        except Exception as error:
            self._explain(error, place, asked=False)
            raise

    def content_type_of(self, name: str, types: MimeTypes) -> str:
        """The content type of what a template makes: ``main.css.pode`` makes CSS."""
        inner = inner_name(name, extension_of(name))
        return types.of(inner) if extension_of(inner) else HTML

    def _use(self, engine: ViewEngine) -> None:
        with self._compiling:  # what is being compiled is the old engine's
            self._engine = engine
            self._compiled = {}

    def _engine_of(self, extension: str) -> ViewEngine:
        """The one whose extension it is; else a user's function or Jinja2, if that is in use."""
        if extension == self._engine.extension:
            return self._engine
        if extension == "pode" and extension not in self._by_extension:
            self._by_extension["pode"] = self._pode_engine("pode")
        known = self._by_extension.get(extension)
        if known is not None:
            return known
        takes_all = isinstance(self._engine, (CustomEngine, JinjaEngine))
        return self._engine if takes_all else self._by_extension["html"]

    def _pode_engine(self, extension: str) -> ViewEngine:
        from pode_py.web.views.pode_template import PodeEngine

        return PodeEngine(self.names, extension)

    def _named(self, path: str) -> str:
        return path if extension_of(path) else f"{path}.{self._engine.extension}"

    def _load(self, folder: str | None, path: str) -> _Compiled | None:
        """The view, compiled now, if it is there."""
        where = self._main if folder is None else self._folders.need(folder)
        name = self._named(path.removeprefix("./"))
        place = where.place_of(name)
        if place is None:
            return None
        with self._compiling:
            known = self._known((folder, path))  # by now
            return known or self._compile((folder, path), place, where.read(name))

    def _known(self, key: tuple[str | None, str]) -> _Compiled | None:
        """What is compiled and has not changed since."""
        known = self._compiled.get(key)
        if known is None or known.doubtful is not None:
            return None
        return known if signature_of(known.place) == known.signature else None

    def _compile(
        self, key: tuple[str | None, str], place: str, template: Template | None
    ) -> _Compiled | None:
        if template is None:
            self._compiled.pop(key, None)
            return None
        engine = self._engine_of(extension_of(template.name))
        before = self._compiled.get(key)
        same = before is not None and before.doubtful == template.content
        made = _Compiled(
            template.name,
            place,
            template.signature,
            before.render if before is not None and same else engine.compile(template),
            escapes(template.name, engine.extension),
            template.content if template.may_change_unseen else None,
        )
        self._compiled[key] = made
        return made

    def _find(self, name: str) -> tuple[Template, str] | None:
        """For Jinja: the template that others call `name`, and where it lies."""
        known, colon, path = name.partition(":")
        folder = self._folders.get(known) if colon else self._main
        place = folder.place_of(path if colon else name) if folder is not None else None
        if folder is None or place is None:
            return None
        template = folder.read(path if colon else name)
        return None if template is None else (template, place)

    def _explain(self, error: Exception, name: str, *, asked: bool = True) -> None:
        """Note at an error where it happened: in which template and line, and who rendered it."""
        if isinstance(error, StatusError):
            return
        said = [str(error).partition(",")[0], *getattr(error, "__notes__", ())]
        if not any(text.startswith("In the template") or text.endswith(name) for text in said):
            error.add_note(f"In the template {self._line_of(error, name)}.")
            if type(error).__name__ == "TemplateNotFound":
                error.add_note(
                    f"Templates are found below {self._main.root}, and in other folders as "
                    '"name:path", after add_view_folder.'
                )
        user = _user("Rendered by") if asked else ""
        if user:
            error.add_note(user)

    def _line_of(self, error: Exception, name: str) -> str:
        """The template's name and line, the last that the error came from."""
        found, line = name, getattr(error, "lineno", None)
        roots = [folder.root + os.sep for folder in (self._main, *self._folders.select())]
        for frame, number in walk_tb(error.__traceback__):
            file = frame.f_code.co_filename
            if file == name or any(map(file.startswith, roots)):
                found, line = file, number
        return f"{found}, line {line}" if line is not None else found


def _user(verb: str) -> str:
    """Who has a view rendered; nothing for a view in another one."""
    user = outer = calling_frame()
    while outer is not None:
        if outer.f_code in (Views.render.__code__, Views.render_file.__code__):
            return ""
        outer = outer.f_back
    if user is None or user.f_globals.get("__name__") == "threading":  # ours alone until there
        return ""
    name = user.f_code.co_qualname.rpartition("<locals>.")[2]
    return f"{verb} `{name} ({Path(user.f_code.co_filename).name}:{user.f_lineno})`."


def _markup(text: str) -> Any:
    """Text that is inserted as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - templates ask for it
