"""What is not plainly one thing is refused."""

from __future__ import annotations

import time

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pode_py.http.strictness import (
    ChunkGuard,
    ProtocolError,
    check_head,
    decode_path,
    is_host,
    read_head,
    split_target,
)

NEVER_TOO_LARGE = 1 << 40


@pytest.mark.parametrize(
    "host",
    [b"", b"a", b"A.example:80", b"127.0.0.1:8080", b"a:", b"x_y", b"%41", b"[::1]", b"[::]:1"],
)
def test_a_host_with_or_without_port_is_one(host):
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [b"a b", b"a/", b"u@a", b"a:b", b"[::1", b"::1", b"[1]", b"[::1]x", b"a\n", b"%4", b"a\x7f"],
)
def test_what_is_no_host_is_refused(host):
    assert not is_host(host)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", ("/", "/", "", "h")),
        (b"/a%20b?c=%20", ("/a%20b?c=%20", "/a b", "c=%20", "h")),
        (b"/a?b?c", ("/a?b?c", "/a", "b?c", "h")),
        (b"*", ("*", "*", "", "h")),
        (b"http://x:1/p?q", ("/p?q", "/p", "q", "x:1")),
        (b"https://x", ("/", "/", "", "x")),
        (b"HTTP://x?q", ("/?q", "/", "q", "x")),
        (b"http://[::1]/", ("/", "/", "", "[::1]")),
        (b"http://x//y", ("//y", "//y", "", "x")),
        (b"//y", ("//y", "//y", "", "h")),
    ],
)
def test_a_target_splits_into_path_query_and_host(target, expected):
    assert split_target(target, b"h") == expected


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a%2Fb%2fc", "/a%2Fb%2Fc"),
        (b"/%2e%2e/a", "/../a"),
        (b"/a+b", "/a+b"),
        (b"/%E2%82%AC", "/€"),
        (b"/100%", "/100%"),
    ],
)
def test_an_encoded_slash_separates_nothing(raw, path):
    assert decode_path(raw) == path


@pytest.mark.parametrize("raw", [b"/%00", b"/a%2F%00", b"/%ff", b"/%c0%af", b"/\xff"])
def test_a_path_is_utf_8_without_nul(raw):
    with pytest.raises(ProtocolError) as caught:
        decode_path(raw)
    assert caught.value.status == 400


@given(st.text(st.characters(exclude_characters="\0%", exclude_categories=["Cs"])))
def test_any_text_can_be_a_path(text):
    quoted = "".join(f"%{byte:02x}" for byte in text.encode())
    assert decode_path(b"/" + quoted.encode()) == "/" + text.replace("/", "%2F")


@given(st.binary())
def test_any_head_is_taken_or_refused_by_name(data):
    assert refusal(data) in (None, 400, 505)


def refusal(head: bytes) -> int | None:
    try:
        read_head(head)
    except ProtocolError as error:
        return error.status
    return None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_field_that_passes_means_the_same_to_h11(name, value):
    name = b"x-" + name  # h11 has its own opinions about Host and the fields that frame a body
    head = b"GET / HTTP/1.1\r\nHost: a\r\n%b:%b" % (name, value)
    if refusal(head):
        return
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(head + b"\r\n\r\n")
    request = parser.next_event()
    name, _, value = (name + b":" + value).partition(b":")  # a random name may hold the colon
    assert list(request.headers)[1:] == [(name.lower(), value.strip(b" \t"))]
    assert read_head(head).fields == list(request.headers)


def check_all(head: bytes) -> None:
    plain = read_head(head)
    check_head(plain.method, plain.target, plain.version, plain.fields)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1" + b"\r\na:" * 16_000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"a" * 65_000,
        b"GET / HTTP/1.1\r\na:" + b" " * 65_000 + b"\0",
        b"GET / HTTP/1.1\r\ncontent-length:" + b" " * 65_000,
        b"GET / HTTP/1.1" + b"\r\ncontent-length:" * 4000,
        b"A" * 65_000,
        b"GET " + b"/" * 65_000,
    ],
)
def test_no_head_takes_more_than_a_moment(head):
    began = time.process_time()
    with pytest.raises(ProtocolError):
        check_all(head)
    assert time.process_time() - began < 0.5


def test_framing_of_a_plain_request():
    framing = check_head(b"GET", b"/", b"1.1", [(b"host", b"a")])
    assert (framing.length, framing.chunked, framing.keep_alive) == (None, False, True)
    assert not framing.has_body
    assert not framing.expects_continue


@pytest.mark.parametrize(
    ("version", "field", "kept"),
    [
        (b"1.1", b"close", False),
        (b"1.1", b"x, Close ,y", False),
        (b"1.1", b"closed", True),
        (b"1.1", b"keep-alive", True),
        (b"1.0", b"keep-alive", False),
    ],
)
def test_connection_tells_whether_it_stays(version, field, kept):
    fields = [(b"host", b"a"), (b"connection", field)]
    assert check_head(b"GET", b"/", version, fields).keep_alive is kept


# The guard of chunked bodies.


def chunked(parts: list[bytes], trailers: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return body + b"0\r\n" + trailers + b"\r\n"


def h11_reads(data: bytes) -> tuple[bytes, bytes]:
    """Body and rest, as h11 sees them."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    parser.next_event()
    body = b""
    while isinstance(event := parser.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return body, parser.trailing_data[0]


bodies = st.lists(st.binary(max_size=50), max_size=8)


@given(bodies, st.binary(max_size=30), st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_the_guard_ends_a_body_where_h11_does(parts, rest, steps):
    data = chunked(parts) + rest
    assert h11_reads(data) == (b"".join(parts), rest)
    guard, used, step = ChunkGuard(NEVER_TOO_LARGE), 0, 0
    while used < len(data):
        piece = data[used : used + steps[step % len(steps)]]
        taken = guard.feed(piece)
        used += taken
        step += 1
        if taken < len(piece) or not taken:
            break
    assert guard.feed(b"x") == 0
    assert used == len(data) - len(rest)


@given(bodies, st.integers(0, 500), st.binary(min_size=1, max_size=3))
def test_what_the_guard_takes_means_the_same_to_h11(parts, place, wrong):
    data = bytearray(chunked(parts))
    data[place % len(data) : place % len(data) + len(wrong)] = wrong
    data = bytes(data) + b"\r\n\r\n"
    guard = ChunkGuard(NEVER_TOO_LARGE)
    try:
        used = guard.feed(data)
    except ProtocolError:
        return
    if guard.at_end:
        rest = data[used:]
        assert h11_reads(guard.take() + rest)[1] == rest


def test_a_chunk_that_would_pass_the_limit_is_refused_before_it_comes():
    guard = ChunkGuard(10)
    guard.feed(b"5\r\nhello\r\n")
    guard.feed(b"5\r\nhello\r\n")
    with pytest.raises(ProtocolError) as caught:
        guard.feed(b"1\r\n")
    assert caught.value.status == 413


@pytest.mark.parametrize("data", [b"5\r\nhellox", b"5\r\nhello\n", b"1\n", b"x" * 4097, b"1;"])
def test_what_nothing_can_mend_is_refused_at_once(data):
    guard = ChunkGuard(NEVER_TOO_LARGE)
    if data == b"1;":
        data += b"x" * 4095
    with pytest.raises(ProtocolError):
        guard.feed(data)
