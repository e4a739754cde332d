"""Startup: where the user's code is and what sets the server up; on what it will listen."""

from __future__ import annotations

import inspect
import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pode_py.core.ambient import room
from pode_py.core.errors import PodeError, StartError
from pode_py.core.files import load_file
from pode_py.core.handlers import describe
from pode_py.core.paths import Folders, calling_frame, is_library
from pode_py.engine.certificates import TlsSettings, server_context
from pode_py.engine.listener import Listener, ListenerSettings, close_sockets
from pode_py.web.endpoints.endpoint import Binding, Tls
from pode_py.web.endpoints.endpoints import Endpoints
from pode_py.web.routing.router import Router

SetUp = Callable[[], Any]


def set_up_of(
    handler: SetUp | None, file_path: str | Path | None, caller: str = "start_server"
) -> SetUp:
    """The function that sets the server up, at every start anew. `caller` is for messages."""
    if handler is not None and file_path is not None:
        raise PodeError(f"{caller} takes a handler or file_path, not both.")
    if handler is not None:
        if not callable(handler):
            raise TypeError(f"{caller} takes a function that sets the server up, not {handler!r}.")
        return handler
    if file_path is None:
        raise PodeError(
            f"{caller} needs the function that sets the server up, or file_path. Give it the "
            f"function itself: {caller}(server), not {caller}(server())."
        )
    return partial(_run_file, (_folder(None) / file_path).resolve())


def root_of(
    handler: SetUp | None,
    file_path: str | Path | None,
    root_path: str | Path | None,
    *,
    current_path: bool,
) -> Path:
    """The server's root folder. Raises PodeError if `root_path` is none."""
    if root_path is not None:
        root = (_folder(handler) / Path(root_path).expanduser()).resolve()
        if not root.is_dir():
            raise PodeError(f"root_path={str(root_path)!r}: there is no folder {root}.")
        return root
    if current_path:
        return Path.cwd()
    if file_path is not None:
        return (_folder(handler) / file_path).resolve().parent
    return _folder(handler)


def _folder(handler: SetUp | None) -> Path:
    """The folder of the script that called; the current one where there is no script."""
    frame = calling_frame()
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        name = frame.f_code.co_filename
    else:  # a thread that runs start_server itself
        code = getattr(inspect.unwrap(handler) if handler else None, "__code__", None)
        name = getattr(code, "co_filename", "") or getattr(sys.modules["__main__"], "__file__", "")
    return Path(name).resolve().parent if _is_file(name) else Path.cwd()


def _is_file(name: str) -> bool:
    """False for "<stdin>", and for what a notebook calls its cells."""
    try:
        return stat.S_ISREG(os.stat(name).st_mode)
    except PermissionError:  # a server that has given up root's rights, of a script in /root
        return True
    except (OSError, ValueError):
        return False


def _run_file(path: Path) -> object:
    found = load_file(path, room(Folders)).get("handler")
    return found() if callable(found) else None


#: Returns listeners the sockets that are open for them already.
Provide = Callable[[Sequence[ListenerSettings]], Sequence[ListenerSettings]]


def listener_settings(
    endpoints: Endpoints,
    folders: Folders,
    *,
    free_ports: bool,
    protocols: tuple[str, ...] = (),
) -> list[ListenerSettings]:
    """One listener for each binding. With `free_ports` each gets a free port on loopback.

    `protocols` of TLS are those of endpoints that name none.
    """
    return [
        ListenerSettings(
            addresses=("127.0.0.1",) if free_ports else binding.addresses,
            port=0 if free_ports else binding.port,
            tls=_tls(binding, folders, protocols),
            endpoint=binding,
        )
        for binding in endpoints.bindings()
    ]


def check_reachable(settings: Sequence[ListenerSettings], router: Router) -> None:
    """Raise StartError for routes that nobody can reach."""
    routes = router.select(None, None)
    if not settings and routes:
        first = routes[0]
        example = f": {first.method.upper()} {first.path}" + (
            f", `{describe(first.logic)}`, is one" if first.logic else ""
        )
        raise StartError(
            f"There are routes but no endpoint to reach them{example}. Call add_endpoint, for "
            'example add_endpoint(address="localhost", port=8080, protocol="http").'
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


def _tls(binding: Binding, folders: Folders, protocols: tuple[str, ...]) -> TlsSettings | None:
    main = binding.main
    if main.tls is None:
        return None

    def settings(tls: Tls, hostname: str) -> TlsSettings:
        found = _settings(tls, folders, hostname)
        return found if found.protocols else replace(found, protocols=protocols)

    others = [(name, settings(tls, name)) for name, tls in binding.others]
    return replace(settings(main.tls, main.hostname), others=tuple(others))


def _settings(tls: Tls, folders: Folders, hostname: str) -> TlsSettings:
    authority = tls.client_certificate_authority
    return TlsSettings(
        certificate=folders.resolve(tls.certificate) if tls.certificate else None,
        certificate_key=folders.resolve(tls.certificate_key) if tls.certificate_key else None,
        certificate_password=tls.certificate_password,
        self_signed=tls.self_signed,
        allow_client_certificate=tls.allow_client_certificate,
        client_certificate_authority=folders.resolve(authority) if authority else None,
        hostname=hostname,
        protocols=tls.ssl_protocol,
    )
