"""Proxies: which of them are believed when they say whom a request came from, and for which hosts.

Theory: every field of a request is the client's own word. A proxy adds what it saw to the end of a
list, or replaces the field. So a list is read from its end, as long as those who wrote it are
trusted: first the peer of the connection, then each address that a trusted proxy saw. The first
that is not trusted is the client; what stands before it is not looked at.
"""

from __future__ import annotations

import json
import threading
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from json import dumps
from typing import Final

from pode_py.core.arguments import shown
from pode_py.core.errors import StatusError
from pode_py.core.once_a_minute import OnceAMinute
from pode_py.core.runtime import Runtime
from pode_py.http.forwarded import Chain, address_of, forwarded, x_forwarded
from pode_py.http.request import Request
from pode_py.web.endpoints.endpoint import host_name, ip_of, is_hostname
from pode_py.web.event import WebEvent
from pode_py.web.places import Places

Network = IPv4Network | IPv6Network

#: The peers of a Unix socket, which have no address.
UNIX = "unix"

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


#: How many requests are looked at for a proxy that nobody trusts.
_WATCHED = 100

_FORMS: Final = {
    "x-forwarded-prefix": "a prefix is a path that begins with a slash",
    "x-forwarded-proto": "a scheme is http or https",
    "x-forwarded-host": "a host is a name or an address, with or without a port",
}
_FIELDS: Final = (*_FORMS, "x-forwarded-for")


class Proxies:
    """Stands first along a request, once there are trusted proxies or allowed hosts."""

    def __init__(self, places: Places, runtime: Runtime) -> None:
        self._lock = threading.Lock()
        self._places = places
        self._stands = False
        #: How many requests are still looked at for a proxy that nobody trusts.
        self._watched = 0
        self._warn = runtime.warn
        self._refused = OnceAMinute(runtime.clock, lambda text: runtime.warn(text, "Hosts"))
        self._unusable = OnceAMinute(runtime.clock, lambda text: runtime.warn(text, "Proxies"))
        self._trust = Trust((), unix=False)
        self._read = x_forwarded
        self._hosts: tuple[str, ...] = ()

    def trust(self, trust: Trust, *, standard: bool) -> None:
        """Believe these proxies, and no others. `standard`: read Forwarded, not X-Forwarded."""
        with self._lock:
            self._trust = trust
            self._read = forwarded if standard else x_forwarded
            self._stand()

    def allow(self, hosts: tuple[str, ...]) -> None:
        """Answer requests for these hosts only."""
        with self._lock:
            self._hosts = hosts
            self._stand()

    def stand(self, event: WebEvent) -> bool:
        """Find out whom the request came from. StatusError 400 for a host that is not allowed."""
        request = event.request
        if self._trust.covers(request.peer.remote_address):
            self._believe(request)
        hosts = self._hosts
        if hosts:
            host = host_name(request.host).removesuffix(".")
            if not _is_allowed(host, hosts):
                self._refused.say(lambda: _refusal(host, hosts))
                raise StatusError(400, "This host is not served here.")
        return True

    def watch(self) -> None:
        """Look at the first requests, once the server listens: do they come from a proxy that
        nobody trusts? Then the place is empty again, and costs nothing."""
        with self._lock:
            if not self._stands:
                self._watched = _WATCHED
                self._places.fill("proxies", self._look)

    def _look(self, event: WebEvent) -> bool:
        request = event.request
        found = [name for name in _FIELDS if request.headers.get(name)]
        peer = request.peer.remote_address
        plain = address_of(peer)
        # On this machine, or in a network that is not public: what is far away is no proxy.
        near = not peer or (plain is not None and not ip_address(plain).is_global)
        said = bool(found) and near
        with self._lock:
            if not self._watched:  # another thread was quicker
                return True
            self._watched = 0 if said else self._watched - 1
            if not self._watched:
                self._places.leave("proxies")
        if said:
            self._warn(
                f"A request from {peer or 'a Unix socket'} has the field {found[0]}, and no proxy "
                "is trusted: client_address, url and redirects are those of the connection. If "
                f"this is your proxy, write set_trusted_proxies({peer or UNIX!r}); if not, write "
                "set_trusted_proxies() to trust nobody.",
                "Proxies",
            )
        return True

    def _stand(self) -> None:
        if not self._stands:
            self._stands = True
            if self._watched:
                self._watched = 0
                self._places.leave("proxies")
            self._places.fill("proxies", self.stand)

    def _believe(self, request: Request) -> None:
        chain = self._read(request.headers)
        if self._read is x_forwarded:
            parts = (chain.prefixes, chain.schemes, chain.hosts)
            for name, values in zip(_FORMS, parts, strict=True):
                if "" in values and request.headers.get(name, "").strip("/, "):
                    self._unusable.say(partial(_unusable, request, name))
        hops, address = self._client(chain)
        request.came_from(
            address=address,
            scheme=_seen_by(chain.schemes, hops),
            host=_seen_by(chain.hosts, hops),
            prefix=_seen_by(chain.prefixes, hops),
        )

    def _client(self, chain: Chain) -> tuple[int, str]:
        """How many trusted proxies the request has passed, and the address that the last of them
        saw. An address that is hidden ends the list: the next one is anybody's word."""
        hops, client = 0, ""
        for address in reversed(chain.addresses):
            if address is None:
                break
            hops, client = hops + 1, address
            if not self._trust.covers(address):
                break
        return hops, client


