"""Bodies: what a request's body means, by its content type; and users' parsers for other types."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from pode_py.core import ambient
from pode_py.core.calls import steps
from pode_py.core.errors import PodeError, StatusError
from pode_py.core.handlers import Handler
from pode_py.core.runtime import Runtime
from pode_py.http.charsets import charset_of, codec_of
from pode_py.http.fields import AnyCaseFields, Fields
from pode_py.http.forms import parse_pairs
from pode_py.http.patterns import Pattern, route_path
from pode_py.http.request import Request
from pode_py.web.bodies.csvs import parse_csv
from pode_py.web.bodies.jsons import parse_json
from pode_py.web.bodies.values import FormOfJson, ListBody, TextBody, body_value
from pode_py.web.bodies.xmls import parse_xml
from pode_py.web.bodies.yamls import need_yaml, parse_yaml
from pode_py.web.event import WebEvent

Reader = Callable[[Request, str], Any]
Parsed = tuple[Any, dict[str, Any]]

_TYPE = re.compile(r"\w+/[\w.+-]+\Z")


@dataclass(frozen=True, slots=True)
class BodyDefaults:
    """The content type of bodies, whatever the client says: by patterns of paths, else for all."""

    content_type: str = ""
    routes: tuple[tuple[Pattern, str], ...] = ()


class Bodies:
    """Reads bodies. Users' parsers come first, as in Pode."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._parsers: dict[str, Handler | Reader] = {}
        self._defaults: BodyDefaults | None = None

    def add_parser(self, content_type: str, function: Callable[..., Any]) -> None:
        """`function` gets the body as text and returns the data."""
        key = checked_type(content_type)
        what = f'add_body_parser("{key}")'
        handler = Handler(function, ambient.WEB, what=what, values=("the text",))
        if handler.is_async:
            raise PodeError("A body parser can't be an async function: data is read without await.")
        self._add(key, handler)

    def read_as(self, content_type: str, word: str) -> None:
        """Read bodies of this type as those of a format that is known here."""
        if word == "yaml":
            need_yaml()
        self._add(checked_type(content_type), READERS[word])

    def _add(self, key: str, handler: Handler | Reader) -> None:
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

    def set_defaults(self, content_type: str | None, routes: Mapping[str, str] | None) -> None:
        """None leaves what was set before. ValueError for what is no content type."""
        known = self._defaults or BodyDefaults()
        if content_type is not None:
            known = replace(known, content_type=checked_type(content_type))
        if routes is not None:
            pairs = [(Pattern(route_path(path)), checked_type(to)) for path, to in routes.items()]
            known = replace(known, routes=tuple(pairs))
        self._defaults = known

    def content_type_of(self, event: WebEvent) -> str:
        """The content type of the event's body, where its route says nothing of it."""
        sent = str(event.headers.get("content-type", ""))
        defaults = self._defaults
        if defaults is None:
            return sent
        by_path = (kind for pattern, kind in defaults.routes if pattern.fits(event.path))
        return next(by_path, defaults.content_type or sent)

    def read(self, event: WebEvent) -> Parsed:
        """Data and files of the body; empty fields if there is none, or nobody said what it is."""
        request, content_type = event.request, event.content_type
        kind = content_type.partition(";")[0].strip().lower()
        if not kind or not request.raw_body:
            return Fields("field"), {}
        parser = self._parsers.get(kind)
        if isinstance(parser, Handler):
            return self._parsed(parser, kind, event), {}
        if parser is not None:
            return parser(request, content_type), {}
        if kind == "multipart/form-data":
            raise StatusError(415, "Forms with files can't be read yet. Read the raw body instead.")
        for endings, reader in _BY_ENDING:
            if kind.endswith(endings):
                return reader(request, content_type), {}
        return _text(request, content_type), {}

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


def _form(request: Request, _: str) -> Any:
    text = _without_mark(request.body)
    form = FormOfJson if text.lstrip()[:1] in ("{", "[") else AnyCaseFields
    return form.of_pairs("field", parse_pairs(text))


def _xml(request: Request, content_type: str) -> Any:
    """RFC 7303, 3: a byte order mark wins, then the charset of the type, then the document."""
    body, charset = request.raw_body, charset_of(content_type)
    if not charset or body.startswith(_MARKS):
        return Fields("field", parse_xml(body))
    return Fields("field", parse_xml(body.decode(codec_of(charset), "replace")))


def _csv(request: Request, _: str) -> Any:
    return ListBody(parse_csv(_without_mark(request.body)))


def _yaml(request: Request, _: str) -> Any:
    return body_value(parse_yaml(_without_mark(request.body)))


def _text(request: Request, _: str) -> Any:
    return TextBody(_without_mark(request.body))


_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: The words of `add_body_parser`.
READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {"json": _json, "form": _form, "xml": _xml, "csv": _csv, "yaml": _yaml, "text": _text}
)
_BY_ENDING: Final[tuple[tuple[tuple[str, ...], Reader], ...]] = (
    (("/json", "+json"), _json),
    (("/x-www-form-urlencoded",), _form),
    (("/xml", "+xml"), _xml),
    (("/csv",), _csv),
)


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def checked_type(content_type: str) -> str:
    """The content type in lower case; ValueError if it is none, as `type/subtype` is."""
    if not isinstance(content_type, str) or not _TYPE.match(content_type):
        raise ValueError(f"{content_type!r} is not a content type: write it as 'text/csv'.")
    return content_type.lower()
