"""Signed values in Pode's form: ``s:<value>.<base64 of HMAC-SHA256>``."""

from __future__ import annotations

import base64
import hashlib
import hmac

PREFIX = "s:"


def sign(value: str, secret: str) -> str:
    """The value with its signature. Pode: src/Private/Cryptography.ps1, Invoke-PodeValueSign.

    >>> sign("example", "secret")
    's:example.y1g5r4kvN+7CuOO99FRTpkH32Oblkmap80KVO849hH0='
    """
    if not secret:
        raise ValueError("secret must not be empty.")
    return f"{PREFIX}{value}.{_signature(value, secret)}"


def unsign(signed: str, secret: str) -> str | None:
    """The value inside, if the signature is right; None otherwise. Takes constant time."""
    if not is_signed(signed):
        return None
    # The value may contain dots; base64 never does.
    value, _, signature = signed[len(PREFIX) :].rpartition(".")
    expected = _signature(value, secret).encode()
    if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass")):
        return None
    return value


def derived(secret: str, purpose: str) -> str:
    """A secret for one use. Who learns it knows neither `secret` nor those for other uses.

    >>> derived("secret", "cookies") == derived("secret", "sessions")
    False
    """
    digest = hmac.new(secret.encode(), f"pode_py/{purpose}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def is_signed(value: str) -> bool:
    """Whether the value has the form of a signed one. Says nothing about the signature."""
    return value.startswith(PREFIX) and "." in value


def _signature(value: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode("ascii")