def _refusal(host: str, hosts: tuple[str, ...]) -> str:
    text = f"A request for the host {shown(host)} got 400, as it is none of set_allowed_hosts."
    try:
        names = ", ".join(dumps(name) for name in (*hosts, allowed_host(host)))
    except ValueError:
        return text
    return f"{text} If that is your host, write set_allowed_hosts({names})."


def _unusable(request: Request, name: str) -> str:
    value = request.headers.get(name, "")
    instead = f" Write it as {'/' + value.strip('/')!r}." if name == _FIELDS[0] else ""
    return (
        f"The proxy {request.peer.remote_address or 'at a Unix socket'} sends {name}: "
        f"{shown(value)}, which is ignored: {_FORMS[name]}.{instead}"
    )


class Trust:
    """The addresses of proxies that are believed."""

    def __init__(self, networks: tuple[Network, ...], *, unix: bool) -> None:
        self._networks = networks
        self._unix = unix
        # The peers of a server behind proxies are few.
        self.covers = lru_cache(256)(self._covers)

    def _covers(self, address: str) -> bool:
        if not address:
            return self._unix
        plain = address_of(address)
        if plain is None:
            return False
        found = ip_address(plain)
        return any(found in network for network in self._networks)


def trust_in(proxies: tuple[str, ...]) -> Trust:
    """The trust in addresses, networks, and the words "localhost" and "unix"."""
    networks: list[Network] = []
    for proxy in proxies:
        if not isinstance(proxy, str):
            raise TypeError(_no_str("set_trusted_proxies", "addresses", proxy))
        word = proxy.strip().lower()
        if word == "localhost":
            networks += _LOOPBACK
        elif word != UNIX:
            networks.append(_network(word, proxy))
    return Trust(tuple(networks), unix=UNIX in [proxy.strip().lower() for proxy in proxies])


def allowed_host(host: str) -> str:
    """A host as it is compared: a name, ``*.`` and a name, or an IP address. ValueError if none."""
    if not isinstance(host, str):
        raise TypeError(_no_str("set_allowed_hosts", "host names", host))
    name = host.strip().lower().removesuffix(".")
    address = ip_of(name)
    if address is not None:
        return f"[{address}]" if ":" in address else address
    if name == "localhost" or is_hostname(name):
        return name
    raise ValueError(
        f"set_allowed_hosts: {host!r} is not a host. Write a name without scheme and port, such as "
        "'example.com', or '*.example.com' for all names below it."
    )


def _no_str(function: str, what: str, given: object) -> str:
    said = f"{function} takes {what} as str, not {given!r}."
    if isinstance(given, (list, tuple)) and given and all(isinstance(one, str) for one in given):
        return f"{said} Write {function}({', '.join(map(json.dumps, given))})."
    return said


def _network(word: str, given: str) -> Network:
    try:
        return ip_network(word, strict=False)
    except ValueError:
        raise ValueError(
            f"set_trusted_proxies: {given!r} is not an address. Write an IP address, a network "
            "such as '10.0.0.0/8', 'localhost', or 'unix' for proxies on a Unix socket. To believe "
            "everybody, which no server on the internet should, write '0.0.0.0/0' and '::/0'."
        ) from None


def _seen_by(values: tuple[str, ...], hops: int) -> str:
    """What the outermost trusted proxy said. A list that is shorter was replaced on its way."""
    return values[-min(max(hops, 1), len(values))] if values else ""


def _is_allowed(host: str, hosts: tuple[str, ...]) -> bool:
    return any(
        host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
        for allowed in hosts
    )
