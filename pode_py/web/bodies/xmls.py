"""XML: read from the body of a request, and written for a response.

Reading refuses every document type, and with it entities, external ones, and what grows by them.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from pode_py.core.errors import StatusError
from pode_py.web.bodies.plain import plain, text_of

MAX_DEPTH = 128

_NO_XML = "The body is not the XML it should be."
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def parse_xml(body: bytes | str) -> dict[str, Any]:
    """The children and attributes of the root by name, and the root itself by its name.

    Names lose their prefixes. What is there several times is a list. An element of text alone is a
    str; text next to attributes or children is ``#text``. A child beats an attribute of its name.
    400 for what is no XML, has a document type, or more than 128 levels.

    >>> parse_xml("<user id='7'><name>rick</name></user>")["user"]
    {'id': '7', 'name': 'rick'}
    >>> parse_xml("<username>rick</username>")
    {'username': 'rick'}
    """
    tree = _Tree()
    # With a separator, and no URI has this one, expat resolves namespaces.
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError):
        raise StatusError(400, _NO_XML) from None
    name, value = tree.root
    return {**value, name: value} if isinstance(value, dict) else {name: value}


def _refuse(*_: Any) -> None:
    raise StatusError(400, "An XML body must have no document type: remove its <!DOCTYPE>.")


class _Tree:
    """Makes values of what the parser sees: no recursion, and a bound for its depth."""

    def __init__(self) -> None:
        self.root: tuple[str, Any] = ("", "")
        self._open: list[_Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise StatusError(400, f"The XML body has more than {MAX_DEPTH} levels.")
        self._open.append(_Element(_local(name), attributes))

    def text(self, data: str) -> None:
        self._open[-1].texts.append(data)

    def end(self, _: str) -> None:
        element = self._open.pop()
        value = element.value()
        if self._open:
            self._open[-1].add(element.name, value)
        else:
            self.root = (element.name, value)


class _Element:
    """One that has begun, and not ended yet."""

    __slots__ = ("_attributes", "_children", "_repeated", "name", "texts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.texts: list[str] = []
        self._attributes = attributes
        self._children: dict[str, Any] = {}
        self._repeated: set[str] = set()

    def add(self, name: str, value: Any) -> None:
        children = self._children
        if name not in children:
            children[name] = value
        elif name in self._repeated:
            children[name].append(value)
        else:
            self._repeated.add(name)
            children[name] = [children[name], value]

    def value(self) -> Any:
        text = "".join(self.texts)
        text = text if text.strip() else ""  # white space alone is how it is laid out
        if not self._attributes and not self._children:
            return text
        made = {_local(name): value for name, value in self._attributes.items()}
        made.update(self._children)
        if text:
            made["#text"] = text.strip() if self._children else text
        return made


def _local(name: str) -> str:
    return name.rpartition("\n")[2]


def to_xml(value: Any, root: str | None = None) -> str:
    """XML of a value: in PowerShell's form, or below an element of the name `root`.

    Characters that no XML can hold become U+FFFD, and those that no name can hold an underscore.
    ValueError for a root that is no name.

    >>> print(to_xml({"tag": ["a", "b"]}, "user").partition("?>")[2].replace(chr(10), ""))
    <user>  <tag>a</tag>  <tag>b</tag></user>
    """
    tree = plain(value, what="XML")
    if root is None:
        items = tree if isinstance(tree, list) else [tree]
        objects = [line for item in items for line in _named("Object", "", item, 1)]
        lines = ["<Objects>", *objects, "</Objects>"] if objects else ["<Objects />"]
    elif _name(root) != root:
        raise ValueError(f"root={root!r} is no name of an XML element. Write root='users'.")
    else:
        lines = _element(root, tree, 0)
    return "\n".join([_HEAD, *lines])


def _named(tag: str, attribute: str, value: Any, depth: int) -> list[str]:
    """The lines of an Object or Property: PowerShell's form."""
    space, start = "  " * depth, f"{tag}{attribute}"
    if isinstance(value, dict):
        inner = [
            line
            for name, item in value.items()
            for line in _named("Property", f' Name="{xml_text(name, _MARKS)}"', item, depth + 1)
        ]
    elif isinstance(value, list):
        inner = [line for item in value for line in _named("Property", "", item, depth + 1)]
    elif value is None:
        return [f"{space}<{start} />"]
    else:
        return [f"{space}<{start}>{xml_text(text_of(value))}</{tag}>"]
    return [f"{space}<{start}>", *inner, f"{space}</{tag}>"] if inner else [f"{space}<{start} />"]


def _element(name: str, value: Any, depth: int) -> list[str]:
    """The lines of an element that its key has named."""
    space = "  " * depth
    if value is None:
        return [f"{space}<{name} />"]
    if not isinstance(value, (dict, list)):
        text = str(value).lower() if isinstance(value, bool) else text_of(value)
        return [f"{space}<{name}>{xml_text(text)}</{name}>"]
    pairs = value.items() if isinstance(value, dict) else [("item", value)]
    inner = [
        line
        for key, item in pairs
        for one in (item if isinstance(item, list) else [item])
        for line in _element(_name(key), one, depth + 1)
    ]
    return [f"{space}<{name}>", *inner, f"{space}</{name}>"] if inner else [f"{space}<{name} />"]


# XML 1.0, 2.2: what a document can hold. And what begins a name: letters of the scripts most used,
# that the fourth edition, by which expat and .NET go, has as well as the fifth.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e"
    "\u03a3-\u03ce\u0410-\u044f\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_NO_NAME = re.compile(f"[^{_START}0-9.\xb7-]")
_NO_START = re.compile(f"[^{_START}]")


def _name(key: str) -> str:
    name = _NO_NAME.sub("_", key)
    return f"_{name}" if not name or _NO_START.match(name) else name


# Whoever reads it would take a carriage return for a line feed (2.11), and all of them for a space
# in an attribute (3.3.3).
_REFERENCES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_MARKS = {**_REFERENCES, **str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})}


def xml_text(text: str, references: dict[int, str] = _REFERENCES) -> str:
    """The text as an element can hold it; with `_MARKS`, an attribute."""
    return _FORBIDDEN.sub("\ufffd", text).translate(references)
