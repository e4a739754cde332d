"""What `set_security` sets: Pode's values, without what opens a server to other origins."""

from __future__ import annotations

from typing import Final

from pode_py.security.headers.permissions import policy_of

_BOTH: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRESETS: Final = {
    "simple": {
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "strict-origin",
        **_BOTH,
    },
    "strict": {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", **_BOTH},
}
PERMISSIONS: Final = policy_of(
    dict.fromkeys(
        [
            *("autoplay", "display_capture", "fullscreen", "geolocation", "gyroscope"),
            *("magnetometer", "picture_in_picture"),
        ],
        "self",
    )
    | dict.fromkeys(("accelerometer", "camera", "microphone", "payment", "sync_xhr", "usb"), "none")
)


def strict_transport(duration: int, *, sub_domains: bool, preload: bool = False) -> dict[str, str]:
    """The header, by its name."""
    value = f"max-age={duration}"
    value += "; includeSubDomains" if sub_domains else ""
    value += "; preload" if preload else ""
    return {"Strict-Transport-Security": value}
