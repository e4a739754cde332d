"""Configuration files: which one it is, and what is in it, whatever its format."""

from __future__ import annotations

import codecs
import json
import os
import re
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pode_py.core.errors import StartError
from pode_py.core.files import load_file
from pode_py.server.configuration.psd1.reader import Psd1Error, read_psd1

STEM: Final = "server"
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NO_KEYS: Final = (bool, type(None))
# Deeper ones would be too much for the readers of some formats, and for users.
_DEEPEST: Final = 60


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was read: its path, its text, and its values, with text as keys.

    One in Python is a module as long as its `owner` lives: values may be of its classes.
    """

    path: Path
    text: str
    values: Mapping[str, Any]
    owner: object = None

    @property
    def name(self) -> str:
        """The path as an error shows it: short, if the file is in the current folder."""
        return shown(self.path)

    def place(self, key: str) -> str:
        """File and line of a key; the file alone if the key is not there exactly once."""
        lines = self.text.splitlines()
        word = re.compile(rf"(?i)(?<!\w){re.escape(key)}(?!\w)['\"]?\s*[\]=:]")
        found = [
            number
            for number, line in enumerate(lines, 1)
            if word.search(line) and not line.lstrip().startswith("#")
        ]
        return f"{self.name}:{found[0]}" if len(found) == 1 else self.name


class ModuleOwner:
    """Stands for a configuration in Python: its module goes with it."""


def shown(path: Path) -> str:
    """A path for a message, relative to the current folder if it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def find_file(folder: Path, wanted: str | Path | None, environment: str) -> Path | None:
    """The configuration file, if there is one. StartError if `wanted` is not there.

    folder: where the script is. wanted: a file or a folder; None for that of the script.
    environment: as in server.ENVIRONMENT.toml, which is taken alone if it exists.
    """
    if wanted is not None:
        # Links stay: what a mounted volume leads to changes its name, and may have no ending.
        path = Path(os.path.abspath(folder / Path(wanted).expanduser()))
        if os.path.isfile(path):
            return path
        if not os.path.isdir(path):
            raise StartError(f"config_file={str(wanted)!r}: there is no file or folder {path}.")
        folder = path
    if not re.fullmatch(r"[\w.-]*", environment):
        raise StartError(
            f"PODE_ENVIRONMENT={environment!r} is no part of a file's name. Use letters and "
            "digits, such as PODE_ENVIRONMENT=production."
        )
    found = _in_folder(folder, f"{STEM}.{environment}") if environment else None
    found = found or _in_folder(folder, STEM)
    if found is None and wanted is not None:
        raise StartError(
            f"config_file={str(wanted)!r}: the folder {folder} has no configuration. Its name "
            f"would be one of {', '.join(f'{STEM}{ending}' for ending in _FOUND_BY_NAME)}."
        )
    return found


def read_file(path: Path) -> ConfigFile:
    """What is in a file. StartError with file and line for what can't be read."""
    ending = path.suffix.lower()
    read = _READERS.get(ending)
    if ending == ".py":
        owner = ModuleOwner()
        return ConfigFile(path, "", _checked(_read_python(path, owner), path), owner)
    if read is None:
        raise StartError(
            f"{shown(path)}: a configuration ends in {', '.join(_READERS)} or .py, so that its "
            "format is known. Rename it."
        )
    text = _text_of(path)
    try:
        values = read(text, path)
    except RecursionError:
        raise StartError(f"{shown(path)}: the values are nested too deeply.") from None
    return ConfigFile(path, text, _checked(values, path))


def _in_folder(folder: Path, stem: str) -> Path | None:
    # os.path: a folder that may not be looked into has no files, and is no error.
    paths = (folder / f"{stem}{ending}" for ending in _FOUND_BY_NAME)
    found = [path for path in paths if os.path.isfile(path)]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise StartError(
            f"There are {names} in {folder}, and only one can be the configuration. Remove one, "
            f'or name the one to take: start_server(..., config_file="{found[0].name}").'
        )
    return found[0] if found else None


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StartError(f"{shown(path)} can't be read: {error.strerror}.") from error
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StartError(
            f"{shown(path)}:{line}: this is no {encoding.upper()} text. Save the file as UTF-8."
        ) from error


