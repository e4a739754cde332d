"""Endpoint: an address and port to listen on, and what belongs to it. Values only."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

ANY = ("0.0.0.0", "::")  # noqa: S104 - what "*" means
PORTS = {"http": 8080, "https": 8443}

_HOSTNAME = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9-]{1,63})*\Z")


@dataclass(frozen=True, slots=True)
class Tls:
    """What a secure endpoint is made with. Nothing is read from files here."""

    certificate: str | None = None
    certificate_key: str | None = None
    certificate_password: str | None = None
    self_signed: bool = False
    allow_client_certificate: bool = False
    client_certificate_authority: str | None = None
    ssl_protocol: tuple[str, ...] = ()

    @property
    def asks(self) -> tuple[object, ...]:
        """What is settled before a client has said which host it wants."""
        wanted = self.allow_client_certificate or self.client_certificate_authority is not None
        return self.ssl_protocol, wanted, self.client_certificate_authority


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `address` is an IP address, or ``*``; `hostname` "" is any."""

    name: str
    address: str
    port: int
    protocol: str = "http"
    hostname: str = ""
    description: str = ""
    default: bool = False
    dual_mode: bool = False
    redirect_to: str = ""
    tls: Tls | None = None

    @property
    def is_secure(self) -> bool:
        return self.tls is not None

    @property
    def addresses(self) -> tuple[str, ...]:
        """The IP addresses to listen on."""
        if self.address == "*":
            return ANY
        if self.dual_mode and self.address in ("127.0.0.1", "::1"):
            return ("127.0.0.1", "::1")
        return (self.address,)

    @property
    def friendly_name(self) -> str:
        """The host to use in a URL."""
        if self.hostname:
            return self.hostname
        if self.address == "*":
            return "localhost"
        address = ipaddress.ip_address(self.address)
        # The name stands for 127.0.0.1 everywhere; for no other address of this machine.
        if address.is_unspecified or self.address == "127.0.0.1" or len(self.addresses) > 1:
            return "localhost"
        return f"[{address}]" if address.version == 6 else str(address)

    @property
    def url(self) -> str:
        return f"{self.protocol}://{self.friendly_name}:{self.port}/"

    def accepts_host(self, host: str) -> bool:
        """Whether a request that asks for `host` (without port) may be meant for it."""
        if self.hostname.startswith("*."):
            return host.endswith(self.hostname[1:])
        return host == self.hostname


@dataclass(frozen=True, slots=True)
class Binding:
    """What one listener listens on, and the endpoints that share it. Engines get it to pass on."""

    addresses: tuple[str, ...]
    port: int
    endpoints: tuple[Endpoint, ...]

    @property
    def main(self) -> Endpoint:
        """The one that answers clients who name no host, or none of the others."""
        return next((one for one in self.endpoints if not one.hostname), self.endpoints[0])

    @property
    def tls(self) -> Tls | None:
        return self.main.tls

    @property
    def others(self) -> tuple[tuple[str, Tls], ...]:
        """Host names with a certificate of their own."""
        return tuple(
            (one.hostname, one.tls)
            for one in self.endpoints
            if one.hostname and one.tls is not None and one is not self.main
            if one.tls.self_signed or one.tls != self.tls  # one of its own is made for each name
        )


def is_hostname(text: str) -> bool:
    """Whether this is a name, and not an IP address or a word for one."""
    lower = text.lower()
    if lower in ("*", "all", "localhost", "") or ip_of(lower) is not None:
        return False
    if lower.rpartition(".")[2].isdigit():  # an address that is none: 192.168.1.300
        return False
    return _HOSTNAME.match(lower) is not None


def ip_of(text: str) -> str | None:
    """The IP address in its usual form, without brackets; None if it is none.

    >>> ip_of("[::0001]"), ip_of("example.com")
    ('::1', None)
    """
    try:
        return str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def host_name(host: str) -> str:
    """A Host field without its port, in lower case.

    >>> host_name("Example.com:8080"), host_name("[::1]:8080")
    ('example.com', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    return (name if colon and (not port or port.isdigit()) else host).lower()
