"""The ASGI servers that asgi_app is tested with, and an application for them."""

from __future__ import annotations

from typing import Final

#: What Python is given to run an application; each answers HTTP on 127.0.0.1 and {port}.
COMMANDS: Final = {
    "uvicorn": (
        *("-m", "uvicorn", "{module}:app", "--port", "{port}"),
        *("--timeout-graceful-shutdown", "1"),
    ),
    "hypercorn": (
        *("-m", "hypercorn", "{module}:app", "-b", "127.0.0.1:{port}"),
        *("--graceful-timeout", "1"),
    ),
    "granian": (
        *("-m", "granian", "--interface", "asgi", "{module}:app", "--port", "{port}"),
        *("--workers-kill-timeout", "2"),
    ),
}

#: Those that speak HTTP/2.
WITH_HTTP2: Final = ("hypercorn", "granian")

APP = """
from pode_py.asgi import asgi_app

ports, versions = set(), set()

def facts():
    request = web_event.request
    return {
        "version": request.http_version,
        "path": request.path,
        "target": request.target,
        "query": request.query_string,
        "host": request.host,
        "address": request.remote_address,
        "scheme": request.scheme,
        "thread": threading.current_thread().name,
    }

def events():
    ports.add(web_event.request.peer.remote_port)
    versions.add(web_event.request.http_version)
    convert_to_sse_connection("Events")

def plain():
    convert_to_sse_connection("Plain", style="plain")

def pieces():
    for number in range(3):
        yield f"piece {number};"

def half():
    yield "half of it"
    raise RuntimeError("in the middle")

async def on_the_loop():
    return threading.current_thread().name

def server():
    enable_log_error_type(new_log_terminal_method())
    add_route("get", "/", lambda: "hello")
    add_route("get", "/facts/*", facts)
    add_route("get", "/facts", facts)
    add_route("get", "/away", lambda: move_response_url("/login"))
    add_route("get", "/elsewhere", lambda: move_response_url("https://example.com/"))
    add_route("get", "/pieces", pieces)
    add_route("get", "/half", half)
    add_route("get", "/async", on_the_loop)
    add_route("get", "/big", lambda: b"x" * 3_000_000)
    add_route("post", "/echo", lambda: web_event.request.raw_body)
    add_route("get", "/events", events)
    add_route("get", "/plain", plain)
    add_route("post", "/send-plain", lambda: str(send_sse_event("[DONE]", name="Plain").queued))
    add_route("post", "/send", lambda: str(send_sse_event("news", name="Events").queued))
    add_route("get", "/seen", lambda: {"ports": len(ports), "versions": sorted(versions)})
    add_route("post", "/restart", restart_server)
    add_route("post", "/stop", close_server)

app = asgi_app(server, request_body_size=100_000)
"""