def _read_toml(text: str, path: Path) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).rstrip(")").partition(" (at ")
        found = re.fullmatch(r"line (\d+), column (\d+)", place)
        line = f"{found[1]}:{found[2]}" if found else text.count("\n") + 1
        raise StartError(f"{shown(path)}:{line}: {what}.") from error


def _read_json(text: str, path: Path) -> Any:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        double = next((key for key in keys if keys.count(key) > 1), None)
        if double is not None:
            raise StartError(f"{shown(path)}: the key {double!r} stands twice. Keep one of them.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=table)
    except json.JSONDecodeError as error:
        place = f"{shown(path)}:{error.lineno}:{error.colno}"
        raise StartError(f"{place}: this is no JSON: {error.msg}.") from error


def _read_yaml(text: str, path: Path) -> Any:
    try:
        import yaml  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise StartError(
            f"{shown(path)} needs PyYAML. Install it with: pip install 'pode-py[yaml]'"
        ) from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = shown(path) + (f":{mark.line + 1}:{mark.column + 1}" if mark is not None else "")
        what = getattr(error, "problem", None) or str(error)
        raise StartError(f"{place}: this is no YAML that can be read: {what}.") from error
    return {} if values is None else values


def _read_psd1(text: str, path: Path) -> Any:
    try:
        return read_psd1(text)
    except Psd1Error as error:
        raise StartError(f"{shown(path)}:{error.line}:{error.column}: {error}") from error


def _read_python(path: Path, owner: object) -> Any:
    try:
        found = load_file(path, owner)
    except Exception as error:
        place = shown(path)
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(path):
                place = f"{shown(path)}:{frame.lineno}"
        if isinstance(error, SyntaxError):
            place = f"{shown(path)}:{error.lineno}"
        raise StartError(f"{place}: {type(error).__name__}: {error}") from error
    if not isinstance(found.get("config"), Mapping):
        raise StartError(
            f'{shown(path)} must define a dict called config, such as config = {{"Port": 8080}}.'
        )
    return found["config"]


def _checked(values: Any, path: Path) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise StartError(
            f"{shown(path)} must hold keys and values, and holds a {type(values).__name__}."
        )
    return checked_table(values, shown(path))


def checked_table(values: Mapping[Any, Any], where: str, depth: int = 0) -> dict[str, Any]:
    """A copy of nested values with text as keys. StartError for keys that can't be told apart."""
    if depth > _DEEPEST:
        raise StartError(f"{where}: the values are nested too deeply.")
    table: dict[str, Any] = {}
    known: dict[str, str] = {}
    for given, value in values.items():
        if isinstance(given, _NO_KEYS):
            raise StartError(
                f"{where}: the key {given!r} is no text. Put quotes around it: YAML takes on, off, "
                "yes, no and null for values."
            )
        key = str(given)
        other = known.setdefault(key.casefold(), key)
        if key in table or other != key:
            raise StartError(
                f"{where}: the keys {other!r} and {key!r} are the same, as capitals make no "
                "difference. Keep one of them."
            )
        table[key] = _checked_value(value, f"{key} in {where}", depth + 1)
    return table


def _checked_value(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, Mapping):
        return checked_table(value, where, depth)
    if isinstance(value, (list, tuple)):
        if depth > _DEEPEST:
            raise StartError(f"{where}: the values are nested too deeply.")
        return [_checked_value(one, where, depth + 1) for one in value]
    return value


_READERS: Final[dict[str, Callable[[str, Path], Any]]] = {
    ".toml": _read_toml,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".psd1": _read_psd1,
}
# Scripts are called server.py: such a file is a configuration only if config_file names it.
_FOUND_BY_NAME: Final = tuple(_READERS)
