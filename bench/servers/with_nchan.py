"""Event streams by nchan in nginx with two workers, and the publisher that bursts and paces.

nginx serves the streams and the plain route. It hands /burst and /paced to this script, which
publishes as any application beside nginx does: a POST for each event on a connection that is kept
open, the next one sent without waiting for the answer to the last.
"""

import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.servers.payload import payload
from bench.tools import BUILD, BenchError, found

MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules")
WORKERS = 2
# Every file nginx writes is below the folder it is started with (-p).
CONFIGURATION = """
load_module {module};
worker_processes {workers};
worker_rlimit_nofile 20000;
daemon off;
pid nginx.pid;
error_log stderr error;
events {{
  worker_connections 19000;
}}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  # A burst must not end the publisher's connection, and no message may leave before it is sent.
  keepalive_requests 100000000;
  nchan_shared_memory_size 256m;
  nchan_message_buffer_length 20000;
  nchan_message_timeout 60s;
  server {{
    # Each worker accepts by itself, so that both get as many streams.
    listen 127.0.0.1:{port} reuseport backlog=4096;
    location = /plain {{ default_type text/plain; return 200 hello; }}
    location = /events {{
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }}
    location = /publish {{
      nchan_publisher http;
      nchan_channel_id bench;
    }}
    location ~ ^/(burst|paced)$ {{
      proxy_pass http://127.0.0.1:{publisher};
      proxy_read_timeout 600s;
    }}
  }}
}}
"""


class Publisher:
    """One kept connection to nginx on which messages are posted; answers are read and dropped."""

    def __init__(self, port: int) -> None:
        self._head = (
            f"POST /publish HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/plain\r\n"
        )
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._drop_answers, daemon=True).start()

    def publish(self, messages: int) -> None:
        """Post so many messages in one write."""
        self._socket.sendall("".join(self._post(payload()) for _ in range(messages)).encode())

    def _post(self, data: str) -> str:
        return f"{self._head}Content-Length: {len(data)}\r\n\r\n{data}"

    def _drop_answers(self) -> None:
        while self._socket.recv(65536):
            pass


class Handler(BaseHTTPRequestHandler):
    """What nginx hands on: /burst and /paced."""

    publisher: Publisher

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        if parts.path == "/burst":
            self.publisher.publish(query["n"])
        else:
            self._pace(query["n"], query["interval_ms"] / 1000)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _pace(self, events: int, interval: float) -> None:
        due = time.monotonic()
        for _ in range(events):
            self.publisher.publish(1)
            due += interval
            time.sleep(max(0, due - time.monotonic()))


def main() -> int:
    port = int(sys.argv[1])
    trigger = HTTPServer(("127.0.0.1", 0), Handler)
    with subprocess.Popen(_command(port, trigger.server_port)) as nginx:
        signal.signal(signal.SIGTERM, lambda *_: nginx.terminate())
        _wait_for(port, nginx)
        Handler.publisher = Publisher(port)
        threading.Thread(target=trigger.serve_forever, daemon=True).start()
        return nginx.wait()


def _command(port: int, publisher: int) -> list[str]:
    """Write the configuration; return how nginx is started with it."""
    try:
        nginx = found("nginx", "Install the Debian packages nginx and libnginx-mod-nchan.")
    except BenchError as error:
        sys.exit(str(error))
    nchan = module()
    if nchan is None:
        sys.exit("nchan is not on this machine. Install the Debian package libnginx-mod-nchan.")
    folder = BUILD / "nchan"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(module=nchan, workers=WORKERS, port=port, publisher=publisher)
    )
    return [nginx, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]


def module() -> Path | None:
    """Return where nginx finds nchan on this machine."""
    places = (Path(folder) / "ngx_nchan_module.so" for folder in MODULES)
    return next((place for place in places if place.exists()), None)


def _wait_for(port: int, nginx: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if nginx.poll() is not None:
                sys.exit(f"nginx ended with {nginx.returncode} while starting.")
            time.sleep(0.05)
        else:
            return
    nginx.terminate()
    sys.exit("nginx does not listen.")


if __name__ == "__main__":
    sys.exit(main())
