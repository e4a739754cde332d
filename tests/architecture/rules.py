"""The rules of the house as data: who may import whom, and who may do what others may not.

A pattern is matched against a file's path below the package: `web/pipeline.py`, `engine/*` (all
below), `*/functions.py`. A row of a table is a decision; write down its reason beside it.
"""

from __future__ import annotations

from typing import Final

from pode_py.core import ambient
from pode_py.core.ambient import Slot

# --- floors -----------------------------------------------------------------------------------

# A wing imports lower floors, and wings of its own floor that stand before it.
FLOORS: Final = {
    "core": 0,
    "http": 1,
    "exchange": 2,
    "state": 3,
    "observability": 3,
    "background": 4,
    "web": 5,
    "push": 6,
    "security": 7,
    "schemas": 8,
    "protocols": 9,
    "monitoring": 9,
    "server": 10,
    "cli": 11,
    # The front door and the other public paths see everything; nothing below sees them.
    "testing": 12,
    "asgi": 12,
    "__init__": 12,
    "__main__": 13,
}

# The engine stands beside the floors: it sees these wings only, and these only see it.
ENGINE: Final = "engine"
ENGINE_SEES: Final = frozenset({"core", "http", "exchange"})
ENGINE_IS_SEEN_BY: Final = frozenset({"server", "cli", "testing", "asgi"})

# The two engines are alternatives: neither sees the other.
ENGINES: Final = frozenset({"h11", "asgi"})

# Wings of several rooms, each with its rooms bottom to top: a room imports only rooms that stand
# before it. A room is a folder, or a file beside the folders. Other wings are one room.
ROOMS: Final[dict[str, tuple[str, ...]]] = {
    wing: tuple(rooms.split())
    for wing, rooms in {
        "observability": "metrics logs",
        "background": "ticker primary runs timers schedules",
        "web": "event strict places request_record endpoints bodies cookies headers views errors "
        "middleware routing static responses rooms remarks deadlines pipeline",
        "push": "connections sse backplane",
        "monitoring": "metrics",
    }.items()
}

# What every kind of connection stands on knows no kind: neither in imports nor in words.
KNOWS_NO_KIND: Final = ("push/connections/*",)
KINDS: Final = frozenset({"sse", "signal", "websocket", "mcp", "eventsource"})

# --- purity -----------------------------------------------------------------------------------

# What only says how things are: no I/O, no threads, no clock. These come in as arguments.
PURE_FILES: Final = (
    "http/*",
    "*/frames.py",
    "*/cron.py",
    "server/configuration/psd1/*",
)
IMPURE_MODULES: Final = frozenset(
    {"asyncio", "concurrent", "multiprocessing", "select", "selectors", "socket", "ssl"}
    | {"subprocess", "threading", "time"}
)
CLOCK_CALLS: Final = frozenset({"now", "utcnow", "today"})

# --- facades ----------------------------------------------------------------------------------

FACADES: Final = ("*/functions.py", "*/*_functions.py")
FACADE_STATEMENTS: Final = 15

# Functions that return another type where a parameter has another value. A handler that comes later
# is no reason: a Registration is both.
OVERLOADS: Final = {
    "add_route": "pass_thru returns the routes",
    "get_server_uptime": "a number of milliseconds, or text in another format",
    "new_log_custom_method": "the id of the method, which a decorator can't return",
}

AMBIENT_MODULE: Final = "pode_py.core.ambient"
# Who may ask for the current server or room. The server binds what the others read.
READS_SERVER: Final = (
    *FACADES,
    "core/ambient.py",
    "core/registration.py",  # what every facade has in common
    "server/*",
    "testing/*",
    "asgi.py",
)
SERVER_NAMES: Final = frozenset(
    {"bind_server", "clear_running", "current_server", "has_server", "is_inside", "room"}
    | {"set_running"}
)
# Slots of events, as core/ambient.py has them: rooms that run handlers set their variables,
# functions.py reads them.
SLOTS: Final = {name: slot for name, slot in vars(ambient).items() if isinstance(slot, Slot)}
BINDING: Final = frozenset({"reset", "set"})
# What users' code sees of them. The front door passes them on.
USERS_EVENTS: Final = frozenset({"current_event", *(slot.name for slot in SLOTS.values())})
DEFINES_EVENTS: Final = ("core/ambient.py", "*/event.py", "*/events.py")
READS_EVENTS: Final = (*FACADES, *DEFINES_EVENTS, "__init__.py", "testing/*")

# --- sizes ------------------------------------------------------------------------------------

# Beyond these a place needs a reason in alarms.py. `python -m tests.architecture.sizes` lists them.
FILE_LINES: Final = 400
FUNCTION_LINES: Final = 60
MODULE_LINES: Final = 40
# A room's event stands alone, so that users' names have one place.
SHORT_BY_NATURE: Final = ("__init__.py", "*/__init__.py", "*/event.py")
# A private function with fewer lines than this that is called in one place may as well stand there.
TINY_LINES: Final = 4
# self is not counted, nor what a constructor takes by keyword only: those are the fields of a
# value, as a dataclass has them. Nor what functions.py takes: those are Pode's parameters.
PARAMETERS: Final = 6

