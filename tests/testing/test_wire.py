"""Wire, converse and fetch against servers that say exactly what a test has them say."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from pode_py.testing import (
    MalformedResponse,
    SseEnded,
    SseTimeout,
    Wire,
    WireTimeout,
    converse,
    fetch,
    sse,
)


@contextlib.contextmanager
def says(*pieces: bytes, close: bool = True, reset: bool = False):
    """A server for one connection: reads once, sends the pieces. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve():
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                for piece in pieces:
                    sock.sendall(piece)
                    time.sleep(0.01)
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + b"\0" * 7)
                if not close:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        done.set()
        thread.join()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("answer", "body", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", b"hi", False),
        (b"HTTP/1.1 200 OK\r\n\r\nhi", b"hi", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
            b"hi",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", b"hi", False),
    ],
)
def test_bodies_end_as_their_framing_says(answer, body, complete):
    for pieces in ([answer], [answer[:20], answer[20:60], answer[60:]]):
        with says(*pieces) as port:
            response = fetch(url(port))
            assert (response.body, response.complete) == (body, complete)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_what_is_no_http_fails_the_test(answer):
    with says(answer) as port, pytest.raises(MalformedResponse):
        converse(port, GET)


def test_pipelined_responses_are_told_apart():
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
    two = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"
    with says(one + two, close=False) as port:
        answer = converse(port, GET, responses=2, methods=("GET", "HEAD"))
        assert answer.statuses == [200, 404]
        assert [response.body for response in answer.responses] == [b"1", b""]
        assert not answer.closed
        assert answer.rest == b""


def test_interim_responses_are_kept_but_not_counted():
    with says(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        assert converse(port, GET).statuses == [100, 204]


def test_all_responses_until_the_server_closes():
    with says(b"HTTP/1.1 204 No Content\r\n\r\n" * 3) as port:
        answer = converse(port, GET, responses=None)
        assert answer.statuses == [204] * 3
        assert answer.closed


def test_silence_ends_at_the_deadline_and_shows_what_came():
    with (
        says(b"HTTP/1.1 200 OK\r\nConte", close=False) as port,
        pytest.raises(WireTimeout, match="Conte"),
    ):
        converse(port, GET, deadline=0.2)
    with says(close=True) as port, pytest.raises(WireTimeout, match="closed without a response"):
        converse(port, GET)
    with says(b"x", close=False) as port, Wire(port, deadline=0.2) as wire:
        wire.send(GET)
        with pytest.raises(WireTimeout, match="did not close"):
            wire.read_to_end()


def test_the_end_of_a_stream_is_clean_or_not():
    event = chunk(b"data: x\n\n")
    with says(STREAM, event, b"0\r\n\r\n") as port, sse(url(port)) as events:
        assert [one.data for one in events.until_closed()] == ["x"]
        assert events.ended
        assert events.ended_cleanly
    for how in ({}, {"reset": True}):
        with says(STREAM, event, **how) as port, sse(url(port)) as events:
            assert [one.data for one in events] == ["x"]
            assert not events.ended_cleanly


def test_a_missing_event_is_named_with_what_came_instead():
    hello = chunk(b"data: hello\n\n")
    with says(STREAM, hello, close=False) as port, sse(url(port), deadline=0.2) as events:
        with pytest.raises(SseTimeout, match=r"No event of type 'news'.*message 'hello'"):
            events.next("news")
        with pytest.raises(SseTimeout, match="No end of the stream"):
            events.until_closed()
    with (
        says(STREAM, hello) as port,
        sse(url(port)) as events,
        pytest.raises(SseEnded, match=r"without its last chunk.*message 'hello'"),
    ):
        events.take(2)


def test_a_body_until_the_end_of_the_connection_ends_cleanly_with_it():
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with says(head, b"data: x\n\n") as port, sse(url(port)) as events:
        assert len(events.until_closed()) == 1
        assert events.ended_cleanly
