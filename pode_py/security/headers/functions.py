"""Pode's Security area: headers that every response carries, and one call for all of them."""

from __future__ import annotations

from typing import Literal

from pode_py.core.ambient import room
from pode_py.core.arguments import filled, whole_number
from pode_py.core.checks import checked
from pode_py.security.headers.csp import ContentPolicy
from pode_py.security.headers.policy import SecurityHeaders
from pode_py.security.headers.presets import PERMISSIONS, PRESETS, strict_transport
from pode_py.web.event import current_event

__all__ = [
    "add_security_header",
    "get_security_nonce",
    "hide_security_server",
    "remove_security",
    "remove_security_content_type_options",
    "remove_security_cross_origin",
    "remove_security_frame_options",
    "remove_security_header",
    "remove_security_referrer_policy",
    "remove_security_strict_transport_security",
    "set_security",
    "set_security_content_type_options",
    "set_security_cross_origin",
    "set_security_frame_options",
    "set_security_referrer_policy",
    "set_security_strict_transport_security",
    "show_security_server",
]

_CROSS_ORIGIN = (
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
)


@checked
def set_security(
    type: Literal["simple", "strict"],
    *,
    use_hsts: bool = False,
    xss_block: bool = False,
    csp_report_only: bool = False,
) -> None:
    """Set all security headers at once. Pode: Set-PodeSecurity.

    Pages load from your server only, in no frame of another site, and without camera, microphone
    and the like. The Server header is hidden. Unlike in Pode, nothing is opened to other origins:
    call `set_security_access_control` for that. A handler can still set a header of its own.

    type: "simple" or "strict". Strict refuses every frame, and sends no referrer.
    use_hsts: also send Strict-Transport-Security, on https.
    xss_block: let old browsers block what looks like cross-site scripting.
    csp_report_only: browsers report what the content security policy forbids, and allow it.

        set_security("strict", use_hsts=True)
    """
    headers = room(SecurityHeaders)
    headers.put(PRESETS[type.lower()])
    if use_hsts:
        headers.put(strict_transport(31_536_000, sub_domains=True))
    headers.set_content(
        ContentPolicy.of({"default": "self"}, xss_block=xss_block, report_only=csp_report_only)
    )
    headers.set_permissions(PERMISSIONS)
    headers.hide_server(True)


def remove_security() -> None:
    """Remove every security header and all access of other origins. Pode: Remove-PodeSecurity.

    Pages lose what they get by default, too, and the Server header is shown.

        remove_security()
    """
    room(SecurityHeaders).clear()


@checked
def add_security_header(name: str, value: str | None, *, append: bool = False) -> None:
    """Add a header to every response, errors included. Pode: Add-PodeSecurityHeader.

    value: replaces what was added under this name. None and blank values do nothing.
    append: put the value behind the one that is there, after a comma, unless it is there already.

    Raises ValueError for what a header cannot carry.

        add_security_header("X-Robots-Tag", "noindex")
    """
    room(SecurityHeaders).put({filled("name", name): value or ""}, append=append)


@checked
def remove_security_header(name: str) -> None:
    """Remove a header from every response. Pode: Remove-PodeSecurityHeader.

    remove_security_header("X-Robots-Tag")
    """
    room(SecurityHeaders).remove(name)


def hide_security_server() -> None:
    """Stop sending the Server header. Pode: Hide-PodeSecurityServer.

    hide_security_server()
    """
    room(SecurityHeaders).hide_server(True)


def show_security_server() -> None:
    """Send the Server header again. Pode: Show-PodeSecurityServer.

    show_security_server()
    """
    room(SecurityHeaders).hide_server(False)


@checked
def set_security_frame_options(type: Literal["deny", "sameorigin"]) -> None:
    """Set who can show your pages in a frame. Pode: Set-PodeSecurityFrameOptions.

    Without a call pages are sent with DENY.

    type: "deny" or "sameorigin", in any case of letters.

        set_security_frame_options("sameorigin")
    """
    room(SecurityHeaders).put({"X-Frame-Options": type.upper()})


def remove_security_frame_options() -> None:
    """Remove X-Frame-Options, from pages too. Pode: Remove-PodeSecurityFrameOptions.

    remove_security_frame_options()
    """
    room(SecurityHeaders).remove("X-Frame-Options")


