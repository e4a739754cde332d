"""Endpoints: where the server listens, and for which of them a request came in."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import quote

from pode_py.core.arguments import meant, names_listed
from pode_py.core.errors import PodeError, StatusError
from pode_py.exchange.exchange import Exchange
from pode_py.web.endpoints.endpoint import Binding, Endpoint, host_name
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
        self._fixed = False
        self.matters = False

    def fix(self) -> None:
        """The server has begun to listen: what is added from now on would do nothing."""
        self._fixed = True

    def add(self, endpoint: Endpoint) -> None:
        """Raises PodeError for one that comes too late, or contradicts one that is there."""
        with self._lock:
            if self._fixed:
                raise PodeError(
                    "add_endpoint was called while the server runs: nobody would listen there. "
                    "Call it in the function that you give to start_server. restart_server runs "
                    "that function again."
                )
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
        name = "" if endpoint is None else endpoint.name
        return RequestEndpoint(request.client_scheme, request.host.lower(), name)

    def _redirect(self, event: WebEvent) -> bool:
        """Answer a request to an endpoint that redirects. True if this is none of them."""
        endpoint = self.get(event.endpoint.name)
        if endpoint is None or not endpoint.redirect_to:
            return True
        target = self.need(endpoint.redirect_to)
        request = event.request
        if request.client_scheme == target.protocol != request.scheme:
            return True  # a trusted proxy has redirected this client, and would again and again
        host = target.hostname if target.hostname and target.hostname[0] != "*" else ""
        host = host or host_name(event.endpoint.address) or target.friendly_name
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
        names = names_listed(known.name for known in self._endpoints.values())
        near = meant(name, [known.name for known in self._endpoints.values()])
        raise PodeError(
            f"Endpoint {name!r} does not exist.{near} There are: {names}. The name of one is given "
            "before, as in add_endpoint(port=8080, name=...)."
        )


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
    return f"{protocol or request.client_scheme}://{name}{where}{_plain(request.target)}"


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
    if known.port != new.port:
        return
    if known.addresses != new.addresses:
        _check_addresses(known, new)
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


def _check_addresses(known: Endpoint, new: Endpoint) -> None:
    """Two listeners of one port need different addresses, and `*` has all of them."""
    both = {*known.addresses} & {*new.addresses}
    if both or "*" in (known.address, new.address):
        raise PodeError(
            f"add_endpoint would listen on port {new.port} twice: there is an endpoint on "
            f"{known.address!r}, and {new.address!r} has the same address. Leave one of them out, "
            "or change the port."
        )


def _plain(target: str) -> str:
    path = target if target.startswith("/") else "/"
    # Only what a header can't carry: the client has encoded the rest as it wants it.
    return path if path.isascii() else quote(path, safe="/?#[]@!$&'()*+,;=%:~", encoding="latin-1")
