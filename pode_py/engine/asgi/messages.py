"""Scopes: from what an ASGI server says of a request to a Request, and from a Response to what an
ASGI server sends. No I/O.

The same strictness as for requests that our own engine parses: http/strictness.py looks at the
head, and splits the target. What an ASGI server does to the bytes before that is its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pode_py.engine.replies import unread_request
from pode_py.http.headers import RawHeaders, RequestHeaders
from pode_py.http.request import ClientCertificate, Peer, Request
from pode_py.http.response import FRAMING, Response, announced_length, checked_reason
from pode_py.http.statuses import RESET_CONTENT, has_body
from pode_py.http.strictness import Framing, PlainHead, check_head, split_target, unknown_version

Scope = dict[str, Any]
Message = dict[str, Any]

# What a path has as it is (RFC 3986, 3.3).
_PLAIN = "/!$&'()*+,;=:@~*"

# What HTTP/2 and 3 write as pseudo headers; servers differ in whether they pass them on.
_AUTHORITY = b":authority"


class Head:
    """A request without its body. `framing` and `request` are there once it was checked."""

    framing: Framing
    _target: tuple[str, str, str, str]

    def __init__(self, scope: Scope, refused: PlainHead | None = None) -> None:
        self._scope = scope
        self._refused = refused
        self._method = str(scope["method"])
        version = str(scope.get("http_version", "1.1"))
        # A minor version that is not known here is HTTP/1.1 (RFC 9110, 2.5).
        is_newer = version.startswith("1.") and version != "1.0"
        self._version = "1.1" if is_newer else version
        self._headers = _headers(scope)

    def check(self, framing: Framing | None = None) -> None:
        """Raise ProtocolError for a request that is none. `framing` if the head was checked before
        the ASGI server saw it."""
        if "." in self._version and not self._version.startswith("1."):
            # HTTP/2 is "2"; "2.0" comes out of a request line of HTTP/1.
            raise unknown_version()
        plain = self._plain
        self.framing = framing or check_head(
            plain.method, plain.target, plain.version, plain.fields
        )
        host = next((value for name, value in self._headers if name == b"host"), b"")
        self._target = split_target(plain.target, host)

    @property
    def _plain(self) -> PlainHead:
        return PlainHead(
            self._method.encode("ascii", "replace"),
            _target(self._scope),
            self._version.encode("ascii", "replace"),
            self._headers,
        )

    def unread(self, certificate: ClientCertificate | None) -> Request:
        """The request, to be refused, as far as it is known: by the head that never got here."""
        return unread_request(self._refused or self._plain, _peer(self._scope, certificate))

    @property
    def may_have_body(self) -> bool:
        """HTTP/1 says in the head whether there is a body; HTTP/2 need not."""
        return self.framing.has_body or not self._version.startswith("1")

    def request(self, body: bytes, certificate: ClientCertificate | None) -> Request:
        target, path, query, host = self._target
        root = str(self._scope.get("root_path") or "").rstrip("/")
        inner = _inner_path(path, root)
        request = Request(
            http_method=self._method,
            target=target,
            path=path if inner is None else inner,
            query_string=query,
            headers=RequestHeaders(self._headers),
            http_version=self._version,
            raw_body=body,
            host=host,
            peer=_peer(self._scope, certificate),
            is_keep_alive=self.framing.keep_alive,
        )
        if root and target.startswith("/"):
            request.prefix = quote(root, safe=_PLAIN)
            if inner is None:  # a proxy has taken it off
                request.target = request.prefix + target
        return request


def _headers(scope: Scope) -> RawHeaders:
    """Lower-case names; a Host for requests of HTTP/2 whose server keeps it as a pseudo header."""
    headers = [(bytes(name).lower(), bytes(value)) for name, value in scope["headers"]]
    plain = [field for field in headers if not field[0].startswith(b":")]
    if len(plain) == len(headers) or any(name == b"host" for name, _ in plain):
        return plain
    return [
        *((b"host", value) for name, value in headers if name == _AUTHORITY),
        *plain,
    ]


def _target(scope: Scope) -> bytes:
    raw = scope.get("raw_path")
    path = bytes(raw) if raw else quote(scope["path"], safe=_PLAIN).encode("ascii")
    # Some servers leave the query in it.
    path = path.partition(b"?")[0]
    query = bytes(scope.get("query_string") or b"")
    return path + b"?" + query if query else path


def _inner_path(path: str, root: str) -> str | None:
    """The path below the one that the application is mounted at; None if it is not below it."""
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return None


def _peer(scope: Scope, certificate: ClientCertificate | None) -> Peer:
    # None for a Unix socket.
    remote = scope.get("client") or ("", 0)
    local = scope.get("server") or ("", 0)
    return Peer(
        _plain(str(remote[0])),
        int(remote[1] or 0),
        _plain(str(local[0])),
        int(local[1] or 0),
        str(scope.get("scheme") or "http"),
        certificate,
    )


def _plain(address: str) -> str:
    """An IPv4 address that came in over IPv6, as IPv4; without a scope."""
    return address.removeprefix("::ffff:").partition("%")[0]


def start_message(
    response: Response, *, head_only: bool, streams: bool = False, server: str = ""
) -> Message:
    """The head. Framing, Date and Connection are the ASGI server's.

    Raises ValueError for what can't be sent. `streams` means a body without an end in sight.
    """
    if not 200 <= response.status_code <= 599:
        raise ValueError(
            f"The status {response.status_code} can't end a request: use one from 200 to 599."
        )
    if response.reason is not None:
        checked_reason(response.reason)  # ASGI has no place for it, but must not hide what is wrong
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.fields()
        if name.lower() not in FRAMING
    ]
    if not streams and has_body(response.status_code):
        length = announced_length(response, head_only=head_only)
        if length is not None:
            headers.append((b"content-length", str(length).encode("ascii")))
    if response.status_code == RESET_CONTENT:
        headers.append((b"content-length", b"0"))
    if server and "Server" not in response.headers:
        headers.append((b"server", server.encode("latin-1")))
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def body_message(body: bytes | memoryview, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": bytes(body), "more_body": more}
