"""Pode's Endpoint area: add_endpoint, get_endpoint."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Literal
from uuid import uuid4

from pode_py.core.ambient import room
from pode_py.core.arguments import as_list, one_of, some_of, whole_number
from pode_py.core.checks import checked
from pode_py.core.errors import PodeError
from pode_py.web.endpoints.endpoint import PORTS, Endpoint, Tls, ip_of, is_hostname
from pode_py.web.endpoints.endpoints import Endpoints, select

__all__ = [
    "add_endpoint",
    "get_endpoint",
]

Protocol = Literal[
    "http", "https", "smtp", "smtps", "tcp", "tcps", "ws", "wss",
    "Http", "Https", "Smtp", "Smtps", "Tcp", "Tcps", "Ws", "Wss",
    "HTTP", "HTTPS", "SMTP", "SMTPS", "TCP", "TCPS", "WS", "WSS",
]  # fmt: skip
SslProtocol = Literal["ssl2", "ssl3", "tls", "tls11", "tls12", "tls13"]

_PROTOCOLS = ("http", "https", "smtp", "smtps", "tcp", "tcps", "ws", "wss")
_SSL_PROTOCOLS = ("ssl2", "ssl3", "tls", "tls11", "tls12", "tls13")


@checked
def add_endpoint(
    address: str = "localhost",
    port: int = 0,
    protocol: Protocol = "http",
    *,
    hostname: str = "",
    certificate: str | None = None,
    certificate_key: str | None = None,
    certificate_password: str | None = None,
    self_signed: bool = False,
    allow_client_certificate: bool = False,
    client_certificate_authority: str | None = None,
    ssl_protocol: SslProtocol | Sequence[SslProtocol] | None = None,
    name: str | None = None,
    redirect_to: str | None = None,
    description: str = "",
    default: bool = False,
    dual_mode: bool = False,
    lookup_hostname: bool = False,
    pass_thru: bool = False,
) -> Endpoint | None:
    """Listen on an address and port. Pode: Add-PodeEndpoint.

    address: an IP address, "localhost", or "*" for all interfaces, IPv4 and IPv6; a host name is
        taken as `hostname`.
    port: 0 means 8080, or 8443 for https.
    protocol: "http" or "https", in any case of letters. Of Pode's others, "smtp", "smtps", "tcp",
        "tcps", "ws" and "wss" are not there yet.
    hostname: only requests that ask for this host reach the endpoint; ``*.example.com`` is
        possible.
    certificate: a PEM or PFX file; https needs it, or `self_signed`. Endpoints that differ in
        `hostname` only can have different ones.
    self_signed: make a certificate at the start, for tests.
    allow_client_certificate: ask clients for a certificate, and take it whoever issued it:
        `web_event.request.client_certificate_errors` says that this is not checked.
    client_certificate_authority: a PEM file of the authorities whose client certificates are taken,
        and no others; it may hold the certificates themselves. Not in Pode.
    ssl_protocol: "tls12", "tls13" or both; "ssl2", "ssl3", "tls" and "tls11" are broken.
    redirect_to: name of the endpoint to which requests are redirected.
    default: take this endpoint where a function asks for the default one.
    dual_mode: listen on both loopback addresses, 127.0.0.1 and ::1.
    lookup_hostname: listen on the address that `hostname` resolves to.
    pass_thru: return the endpoint.

    Returns None, unless `pass_thru` is set.
    Raises PodeError for an endpoint that exists; ValueError for arguments that contradict each
    other.

        add_endpoint(port=8080)
        add_endpoint("*", 8443, "https", certificate="server.pem", certificate_key="server.key")
    """
    chosen = _protocol(protocol)
    port = whole_number("port", port, maximum=65535) or PORTS[chosen]
    if is_hostname(address):
        hostname, address = address, "localhost"
    if hostname and not is_hostname(hostname):
        raise ValueError(_no_hostname(hostname))
    if redirect_to and not name:
        raise ValueError("An endpoint with redirect_to needs a name.")
    tls = Tls(
        certificate,
        certificate_key,
        certificate_password,
        self_signed,
        allow_client_certificate,
        client_certificate_authority,
        tuple(some_of("ssl_protocol", ssl_protocol or (), _SSL_PROTOCOLS)),
    )
    _check_tls(chosen, tls)
    endpoint = Endpoint(
        name=name or str(uuid4()),
        address=_looked_up(hostname) if lookup_hostname and hostname else _address(address),
        port=port,
        protocol=chosen,
        hostname=hostname.lower(),
        description=description,
        default=default,
        dual_mode=dual_mode,
        redirect_to=redirect_to or "",
        tls=tls if chosen == "https" else None,
    )
    room(Endpoints).add(endpoint)
    return endpoint if pass_thru else None


@checked
def get_endpoint(
    name: str | Sequence[str] | None = None,
    *,
    address: str = "",
    port: int = 0,
    hostname: str = "",
    protocol: Protocol | Literal[""] = "",
) -> list[Endpoint]:
    """Return the endpoints that have all of these properties. Pode: Get-PodeEndpoint.

    port: 0 means any.
    protocol: as in `add_endpoint`; "" means any.

        for endpoint in get_endpoint(protocol="https"):
            print(endpoint.url)
    """
    wanted = one_of("protocol", protocol, ("", *_PROTOCOLS)) if protocol else ""
    if is_hostname(address):
        hostname, address = address, "localhost"
    names = {item.lower() for item in as_list(name)}
    found = select(
        room(Endpoints).all(),
        address=_address(address) if address else "",
        port=port,
        hostname=hostname,
        protocol=wanted,
    )
    return [endpoint for endpoint in found if not names or endpoint.name.lower() in names]


def _protocol(protocol: Any) -> str:
    chosen = one_of("protocol", protocol, _PROTOCOLS)
    if chosen not in PORTS:
        raise PodeError(
            f"protocol={protocol!r} can't be served yet. Use 'http' or 'https'; server-sent "
            "events need no protocol of their own."
        )
    return chosen


def _no_hostname(text: str) -> str:
    said = f"hostname={text!r} is not a host name, such as 'example.com'."
    if text.lower() == "localhost" or ip_of(text) is not None:
        return f"{said} Where to listen is address: write address={text!r}."
    return said


def _check_tls(protocol: str, tls: Tls) -> None:
    if protocol == "http":
        if tls != Tls():
            raise ValueError("Certificates need protocol='https'.")
        return
    if tls.certificate and tls.self_signed:
        raise ValueError("protocol='https' takes certificate= or self_signed=True, not both.")
    if not tls.certificate and not tls.self_signed:
        raise ValueError("protocol='https' needs certificate='file.pem' or self_signed=True.")
    if tls.certificate_key and not tls.certificate:
        raise ValueError("certificate_key needs certificate.")
    old = [name for name in tls.ssl_protocol if name not in ("tls12", "tls13")]
    if old:
        raise ValueError(f"ssl_protocol={old[0]!r} is broken. Use 'tls12' and 'tls13'.")


def _address(address: str) -> str:
    lower = address.strip().lower()
    if lower in ("*", "all"):
        return "*"
    if lower == "localhost":
        return "127.0.0.1"
    found = ip_of(lower)
    if found is None:
        raise ValueError(
            f"address={address!r} is no address.{_meant_address(address)} Use an IP address, "
            "'localhost', or '*' for all."
        )
    return found


def _meant_address(address: str) -> str:
    """What was probably meant, with a space before it."""
    scheme, _, rest = address.strip().rpartition("://")
    host, _, port = rest.rstrip("/").rpartition(":")
    if port.isdigit():
        protocol = f', protocol="{scheme}"' if scheme == "https" else ""
        return f' Write add_endpoint("{host or "*"}", {port}{protocol}).'
    if scheme:
        return f' Write add_endpoint("{rest.rstrip("/")}", protocol="{scheme}").'
    return ""


def _looked_up(hostname: str) -> str:
    try:
        return str(socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise PodeError(f"The address of {hostname} can't be found: {error}.") from error
