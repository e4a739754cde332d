"""The rules of the house as data: who may import whom, and who may do what others may not.

A pattern is matched against a file's path below the package: `web/pipeline.py`, `engine/*` (all
below), `*/functions.py`. A row of a table is a decision; write down its reason beside it.
"""

from __future__ import annotations

from typing import Final

# --- floors -----------------------------------------------------------------------------------

# A wing imports its own floor or lower ones.
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

# Wings that are one room. In the others a room is a folder, or a file beside the folders.
ONE_ROOM_WINGS: Final = frozenset(
    {"core", "http", "exchange", "engine", "server", "cli", "testing", "asgi"}
)

# Files that are a room of their own although they stand in a folder: pure values that neighbours
# of the folder need too.
ONE_FILE_ROOMS: Final = frozenset({"web.routing.pattern"})

# On one floor a room imports another only if the pair stands here: room -> rooms it may import.
SAME_FLOOR: Final[dict[str, frozenset[str]]] = {
    room: frozenset(others.split())
    for room, others in {
        "background.timers": "background.agenda background.duty background.runs background.ticker",
        "background.schedules": "background.agenda background.duty background.runs "
        "background.ticker",
        "web.request_facts": "web.event",
        "web.bodies": "web.event",
        "web.endpoints": "web.event",
        "web.errors": "web.event",
        "web.static": "web.event",
        "web.headers": "web.event",
        # Redirects name endpoints, statuses have pages.
        "web.responses": "web.endpoints web.errors web.event",
        "web.middleware": "web.routing.pattern",
        "web.routing": "web.endpoints web.middleware web.routing.pattern",
        # The directory of the web's rooms, and the line a request travels along.
        "web.rooms": "web.bodies web.endpoints web.errors web.event web.middleware web.routing "
        "web.static",
        "web.metrics": "web.endpoints web.event web.middleware web.responses web.routing",
        "web.pipeline": "web.event web.request_facts web.responses web.rooms web.routing",
        "push.sse": "push.store",
        "push.backplane": "push.sse push.store",
    }.items()
}

# --- purity -----------------------------------------------------------------------------------

# What only says how things are: no I/O, no threads, no clock. These come in as arguments.
PURE_FILES: Final = (
    "http/*",
    "*/frames.py",
    "*/cron.py",
    "*/pattern.py",
)
IMPURE_MODULES: Final = frozenset(
    {"asyncio", "concurrent", "multiprocessing", "select", "selectors", "socket", "ssl"}
    | {"subprocess", "threading", "time"}
)
CLOCK_CALLS: Final = frozenset({"now", "utcnow", "today"})

# --- facades ----------------------------------------------------------------------------------

FACADES: Final = ("*/functions.py", "*/*_functions.py")
FACADE_STATEMENTS: Final = 15

AMBIENT_MODULE: Final = "pode_py.core.ambient"
# Who may ask for the current server or room. The server binds what the others read.
READS_SERVER: Final = (*FACADES, "core/ambient.py", "server/*", "testing/*", "asgi.py")
SERVER_NAMES: Final = frozenset(
    {"bind_server", "clear_running", "current_server", "has_server", "room", "set_running"}
)
# Context variables of events: rooms that run handlers set them, functions.py reads them.
EVENT_VARIABLES: Final = frozenset({"schedule", "timer", "triggered", "web"})
BINDING: Final = frozenset({"reset", "set"})
# What users' code sees of them. The front door passes them on.
USERS_EVENTS: Final = frozenset(
    {"current_event", "schedule_event", "timer_event", "triggered_event", "web_event"}
)
DEFINES_EVENTS: Final = ("core/ambient.py", "*/event.py", "*/events.py")
READS_EVENTS: Final = (*FACADES, *DEFINES_EVENTS, "__init__.py", "testing/*")

# --- sizes ------------------------------------------------------------------------------------

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 60
# Sizes are alarms: these were looked at, and are one noun each.
LONG_ON_PURPOSE: Final = {
    "exchange/outbox.py": "one queue under one lock; its halves would reach into each other",
    "engine/h11/pusher.py": "the one thread that owns streams: all that it does in a turn",
    "push/sse/hub.py": "opening, sending and closing, to be parted when push has a general half",
}
# Five is the aim; a room's service may be given six things. self is not counted, nor what a
# constructor takes by keyword only: those are the fields of a value, as a dataclass has them.
PARAMETERS: Final = 6

# --- errors -----------------------------------------------------------------------------------

# Errors are decided here and nowhere else.
CATCHES_EVERYTHING: Final = (
    "engine/*",  # protocol errors; a connection's fault must not end its thread
    "web/pipeline.py",  # a request's errors become a response
    "background/*",  # a run is marked failed, and logged once
    "core/loop.py",  # what a coroutine raises is raised again where it is waited for
    "core/workers.py",  # the last net of a pool: its thread must live
    "push/backplane/receiver.py",  # what it reads fails the session, never the thread
    "push/backplane/sender.py",  # whatever happens to Redis, the node goes on alone
    "push/sse/watchers.py",  # handlers of connect and disconnect: logged once, stop nobody
    "server/workers/child.py",  # a set-up that fails in a worker can't raise out of start_server
    "server/workers/process.py",  # nothing of a forked process may go on in the user's script
    "asgi.py",  # as the lifecycle: the ASGI server is told why there is no server
    "server/lifecycle.py",  # a restart whose set-up fails leaves the old server running
    "observability/*",  # a log method that raises must not harm who logs
)

# --- imports ----------------------------------------------------------------------------------

# Packages a user need not have: imported where they are used.
OPTIONAL_PACKAGES: Final = frozenset({"cryptography", "prometheus_client", "redis", "uvicorn"})
TYPE_CHECKING_ALLOWED: Final = ("web/event.py",)
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
