"""One file as a response: validators, ranges, and the body that reads it piece by piece."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from stat import S_ISREG

from pode_py.core.errors import StatusError
from pode_py.http.conditions import NOT_MODIFIED, PRECONDITION_FAILED, allows_range, outcome
from pode_py.http.mime import content_type_of
from pode_py.http.ranges import resolve_range
from pode_py.http.response import FileBody, Response
from pode_py.web.event import WebEvent

# A file up to this size is read at once: cheaper than a second pass through the sender.
SMALL = 64 * 1024


def write_file(
    event: WebEvent, path: Path, cache_control: str = "no-cache", content_type: str | None = None
) -> bool:
    """Answer a GET or HEAD with this file. False, with nothing written, if it can't be opened.

    Its name says what type it has, unless `content_type` does.

    Raises StatusError 412 if the client wanted another state of it.
    """
    try:
        # Opening a FIFO would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    file = os.fdopen(descriptor, "rb", buffering=0)
    record = os.fstat(descriptor)
    if not S_ISREG(record.st_mode):
        file.close()
        return False
    modified = datetime.fromtimestamp(int(record.st_mtime), UTC)
    etag = f'"{record.st_mtime_ns:x}-{record.st_size:x}"'
    instead = outcome(event.headers, etag, modified)
    if instead == PRECONDITION_FAILED:
        file.close()
        raise StatusError(PRECONDITION_FAILED)
    response = event.response
    kind = content_type or content_type_of(path.name)
    _describe(response, kind, etag, modified, cache_control)
    body = FileBody(file, 0, record.st_size)
    if instead == NOT_MODIFIED:
        response.status_code = NOT_MODIFIED
        body.length = 0
    elif (
        event.method == "get"
        and event.ranges is not None
        and len(event.ranges) == 1  # several are answered with the whole (RFC 9110, 14.2)
        and allows_range(event.headers, etag, modified, event.timestamp)
    ):
        _take_range(event, body, record.st_size)
    _attach(event, body)
    return True


def _describe(
    response: Response, content_type: str, etag: str, modified: datetime, cache_control: str
) -> None:
    headers = response.headers
    headers["Content-Type"] = content_type
    headers["ETag"] = etag
    headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    headers["Accept-Ranges"] = "bytes"
    headers["X-Content-Type-Options"] = "nosniff"
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = cache_control
    response.written = True


def _take_range(event: WebEvent, body: FileBody, size: int) -> None:
    response = event.response
    part = resolve_range((event.ranges or [])[0], size)
    if part is None:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{size}"
        body.length = 0
        return
    body.offset, body.length = part
    response.status_code = 206
    response.headers["Content-Range"] = f"bytes {part[0]}-{part[0] + part[1] - 1}/{size}"


def _attach(event: WebEvent, body: FileBody) -> None:
    """Give the response the body, and close the file if its bytes are not needed any more."""
    response = event.response
    if event.method == "head":
        response.headers["Content-Length"] = str(body.length)
        body.close()
    elif body.length > SMALL:
        response.body = body
    else:
        response.body = body.read(body.length) if body.length else b""
        body.close()
