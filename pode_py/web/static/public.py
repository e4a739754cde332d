"""PublicFolder: the files below public/, for everybody, and nothing that is not below it.

Theory: the path of a request is data from a stranger. It is cut at slashes, every part must be an
ordinary name, and what is then found must really be inside of the folder once all symbolic links
are followed. Whatever is not plainly fine is not there: 404, never a hint.

Links are followed anew for each request. Volumes of Kubernetes consist of them: each file is a
link over ``..data`` to a folder such as ``..2026_11_26_08_00_00.100``, and an update swaps that one
link.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from pode_py.http.mime import MimeTypes
from pode_py.web.event import WebEvent
from pode_py.web.static.files import write_file
from pode_py.web.views.views import Views

INDEX_FILES = ("index.html", "index.htm", "default.html", "default.htm")
MAX_PATH = 1024

# No dotfiles (so no ``..``), no names that Windows would take for something else: streams and
# drives (``:``), devices, names that end in a dot or a space.
_NAME = re.compile(r"(?!\.)[^\x00-\x1f\x7f\\/:*?\"<>|]+(?<![. ])\Z")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)(?:\..*)?\Z", re.IGNORECASE)

# What every site has at its root for programs that look for it (RFC 8615).
_WELL_KNOWN = ".well-known"
# Where the files of a mounted volume are. No request gets there but over a link.
_MOUNTED = re.compile(r"\.\.\w[\w.-]*\Z")


class PublicFolder:
    """Serves files for GET and HEAD. `active` is False if there is no folder.

    `folder` may be a link. Those it stands in must be none.
    """

    def __init__(self, folder: Path, views: Views, types: MimeTypes) -> None:
        self._views = views
        self._types = types
        self._folder = str(folder)
        self.active = os.path.isdir(self._folder)

    def stand(self, event: WebEvent) -> bool:
        """Answer with a file whose name has a dot. As in Pode, it comes before any route. True if
        there is none: the request goes on."""
        return "." not in event.path or not self._serve(event, event.path)

    def serve_folder(self, event: WebEvent) -> bool:
        """Answer with what no route claims: a file without a dot, the index file of a folder."""
        path = event.path
        if self._serve(event, path):
            return True
        if event.method not in ("get", "head"):
            return False
        folder = self.find(path.rstrip("/"), folder=True)
        if folder is None:
            return False
        for name in INDEX_FILES:
            if (folder / name).is_file():
                return self._serve_index(event, name)
        return False

    def has(self, path: str) -> bool:
        """Whether there is a file for this path."""
        file = self.find(path)
        return file is not None and self._views.role_of(file.name) != "hide"

    def find(self, path: str, *, folder: bool = False) -> Path | None:
        """The file (or folder) that a request's path means, if it may be seen."""
        parts = path.split("/")[1:]
        if len(path) > MAX_PATH or "%2f" in path.lower() or not _are_plain(parts):
            return None
        exists = os.path.isdir if folder else os.path.isfile
        try:
            folder_is_link = os.path.islink(self._folder)
            root = os.path.realpath(self._folder) if folder_is_link else self._folder
            wanted = os.path.join(root, *parts)
            if not exists(wanted):
                return None
            real = os.path.realpath(wanted)
        except (OSError, ValueError):
            return None
        if real == wanted:
            return Path(real)
        # A symbolic link. It may lead to a plain name inside of the folder, nowhere else.
        if os.path.commonpath([root, real]) != root:
            return None
        inner = os.path.relpath(real, root).split(os.sep)
        return Path(real) if _are_plain(inner, mounted=True) else None

    def _serve(self, event: WebEvent, path: str) -> bool:
        if event.method not in ("get", "head"):
            return False
        for _ in range(2):  # a link may be swapped between the two steps
            file = self.find(path)
            if file is None:
                return False
            role = self._views.role_of(file.name)
            kind = self._types.of(file.name)
            if role == "send" and write_file(event, file, content_type=kind):
                return True
            if role == "render" and self._render(event, file):
                return True
        return False

    def _render(self, event: WebEvent, file: Path) -> bool:
        """Answer with what a template of the view engine makes, such as ``main.css.pode``."""
        text = self._views.render_file(file)
        if text is None:
            return False
        response = event.response
        response.headers["Content-Type"] = self._views.content_type_of(file.name, self._types)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-cache"
        response.body = text.encode("utf-8", "replace")
        response.written = True
        return True

    def _serve_index(self, event: WebEvent, name: str) -> bool:
        if event.path.endswith("/"):
            return self._serve(event, event.path + name)
        # Without the slash, the page's relative links would point beside the folder.
        query = event.request.query_string
        location = event.request.prefix + quote(f"/{event.path.strip('/')}/")
        event.response.status_code = 301
        event.response.headers["Location"] = f"{location}?{query}" if query else location
        event.response.written = True
        return True


def _are_plain(names: list[str], *, mounted: bool = False) -> bool:
    """Whether these are the names of a file that may be seen. `mounted`: it was found by a link."""
    below = names[1:] if names[:1] == [_WELL_KNOWN] else names
    return all(
        (_NAME.match(name) and not _DEVICE.match(name)) or (mounted and _MOUNTED.match(name))
        for name in below
    )
