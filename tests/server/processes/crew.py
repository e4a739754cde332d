"""Programs with several worker processes, and how to look at these from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.server.program import DEADLINE, Program

#: Serves its process id at / and facts at /facts. Replace WORKERS and GRACE.
CREW = """
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: str(os.getpid()))
    add_route("get", "/restart", restart_server)
    add_route("get", "/stop", close_server)

    @add_route("get", "/facts")
    def facts():
        return {
            "pid": os.getpid(),
            "number": get_server_worker_number(),
            "secret": get_server_default_secret(),
            "cookies": get_server_default_secret(purpose="cookies"),
            "restarts": get_server_restart_count(),
        }

    @add_route("get", "/slow")
    def slow():
        say(f"begun in {os.getpid()}")
        time.sleep(float(web_event.query.get("seconds") or 0.5))
        return str(os.getpid())

start_server(server, workers=WORKERS, grace=GRACE)
say("after the server")
"""


def crew(workers: int = 3, grace: float = 10) -> str:
    return CREW.replace("WORKERS", str(workers)).replace("GRACE", str(grace))


def facts_of_all(server: Program, workers: int = 3) -> list[dict[str, object]]:
    """What /facts says in each worker, by number. The kernel decides who answers."""
    found: dict[int, dict[str, object]] = {}

    def ask() -> bool:
        facts = server.get("/facts").json()
        found[facts["number"]] = facts
        return len(found) == workers

    wait_until(ask, "all workers answer")
    return [found[number] for number in sorted(found)]


def pids_of_all(server: Program, workers: int = 3) -> set[int]:
    return {facts["pid"] for facts in facts_of_all(server, workers)}  # type: ignore[misc]


def children(pid: int) -> list[int]:
    """Those of the process, zombies included."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, f"It did not come about that {what}."
        time.sleep(0.01)


def sockets_of(pid: int) -> set[str]:
    """The sockets that a process has open."""
    folder = Path(f"/proc/{pid}/fd")
    found = {os.readlink(folder / name) for name in os.listdir(folder)}
    return {one for one in found if one.startswith("socket:")}
