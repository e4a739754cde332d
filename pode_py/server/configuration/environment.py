"""The environment's part of a configuration: PODE_PY__SERVER__THREADS=8 is Server.Threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pode_py.core.errors import StartError
from pode_py.server.configuration.keys import BY_PATH, folded, spelled
from pode_py.server.configuration.kinds import value_of_text

PREFIX: Final = "PODE_PY__"
#: Which file to take: server.ENVIRONMENT.toml.
ENVIRONMENT: Final = "PODE_ENVIRONMENT"


def merged(values: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """`values` with what the environment says instead, as a copy."""
    table = _copy(values)
    for variable in variables(environ):
        _set(table, variable, environ[variable])
    return table


def variables(environ: Mapping[str, str]) -> list[str]:
    """Those that are part of a configuration. StartError for one that names no key."""
    found = sorted(name for name in environ if name.startswith(PREFIX))
    for name in found:
        if not all(parts_of(name)):
            raise StartError(
                f"{name} names no key. Write {PREFIX} and the path with two underscores between "
                f"its parts, such as {PREFIX}SERVER__THREADS."
            )
    return found


def parts_of(variable: str) -> list[str]:
    """The path that a variable stands for, as it is written."""
    return variable.removeprefix(PREFIX).split("__")


def _set(table: dict[str, Any], variable: str, text: str) -> None:
    *tables, last = parts_of(variable)
    path: list[str] = []
    for part in tables:
        path.append(part)
        name = _name(table, path)
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            raise StartError(
                f"{variable}: {'.'.join(path)} is a value and no table, so that there is nothing "
                f"below it. It is {inner!r}."
            )
        table = inner
    path.append(last)
    name = _name(table, path)
    if isinstance(table.get(name), dict):
        raise StartError(
            f"{variable}: {'.'.join(path)} is a table. Name a key in it: {variable}__KEY."
        )
    table[name] = _value(table.get(name), ".".join(path), text, variable)


def _name(table: Mapping[str, Any], path: list[str]) -> str:
    """How the key is written in the table, else how Pode writes it, else in lower case."""
    wanted = folded(path[-1])
    there = next((key for key in table if folded(key) == wanted), None)
    return there or spelled(".".join(path)) or path[-1].lower()


def _value(before: Any, path: str, text: str, variable: str) -> Any:
    """The text as the kind of value that the key has."""
    key = BY_PATH.get(folded(path))
    if key is not None:
        return key.kind.from_text(text)
    if isinstance(before, list):
        value = value_of_text(text)
        if isinstance(value, list):
            return value
        return [one.strip() for one in text.split(",") if one.strip()]
    if isinstance(before, (bool, int, float)):
        value = value_of_text(text)
        is_switch = isinstance(before, bool)
        if isinstance(value, bool) != is_switch or not isinstance(value, (int, float)):
            kind = "true or false" if is_switch else "a number"
            raise StartError(f"{variable}={text!r} must be {kind}, as {path} is {before!r}.")
        return value
    return text


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }
