"""CookieSecrets: the secrets that sign cookies, by name."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Final

from pode_py.core.arguments import as_list, filled, meant
from pode_py.core.errors import PodeError
from pode_py.core.runtime import Report

#: One secret, or several: the first signs, all verify.
Secret = str | Sequence[str]

#: The name of the secret for all cookies, as in Pode.
GLOBAL: Final = "global"
#: Octets. What is shorter can be guessed from one signed cookie.
SHORTEST: Final = 32


class CookieSecrets:
    """Any thread may set and find them. Requests see a change at once."""

    def __init__(self, warn: Report) -> None:
        self._warn = warn
        self._lock = threading.Lock()
        self._known: dict[str, str | tuple[str, ...]] = {}

    def set(self, name: str, value: Secret) -> None:
        """Raises PodeError for a short one in production."""
        secrets = texts_of(value, "value")
        if any(len(one.encode()) < SHORTEST for one in secrets):
            self._complain(name)
        with self._lock:
            self._known = {**self._known, name: value if isinstance(value, str) else secrets}

    def find(self, name: str) -> str | tuple[str, ...]:
        """Raises PodeError if there is none of this name: nothing must go unsigned unnoticed."""
        known = self._known
        if name not in known:
            listed = ", ".join(map(repr, known)) or "none"
            raise PodeError(
                f"There is no cookie secret {name!r}.{meant(name, known)} Known: {listed}. Add it "
                f"in the set-up: {_written(name)}."
            )
        return known[name]

    def _complain(self, name: str) -> None:
        what = "the global cookie secret" if name == GLOBAL else f"the cookie secret {name!r}"
        text = (
            f"{what[0].upper()}{what[1:]} has fewer than {SHORTEST} octets: it can be guessed from "
            "one signed cookie. Make a random one: python3 -c "
            "'import secrets; print(secrets.token_urlsafe(32))'"
        )
        if os.environ.get("PODE_ENVIRONMENT", "").strip().lower() == "production":
            raise PodeError(f"{text}. PODE_ENVIRONMENT is production, so it is refused.")
        self._warn(text, "set_cookie_secret")


def texts_of(secret: Secret, name: str = "secret") -> tuple[str, ...]:
    """The secrets as they are tried. TypeError or ValueError for what is none, never shown."""
    secrets = tuple(as_list(secret))
    if not secrets:
        raise ValueError(f"{name} must not be an empty list.")
    for one in secrets:
        if not isinstance(one, str):
            raise TypeError(f"{name} takes a str or a list of them, not {type(one).__name__}.")
        filled(name, one)
    return secrets


def _written(name: str) -> str:
    if name == GLOBAL:
        return 'set_cookie_secret(value=os.environ["COOKIE_SECRET"], global_=True)'
    return f'set_cookie_secret("{name}", os.environ["COOKIE_SECRET"])'
