"""What tests of pode_py servers need: servers in the test's process, and clients with deadlines.

`running` and `live_server` run a server on real sockets, `Client` one without; `sse` reads event
streams, `converse` speaks raw bytes, FakeClock moves the time.
"""

from pode_py.testing.client import Client
from pode_py.testing.clock import FakeClock
from pode_py.testing.conversation import Conversation, converse, fetch
from pode_py.testing.events import SseEvent, SseParser
from pode_py.testing.live import LeftoverThreads, LiveServer, running
from pode_py.testing.memory import MemoryStream
from pode_py.testing.messages import ClientResponse, MalformedResponse
from pode_py.testing.sse_client import SseClient, sse
from pode_py.testing.stream import EventStream, SseEnded, SseRefused, SseTimeout
from pode_py.testing.wire import Wire, WireTimeout

__all__ = [
    "Client",
    "ClientResponse",
    "Conversation",
    "EventStream",
    "FakeClock",
    "LeftoverThreads",
    "LiveServer",
    "MalformedResponse",
    "MemoryStream",
    "SseClient",
    "SseEnded",
    "SseEvent",
    "SseParser",
    "SseRefused",
    "SseTimeout",
    "Wire",
    "WireTimeout",
    "converse",
    "fetch",
    "running",
    "sse",
]
