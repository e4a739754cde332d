"""What tests of pode_py servers need: servers in the test's process, and clients with deadlines.

`running` and `live_server` run a server on real sockets, `Client` one without; `sse` reads event
streams, `converse` speaks raw bytes, FakeClock moves the time. For what goes wrong in networks
there are SlowReader, `storm`, FaultProxy and PrivateNetwork.
"""

from pode_py.testing.client import Client
from pode_py.testing.clock import FakeClock
from pode_py.testing.conversation import Conversation, converse, fetch
from pode_py.testing.events import SseEvent, SseParser
from pode_py.testing.fault_proxy import FaultProxy
from pode_py.testing.faults import SlowReader, storm
from pode_py.testing.live import LeftoverThreads, LiveServer, running
from pode_py.testing.memory import MemoryStream
from pode_py.testing.messages import ClientResponse, MalformedResponse
from pode_py.testing.private_network import NoPrivateNetwork, PrivateNetwork
from pode_py.testing.sse_client import SseClient, sse
from pode_py.testing.stream import EventStream, SseEnded, SseRefused, SseTimeout
from pode_py.testing.wire import Wire, WireTimeout

__all__ = [
    "Client",
    "ClientResponse",
    "Conversation",
    "EventStream",
    "FakeClock",
    "FaultProxy",
    "LeftoverThreads",
    "LiveServer",
    "MalformedResponse",
    "MemoryStream",
    "NoPrivateNetwork",
    "PrivateNetwork",
    "SlowReader",
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
    "storm",
]
