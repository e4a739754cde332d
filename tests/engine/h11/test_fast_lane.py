"""The fast lane reads what it accepts exactly as h11 and our checks do, and declines the rest."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from pode_py.engine.h11.fast_lane import FastLane, RequestLines
from pode_py.engine.h11.reader import RequestReader
from pode_py.engine.options import Limits
from pode_py.http.request import Peer, Request
from pode_py.http.strictness import ProtocolError
from tests.engine.malformed import REQUESTS

PLAIN = b"GET /a%20b?x=1 HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\n\r\n"

DECLINED = {
    "HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "another method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "no field": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "odd Host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
    "an upper-case length": b"POST / HTTP/1.1\r\nHost: a\r\nCONTENT-LENGTH: 1\r\n\r\n",
    "a coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "expectation": b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "upgrade": b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
    "close": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "several options": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
    "absolute target": b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "fragment": b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in the path": b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no UTF-8 in the path": b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "obs-text": b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n",
    "control": b"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF between fields": b"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
}


def by_lane(head: bytes) -> Request | None:
    return FastLane(Peer()).read(head)


def by_h11(head: bytes) -> Request | None:
    reader = RequestReader(Limits(fast_lane=False), Peer())
    reader.feed(head)
    return reader.next()


def facts(request: Request) -> dict[str, object]:
    return {**vars(request), "headers": request.headers.raw}


@pytest.mark.parametrize("head", DECLINED.values(), ids=DECLINED)
def test_what_is_not_plain_is_declined(head: bytes):
    assert by_lane(head) is None


def test_a_plain_request_is_read():
    request = by_lane(PLAIN)
    assert request is not None
    assert (request.path, request.query_string, request.host) == ("/a b", "x=1", "localhost:8080")
    assert request.headers.get("accept") == "*/*"


def test_repeated_fields_are_read_once_and_new_ones_anew():
    lane = FastLane(Peer())
    first, again = lane.read(PLAIN), lane.read(PLAIN)
    other = lane.read(PLAIN.replace(b"*/*", b"text/html"))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.headers is again.headers
    assert other.headers.get("accept") == "text/html"


def test_a_declined_request_leaves_no_trace():
    lane = FastLane(Peer())
    assert lane.read(DECLINED["two Hosts"]) is None
    request = lane.read(PLAIN)
    assert request is not None
    assert request.headers.get_all("host") == ["localhost:8080"]


def test_connections_share_what_lines_mean_and_nothing_else():
    lines = RequestLines()
    first = FastLane(Peer("10.0.0.1"), lines).read(PLAIN)
    second = FastLane(Peer("10.0.0.2"), lines).read(PLAIN.replace(b"localhost", b"elsewhere"))
    assert first is not None
    assert second is not None
    assert first.path is second.path
    assert (first.host, second.host) == ("localhost:8080", "elsewhere:8080")
    assert second.remote_address == "10.0.0.2"


def test_lines_that_strangers_make_up_do_not_fill_the_memory():
    lines = RequestLines()
    tracemalloc.start()
    try:
        for number in range(20_000):
            assert lines.read(b"GET /%d?%b HTTP/1.1\r\n" % (number, b"x" * 200)) is not None
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 2_000_000
    assert lines.read(b"GET /" + b"y" * 60_000 + b" HTTP/1.1\r\n") is not None


def test_more_than_one_head_is_declined():
    assert by_lane(PLAIN + PLAIN) is None
    assert by_lane(PLAIN + b"x") is None


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_less_than_a_head_is_declined_whatever_was_read_before(length: int):
    lane = FastLane(Peer())
    assert lane.read(PLAIN[:length]) is None
    assert lane.read(PLAIN) is not None
    assert lane.read(PLAIN[:length]) is None


# Heads that are wrong by their size alone never reach it: the reader counts first.
@pytest.mark.parametrize(
    "name", [name for name, (data, _) in REQUESTS.items() if len(data) <= Limits().header_size]
)
def test_no_malformed_request_takes_the_lane(name: str):
    data, _ = REQUESTS[name]
    assert by_lane(data) is None
    end = data.find(b"\r\n\r\n") + 4
    # What is wrong may also be in the body; then the head says that there is one.
    assert by_lane(data[:end]) is None


octets = st.binary(max_size=6)
names = st.sampled_from(
    [b"Host", b"host", b"Accept", b"X-A", b"Connection", b"Content-Length", b"Cookie", b"TE"]
)
values = st.one_of(
    st.sampled_from([b"a", b"localhost:80", b"keep-alive", b"close", b"0", b"", b" a ", b"a\tb"]),
    octets,
)
separators = st.sampled_from([b": ", b":", b":\t", b" : ", b":  "])
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
fields = st.builds(lambda *parts: b"".join(parts), names, separators, values, ends)
targets = st.one_of(
    st.sampled_from([b"/", b"/a?b=c", b"/%41%2f", b"/%zz", b"*", b"//a", b"/a?b?c", b"/a:b@c"]),
    octets.map(lambda tail: b"/" + tail),
)
lines = st.builds(
    lambda method, target, version: method + b" " + target + b" " + version + b"\r\n",
    st.sampled_from([b"GET", b"POST", b"HEAD", b"get", b"OPTIONS", b"TRACE"]),
    targets,
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"]),
)
heads = st.builds(
    lambda line, host, others: line + host + b"".join(others) + b"\r\n",
    lines,
    st.sampled_from([b"Host: a\r\n", b"Host: a:80 \r\n", b""]),
    st.lists(fields, max_size=4),
)


@settings(max_examples=3000)
@given(heads)
@example(PLAIN)
def test_whatever_it_accepts_h11_reads_as_the_same_request(head: bytes):
    # A head ends at the first empty line; what follows would be another request.
    head = head[: head.find(b"\r\n\r\n") + 4]
    request = by_lane(head)
    event("accepted" if request is not None else "declined")
    if request is None:
        return
    try:
        slow = by_h11(head)
    except ProtocolError as error:
        raise AssertionError(f"h11 and our checks refuse it: {error}") from error
    assert slow is not None
    assert facts(request) == facts(slow)
