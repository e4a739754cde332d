"""Endpoints: where the server listens, and for which of them a request came in."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import quote

from pode_py.core.errors import PodeError, StatusError
from pode_py.exchange.exchange import Exchange
from pode_py.web.endpoints.endpoint import Binding, Endpoint
from pode_py.web.event import RequestEndpoint, WebEvent
from pode_py.web.places import Places


class Endpoints:
    """The endpoints, in the order they were added. They are fixed once the server has started.

    `matters` says that requests must be looked at: one endpoint redirects, or takes only some
    host names.
    """

    def __init__(self, places: Places) -> None:
        self._lock = threading.Lock()
        self._places = places
        self._redirects = False
        self._endpoints: dict[str, Endpoint] = {}
        self.matters = False

    def add(self, endpoint: Endpoint) -> None:
        """Raises PodeError for an endpoint that contradicts one that is there."""
        with self._lock:
            for known in self._endpoints.values():
                _check_pair(known, endpoint)
            if endpoint.redirect_to:
                self._need(endpoint.redirect_to)
            self._endpoints[endpoint.name.lower()] = endpoint
            self.matters = self.matters or bool(endpoint.redirect_to or endpoint.hostname)
            if endpoint.redirect_to and not self._redirects:
                self._redirects = True
                self._places.fill("redirect", self._redirect)

    def get(self, name: str) -> Endpoint | None:
        return self._endpoints.get(name.lower())

    def need(self, name: str) -> Endpoint:
        """Like `get`, but raises PodeError that lists what there is."""
        with self._lock:
            return self._need(name)

    def all(self) -> list[Endpoint]:
        with self._lock:
            return list(self._endpoints.values())

    def default(self) -> Endpoint | None:
        """The endpoint marked as default, else the first."""
        endpoints = self.all()
        marked = [endpoint for endpoint in endpoints if endpoint.default]
        return next(iter(marked or endpoints), None)

    def bindings(self) -> list[Binding]:
        """What to listen on: endpoints that differ in their host name only share a listener."""
        groups: dict[tuple[tuple[str, ...], int], list[Endpoint]] = {}
        for endpoint in self.all():
            groups.setdefault((endpoint.addresses, endpoint.port), []).append(endpoint)
        return [
            Binding(addresses, port, tuple(shared)) for (addresses, port), shared in groups.items()
        ]

    def of_request(self, exchange: Exchange) -> RequestEndpoint:
        """Where this request came in. StatusError 400 for a host that nobody here serves."""
        request = exchange.request
        host = host_name(request.host)
        endpoint = _chosen(exchange.endpoint, host)
        return RequestEndpoint(request.scheme, host, "" if endpoint is None else endpoint.name)

    def _redirect(self, event: WebEvent) -> bool:
        """Answer a request to an endpoint that redirects. True if this is none of them."""
        endpoint = self.get(event.endpoint.name)
        if endpoint is None or not endpoint.redirect_to:
            return True
        target = self.need(endpoint.redirect_to)
        host = target.hostname if target.hostname and target.hostname[0] != "*" else ""
        host = host or event.endpoint.address or target.friendly_name
        response = event.response
        # 307 keeps the method; a GET or HEAD is safe with the status that everyone knows.
        response.status_code = 302 if event.method in ("get", "head") else 307
        response.headers["Location"] = url_with(event, target.protocol, host, target.port)
        response.written = True
        return False

    def _need(self, name: str) -> Endpoint:
        endpoint = self._endpoints.get(name.lower())
        if endpoint is not None:
            return endpoint
        names = ", ".join(repr(known.name) for known in self._endpoints.values()) or "none"
        raise PodeError(f"Endpoint {name!r} does not exist. There are: {names}.")


def select(
    endpoints: Iterable[Endpoint],
    *,
    address: str = "",
    port: int = 0,
    hostname: str = "",
    protocol: str = "",
) -> list[Endpoint]:
    """Those with all of these properties; empty ones are not asked for."""
    return [
        endpoint
        for endpoint in endpoints
        if address in ("", endpoint.address)
        and port in (0, endpoint.port)
        and hostname.lower() in ("", endpoint.hostname)
        and protocol in ("", endpoint.protocol)
    ]


def url_with(event: WebEvent, protocol: str, host: str, port: int) -> str:
    """The URL of this request, at another protocol, host or port; empty and 0 are the request's.

    Usual ports are left out, as in Pode.
    """
    request = event.request
    own = request.host[len(host_name(request.host)) + 1 :]
    number = port or int(own or 0)
    where = f":{number}" if number not in (0, 80, 443) else ""
    name = host or host_name(request.host)
    return f"{protocol or request.scheme}://{name}{where}{_plain(request.target)}"


def host_name(host: str) -> str:
    """A Host field without its port, in lower case.

    >>> host_name("Example.com:8080"), host_name("[::1]:8080")
    ('example.com', '[::1]')
    """
    name, colon, port = host.rpartition(":")
    return (name if colon and (not port or port.isdigit()) else host).lower()


def _chosen(listened: object, host: str) -> Endpoint | None:
    """Of the endpoints that share a listener, the one for this host; else the one for any."""
    if isinstance(listened, Endpoint):
        candidates: tuple[Endpoint, ...] = (listened,)
    elif isinstance(listened, Binding):
        candidates = listened.endpoints
    else:
        return None
    for endpoint in candidates:
        if endpoint.hostname and endpoint.accepts_host(host):
            return endpoint
    for endpoint in candidates:
        if not endpoint.hostname:
            return endpoint
    raise StatusError(400, "This host is not served here.")


def _check_pair(known: Endpoint, new: Endpoint) -> None:
    if known.name.lower() == new.name.lower():
        raise PodeError(f"Endpoint {new.name!r} already exists. Choose another name.")
    if known.default and new.default:
        raise PodeError(
            f"Endpoint {known.name!r} is the default already. Pass default=True to one only."
        )
    if known.port != new.port or known.addresses != new.addresses:
        return
    where = f"{new.address} port {new.port}"
    if known.hostname == new.hostname:
        raise PodeError(f"An endpoint on {where} already exists. Change the address or the port.")
    if known.tls is None or new.tls is None:
        if known.tls is not new.tls:
            raise PodeError(f"Two endpoints on {where} need the same protocol.")
        return
    # The certificate is chosen by the host name of the handshake; all else is settled before.
    if known.tls.asks != new.tls.asks:
        raise PodeError(
            f"Two endpoints on {where} can have different certificates, but need the same "
            "ssl_protocol, allow_client_certificate and client_certificate_authority."
        )


def _plain(target: str) -> str:
    path = target if target.startswith("/") else "/"
    # Only what a header can't carry: the client has encoded the rest as it wants it.
    return path if path.isascii() else quote(path, safe="/?#[]@!$&'()*+,;=%:~", encoding="latin-1")
