"""Pode's Headers area: headers of the request and the response, plain or signed.

`secret` signs values, or takes the signature off. `strict` binds it to the client as well: to
its User-Agent and address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pode_py.core.signing import sign, unsign
from pode_py.web.event import WebEvent, current_event
from pode_py.web.strict import strict_secret

__all__ = [
    "add_header",
    "add_header_bulk",
    "get_header",
    "set_header",
    "set_header_bulk",
    "test_header",
    "test_header_signed",
]


def add_header(name: str, value: Any, *, secret: str | None = None, strict: bool = False) -> None:
    """Add a response header to those of the same name. Pode: Add-PodeHeader.

    secret: signs the value.
    strict: bind the signature to the client's User-Agent and address.

    Raises ValueError for CR, LF, NUL and other characters that a header cannot carry.

        add_header("Link", "</style.css>; rel=preload")
    """
    event = current_event()
    event.response.headers.add(name, _signed(event, value, secret, strict))


def add_header_bulk(
    values: Mapping[str, Any], *, secret: str | None = None, strict: bool = False
) -> None:
    """Add several response headers. Pode: Add-PodeHeaderBulk.

    secret: signs each value.
    strict: bind the signatures to the client's User-Agent and address.

        add_header_bulk({"X-Name": "a", "X-Other": "b"})
    """
    event = current_event()
    for name, value in values.items():
        event.response.headers.add(name, _signed(event, value, secret, strict))


def set_header(name: str, value: Any, *, secret: str | None = None, strict: bool = False) -> None:
    """Set a response header, and remove those of the same name. Pode: Set-PodeHeader.

    secret: signs the value.
    strict: bind the signature to the client's User-Agent and address.

    Raises ValueError for CR, LF, NUL and other characters that a header cannot carry.

        set_header("X-Name", "value")
    """
    event = current_event()
    event.response.headers[name] = _signed(event, value, secret, strict)


def set_header_bulk(
    values: Mapping[str, Any], *, secret: str | None = None, strict: bool = False
) -> None:
    """Set several response headers. Pode: Set-PodeHeaderBulk.

    secret: signs each value.
    strict: bind the signatures to the client's User-Agent and address.

        set_header_bulk({"X-Name": "a", "X-Other": "b"})
    """
    event = current_event()
    for name, value in values.items():
        event.response.headers[name] = _signed(event, value, secret, strict)


def test_header(name: str, *, response: bool = False) -> bool:
    """Return whether the request has a header. Pode: Test-PodeHeader.

    response: look at the response instead.

        if test_header("X-Key"):
            print(get_header("X-Key"))
    """
    return _value(current_event(), name, response) is not None


def get_header(
    name: str, *, secret: str | None = None, strict: bool = False, response: bool = False
) -> str | None:
    """Return the value of a request header. Pode: Get-PodeHeader.

    secret: removes the signature from the value and checks it.
    strict: the signature is bound to the client's User-Agent and address.
    response: look at the response instead.

    Returns None if there is no such header, or if its signature is wrong.

        key = get_header("X-Key")
    """
    event = current_event()
    value = _value(event, name, response)
    if secret is None:
        return value
    secret = _bound(event, secret, strict)
    return None if value is None else unsign(value, secret)


def test_header_signed(
    name: str, *, secret: str, strict: bool = False, response: bool = False
) -> bool:
    """Return whether a header is signed with a secret. Pode: Test-PodeHeaderSigned.

    strict: the signature must be bound to the client's User-Agent and address.
    response: look at the response instead of the request.

        if not test_header_signed("X-Id", secret="hunter2"):
            raise StatusError(400)
    """
    return get_header(name, secret=secret, strict=strict, response=response) is not None


test_header.__test__ = False  # type: ignore[attr-defined]
test_header_signed.__test__ = False  # type: ignore[attr-defined]


def _value(event: WebEvent, name: str, response: bool) -> str | None:
    headers = event.response.headers if response else event.request.headers
    value = headers.get(name)
    return None if value is None else str(value)


def _signed(event: WebEvent, value: Any, secret: str | None, strict: bool) -> Any:
    return value if secret is None else sign(str(value), _bound(event, secret, strict))


def _bound(event: WebEvent, secret: str, strict: bool) -> str:
    if not isinstance(secret, str):
        raise TypeError(f"secret takes a str, not a value of type {type(secret).__name__}.")
    if not secret:
        raise ValueError("secret must not be empty. Leave it out for a plain header.")
    return strict_secret(secret, event.request) if strict else secret
