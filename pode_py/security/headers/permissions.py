"""Permissions: the value of Permissions-Policy, from words as Pode takes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pode_py.core.arguments import as_list

#: Parameters and the features they are about, in the order in which these are sent.
FEATURES: Final = {
    name: name.replace("_", "-")
    for name in [
        "accelerometer",
        "ambient_light_sensor",
        "autoplay",
        "battery",
        "camera",
        "display_capture",
        "document_domain",
        "encrypted_media",
        "fullscreen",
        "gamepad",
        "geolocation",
        "gyroscope",
        "interest_cohort",
        "layout_animations",
        "legacy_image_formats",
        "magnetometer",
        "microphone",
        "midi",
        "oversized_images",
        "payment",
        "picture_in_picture",
        "public_key_credentials",
        "speakers",
        "sync_xhr",
        "unoptimised_images",
        "unsized_media",
        "usb",
        "screen_wake_lock",
        "web_share",
        "xr_spatial_tracking",
    ]
} | {
    # Pode's names for these are of no browser.
    "public_key_credentials": "publickey-credentials-get",
    "speakers": "speaker-selection",
    "unoptimised_images": "unoptimized-images",
}

# What stands there without quotes; everything else is an origin.
_BARE: Final = frozenset({"self", "src", "*"})
_ORIGIN: Final = re.compile(r"[!#-\[\]-~]+\Z")

Allowed = tuple[str, ...]


def allowed_of(name: str, value: Any) -> Allowed | None:
    """Who may use a feature: nobody for "none"; None if nothing was said.

    >>> allowed_of("fullscreen", ["self", "https://a.example"])
    ('self', '"https://a.example"')
    """
    if value is None:
        return None
    given = [one for one in as_list(value) if one is not None and one != ""]
    if not given:
        return None
    words = tuple(dict.fromkeys(_word(name, one) for one in given))
    if "none" not in words:
        return words
    if len(words) > 1:
        raise ValueError(f'{name}: "none" stands alone. Leave it out, or the others.')
    return ()


def policy_of(values: Mapping[str, Any]) -> dict[str, Allowed]:
    """What was said of features, by parameter."""
    found = {name: allowed_of(name, value) for name, value in values.items()}
    return {name: one for name, one in found.items() if one is not None}


def text_of(policy: Mapping[str, Allowed]) -> str:
    """The value of the header.

    >>> text_of({"camera": (), "fullscreen": ("self",), "usb": ("*",)})
    'camera=(), fullscreen=(self), usb=*'
    """
    return ", ".join(
        f"{feature}={_list(policy[name])}" for name, feature in FEATURES.items() if name in policy
    )


def _list(words: Allowed) -> str:
    return "*" if words == ("*",) else f"({' '.join(words)})"


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} takes a str or a list of them, not {value!r}.")
    text = value.strip().strip("\"'")
    if text.lower() in _BARE | {"none"}:
        return text.lower()
    if not _ORIGIN.match(text):
        raise ValueError(
            f"{name}={value!r} is no origin. Write several as a list: "
            '["self", "https://a.example"].'
        )
    return f'"{text}"'
