"""Which proxies are believed, and for which hosts requests are answered. Not in Pode."""

from __future__ import annotations

from pode_py.core.ambient import room
from pode_py.core.checks import checked
from pode_py.web.endpoints.proxies import Proxies, allowed_host, trust_in

__all__ = [
    "set_allowed_hosts",
    "set_trusted_proxies",
]


@checked
def set_trusted_proxies(*proxies: str, forwarded: bool = False) -> None:
    """Set which proxies are believed when they say who the client is. Not in Pode.

    Then `web_event.request` has the client's own `client_address`, `client_scheme`, `host` and
    `url`, and `prefix` if the proxy has removed one from the path. Logs, redirects, signatures and
    limits use them. From other peers such header fields mean nothing. A second call replaces the
    first; without proxies, no peer is believed.

    proxies: IP addresses, networks such as "10.0.0.0/8", "localhost", or "unix" for proxies that
        connect over a Unix socket.
    forwarded: read the field Forwarded (RFC 7239) instead of X-Forwarded-For, -Proto, -Host and
        -Prefix. The proxy must set or remove each field that is read.

    Raises ValueError for what is no address.

        set_trusted_proxies("10.0.0.0/8", "localhost")
    """
    room(Proxies).trust(trust_in(proxies), standard=forwarded)


@checked
def set_allowed_hosts(*hosts: str) -> None:
    """Answer only requests for these hosts, and others with 400. Not in Pode.

    Without it, requests for any host are answered. Behind a trusted proxy, the host is the one that
    the client asked the proxy for.

    hosts: names without a port; ``*.example.com`` means all names below example.com, but not
        example.com itself.

    Raises ValueError if there is no host, or one that is none.

        set_allowed_hosts("example.com", "*.example.com")
    """
    if not hosts:
        raise ValueError('set_allowed_hosts needs a host: set_allowed_hosts("example.com").')
    room(Proxies).allow(tuple(map(allowed_host, hosts)))
