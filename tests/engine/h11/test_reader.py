"""From bytes to requests: the same requests however the bytes are split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pode_py.engine.h11.reader import RequestReader
from pode_py.engine.options import Limits
from pode_py.http.request import Peer
from pode_py.http.strictness import ProtocolError
from tests.engine.malformed import REQUESTS

STREAM = (
    b"GET /one?a=b HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\n"
    b"\r\nPOST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
    b"POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: some text that is longer than the head was, "
    b"to be sure that nobody takes it for an endless one\r\nX-Other: b\r\n\r\n"
    b"PUT /four HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
    b"GET http://b/five HTTP/1.1\r\nHost: a\r\n\r\n"
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
)


def reader(**limits) -> RequestReader:
    return RequestReader(Limits(**limits), Peer())


def facts(request) -> tuple:
    return (
        request.http_method,
        request.target,
        request.host,
        request.headers.items(),
        request.raw_body,
        request.is_keep_alive,
    )


def read(pieces, into=None) -> list[tuple]:
    into = into or reader()
    found = []
    for piece in pieces:
        into.feed(piece)
        while (request := into.next()) is not None:
            found.append(facts(request))
    return found


def refusal(pieces) -> int | None:
    try:
        read(pieces)
    except ProtocolError as error:
        return error.status
    return None


WHOLE = read([STREAM])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % len(data) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def test_the_stream_has_six_requests():
    assert [fact[:2] for fact in WHOLE] == [
        ("GET", "/one?a=b"),
        ("POST", "/two"),
        ("POST", "/three"),
        ("PUT", "/four"),
        ("GET", "/five"),
        ("OPTIONS", "*"),
    ]
    assert [fact[4] for fact in WHOLE] == [b"", b"hello world", b"hello world", b"abc", b"", b""]


def test_byte_by_byte_gives_the_same_requests():
    assert read(bytes([byte]) for byte in STREAM) == WHOLE


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_split_gives_the_same_requests(places):
    assert read(cut(STREAM, places)) == WHOLE


@settings(max_examples=25)
@given(st.lists(st.integers(0, 1000), max_size=6))
@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_any_split_of_a_malformed_request_is_refused_the_same(name, places):
    data, status = REQUESTS[name]
    into = reader()
    with pytest.raises(ProtocolError) as caught:
        read(cut(data + b"GET /h HTTP/1.1\r\nHost: a\r\n\r\n" * 40, places), into)
    assert caught.value.status in (status, 400)


mutations = st.lists(
    st.tuples(
        st.integers(0, len(STREAM)),
        st.integers(0, 3),
        st.one_of(
            st.binary(max_size=3), st.sampled_from([b"\r", b"\n", b"\r\n", b":", b" ", b";"])
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(mutations, st.lists(st.integers(0, len(STREAM)), max_size=4))
@example([(0, 0, b"\r")], [])
@example([(len(STREAM), 0, b"\r\n\r\n")], [])
def test_no_mutation_raises_anything_but_a_protocol_error(changes, places):
    data = STREAM
    for place, gone, put in changes:
        data = data[:place] + put + data[place + gone :]
    assert refusal(cut(data, places)) in (None, 400, 413, 417, 431, 501, 505)


@given(st.binary())
def test_no_bytes_raise_anything_but_a_protocol_error(data):
    assert refusal([data]) in (None, 400, 505)


def test_the_phase_tells_what_is_awaited():
    into = reader()
    phases = [into.phase]
    for piece in (b"\r\n", b"P", b"OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", b"a"):
        into.feed(piece)
        assert into.next() is None
        phases.append(into.phase)
    assert phases == ["idle", "idle", "head", "body", "body"]
    assert into.body_received == 1
    into.feed(b"b")
    assert into.next().raw_body == b"ab"
    assert into.phase == "idle"
    assert into.body_received == 0


def test_a_body_is_wanted_only_while_none_of_it_has_come():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    into = reader()
    into.feed(head)
    assert into.next() is None
    assert into.continue_wanted
    into.feed(b"a")
    assert into.next() is None
    assert not into.continue_wanted
    into.feed(b"b" + head + b"c")
    assert into.next().raw_body == b"ab"
    assert into.next() is None
    assert not into.continue_wanted


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_too_large_is_refused_at_its_head(expect):
    into = reader(body_size=10)
    into.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n" + expect + b"\r\n")
    with pytest.raises(ProtocolError) as caught:
        into.next()
    assert caught.value.status == 413
    assert not into.continue_wanted


def test_a_body_of_just_the_limit_is_taken():
    for framed in (
        b"Content-Length: 10\r\n\r\n0123456789",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
    ):
        found = read([b"POST / HTTP/1.1\r\nHost: a\r\n" + framed], reader(body_size=10))
        assert found[0][4] == b"0123456789"


@pytest.mark.parametrize("size", [200, 1000])
def test_a_head_of_just_the_limit_is_taken_and_one_byte_more_is_not(size):
    start = b"GET / HTTP/1.1\r\nHost: a\r\nA: "
    head = start + b"b" * (size - len(start) - 4) + b"\r\n\r\n"
    assert len(head) == size
    assert len(read([head], reader(header_size=size))) == 1
    for pieces in ([head], [head[:-1], head[-1:]], [bytes([byte]) for byte in head]):
        with pytest.raises(ProtocolError) as caught:
            read(pieces, reader(header_size=size - 1))
        assert caught.value.status == 431


def test_what_is_pipelined_counts_for_no_limit_of_the_head():
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert len(read([request * 100], reader(header_size=len(request)))) == 100
