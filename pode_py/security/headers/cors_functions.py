"""Pode's Security area: which pages of other origins can read responses (CORS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pode_py.core.ambient import room
from pode_py.core.checks import checked
from pode_py.http.patterns import check_path
from pode_py.security.headers.cors import AccessPolicy
from pode_py.security.headers.policy import SecurityHeaders

__all__ = [
    "remove_security_access_control",
    "set_security_access_control",
]

Method = Literal[
    "", "connect", "delete", "get", "head", "merge", "options", "patch", "post", "put", "trace", "*"
]


@checked
def set_security_access_control(
    origin: str | Sequence[str],
    *,
    methods: Method | Sequence[Method] = "",
    headers: str | Sequence[str] | None = None,
    duration: int = 7200,
    credentials: bool = False,
    with_options: bool = False,
    authorization_header: bool = False,
    auto_headers: bool = False,
    auto_methods: bool = False,
    cross_domain_xhr_requests: bool = False,
    expose: str | Sequence[str] | None = None,
    route: str | None = None,
) -> None:
    """Share responses with pages of other origins. Pode: Set-PodeSecurityAccessControl.

    Browsers ask before they send what no form could: that preflight is answered for every path,
    before authentication and middleware. Errors carry the headers, too, and so do event streams.

    origin: "*", or one or several such as "https://app.example.com" and "https://*.example.com".
    methods: those that can be sent besides GET, HEAD and POST: connect, delete, get, head, merge,
        options, patch, post, put, trace, or "*".
    headers: the request headers that can be sent, or "*".
    duration: seconds for which browsers remember the answer, at least 1.
    credentials: send cookies and Authorization along. It needs origins by name.
    with_options: also name OPTIONS among the methods.
    authorization_header: allow Authorization.
    auto_headers: allow Content-Type.
    auto_methods: allow the methods that the path has routes for.
    cross_domain_xhr_requests: allow X-Requested-With.
    expose: the response headers that pages can read, or "*". Not in Pode.
    route: only for paths like this; "*" in it stands for any text. The policies of routes come
        first, in the order in which they were set. Not in Pode.

    Raises ValueError for what browsers refuse, such as "*" with credentials.

        set_security_access_control("https://app.example.com", methods=["put"], credentials=True)
    """
    if route is not None:
        check_path(route, "route")
    more = [
        ("Authorization", authorization_header),
        ("x-requested-with", cross_domain_xhr_requests),
        ("content-type", auto_headers),
    ]
    policy = AccessPolicy.of(
        origin,
        methods=methods,
        headers=headers,
        duration=duration,
        credentials=credentials,
        with_options=with_options,
        auto_methods=auto_methods,
        more_headers=tuple(name for name, wanted in more if wanted),
        expose=expose,
        route=route,
    )
    room(SecurityHeaders).set_access(route, policy)


def remove_security_access_control() -> None:
    """Close responses to other origins again. Pode: Remove-PodeSecurityAccessControl.

    remove_security_access_control()
    """
    room(SecurityHeaders).remove_access()
