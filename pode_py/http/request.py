"""Request: what a client asked for. A value; nothing here reads a socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pode_py.http.charsets import charset_of, codec_of
from pode_py.http.headers import RequestHeaders


class ClientCertificate(dict[str, Any]):
    """What `ssl.SSLSocket.getpeercert` says of a certificate. `errors`: why it proves nothing, or
    None if its issuer is trusted."""

    def __init__(self, fields: Mapping[str, Any], *, errors: str | None = None) -> None:
        super().__init__(fields)
        self.errors = errors


@dataclass(slots=True)
class Peer:
    """Who is connected to what: addresses of a connection, and its client certificate."""

    remote_address: str = "127.0.0.1"
    remote_port: int = 0
    local_address: str = "127.0.0.1"
    local_port: int = 0
    scheme: str = "http"
    certificate: ClientCertificate | None = None


@dataclass
class Request:
    """One HTTP request, complete with its body.

    `path` is percent-decoded, but for ``%2F``, which would otherwise look like a separator.
    `target` is what the client asked for: below a prefix (`root_path` of ASGI, or a proxy's) it has
    that prefix, and `path` has not.
    """

    # What few requests have costs the others nothing, because these are no fields.
    #: The prefix, percent-encoded: "/app". Empty if there is none.
    prefix = ""
    _client_address = ""
    _client_scheme = ""

    http_method: str
    target: str
    path: str
    query_string: str
    headers: RequestHeaders
    http_version: str = "1.1"
    raw_body: bytes = b""
    host: str = ""
    peer: Peer = field(default_factory=Peer)
    is_keep_alive: bool = True

    @property
    def remote_address(self) -> str:
        return self.peer.remote_address

    @property
    def scheme(self) -> str:
        return self.peer.scheme

    @property
    def client_address(self) -> str:
        """The client's address; behind trusted proxies that of the client of the outermost."""
        return self._client_address or self.peer.remote_address

    @property
    def client_scheme(self) -> str:
        """The client's "http" or "https", likewise."""
        return self._client_scheme or self.peer.scheme

    def came_from(self, *, address: str, scheme: str, host: str, prefix: str) -> None:
        """Take over what trusted proxies say of the client. Empty texts change nothing.

        Called once, before anybody else looks at the request.
        """
        self._client_address = address
        self._client_scheme = scheme
        self.host = host or self.host
        if prefix and self.target.startswith("/"):
            self.prefix = prefix + self.prefix
            self.target = prefix + self.target

    @property
    def user_agent(self) -> str:
        return str(self.headers.get("user-agent", ""))

    @property
    def url(self) -> str:
        """The absolute URL that the client used, as far as is known here."""
        return f"{self.client_scheme}://{self.host}{self.target}"

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """The certificate the client showed, as `ssl.SSLSocket.getpeercert` returns it.

        Without `client_certificate_authority` it is not checked who issued it.
        """
        return self.peer.certificate

    @property
    def client_certificate_errors(self) -> str | None:
        """Why the certificate that the client showed proves nothing; None if it is trusted."""
        return None if self.peer.certificate is None else self.peer.certificate.errors

    @cached_property
    def body(self) -> str:
        """The body as text, in the charset of its Content-Type, or UTF-8.

        Raises StatusError 415 for a charset that is not known.
        """
        codec = codec_of(charset_of(str(self.headers.get("content-type", ""))))
        return self.raw_body.decode(codec, "replace")
