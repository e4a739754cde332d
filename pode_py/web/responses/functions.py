"""Pode's Responses area, first part: text, JSON, HTML, statuses and redirects.

A handler may also return its answer. Whoever writes last decides; a handler that wrote one must
return None.
"""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any, Literal

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, one_of, seconds
from pode_py.core.calls import Calls
from pode_py.core.jsons import to_json
from pode_py.http.mime import text_with_charset
from pode_py.web.endpoints.endpoints import Endpoints, url_with
from pode_py.web.errors.pages import ErrorPages
from pode_py.web.event import current_event
from pode_py.web.places import Places
from pode_py.web.responses.text_files import TextFiles
from pode_py.web.responses.written import (
    checked_status,
    html_of,
    keep_for,
    plain_reason,
    redirect,
    refuse_after_reply,
    send_now,
    write_bytes,
    write_text,
)

__all__ = [
    "move_response_url",
    "send_response",
    "set_response_status",
    "write_html_response",
    "write_json_response",
    "write_text_response",
]


def write_text_response(
    value: str = "",
    *,
    bytes: builtins.bytes | None = None,
    content_type: str = "text/plain",
    max_age: Duration = 3600,
    status_code: int = 200,
    cache: bool = False,
) -> None:
    """Answer with text. Pode: Write-PodeTextResponse.

    bytes: the body as it is, instead of `value`.
    max_age: seconds for which browsers can keep the answer, if `cache` is set.
    status_code: 200 leaves a status that was set before.
    cache: let browsers keep the answer.

        write_text_response("pong")
    """
    event = current_event()
    if cache:
        keep_for(event, seconds("max_age", max_age))
    if bytes is not None:
        write_bytes(event, bytes, text_with_charset(content_type), status_code)
    else:
        write_text(event, str(value), content_type, status_code)


def write_json_response(
    value: Any = None,
    *,
    path: str | Path | None = None,
    content_type: str = "application/json",
    status_code: int = 200,
    no_compress: bool = False,
) -> None:
    """Answer with a value as JSON, or with a JSON file. Pode: Write-PodeJsonResponse.

    value: a str is JSON text and sent as it is; an empty one is ``{}``. Other values can hold,
        besides what JSON has, dataclasses, dates and times, Decimal, UUID, Enum, paths, sets and
        bytes (UTF-8).
    path: a JSON file, instead of `value`. Without that file the answer is 404.
    status_code: 200 leaves a status that was set before.
    no_compress: indent the text, for people to read.

    Raises TypeError for a value that has no JSON text.

        write_json_response({"value": "pong"})
    """
    text = value if path is None else room(TextFiles).read(path)
    if not isinstance(text, str):
        text = to_json(value)
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False) if no_compress else text
    write_text(current_event(), text if text.strip() else "{}", content_type, status_code)


def write_html_response(
    value: Any = "", *, path: str | Path | None = None, status_code: int = 200
) -> None:
    """Answer with HTML text, or with an HTML file. Pode: Write-PodeHtmlResponse.

    value: a str is sent as it is: escape what came from users with ``html.escape``. Anything else
        (a dict, a dataclass, a list of them) becomes a table, escaped.
    path: an HTML file, instead of `value`. Without that file the answer is 404.
    status_code: 200 leaves a status that was set before.

        write_html_response("<h1>Hello</h1>")
    """
    text = html_of(value) if path is None else room(TextFiles).read(path)
    write_text(current_event(), text, "text/html", status_code)


def send_response() -> None:
    """Send the response now, and go on with the handler. Pode: Send-PodeResponse.

    The client has its answer while the handler does what takes long; endware runs when the handler
    ends. The next request on the same connection may wait until then. A client that leaves does not
    end the handler, and neither does its timeout. In an `async def` handler, what the client does
    not take at once of a large body follows when the handler ends.

    Raises PodeError if the response has been sent already, or is an event stream; so does each
    function that writes a response after it.

        @add_route("post", "/orders")
        def order():
            write_json_response({"accepted": True}, status_code=202)
            send_response()
            print("now what takes long")
    """
    send_now(current_event(), room(Places), room(Calls))


def set_response_status(
    code: int,
    *,
    description: str | None = None,
    exception: BaseException | None = None,
    content_type: str | None = None,
    no_error_page: bool = False,
) -> None:
    """Set the status; from 400 up, answer with its error page. Pode: Set-PodeResponseStatus.

    code: 200 to 599.
    description: replaces the usual text on the page and in the status line.
    exception: shown on the page if the server shows exceptions.
    content_type: the format of the page, such as "application/json".
    no_error_page: set the status only.

        set_response_status(404, description="No such user")
    """
    event = current_event()
    refuse_after_reply(event)
    code = checked_status(code)
    if code >= 400 and not no_error_page:
        room(ErrorPages).write(event, code, description, error=exception, content_type=content_type)
    event.response.status_code = code
    event.response.reason = plain_reason(description)


def move_response_url(
    url: str | None = None,
    *,
    endpoint_name: str | None = None,
    port: int = 0,
    protocol: Literal["", "http", "https"] = "",
    address: str = "",
    moved: bool = False,
) -> None:
    """Redirect to a URL, or to the current one elsewhere. Pode: Move-PodeResponseUrl.

    url: by default that of the request, with what else is given.
    port: 0 keeps the port, or leaves it to the protocol.
    protocol: "http" or "https"; "" keeps that of the request.
    moved: answer with status 301 instead of 302.

    Raises ValueError if nothing says where to.

        move_response_url("/login")
        move_response_url(protocol="https", port=8443, moved=True)
    """
    event = current_event()
    scheme = one_of("protocol", protocol, ("", "http", "https"))
    if url is None and endpoint_name is not None:
        endpoint = room(Endpoints).need(endpoint_name)
        url = url_with(event, endpoint.protocol, endpoint.friendly_name, endpoint.port)
    elif url is None:
        if not (scheme or address or port):
            raise ValueError("move_response_url needs a url, or another protocol, address or port.")
        url = url_with(event, scheme, address, port)
    redirect(event, url, moved=moved)
