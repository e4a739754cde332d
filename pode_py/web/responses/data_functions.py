"""Pode's Responses area, the part that answers with data: CSV, XML, YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.paths import StrPath
from pode_py.web.bodies.csvs import to_csv
from pode_py.web.bodies.xmls import to_xml
from pode_py.web.bodies.yamls import to_yaml
from pode_py.web.event import current_event
from pode_py.web.responses.text_files import TextFiles
from pode_py.web.responses.written import write_text

__all__ = [
    "write_csv_response",
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
