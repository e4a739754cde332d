"""Pode's Security area: what pages can load and use, as policies that browsers enforce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pode_py.core.ambient import room
from pode_py.core.checks import checked
from pode_py.security.headers.csp import ContentPolicy
from pode_py.security.headers.permissions import policy_of
from pode_py.security.headers.policy import SecurityHeaders

__all__ = [
    "add_security_content_security_policy",
    "add_security_permissions_policy",
    "remove_security_content_security_policy",
    "remove_security_permissions_policy",
    "set_security_content_security_policy",
    "set_security_permissions_policy",
]

#: One word or several: "self", ["self", "https://cdn.example"].
Words = str | Sequence[str] | None
Sandbox = Literal[
    "",
    "allow-downloads",
    "allow-downloads-without-user-activation",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "none",
]


@checked
def set_security_content_security_policy(
    *,
    default: Words = None,
    child: Words = None,
    connect: Words = None,
    font: Words = None,
    frame: Words = None,
    image: Words = None,
    manifest: Words = None,
    media: Words = None,
    object: Words = None,
    scripts: Words = None,
    style: Words = None,
    base_uri: Words = None,
    form_action: Words = None,
    frame_ancestor: Words = None,
    fenced_frame: Words = None,
    prefetch: Words = None,
    script_attr: Words = None,
    script_elem: Words = None,
    style_attr: Words = None,
    style_elem: Words = None,
    worker: Words = None,
    sandbox: Sandbox = "none",
    report_uri: str | None = None,
    upgrade_insecure_requests: bool = False,
    xss_block: bool = False,
    report_only: bool = False,
) -> None:
    """Set where pages can load from. Pode: Set-PodeSecurityContentSecurityPolicy.

    Each parameter from `default` to `worker` is a list of sources. Keywords such as "self", "none"
    and "unsafe-inline" get their quotes, schemes such as "data" their colon, and hosts stay as they
    are. The word "nonce" becomes a new nonce in each response: `csp_nonce()` in views,
    `get_security_nonce()` elsewhere. What was set before is replaced.

    default: sources of everything that has no list of its own.
    sandbox: treat pages as in a sandbox with one permission: allow-downloads,
        allow-downloads-without-user-activation, allow-forms, allow-modals, allow-orientation-lock,
        allow-pointer-lock, allow-popups, allow-popups-to-escape-sandbox, allow-presentation,
        allow-same-origin, allow-scripts, allow-storage-access-by-user-activation,
        allow-top-navigation or allow-top-navigation-by-user-activation; "" for one without any;
        "none" for no sandbox.
    report_uri: where browsers report what was forbidden.
    upgrade_insecure_requests: load over https what pages ask for over http.
    xss_block: let old browsers block what looks like cross-site scripting.
    report_only: browsers report, and forbid nothing.

    Raises ValueError for an empty policy, and for words that would end a directive.

        set_security_content_security_policy(default="self", scripts=["self", "nonce"])
    """
    sources = {
        "default": default,
        "child": child,
        "connect": connect,
        "font": font,
        "frame": frame,
        "image": image,
        "manifest": manifest,
        "media": media,
        "object": object,
        "scripts": scripts,
        "style": style,
        "base_uri": base_uri,
        "form_action": form_action,
        "frame_ancestor": frame_ancestor,
        "fenced_frame": fenced_frame,
        "prefetch": prefetch,
        "script_attr": script_attr,
        "script_elem": script_elem,
        "style_attr": style_attr,
        "style_elem": style_elem,
        "worker": worker,
    }
    policy = ContentPolicy.of(
        sources,
        report_uri=report_uri,
        upgrade_insecure=upgrade_insecure_requests,
        xss_block=xss_block,
        report_only=report_only,
    )
    room(SecurityHeaders).set_content(policy.with_sandbox(sandbox))


@checked
def add_security_content_security_policy(
    *,
    default: Words = None,
    child: Words = None,
    connect: Words = None,
    font: Words = None,
    frame: Words = None,
    image: Words = None,
    manifest: Words = None,
    media: Words = None,
    object: Words = None,
    scripts: Words = None,
    style: Words = None,
    base_uri: Words = None,
    form_action: Words = None,
    frame_ancestor: Words = None,
    fenced_frame: Words = None,
    prefetch: Words = None,
    script_attr: Words = None,
    script_elem: Words = None,
    style_attr: Words = None,
    style_elem: Words = None,
    worker: Words = None,
    sandbox: Sandbox = "none",
    report_uri: str | None = None,
    upgrade_insecure_requests: bool = False,
    report_only: bool = False,
) -> None:
    """Add sources to the policy. Pode: Add-PodeSecurityContentSecurityPolicy.

    They stand behind those that are there. What else was set stays.

    sandbox: as in `set_security_content_security_policy`; "none" leaves it.
    upgrade_insecure_requests: load over https what pages ask for over http.
    report_only: browsers report, and forbid nothing.

    Raises ValueError for words that would end a directive.

        add_security_content_security_policy(image="https://img.example")
    """
    sources = {
        "default": default,
        "child": child,
        "connect": connect,
        "font": font,
        "frame": frame,
        "image": image,
        "manifest": manifest,
        "media": media,
        "object": object,
        "scripts": scripts,
        "style": style,
        "base_uri": base_uri,
        "form_action": form_action,
        "frame_ancestor": frame_ancestor,
        "fenced_frame": fenced_frame,
        "prefetch": prefetch,
        "script_attr": script_attr,
        "script_elem": script_elem,
        "style_attr": style_attr,
        "style_elem": style_elem,
        "worker": worker,
    }
    policy = ContentPolicy.of(
        sources,
        report_uri=report_uri,
        upgrade_insecure=upgrade_insecure_requests,
        report_only=report_only,
    )
    room(SecurityHeaders).set_content(policy.with_sandbox(sandbox), add=True)


def remove_security_content_security_policy() -> None:
    """Remove the policy, and X-XSS-Protection. Pode: Remove-PodeSecurityContentSecurityPolicy.

    remove_security_content_security_policy()
    """
    room(SecurityHeaders).remove_content()


@checked
def set_security_permissions_policy(
    *,
    accelerometer: Words = None,
    ambient_light_sensor: Words = None,
    autoplay: Words = None,
    battery: Words = None,
    camera: Words = None,
    display_capture: Words = None,
    document_domain: Words = None,
    encrypted_media: Words = None,
    fullscreen: Words = None,
    gamepad: Words = None,
    geolocation: Words = None,
    gyroscope: Words = None,
    interest_cohort: Words = None,
    layout_animations: Words = None,
    legacy_image_formats: Words = None,
    magnetometer: Words = None,
    microphone: Words = None,
    midi: Words = None,
    oversized_images: Words = None,
    payment: Words = None,
    picture_in_picture: Words = None,
    public_key_credentials: Words = None,
    speakers: Words = None,
    sync_xhr: Words = None,
    unoptimised_images: Words = None,
    unsized_media: Words = None,
    usb: Words = None,
    screen_wake_lock: Words = None,
    web_share: Words = None,
    xr_spatial_tracking: Words = None,
) -> None:
    """Set what pages can use of a browser. Pode: Set-PodeSecurityPermissionsPolicy.

    Each parameter is a feature, with the origins that can use it: "none", "self", "*", or origins
    such as "https://a.example", also as a list. What was set before is replaced.

    Raises ValueError for an empty policy, and for what is no origin.

        set_security_permissions_policy(camera="none", fullscreen=["self", "https://a.example"])
    """
    wanted = {
        "accelerometer": accelerometer,
        "ambient_light_sensor": ambient_light_sensor,
        "autoplay": autoplay,
        "battery": battery,
        "camera": camera,
        "display_capture": display_capture,
        "document_domain": document_domain,
        "encrypted_media": encrypted_media,
        "fullscreen": fullscreen,
        "gamepad": gamepad,
        "geolocation": geolocation,
        "gyroscope": gyroscope,
        "interest_cohort": interest_cohort,
        "layout_animations": layout_animations,
        "legacy_image_formats": legacy_image_formats,
        "magnetometer": magnetometer,
        "microphone": microphone,
        "midi": midi,
        "oversized_images": oversized_images,
        "payment": payment,
        "picture_in_picture": picture_in_picture,
        "public_key_credentials": public_key_credentials,
        "speakers": speakers,
        "sync_xhr": sync_xhr,
        "unoptimised_images": unoptimised_images,
        "unsized_media": unsized_media,
        "usb": usb,
        "screen_wake_lock": screen_wake_lock,
        "web_share": web_share,
        "xr_spatial_tracking": xr_spatial_tracking,
    }
    room(SecurityHeaders).set_permissions(policy_of(wanted))


@checked
def add_security_permissions_policy(
    *,
    accelerometer: Words = None,
    ambient_light_sensor: Words = None,
    autoplay: Words = None,
    battery: Words = None,
    camera: Words = None,
    display_capture: Words = None,
    document_domain: Words = None,
    encrypted_media: Words = None,
    fullscreen: Words = None,
    gamepad: Words = None,
    geolocation: Words = None,
    gyroscope: Words = None,
    interest_cohort: Words = None,
    layout_animations: Words = None,
    legacy_image_formats: Words = None,
    magnetometer: Words = None,
    microphone: Words = None,
    midi: Words = None,
    oversized_images: Words = None,
    payment: Words = None,
    picture_in_picture: Words = None,
    public_key_credentials: Words = None,
    speakers: Words = None,
    sync_xhr: Words = None,
    unoptimised_images: Words = None,
    unsized_media: Words = None,
    usb: Words = None,
    screen_wake_lock: Words = None,
    web_share: Words = None,
    xr_spatial_tracking: Words = None,
) -> None:
    """Add origins to the policy of features. Pode: Add-PodeSecurityPermissionsPolicy.

    They stand behind those that are there. Features that are not named stay as they are.

    Raises ValueError for what is no origin.

        add_security_permissions_policy(camera="self")
    """
    wanted = {
        "accelerometer": accelerometer,
        "ambient_light_sensor": ambient_light_sensor,
        "autoplay": autoplay,
        "battery": battery,
        "camera": camera,
        "display_capture": display_capture,
        "document_domain": document_domain,
        "encrypted_media": encrypted_media,
        "fullscreen": fullscreen,
        "gamepad": gamepad,
        "geolocation": geolocation,
        "gyroscope": gyroscope,
        "interest_cohort": interest_cohort,
        "layout_animations": layout_animations,
        "legacy_image_formats": legacy_image_formats,
        "magnetometer": magnetometer,
        "microphone": microphone,
        "midi": midi,
        "oversized_images": oversized_images,
        "payment": payment,
        "picture_in_picture": picture_in_picture,
        "public_key_credentials": public_key_credentials,
        "speakers": speakers,
        "sync_xhr": sync_xhr,
        "unoptimised_images": unoptimised_images,
        "unsized_media": unsized_media,
        "usb": usb,
        "screen_wake_lock": screen_wake_lock,
        "web_share": web_share,
        "xr_spatial_tracking": xr_spatial_tracking,
    }
    room(SecurityHeaders).set_permissions(policy_of(wanted), add=True)


def remove_security_permissions_policy() -> None:
    """Remove the policy of features. Pode: Remove-PodeSecurityPermissionsPolicy.

    remove_security_permissions_policy()
    """
    room(SecurityHeaders).remove_permissions()
