"""A server whose file descriptors run out; tells its CPU time and reports on standard output.

Started by test_descriptors.py in a process of its own: python exhausted.py LIMIT ENGINE POLLER
"""

from __future__ import annotations

import contextvars
import json
import resource
import sys
import threading
import time

from pode_py.core.clock import Clock
from pode_py.core.loop import EventLoop
from pode_py.engine.asgi.uvicorn import UvicornEngine
from pode_py.engine.h11.engine import Engine
from pode_py.engine.listener import ListenerSettings
from pode_py.engine.options import EngineOptions
from pode_py.http.response import Response

limit, kind, poller = int(sys.argv[1]), sys.argv[2], sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
outboxes = []
reports = []


def handle(exchange):
    if exchange.request.path == "/stream":
        outbox = exchange.upgrade(Response())
        outbox.release()
        outboxes.append(outbox)
    elif exchange.request.path == "/facts":
        facts = {"cpu": time.process_time(), "time": time.monotonic(), "reports": reports}
        exchange.reply(Response(200, json.dumps(facts).encode()))
    else:
        exchange.reply(Response(200, b"hello"))
    return True


# The limit of connections is switched off: the descriptors are to run out.
options = EngineOptions(threads=2, poller=poller, max_connections=1_000_000)
loop = EventLoop()
given = {
    "clock": Clock(),
    "context": contextvars.copy_context(),
    "report": lambda error, where: reports.append(f"{where}: {error}"),
    "warn": reports.append,
}
if kind == "uvicorn":
    engine = UvicornEngine(options, handle, loop=loop, **given)
else:
    engine = Engine(options, handle, kind_of=lambda request: request.path, **given)
print(engine.start([ListenerSettings(("127.0.0.1",), 0)])[0].port, flush=True)


def tick():
    while True:
        time.sleep(0.05)
        for outbox in outboxes:
            outbox.put(b"tick;")


threading.Thread(target=tick, daemon=True).start()
sys.stdin.read()
engine.stop(5)
loop.stop(5)
