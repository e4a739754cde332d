"""pode_py's plain and JSON routes in several worker processes: PORT WORKERS.

A server with event streams needs a backplane before it has several of them, so it has none.
"""

import sys

from bench.servers.with_pode_py import add_requests
from pode_py import add_endpoint, start_server


def server() -> None:
    add_endpoint(address="127.0.0.1", port=int(sys.argv[1]))
    add_requests()


if __name__ == "__main__":
    start_server(server, workers=int(sys.argv[2]), quiet=True)
