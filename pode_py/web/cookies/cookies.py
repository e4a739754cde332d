"""Cookies: those that clients sent, and those that answers set. Those of a request are its event's.

A cookie that is set is a line of the response's headers at once. So it stands on whatever the
answer becomes: an error page, a redirect, the head of an event stream.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from pode_py.core.arguments import Duration, seconds
from pode_py.core.errors import PodeError
from pode_py.core.runtime import Runtime
from pode_py.core.signing import is_signed, sign, unsign
from pode_py.http.cookies import Cookie, CookieFields, decoded
from pode_py.web.cookies.secrets import CookieSecrets, Secret, texts_of
from pode_py.web.event import WebEvent
from pode_py.web.strict import strict_secret

_HEADER: Final = "Set-Cookie"
# Browsers take only secure cookies under such names.
_SECURE_NAMES: Final = ("__host-", "__secure-")


class Cookies:
    """Sets cookies, and has the secrets. Each method is called by the thread of its request."""

    def __init__(self, runtime: Runtime) -> None:
        self._clock = runtime.clock
        self.secrets = CookieSecrets(runtime.warn)

    def set(
        self, event: WebEvent, cookie: Cookie, duration: Duration, expiry_date: datetime | None
    ) -> Cookie:
        """Set a cookie that ends then. Without any time it ends with the browser's session."""
        max_age, expires = self._end(duration, expiry_date)
        if cookie.max_age is None:
            cookie = replace(cookie, max_age=max_age, expires=expires)
        return _put(event, replace(cookie, secure=cookie.secure or _uses_tls(event)))

    def remove(self, event: WebEvent, name: str) -> None:
        """Have the browser drop it. Nothing, if it was neither set nor sent."""
        cookie = event.pending_cookies.get(name)
        if cookie is None and name in event.cookies:
            cookie = _again(event, name, "")
        if cookie is not None:
            _put(event, replace(cookie, value="", signed=False, max_age=0, expires=None))

    def prolong(
        self, event: WebEvent, name: str, duration: Duration, expiry_date: datetime | None
    ) -> Cookie:
        """Move the end of a cookie that was set or sent. PodeError if there is none."""
        cookie = event.pending_cookies.get(name)
        if cookie is None and sent(event, name) is not None:
            cookie = _again(event, name, event.cookies[name])
        if cookie is None or cookie.max_age == 0:
            raise PodeError(
                f"There is no cookie {name!r} to update: neither did the client send it, nor was "
                f'it set. Ask first: if test_cookie("{name}").'
            )
        max_age, expires = self._end(duration, expiry_date)
        if max_age is None:
            return cookie
        return _put(event, replace(cookie, max_age=max_age, expires=expires))

    def _end(
        self, duration: Duration, expiry_date: datetime | None
    ) -> tuple[int | None, datetime | None]:
        """Max-Age and Expires, in whole seconds: browsers ignore a Max-Age with decimals
        (RFC 6265, 5.2.2)."""
        lasts, now = math.ceil(seconds("duration", duration)), self._clock.now()
        if expiry_date is None:
            return (lasts, now + timedelta(seconds=lasts)) if lasts else (None, None)
        if lasts:
            raise ValueError("duration and expiry_date both say when the cookie ends. Give one.")
        if not isinstance(expiry_date, datetime):
            raise TypeError(
                f"expiry_date takes a datetime, not {expiry_date!r}. For seconds from now, write "
                "duration=3600."
            )
        end = expiry_date.replace(tzinfo=UTC) if expiry_date.tzinfo is None else expiry_date
        return max(0, math.ceil((end - now).total_seconds())), end


def sent(
    event: WebEvent, name: str, secret: Secret | None = None, *, strict: bool = False
) -> Cookie | None:
    """The cookie that the client sent; None if it is absent, blank, or has a wrong signature."""
    value = event.cookies.get(name)
    secrets = _bound(event, secret, strict=strict)
    if not isinstance(value, str) or not value.strip():
        return None
    if not secrets:
        return Cookie(name, value, is_signed(value))
    # First as it was sent: others may have signed what is percent-encoded here.
    for text in dict.fromkeys((_raw(event, name, value), value)):
        for one in secrets:
            plain = unsign(text, one)
            if plain is not None:
                return Cookie(name, plain, signed=True)
    return None


def signed(event: WebEvent, value: Any, secret: Secret | None, *, strict: bool) -> str:
    """A value as the text of a cookie, with its signature if there is a secret."""
    text = _text_of(value)
    secrets = _bound(event, secret, strict=strict)
    return sign(text, secrets[0]) if secrets else text


def _bound(event: WebEvent, secret: Secret | None, *, strict: bool) -> tuple[str, ...]:
    """The secrets as they sign; none for a cookie that is not signed."""
    if secret is None:
        if strict:
            raise ValueError("strict=True binds a signature to the client: it needs a secret.")
        return ()
    secrets = texts_of(secret)
    return tuple(strict_secret(one, event.request) for one in secrets) if strict else secrets


def _raw(event: WebEvent, name: str, value: str) -> str:
    """The text of a cookie as it was sent, unless a handler has replaced the cookie."""
    cookies = event.cookies
    raw = cookies.raw.get(name) if isinstance(cookies, CookieFields) else None
    return raw if raw is not None and decoded(raw) == value else value


def _again(event: WebEvent, name: str, value: str) -> Cookie:
    """A cookie that the client has, with the defaults of set_cookie: it does not say its flags."""
    secure = _uses_tls(event) or name.lower().startswith(_SECURE_NAMES)
    return Cookie(name, value, is_signed(value), secure=secure)


def _put(event: WebEvent, cookie: Cookie) -> Cookie:
    """Set it, in the place of one of the same name. PodeError if the head has gone."""
    line = cookie.header()
    if event.exchange.upgraded or event.exchange.replied:
        raise PodeError(
            f"The cookie {cookie.name} comes too late: the head of the answer has been sent. Set "
            "cookies before convert_to_sse_connection, and before the first piece of a body."
        )
    event.response.headers.set_line(_HEADER, f"{cookie.name}=", line)
    event.pending_cookies[cookie.name] = cookie
    return cookie


def _uses_tls(event: WebEvent) -> bool:
    """Whether the client does, also where a trusted proxy takes the TLS off."""
    return event.request.client_scheme == "https"


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, (date, time)) else str(value)
    # Half of a surrogate pair can't travel. The signature is made of what does.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
