"""Replies: what an engine answers by itself, and to what.

Once the head of a request is known, the pipeline answers, so that the refusal looks as the server's
other errors do: the engine makes an exchange of `unread_request` and says why in its `refusal`.
Before that there is only `simple_response`.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.response import Response
from pode_py.http.strictness import PlainHead, ProtocolError, is_host, split_target


def simple_response(status: int, message: str) -> Response:
    """The answer to a request that nobody will see."""
    response = Response(status, f"{message}\n".encode())
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response


def distrusted(error: ssl.SSLCertVerificationError) -> ProtocolError:
    """Why a client gets no answer at all: a handshake has no place for more than an alert."""
    return ProtocolError(
        400,
        f"The client's certificate is not trusted: {error.verify_message}. Its authority can be "
        "trusted with client_certificate_authority= in add_endpoint.",
    )


def unread_request(head: PlainHead, peer: Peer) -> Request:
    """A request that will be refused, as far as it is known. What is malformed is left empty."""
    hosts = [value for name, value in head.fields if name == b"host"]
    host = hosts[0] if len(hosts) == 1 and is_host(hosts[0]) else b""
    target, path, query = head.target.decode("latin-1"), "/", ""
    if target.startswith("/") or target == "*":
        path, _, query = target.partition("?")
    name = host.decode("latin-1")
    with suppress(ProtocolError):
        target, path, query, name = split_target(head.target, host)
    return Request(
        http_method=head.method.decode("latin-1"),
        target=target,
        path=path,
        query_string=query,
        headers=RequestHeaders(head.fields),
        http_version=head.version.decode("latin-1"),
        host=name,
        peer=peer,
        is_keep_alive=False,
    )
