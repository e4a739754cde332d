"""Bodies that are no object: lists, texts, numbers, null. Asked for a field they answer 400.

Handlers are written for the body they expect: ``web_event.data["name"]``. What a client sends
instead is its mistake, not the server's. So these are the values themselves, and know what was
meant when they are asked for a field. true, false and null are members of `Constant`: Python lets
nobody derive from bool and None. They compare equal to those, and become the same JSON.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NoReturn

from pode_py.core.errors import StatusError
from pode_py.http.fields import AnyCaseFields, Fields
from pode_py.http.getters import Getters


class FormOfJson(AnyCaseFields):
    """A form whose text looks like JSON: its client has not said what it sends, as curl -d does."""

    __slots__ = ()

    hint = " The body came as a form. If it is JSON, send it with Content-Type: application/json."


class NoFields(Getters):
    """What a body without fields has in common with one that has some."""

    __slots__ = ()

    what = "field"
    #: What such a body is, in messages.
    kind = "a value"

    def get(self, name: object, default: Any = None) -> Any:
        """The default: this body has no fields."""
        del name
        return default

    def keys(self) -> NoReturn:
        self._refuse()

    def values(self) -> NoReturn:
        self._refuse()

    def items(self) -> NoReturn:
        self._refuse()

    def pop(self, name: Any = None, *default: Any) -> Any:
        del default
        self._refuse(name)

    def setdefault(self, name: object, default: Any = None) -> NoReturn:
        del name, default
        self._refuse()

    def _sent(self, name: str) -> NoReturn:
        self._refuse(name)

    def _refuse(self, name: object = None) -> NoReturn:
        field = "fields" if name is None else f"the field {name!r}"
        raise StatusError(400, f"The body must be an object with {field}, not {self.kind}.")


class NoItems(NoFields):
    """What a body has in common with others that have not even items."""

    __slots__ = ()

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse(key)

    def __contains__(self, key: object) -> bool:
        return False

    def __iter__(self) -> NoReturn:
        raise self._needs_items()

    def __len__(self) -> int:
        raise self._needs_items()

    def _needs_items(self) -> StatusError:
        return StatusError(400, f"The body must be a list or an object, not {self.kind}.")


class ListBody(list[Any], NoFields):
    """A list."""

    __slots__ = ()

    kind = "a list"

    def pop(self, name: Any = -1, *default: Any) -> Any:
        if isinstance(name, str) or default:
            self._refuse(name)
        return super().pop(name)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            self._refuse(key)
        return super().__getitem__(key)


class TextBody(str, NoFields):
    """Text, of a JSON body or of a plain one."""

    __slots__ = ()

    kind = "text"

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            self._refuse(key)
        return super().__getitem__(key)


class IntBody(int, NoItems):
    """A whole number."""

    __slots__ = ()

    kind = "a number"


class FloatBody(float, NoItems):
    """A number with a decimal point."""

    __slots__ = ()

    kind = "a number"


class Constant(NoItems, Enum):
    """true, false or null. Compare with ``==``, not with ``is``."""

    TRUE = True
    FALSE = False
    NULL = None

    @property
    def kind(self) -> str:  # type: ignore[override]  # it is read, and nobody sets it
        return self.name.lower()

    def __bool__(self) -> bool:
        return self is Constant.TRUE

    def __eq__(self, other: object) -> bool:
        return bool(self.value == other) if not isinstance(other, Constant) else self is other

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    __repr__ = __str__


def body_value(value: Any) -> Any:
    """A parsed body as handlers get it."""
    if isinstance(value, dict):
        return Fields("field", value)
    if isinstance(value, list):
        return ListBody(value)
    if isinstance(value, str):
        return TextBody(value)
    if value is None or isinstance(value, bool):
        return Constant(value)
    if isinstance(value, int):
        return IntBody(value)
    return FloatBody(value) if isinstance(value, float) else value  # a date, of YAML