# --- handlers ---------------------------------------------------------------------------------

# Users' functions are called in one place: there a coroutine is always awaited, and a generator
# that nobody reads is closed.
CALLS_HANDLERS: Final = ("core/calls.py", "core/handlers.py")

# --- threads and sockets ----------------------------------------------------------------------

# What makes one, and in which phase of the stop (server/phases.py) it ends.
MAKES_THREADS: Final = frozenset({"Thread", "ThreadPool", "socket", "socketpair"})
ENDS_IN: Final = {
    "background/runs.py": "RUNS",
    "background/ticker.py": "TICKER",
    "core/loop.py": "LOOP",
    "core/loop_watch.py": "LOOP",
    "engine/asgi/engine.py": "ENGINE",
    "engine/h11/poller.py": "ENGINE",
    "engine/h11/pusher.py": "ENGINE",
    "engine/h11/workers.py": "ENGINE",
    "engine/sockets.py": "LISTENING",
    "observability/logs/writer.py": "LOGS",
    "push/backplane/redis/receiver.py": "NODES",
    "push/backplane/redis/sender.py": "NODES",
    "web/deadlines.py": "LATE",
    "server/rooms.py": "EVENTS",  # the pool of connection events
}
# Those of no room, and why.
ENDS_WITHOUT_A_PHASE: Final = (
    "core/thread_pool.py",  # its owner's phase
    "server/lifecycle.py",  # opens a browser, and ends
    "server/processes/*",  # belongs to a process, not to a server in it
    "server/shutdown.py",  # ends with the job that it waits for
    "server/signals.py",  # belongs to the program
    "server/systemd.py",  # sockets that are open already, which the engine closes; one for a line
    "testing/*",
)

# --- errors -----------------------------------------------------------------------------------

# Errors are decided here and nowhere else.
CATCHES_EVERYTHING: Final = (
    "engine/*",  # protocol errors; a connection's fault must not end its thread
    "exchange/runner.py",  # the last net below the pipeline: a worker must live
    "web/bodies/bodies.py",  # a user's parser that fails is answered with 400, and logged
    "web/pipeline.py",  # a request's errors become a response
    "web/errors/pages.py",  # a page that fails must not hide what it is about
    "background/*",  # a run is marked failed, and logged once
    "core/calls.py",  # what a coroutine raises is raised where the function awaited it
    "core/loop.py",  # what a coroutine raises is raised again where it is waited for
    "core/thread_pool.py",  # the last net of a pool: its thread must live
    "push/backplane/redis/receiver.py",  # what it reads fails the session, never the thread
    "push/backplane/redis/sender.py",  # whatever happens to Redis, the node goes on alone
    "push/connections/events.py",  # handlers of connect and disconnect: logged once, stop nobody
    "server/events.py",  # handlers of the server's own events: logged once, stop nobody
    "server/processes/child.py",  # a set-up that fails in a worker can't raise out of start_server
    "server/processes/process.py",  # nothing of a forked process may go on in the user's script
    "asgi.py",  # as the lifecycle: the ASGI server is told why there is no server
    "server/configuration/files.py",  # a configuration in Python is the user's code
    "server/lifecycle.py",  # a restart whose set-up fails leaves the old server running
    "observability/*",  # a log method that raises must not harm who logs
)

# --- imports ----------------------------------------------------------------------------------

# Packages a user need not have, or whose import a server without views need not wait for: imported
# where they are used.
OPTIONAL_PACKAGES: Final = frozenset(
    {"cryptography", "jinja2", "markdown_it", "markupsafe", "prometheus_client", "redis", "uvicorn"}
    | {"yaml"}
)
# Modules of ours that only some servers need, and whose import takes milliseconds: as those.
LATE_MODULES: Final = frozenset({"pode_py.web.views.pode_template"})  # patterns, and the AST
# The event, for the types of fields that higher floors fill; and the front door, where checkers
# follow its star lines and must not see a list that is put together.
TYPE_CHECKING_ALLOWED: Final = ("web/event.py", "__init__.py")
# Each has an __all__, and a line in the front door.
PASSED_ON: Final = (*FACADES, "*/event.py")
PUBLIC_PATHS: Final = frozenset({"pode_py", "pode_py.testing", "pode_py.asgi"})

# --- state ------------------------------------------------------------------------------------

HOLDS_STATE: Final = ("core/ambient.py",)
MUTABLE_TYPES: Final = frozenset(
    {"dict", "list", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"}
    | {"WeakKeyDictionary", "WeakSet", "WeakValueDictionary", "ContextVar", "local"}
    | {"Condition", "Event", "Lock", "Queue", "RLock", "Semaphore", "SimpleQueue", "Thread"}
)
WRITES: Final = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"setdefault", "sort", "update"}
)
