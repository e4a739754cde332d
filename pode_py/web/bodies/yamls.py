"""YAML: read from the body of a request, and written for a response. By PyYAML (extra `yaml`).

Reading is safe: no tags that make objects, no aliases, which a few bytes can multiply, 128 levels,
and no numbers that take minutes to be read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pode_py.core.errors import PodeError, StatusError
from pode_py.web.bodies.plain import plain

MAX_DEPTH = 128
MAX_SIZE = 1024 * 1024
# Whole numbers to the base of 60 are in YAML 1.1, and take the square of their length to be read.
_MAX_NUMBER = 100

_NO_YAML = "The body is not the YAML it should be."


def parse_yaml(text: str) -> Any:
    """The value of a YAML text; None if there is none.

    413 for more than 1 MiB, 400 for what is no YAML, and for an alias, one name twice, more than
    128 levels. PodeError if PyYAML is missing.
    """
    yaml = need_yaml()
    if len(text) > MAX_SIZE:
        raise StatusError(413, f"A YAML body must not be larger than {MAX_SIZE} characters.")
    try:
        _check(yaml, text)
        return yaml.load(text, Loader=_loader())  # a loader of safe values
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" Look at line {mark.line + 1}."
        raise StatusError(400, _NO_YAML + where) from None
    except (ValueError, TypeError, RecursionError, OverflowError, AttributeError):
        raise StatusError(400, _NO_YAML) from None


def _check(yaml: Any, text: str) -> None:
    """Refuse what would be dear before anything is made of it. Events come without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=_base(yaml)):
        if isinstance(event, yaml.events.AliasEvent):
            raise StatusError(400, f"A YAML body must have no aliases, such as *{event.anchor}.")
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise StatusError(400, f"The YAML body has more than {MAX_DEPTH} levels.")
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1


def to_yaml(value: Any) -> str:
    """YAML in block style, names in their order. PodeError if PyYAML is missing."""
    yaml = need_yaml()
    tree = plain(value, what="YAML")
    text = yaml.dump(
        tree,
        Dumper=_dumper(),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1 << 20,
    )
    return str(text).removesuffix("\n").removesuffix("\n...")


def need_yaml() -> Any:
    """The package. PodeError if it is not installed."""
    try:
        import yaml  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise PodeError(
            'YAML needs the package PyYAML. Install it with: pip install "pode-py[yaml]"'
        ) from error
    return yaml


def has_yaml() -> bool:
    """Whether the package is there."""
    try:
        need_yaml()
    except PodeError:
        return False
    return True


def _base(yaml: Any) -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _loader() -> Any:
    yaml = need_yaml()
    base = _base(yaml)

    def mapping(self: Any, node: Any, deep: bool = False) -> Any:
        made = base.construct_mapping(self, node, deep=deep)
        if len(made) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "one name twice", node.start_mark)
        return made

    def number(self: Any, node: Any) -> Any:
        if len(node.value) > _MAX_NUMBER:
            raise yaml.constructor.ConstructorError(None, None, "too long", node.start_mark)
        return base.construct_yaml_int(self, node)

    loader: Any = type("Loader", (base,), {"construct_mapping": mapping})
    loader.add_constructor("tag:yaml.org,2002:int", number)
    return loader


@cache
def _dumper() -> Any:
    """One that repeats a value that is there twice, instead of an alias, and writes text of several
    lines as such."""
    yaml = need_yaml()
    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def text(self: Any, data: str) -> Any:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def repeats(*_: Any) -> bool:
        return True

    dumper: Any = type("Dumper", (base,), {"ignore_aliases": repeats})
    dumper.add_representer(str, text)
    return dumper