def set_security_content_type_options() -> None:
    """Keep browsers from guessing content types. Pode: Set-PodeSecurityContentTypeOptions.

    Without a call only pages are sent with this header.

        set_security_content_type_options()
    """
    room(SecurityHeaders).put({"X-Content-Type-Options": "nosniff"})


def remove_security_content_type_options() -> None:
    """Remove X-Content-Type-Options. Pode: Remove-PodeSecurityContentTypeOptions.

    Files and error pages keep it: what was uploaded must not become a script.

        remove_security_content_type_options()
    """
    room(SecurityHeaders).remove("X-Content-Type-Options")


@checked
def set_security_referrer_policy(
    type: Literal[
        "no-referrer",
        "no-referrer-when-downgrade",
        "same-origin",
        "origin",
        "strict-origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ],
) -> None:
    """Set how much of a page's address its links pass on. Pode: Set-PodeSecurityReferrerPolicy.

    Without a call pages are sent with same-origin.

    type: "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin",
        "origin-when-cross-origin", "strict-origin-when-cross-origin" or "unsafe-url".

        set_security_referrer_policy("no-referrer")
    """
    room(SecurityHeaders).put({"Referrer-Policy": type.lower()})


def remove_security_referrer_policy() -> None:
    """Remove Referrer-Policy, from pages too. Pode: Remove-PodeSecurityReferrerPolicy.

    remove_security_referrer_policy()
    """
    room(SecurityHeaders).remove("Referrer-Policy")


@checked
def set_security_strict_transport_security(
    duration: int = 31_536_000, *, include_sub_domains: bool = False, preload: bool = False
) -> None:
    """Make browsers come over https only. Pode: Set-PodeSecurityStrictTransportSecurity.

    The header is sent on https only, because browsers ignore it elsewhere. Behind a proxy that
    serves https, call `set_trusted_proxies`.

    duration: seconds for which browsers remember it, at least 1.
    include_sub_domains: it is about all subdomains, too.
    preload: ask to be put on the lists that browsers come with. Not in Pode.

    Raises ValueError if duration is less than 1.

        set_security_strict_transport_security(86_400, include_sub_domains=True)
    """
    whole_number("duration", duration, minimum=1)
    room(SecurityHeaders).put(
        strict_transport(duration, sub_domains=include_sub_domains, preload=preload)
    )


def remove_security_strict_transport_security() -> None:
    """Remove the header. Pode: Remove-PodeSecurityStrictTransportSecurity.

    Browsers that have seen it remember it until its duration ends.

        remove_security_strict_transport_security()
    """
    room(SecurityHeaders).remove("Strict-Transport-Security")


@checked
def set_security_cross_origin(
    *,
    embed: Literal["", "unsafe-none", "require-corp"] = "",
    open: Literal["", "unsafe-none", "same-origin-allow-popups", "same-origin"] = "",
    resource: Literal["", "same-site", "same-origin", "cross-origin"] = "",
) -> None:
    """Keep your pages apart from other origins. Pode: Set-PodeSecurityCrossOrigin.

    An empty text leaves what was set before.

    embed: what pages can load: "unsafe-none" or "require-corp".
    open: which windows they share: "unsafe-none", "same-origin-allow-popups" or "same-origin".
    resource: which pages can load your responses: "same-site", "same-origin" or "cross-origin".

        set_security_cross_origin(embed="require-corp", open="same-origin")
    """
    values = (embed.lower(), open.lower(), resource.lower())
    room(SecurityHeaders).put(dict(zip(_CROSS_ORIGIN, values, strict=True)))


def remove_security_cross_origin() -> None:
    """Remove all three headers, from pages too. Pode: Remove-PodeSecurityCrossOrigin.

    remove_security_cross_origin()
    """
    room(SecurityHeaders).remove(*_CROSS_ORIGIN)


def get_security_nonce() -> str:
    """Return the nonce of this response, for its own scripts and styles. Not in Pode.

    Views have it as `csp_nonce()`. Each response has another one, if the content security policy
    has the word "nonce".

    Returns "" if there is no content security policy.
    Raises PodeError if there is one without a nonce, or outside of a request.

        text = f'<script nonce="{get_security_nonce()}">start()</script>'
    """
    return room(SecurityHeaders).nonce_of(current_event())
