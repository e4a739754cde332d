"""Content types of files, by the end of their names."""

from __future__ import annotations

from pode_py.core.ambient import room
from pode_py.core.checks import checked
from pode_py.http.mime import MimeTypes
from pode_py.web.bodies.bodies import checked_type

__all__ = [
    "set_mime_type",
]


@checked
def set_mime_type(extension: str, content_type: str) -> None:
    """Set the content type of files by the end of their names. Not in Pode.

    It comes before the built-in one, of which there are more than 200; other files are
    `application/octet-stream`.

    extension: such as "foo" or ".foo", in any case.

    Raises ValueError for an extension or a content type that is none.

        set_mime_type("foo", "application/x-foo")
    """
    name = extension.removeprefix(".")
    if not name or any(mark in name for mark in "./\\"):
        raise ValueError(
            f"extension={extension!r} is not the end of a name behind its last dot: write 'gz'."
        )
    room(MimeTypes).set(name, checked_type(content_type))
