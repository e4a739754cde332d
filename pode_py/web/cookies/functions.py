"""Pode's Cookies area: cookies of the request and the response, plain or signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast, get_args

from pode_py.core.ambient import room
from pode_py.core.arguments import Duration, filled, one_of
from pode_py.core.checks import checked
from pode_py.http.cookies import Cookie, SameSite
from pode_py.web.cookies.cookies import Cookies, sent, signed
from pode_py.web.cookies.secrets import GLOBAL
from pode_py.web.event import current_event

__all__ = [
    "Cookie",
    "get_cookie",
    "get_cookie_secret",
    "get_cookie_value",
    "remove_cookie",
    "set_cookie",
    "set_cookie_secret",
    "test_cookie",
    "test_cookie_signed",
    "update_cookie_expiry",
]


def set_cookie(
    name: str,
    value: Any = "",
    *,
    secret: str | Sequence[str] | None = None,
    duration: Duration = 0,
    expiry_date: datetime | None = None,
    http_only: bool = False,
    discard: bool = False,
    secure: bool = False,
    strict: bool = False,
    readable: bool = False,
    same_site: SameSite = "lax",
    path: str = "/",
    domain: str | None = None,
    partitioned: bool = False,
) -> Cookie:
    """Set a cookie, in the place of one of the same name. Pode: Set-PodeCookie.

    It stands on the answer whatever that becomes: an error page, a redirect, an event stream. By
    default it is HttpOnly and SameSite=Lax, and Secure where the client uses https; browsers hold
    names that begin with `__Host-` or `__Secure-` to their rules, and so does this.

    value: sent as its `str`, dates in ISO form. Any text will do: it is percent-encoded.
    secret: signs the value. Of a list, the first does.
    duration: seconds until it ends; 0 means with the browser's session.
    expiry_date: when it ends; UTC if it has no time zone.
    http_only: for scripts of Pode: it is the default.
    discard: have the browser drop it at once.
    secure: only over https, also if the client uses none now.
    strict: bind the signature to the client's User-Agent and address.
    readable: let JavaScript read it: no HttpOnly. Not in Pode.
    same_site: whether requests from other sites carry it: "strict" for none, "lax" for links,
        "none" for all, which needs https. Not in Pode.
    path: the paths that it is for. Not in Pode.
    domain: also for hosts below this one; by default only for the host itself. Not in Pode.
    partitioned: keep it apart for each site that embeds this one; needs https. Not in Pode.

    Returns the cookie, which is also in `web_event.pending_cookies`.
    Raises ValueError for what browsers would not keep, such as more than 4,096 octets, and
    PodeError once the head of the answer has been sent.

        set_cookie("theme", "dark", duration=30 * 86400)
    """
    event = current_event()
    if http_only and readable:
        raise ValueError("http_only=True and readable=True exclude each other. Give one.")
    cookie = Cookie(
        filled("name", name),
        signed(event, value, secret, strict=strict),
        signed=secret is not None,
        max_age=0 if discard else None,
        path=path,
        domain=domain,
        secure=secure,
        http_only=not readable,
        same_site=cast(SameSite, one_of("same_site", same_site, get_args(SameSite))),
        partitioned=partitioned,
    )
    return room(Cookies).set(event, cookie, duration, expiry_date)


def get_cookie(
    name: str, *, secret: str | Sequence[str] | None = None, strict: bool = False
) -> Cookie | None:
    """Return a cookie that the client sent. Pode: Get-PodeCookie.

    Unlike in Pode, a wrong signature makes it None: what Pode returns then is text that anybody
    may have written.

    secret: checks the signature and removes it from the value. Of a list, any secret will do.
    strict: the signature is bound to the client's User-Agent and address.

    Returns None if it is absent, blank or, with a secret, not signed with it.

        cookie = get_cookie("views", secret=get_cookie_secret(global_=True))
        views = 0 if cookie is None else int(cookie.value)
    """
    return sent(current_event(), name, secret, strict=strict)


def get_cookie_value(
    name: str, *, secret: str | Sequence[str] | None = None, strict: bool = False
) -> str | None:
    """Return the value of a cookie that the client sent. Pode: Get-PodeCookieValue.

    secret: checks the signature and removes it from the value. Of a list, any secret will do.
    strict: the signature is bound to the client's User-Agent and address.

    Returns None where `get_cookie` does.

        theme = get_cookie_value("theme") or "light"
    """
    cookie = sent(current_event(), name, secret, strict=strict)
    return None if cookie is None else cookie.value


def test_cookie(name: str) -> bool:
    """Return whether the client sent a cookie that is not blank. Pode: Test-PodeCookie.

    if not test_cookie("theme"):
        set_cookie("theme", "light")
    """
    return sent(current_event(), name) is not None


def test_cookie_signed(
    name: str, *, secret: str | Sequence[str] | None = None, strict: bool = False
) -> bool:
    """Return whether a cookie is signed with a secret. Pode: Test-PodeCookieSigned.

    secret: of a list, any will do.
    strict: the signature must be bound to the client's User-Agent and address.

    Raises ValueError without a secret.

        if not test_cookie_signed("views", secret=get_cookie_secret(global_=True)):
            raise StatusError(400)
    """
    if secret is None:
        raise ValueError(
            "test_cookie_signed needs the secret: secret=get_cookie_secret(global_=True)."
        )
    return sent(current_event(), name, secret, strict=strict) is not None


def remove_cookie(name: str) -> None:
    """Remove a cookie that was sent, or set before, from the browser. Pode: Remove-PodeCookie.

    Nothing happens if there is none. Browsers know a cookie by its name, path and domain: one that
    an earlier answer set with a path or domain of its own is dropped by
    `set_cookie(name, discard=True, path=..., domain=...)`.

        remove_cookie("theme")
    """
    room(Cookies).remove(current_event(), name)


def update_cookie_expiry(
    name: str, *, duration: Duration = 0, expiry_date: datetime | None = None
) -> Cookie:
    """Change when a cookie ends. Pode: Update-PodeCookieExpiry.

    A browser does not say how a cookie was set: a cookie that was sent gets the defaults of
    `set_cookie`. What this answer sets keeps what it has.

    duration: seconds from now; 0 changes nothing.
    expiry_date: UTC if it has no time zone.

    Returns the cookie.
    Raises PodeError if it was neither sent nor set.

        if test_cookie("theme"):
            update_cookie_expiry("theme", duration=30 * 86400)
    """
    return room(Cookies).prolong(current_event(), name, duration, expiry_date)


@checked
def set_cookie_secret(
    name: str | None = None,
    value: str | Sequence[str] | None = None,
    *,
    global_: bool = False,
) -> None:
    """Keep a secret for cookies under a name. Pode: Set-PodeCookieSecret.

    A secret of fewer than 32 octets is named in the log; with `PODE_ENVIRONMENT=production` it is
    refused.

    value: the secret; or a list of them, of which the first signs and all verify. So a secret can
        be replaced while cookies that the old one signed are still out there.
    global_: for all cookies: it needs no name.

    Raises PodeError for a short secret in production.

        set_cookie_secret(value=get_server_default_secret(purpose="cookies"), global_=True)
    """
    if value is None:
        raise ValueError(
            "set_cookie_secret needs the secret: value=... An environment variable that is not set "
            "is None."
        )
    room(Cookies).secrets.set(_name_of(name, global_), value)


def get_cookie_secret(name: str | None = None, *, global_: bool = False) -> str | tuple[str, ...]:
    """Return a secret for cookies. Pode: Get-PodeCookieSecret.

    global_: the one for all cookies.

    Returns a tuple if it was set as a list.
    Raises PodeError if there is none of this name. Pode returns nothing then, and a cookie goes
    out unsigned.

        set_cookie("views", 1, secret=get_cookie_secret(global_=True))
    """
    return room(Cookies).secrets.find(_name_of(name, global_))


def _name_of(name: str | None, global_: bool) -> str:
    if global_ and name in (None, GLOBAL):
        return GLOBAL
    if global_:
        raise ValueError(f"The global secret has no name. Leave out {name!r}, or global_=True.")
    if name is None:
        raise ValueError("Give the secret a name, or write global_=True.")
    return filled("name", name)


test_cookie.__test__ = False  # type: ignore[attr-defined]
test_cookie_signed.__test__ = False  # type: ignore[attr-defined]
