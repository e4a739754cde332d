"""Secrets bound to one client, for signatures that work nowhere else."""

from __future__ import annotations

from pode_py.http.request import Request


def strict_secret(secret: str, request: Request) -> str:
    """Pode's strict form: ``<secret>;<User-Agent>;<IP address>``.

    An IPv4 client looks the same whether it came over an IPv4 or a dual-stack socket.
    """
    address = request.client_address.removeprefix("::ffff:")
    return f"{secret};{request.user_agent};{address}"
