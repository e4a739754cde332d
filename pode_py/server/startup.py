"""Startup: from the endpoints that a script has added to sockets that listen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pode_py.core.errors import StartError
from pode_py.core.paths import Folders
from pode_py.engine.certificates import TlsSettings, server_context
from pode_py.engine.listener import Listener, ListenerSettings, close_sockets
from pode_py.web.endpoints.endpoint import Tls
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.routing.router import Router

#: Gives listeners the sockets that are open for them already.
Provide = Callable[[Sequence[ListenerSettings]], Sequence[ListenerSettings]]


def listener_settings(
    endpoints: Endpoints, folders: Folders, *, free_ports: bool
) -> list[ListenerSettings]:
    """One listener for each binding. With `free_ports` each gets a free port on loopback."""
    return [
        ListenerSettings(
            addresses=("127.0.0.1",) if free_ports else binding.addresses,
            port=0 if free_ports else binding.port,
            tls=None if binding.tls is None else _settings(binding.tls, folders),
            endpoint=binding,
        )
        for binding in endpoints.bindings()
    ]


def check_reachable(settings: Sequence[ListenerSettings], router: Router) -> None:
    """Raise StartError for routes that nobody can reach."""
    if not settings and router.select(None, None):
        raise StartError(
            "There are routes but no endpoint to reach them. Call add_endpoint, for example "
            'add_endpoint(address="localhost", port=8080, protocol="http").'
        )


def rehearse(listeners: Sequence[ListenerSettings], taken: set[int]) -> None:
    """Raise StartError for what would keep `listeners` from opening.

    A port that is `taken` belongs to the server that is going to be replaced.
    """
    try:
        for wanted in listeners:
            if wanted.sockets or wanted.port not in taken:
                listener = Listener(wanted)
                listener.open()
                listener.close()
            elif wanted.tls is not None:
                server_context(wanted.tls, wanted.addresses)
    finally:
        close_sockets(listeners)


def _settings(tls: Tls, folders: Folders) -> TlsSettings:
    return TlsSettings(
        certificate=folders.resolve(tls.certificate) if tls.certificate else None,
        certificate_key=folders.resolve(tls.certificate_key) if tls.certificate_key else None,
        certificate_password=tls.certificate_password,
        self_signed=tls.self_signed,
        allow_client_certificate=tls.allow_client_certificate,
        protocols=tls.ssl_protocol,
    )
