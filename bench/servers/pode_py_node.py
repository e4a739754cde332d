"""A node of pode_py that shares its event streams through Redis: PORT URL yes|no (a history)."""

import sys

from bench.servers import with_pode_py
from pode_py import enable_sse_backplane, set_sse_history, start_server


def server() -> None:
    enable_sse_backplane(sys.argv[2], prefix="bench")
    if sys.argv[3] == "yes":
        set_sse_history("bench")
    with_pode_py.server()


if __name__ == "__main__":
    start_server(server, quiet=True)
