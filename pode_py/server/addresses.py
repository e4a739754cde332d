"""Addresses: from the endpoints that a script added to the sockets that the engine opens."""

from __future__ import annotations

from pode_py.core.paths import Folders
from pode_py.engine.certificates import TlsSettings
from pode_py.engine.listener import ListenerSettings
from pode_py.web.endpoints.endpoint import Tls
from pode_py.web.endpoints.endpoints import Endpoints


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


def _settings(tls: Tls, folders: Folders) -> TlsSettings:
    return TlsSettings(
        certificate=folders.resolve(tls.certificate) if tls.certificate else None,
        certificate_key=folders.resolve(tls.certificate_key) if tls.certificate_key else None,
        certificate_password=tls.certificate_password,
        self_signed=tls.self_signed,
        allow_client_certificate=tls.allow_client_certificate,
        protocols=tls.ssl_protocol,
    )
