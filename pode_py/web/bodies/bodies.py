"""Bodies: what a request's body means, by its content type; and users' parsers for other types."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from pode_py.core import ambient
from pode_py.core.calls import steps
from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.core.runtime import Runtime
from pode_py.http.charsets import charset_of, codec_of
from pode_py.http.fields import AnyCaseFields, Fields
from pode_py.http.forms import parse_pairs
from pode_py.http.mime import UNKNOWN, content_type_of
from pode_py.http.request import Request
from pode_py.web.bodies.jsons import parse_json
from pode_py.web.bodies.values import FormOfJson, TextBody, body_value
from pode_py.web.event import WebEvent

Parsed = tuple[Any, dict[str, Any]]

_TYPE = re.compile(r"\w+/[\w.+-]+\Z")


class Bodies:
    """Reads bodies. Users' parsers come first, as in Pode."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._parsers: dict[str, Handler] = {}

    def add_parser(self, content_type: str, function: Callable[..., Any]) -> None:
        """`function` gets the body as text and returns the data."""
        key = checked_type(content_type)
        what = f'add_body_parser("{key}")'
        handler = Handler(function, ambient.WEB, what=what, values=("the text",))
        if handler.is_async:
            raise PodeError("A body parser can't be an async function: data is read without await.")
        with self._lock:
            if key in self._parsers:
                raise PodeError(
                    f"A body parser for {key} already exists. Remove it first with "
                    "remove_body_parser."
                )
            self._parsers = {**self._parsers, key: handler}

    def remove_parser(self, content_type: str) -> None:
        """Remove a parser, if there is one."""
        key = checked_type(content_type)
        with self._lock:
            self._parsers = {name: parser for name, parser in self._parsers.items() if name != key}

    def read(self, event: WebEvent) -> Parsed:
        """Data and files of the body; empty fields if there is none, or nobody said what it is."""
        request, content_type = event.request, event.content_type
        kind = content_type.partition(";")[0].strip().lower()
        if not kind or not request.raw_body:
            return Fields("field"), {}
        parser = self._parsers.get(kind)
        if parser is not None:
            return self._parsed(parser, kind, event), {}
        if kind.endswith(("/json", "+json")):
            return _json(request, content_type), {}
        if kind.endswith("/x-www-form-urlencoded"):
            text = _without_mark(request.body)
            form = FormOfJson if text.lstrip()[:1] in ("{", "[") else AnyCaseFields
            return form.of_pairs("field", parse_pairs(text)), {}
        if kind == "multipart/form-data":
            raise StatusError(415, "Forms with files can't be read yet. Read the raw body instead.")
        return TextBody(_without_mark(request.body)), {}

    def _parsed(self, parser: Handler, kind: str, event: WebEvent) -> Any:
        """What a user's parser makes of the body. What it can't read is the client's fault, as far
        as the client is told; the log has the traceback."""
        call = steps(parser, event, [_without_mark(event.request.body)])
        try:
            return self._runtime.calls.run(call)
        except StatusError:
            raise
        except Exception as error:
            self._runtime.report(error, f"The body parser of {kind}, for {event!r}")
            raise StatusError(400, f"The body is not the {kind} it should be.") from error


def _json(request: Request, content_type: str) -> Any:
    codec = codec_of(charset_of(content_type))
    try:
        text = request.raw_body.decode(codec)
    except UnicodeDecodeError:
        wanted = "UTF-8" if codec == "utf-8" else "in the charset that it names"
        raise StatusError(400, f"A JSON body must be {wanted}.") from None
    return body_value(parse_json(text)) if text.strip() else Fields("field")


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def checked_type(content_type: str) -> str:
    """The content type in lower case; ValueError if it is none, as `type/subtype` is."""
    if not isinstance(content_type, str) or not _TYPE.match(content_type):
        known = content_type_of(f".{content_type}").partition(";")[0]  # "json", as a file ends
        example = "text/csv" if known == UNKNOWN else known
        raise ValueError(f"{content_type!r} is not a content type: write it as {example!r}.")
    return content_type.lower()
