"""Configuration: what a file and the environment say, all settings checked. A value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pode_py.core.errors import StartError
from pode_py.server.configuration.environment import ENVIRONMENT, merged, parts_of, variables
from pode_py.server.configuration.files import ConfigFile, checked_table, find_file, read_file
from pode_py.server.configuration.keys import BY_PATH, KEYS, TABLES, Key, folded, nearest
from pode_py.server.configuration.table import ConfigTable

# What stands below these is for the server; all else is the application's.
_ROOTS: Final = ("Server", "Web")
_NAMELESS: Final = "the configuration"


@dataclass(frozen=True, slots=True)
class Configuration:
    """`values` are what get_config returns. `settings` are those of the server, by their paths,
    each as its kind reads it; `places` says where each is set, and `overriding` has those that the
    environment sets. `enabled`: whether there is a file. `remarks` are for the log.
    """

    values: Mapping[str, Any] = field(default_factory=lambda: ConfigTable({}, _NAMELESS))
    path: Path | None = None
    enabled: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    overriding: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    file: ConfigFile | None = None

    def get(self, path: str, default: Any = None) -> Any:
        """The setting with this path, as Pode spells it."""
        return self.settings.get(path, default)

    def choose(self, path: str, argument: Any, default: Any) -> Any:
        """What holds: the environment, the argument unless it is None, the file, the default."""
        if argument is not None and path not in self.overriding:
            return argument
        return self.settings.get(path, default)

    def with_remarks(self, remarks: Iterable[str]) -> Configuration:
        """The same with further remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def error(self, path: str, text: str) -> StartError:
        """An error of a setting that only who uses it could find."""
        return StartError(f"{self.places.get(path, _NAMELESS)}: {path} {text}")


def load_configuration(
    folder: Path,
    wanted: str | Path | None,
    environ: Mapping[str, str],
    *,
    ignore_file: bool = False,
    listens: bool = True,
) -> Configuration:
    """Look for the file, read it, and lay the environment over it. Raises StartError.

    folder: where the script is. wanted: the file or folder, if it was named. listens: whether the
    server has sockets of its own.
    """
    path = None
    if not ignore_file:
        path = find_file(folder, wanted, environ.get(ENVIRONMENT, ""))
    file = None if path is None else read_file(path)
    return _SettingsReader(file, environ, listens=listens).read()


def given_configuration(values: Mapping[str, Any], *, listens: bool = True) -> Configuration:
    """A configuration that is no file: a test's. The environment has no say in it."""
    table = checked_table(values, _NAMELESS)
    return _SettingsReader(ConfigFile(Path(), "", table), {}, listens=listens).read(given=True)


class _SettingsReader:
    """Goes once through all values."""

    def __init__(
        self, file: ConfigFile | None, environ: Mapping[str, str], *, listens: bool
    ) -> None:
        self._file = file
        self._environ = environ
        self._listens = listens
        self._variables = {folded(".".join(parts_of(one))): one for one in variables(environ)}
        self._settings: dict[str, Any] = {}
        self._places: dict[str, str] = {}
        self._remarks: list[str] = []

    def read(self, *, given: bool = False) -> Configuration:
        file = self._file
        values = merged({} if file is None else file.values, self._environ)
        for key, value in values.items():
            root = next((one for one in _ROOTS if folded(one) == folded(key)), None)
            if root is not None:
                self._table(root, key, value)
        self._remark_forbidden_restarts()
        name = file.path.name if file is not None and not given else _NAMELESS
        return Configuration(
            values=ConfigTable(values, name),
            path=None if file is None or given else file.path,
            enabled=file is not None,
            settings=self._settings,
            places=self._places,
            overriding=frozenset(path for path in self._settings if self._variable(path)),
            remarks=tuple(self._remarks),
            file=file,
        )

    def _table(self, path: str, written: str, value: Any) -> None:
        """A table on the way to settings. `written` is its path as the user has it."""
        if value is None:
            return
        if not isinstance(value, Mapping):
            first = next(key for key in KEYS if key.path.startswith(f"{path}."))
            raise StartError(
                f"{self._place(path)}: {written} is {value!r}, and must be a table of settings, "
                f"such as {first.path} = {first.kind.example}."
            )
        for name, inner in value.items():
            self._entry(f"{path}.{name}", f"{written}.{name}", inner)

    def _entry(self, path: str, written: str, value: Any) -> None:
        key = BY_PATH.get(folded(path))
        if key is not None:
            self._setting(key, written, value)
        elif folded(path) in TABLES:
            self._table(TABLES[folded(path)], written, value)
        else:
            meant = nearest(path)
            hint = f"did you mean {meant}?" if meant else "it is ignored."
            self._remarks.append(f"{self._place(path)}: {written} is not known: {hint}")

    def _setting(self, key: Key, written: str, value: Any) -> None:
        if value is None:
            return
        if key.path in self._settings:
            raise StartError(
                f"{self._place(key.path)}: {written} stands twice, as underscores make no "
                "difference. Keep one of them."
            )
        place = self._places[key.path] = self._place(key.path)
        try:
            self._settings[key.path] = key.kind.read(value)
        except ValueError:
            name = key.path.rpartition(".")[2]
            raise StartError(
                f"{place}: {written} is {value!r}, and must be {key.kind.what}, such as "
                f"{name} = {key.kind.example}."
            ) from None
        if key.use == "later":
            self._remarks.append(f"{place}: {written} is known, not honoured yet.")
        elif key.use == "never":
            self._remarks.append(f"{place}: {written} has no meaning here: {key.reason}.")
        elif key.sockets and not self._listens:
            self._remarks.append(
                f"{place}: {written} has no meaning for asgi_app: the ASGI server decides that."
            )

    def _remark_forbidden_restarts(self) -> None:
        forbidding = "Server.AllowedActions.Restart"
        wanted = [path for path in self._settings if path.startswith("Server.Restart.")]
        if wanted and self._settings.get(forbidding) is False:
            self._remarks.append(
                f"{self._places[forbidding]}: {forbidding} is false, so {', '.join(wanted)} has no "
                "effect."
            )

    def _place(self, path: str) -> str:
        variable = self._variable(path)
        if variable is not None:
            return variable
        if self._file is None or not self._file.text:
            return _NAMELESS if self._file is None or not self._file.path.name else self._file.name
        return self._file.place(path.rpartition(".")[2])

    def _variable(self, path: str) -> str | None:
        return self._variables.get(folded(path))
