"""Pode's Responses area, the part for data: CSV, XML, YAML, or what the client likes best."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.errors import StatusError
from pode_py.core.jsons import to_json
from pode_py.core.paths import StrPath
from pode_py.http.negotiation import preferred_language, preferred_type
from pode_py.web.bodies.csvs import to_csv
from pode_py.web.bodies.plain import plain, text_of
from pode_py.web.bodies.xmls import to_xml
from pode_py.web.bodies.yamls import has_yaml, to_yaml
from pode_py.web.event import current_event
from pode_py.web.responses.text_files import TextFiles
from pode_py.web.responses.written import add_vary, html_of, write_text

__all__ = [
    "get_preferred_language",
    "write_csv_response",
    "write_negotiated_response",
    "write_xml_response",
    "write_yaml_response",
]


def write_csv_response(
    value: Any = "", *, path: StrPath | None = None, status_code: int = 200
) -> None:
    """Answer with CSV. Pode: Write-PodeCsvResponse.

    Every cell is in quotes. The first line has all names, in the order in which they are seen
    first; lines end in LF, and the last one in nothing. None is an empty cell, and '' is ``""``.

    value: a str is sent as it is. A dict, a dataclass or another object is a row, and a list of
        them is several. What a cell can't hold, such as a list, is in it as JSON.
    path: a CSV file, instead of `value`. Without that file the answer is 404.
    status_code: 200 leaves a status that was set before.

    Raises TypeError for a value that has no text.

        write_csv_response([{"name": "Rick", "age": 10}, {"name": "Don", "age": 20}])
    """
    _write(value, path, to_csv, "text/csv", status_code)


def write_xml_response(
    value: Any = "",
    *,
    path: StrPath | None = None,
    content_type: str = "application/xml",
    status_code: int = 200,
    root: str | None = None,
) -> None:
    """Answer with XML. Pode: Write-PodeXmlResponse.

    Without `root` it has PowerShell's form: ``<Objects>``, an ``<Object>`` of each item, and
    ``<Property Name="name">`` of each name.

    value: a str is sent as it is. A dict, a dataclass, another object, or a list of them.
    path: an XML file, instead of `value`. Without that file the answer is 404.
    content_type: such as "text/xml".
    status_code: 200 leaves a status that was set before.
    root: the name of the outermost element; those in it are named by the keys, a list repeats its
        element, and a list without a key has elements ``<item>``. Not in Pode.

    Raises TypeError for a value that has no text, ValueError for a root that is no name.

        write_xml_response({"user": [{"name": "Ann"}, {"name": "Bo"}]}, root="users")
    """
    _write(value, path, lambda made: to_xml(made, root), content_type, status_code)


def write_yaml_response(
    value: Any = "",
    *,
    path: StrPath | None = None,
    content_type: str = "application/yaml",
    status_code: int = 200,
) -> None:
    """Answer with YAML. Pode: Write-PodeYamlResponse.

    Values need the package PyYAML: ``pip install "pode-py[yaml]"``.

    value: a str is sent as it is. Other values become what they become in JSON, in block style.
    path: a YAML file, instead of `value`. Without that file the answer is 404.
    content_type: such as "text/yaml".
    status_code: 200 leaves a status that was set before.

    Raises PodeError if the package is missing, TypeError for a value that has no text.

        write_yaml_response({"name": "Rick", "tags": ["a", "b"]})
    """
    _write(value, path, to_yaml, content_type, status_code)


def write_negotiated_response(
    value: Any, *, status_code: int = 200, root: str | None = None
) -> None:
    """Answer with a value in the format that the client likes best. Not in Pode.

    The formats are JSON, XML, YAML (if PyYAML is installed), CSV, HTML (a table) and plain text,
    chosen by the field `Accept`; a client that takes several equally, or says nothing, gets the
    first of them. The answer says `Vary: Accept`.

    value: a dict, a dataclass, a list of them, a str, a number. Unlike in the other functions, a
        str is a value, too, and not a text that is in the format already.
    status_code: 200 leaves a status that was set before.
    root: as in `write_xml_response`.

    Raises StatusError 406 if the client takes none of the formats.

        write_negotiated_response([{"name": "Ann"}, {"name": "Bo"}])
    """
    event = current_event()
    add_vary(event, "Accept")
    offers = [kind for kind in _FORMATS if kind != _YAML or has_yaml()]
    kind = preferred_type(event.headers.get("accept"), offers)
    if kind is None:
        names = ", ".join(offers)
        raise StatusError(406, f"There is {names}.", headers={"Vary": "Accept"})
    text = to_xml(value, root) if kind == _XML else _FORMATS[kind](value)
    write_text(event, text, kind, status_code)


def get_preferred_language(offers: Iterable[str]) -> str:
    """Return which of these languages the client likes best. Not in Pode.

    It is chosen by the field `Accept-Language`: `de-AT` finds `de-AT`, else `de`, else another one
    of `de`. If nothing fits, it is the first. The answer says `Vary: Accept-Language`.

    offers: tags such as "en" and "pt-BR"; the one to fall back to comes first.

    Raises ValueError if there are none.

        greeting = {"en": "Hello", "de": "Hallo"}[get_preferred_language(["en", "de"])]
    """
    tags = [offers] if isinstance(offers, str) else list(offers)
    if not tags:
        raise ValueError('get_preferred_language needs languages: ["en", "de"].')
    event = current_event()
    add_vary(event, "Accept-Language")
    return preferred_language(event.headers.get("accept-language"), tags)


def _html(value: Any) -> str:
    return html_of(plain(value, what="HTML") if not isinstance(value, str) else [value])


def _text(value: Any) -> str:
    tree = plain(value, what="text")
    if isinstance(tree, (dict, list)):
        return json.dumps(tree, indent=2, ensure_ascii=False)
    return text_of(tree)


_XML = "application/xml"
_YAML = "application/yaml"
#: In the order of our own preference.
_FORMATS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "application/json": to_json,
        _XML: to_xml,
        _YAML: to_yaml,
        "text/csv": to_csv,
        "text/html": _html,
        "text/plain": _text,
    }
)


def _write(
    value: Any,
    path: StrPath | None,
    make: Callable[[Any], str],
    content_type: str,
    status_code: int,
) -> None:
    event = current_event()
    if path is not None:
        value = room(TextFiles).read(path)
    text = value if isinstance(value, str) else make(value)
    write_text(event, text, content_type, status_code)
