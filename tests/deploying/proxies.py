"""nginx and Caddy with the files of samples/deploy, on ports of the test."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.deploying.files import adapted
from tests.engine.conftest import Pki
from tests.support import free_port, need_program

_SOON = 30.0

#: Stands around the file, which belongs into http { }. Its folders are those of the test.
NGINX = """
daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  gzip on;
  {file}
}}
"""


class ProxyProcess:
    """A proxy process, until its `with` block ends. `plain` is its http URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.plain_port = free_port()
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.plain_port}"

    def environment(self) -> dict[str, str]:
        return {}

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=os.environ | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def stop(self) -> int:
        """End it, open streams or not. The exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(_SOON)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + _SOON
        while not self._answers():
            assert process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.plain_port), 1):
                return True
        except OSError:
            return False


class Proxy(ProxyProcess):
    """One for whole sites. `secure` is its https URL.

    `trusted` is the certificate that says it is who it is.
    """

    def __init__(self, folder: Path, upstreams: Sequence[int], pki: Pki) -> None:
        super().__init__(folder)
        self.port = free_port()
        self._command = self.prepare(upstreams, pki)

    @property
    def secure(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    authority: Path

    def prepare(self, upstreams: Sequence[int], pki: Pki) -> list[str]:
        """Write its configuration. The command that starts it."""
        raise NotImplementedError

    def _answers(self) -> bool:
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 1) as sock,
                self.trusted.wrap_socket(sock, server_hostname="localhost"),
            ):
                return True
        except (OSError, ssl.SSLError):
            return False


class Nginx(Proxy):
    def prepare(self, upstreams: Sequence[int], pki: Pki) -> list[str]:
        self.authority = pki.certificate
        servers = "".join(f"server 127.0.0.1:{port} max_fails=0;" for port in upstreams)
        changes = {
            "server 127.0.0.1:8080 max_fails=0;": servers,
            "server 127.0.0.1:8081 max_fails=0;": "",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "server_name shop.example.com;": "server_name localhost;",
            "/etc/shop/fullchain.pem": str(pki.certificate),
            "/etc/shop/privkey.pem": str(pki.key),
        }
        return _nginx(self.folder, adapted("nginx.conf", changes))


class Caddy(Proxy):
    def prepare(self, upstreams: Sequence[int], pki: Pki) -> list[str]:
        # It issues the certificate itself, for a name that is of this machine only.
        self.authority = self.folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        admin = f"127.0.0.1:{free_port()}"
        self.upstreams = " ".join(f"127.0.0.1:{port}" for port in upstreams)
        changes = {
            # Its usual ports may be taken, and what this machine trusts is not ours to change.
            "grace_period 10s": f"grace_period 1s\n\tadmin {admin}\n"
            f"\thttp_port {self.plain_port}\n\thttps_port {self.port}\n\tskip_install_trust\n"
        }
        configuration = self.folder / "Caddyfile"
        configuration.write_text(adapted("Caddyfile", changes), "utf-8")
        return _caddy(configuration)

    def environment(self) -> dict[str, str]:
        return {
            "SHOP_SITE": "localhost",
            "SHOP_UPSTREAMS": self.upstreams,
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "HOME": str(self.folder),
        }


class PlainNginx(ProxyProcess):
    """nginx that has a server below a path, without TLS."""

    def __init__(self, folder: Path, upstream: int) -> None:
        super().__init__(folder)
        changes = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "http://127.0.0.1:8080/;": f"http://127.0.0.1:{upstream}/;",
            "server_name www.example.com;": "",
        }
        self._command = _nginx(folder, adapted("prefix/nginx.conf", changes))


class PlainCaddy(ProxyProcess):
    """Caddy, likewise."""

    def __init__(self, folder: Path, upstream: int) -> None:
        super().__init__(folder)
        changes = {
            "www.example.com {": f"{{\n\tadmin off\n}}\n\nhttp://127.0.0.1:{self.plain_port} {{",
            "reverse_proxy 127.0.0.1:8080 {": f"reverse_proxy 127.0.0.1:{upstream} {{",
        }
        configuration = folder / "Caddyfile"
        configuration.write_text(adapted("prefix/Caddyfile", changes), "utf-8")
        self._command = _caddy(configuration)

    def environment(self) -> dict[str, str]:
        home = str(self.folder)
        return {"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "HOME": home}


def _nginx(folder: Path, file: str) -> list[str]:
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(file=file), "utf-8")
    (folder / "tmp").mkdir()
    # Its worker runs as another user when root starts it.
    for path in (folder, folder / "tmp"):
        os.chmod(path, 0o777)
    program = need_program("nginx")
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]


def _caddy(configuration: Path) -> list[str]:
    program = need_program("caddy")
    return [program, "run", "--config", str(configuration), "--adapter", "caddyfile"]


PLAIN_PROXIES: dict[str, type[PlainNginx | PlainCaddy]] = {"nginx": PlainNginx, "caddy": PlainCaddy}
PROXIES: dict[str, type[Proxy]] = {"nginx": Nginx, "caddy": Caddy}
