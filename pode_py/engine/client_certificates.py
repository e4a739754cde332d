"""Client certificates: taken from any client where a script asks for them without an authority.

As in Pode: the route sees the certificate, and that it is not checked. OpenSSL ends a handshake
with a certificate that it does not trust, and `ssl` has no way to say otherwise. But it shows the
messages of a handshake before it judges them: the certificate in them is trusted just in time.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pode_py.http.request import ClientCertificate

_CERTIFICATE: Final = 11
# How many bytes of certificates one context remembers before another one takes its place.
_MOST_KNOWN: Final = 1024 * 1024
_NOT_CHECKED: Final = (
    "It is not checked who issued the certificate: add_endpoint has no "
    "client_certificate_authority=."
)


class UncheckedContext(ssl.SSLContext):
    """Takes every certificate that is valid today, and whose key the client has."""

    #: Bytes of the certificates that it has come to know.
    known = 0

    def __new__(cls, protocol: int) -> UncheckedContext:
        context = super().__new__(cls, protocol)
        context.verify_mode = ssl.CERT_OPTIONAL
        # The certificate itself is trusted, so nobody looks for its issuer.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context._msg_callback = _learn  # type: ignore[attr-defined]
        return context


class RenewedContext:
    """The context for new connections: another one once it remembers too much. Any thread."""

    def __init__(self, context: ssl.SSLContext, make: Callable[[], ssl.SSLContext]) -> None:
        self._context = context
        self._make = make
        self._lock = threading.Lock()

    def current(self) -> ssl.SSLContext:
        if getattr(self._context, "known", 0) > _MOST_KNOWN:
            with self._lock:
                if getattr(self._context, "known", 0) > _MOST_KNOWN:
                    self._context = self._make()
        return self._context


def shown_by(wire: ssl.SSLObject | ssl.SSLSocket) -> ClientCertificate | None:
    """The certificate of the client at the other end, once the handshake is done."""
    found = wire.getpeercert()
    if not found:
        return None
    unchecked = isinstance(wire.context, UncheckedContext)
    return ClientCertificate(found, errors=_NOT_CHECKED if unchecked else None)


def _learn(wire: ssl.SSLObject | ssl.SSLSocket, direction: str, *of_message: Any) -> None:
    """Trust the certificate in a client's message. What is malformed, OpenSSL refuses itself."""
    message, data = of_message[-2:]
    context = wire.context
    if message != _CERTIFICATE or direction != "read" or not isinstance(context, UncheckedContext):
        return
    certificate = _first(data)
    if certificate:
        with suppress(ssl.SSLError):  # one that it knows already, too
            context.load_verify_locations(cadata=certificate)
            context.known += len(certificate)


def _first(message: bytes) -> bytes:
    """The client's own certificate in a Certificate message (RFC 5246, 7.4.2; RFC 8446, 4.4.2)."""
    at = 4
    if _number(message, at) != len(message) - 7:  # TLS 1.3 has a context before the list
        at += 1 + (message[at] if len(message) > at else 0)
    at += 3
    length = _number(message, at)
    return message[at + 3 : at + 3 + length]


def _number(message: bytes, at: int) -> int:
    """The length of three bytes there."""
    return int.from_bytes(message[at : at + 3], "big")
