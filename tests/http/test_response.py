"""The head of a response, and its body's pieces."""

from __future__ import annotations

import pytest

from pode_py.http.response import (
    FileBody,
    Response,
    close_body,
    first_lines,
    framing_lines,
    last_lines,
    pieces,
)


def head(response: Response, framing: bytes = b"") -> list[bytes]:
    data = first_lines(response, "Pode") + framing + last_lines("now")
    assert data.endswith(b"\r\n\r\n")
    return data[:-4].split(b"\r\n")


def framing(response: Response, **options: bool) -> bytes:
    given = {"head_only": False, "keep_alive": True, "chunks": True} | options
    return framing_lines(response, **given)


def test_a_head_is_status_fields_framing_date_and_server():
    response = Response(404)
    response.headers["X-A"] = "ä"
    assert head(response, b"Content-Length: 0\r\n") == [
        b"HTTP/1.1 404 Not Found",
        b"X-A: \xe4",
        b"Server: Pode",
        b"Content-Length: 0",
        b"Date: now",
    ]


def test_a_handler_may_name_the_server():
    response = Response()
    response.headers["server"] = "mine"
    assert head(response) == [b"HTTP/1.1 200 OK", b"server: mine", b"Date: now"]


def test_a_status_without_phrase_keeps_its_space():
    assert head(Response(299))[0] == b"HTTP/1.1 299 "


def test_a_reason_may_be_given():
    response = Response(200)
    response.reason = "Fine By Me"
    assert head(response)[0] == b"HTTP/1.1 200 Fine By Me"


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "\x7f", "\u0100", "a\n"])
def test_a_reason_cannot_break_the_head(bad):
    response = Response(200)
    response.reason = bad
    with pytest.raises(ValueError, match="reason"):
        head(response)


def test_the_framing_is_the_engines_own():
    response = Response(200)
    for name in ("content-length", "TRANSFER-ENCODING", "Connection", "Keep-Alive", "Date"):
        response.headers[name] = "x"
    assert head(response) == [b"HTTP/1.1 200 OK", b"Server: Pode", b"Date: now"]


@pytest.mark.parametrize(
    ("response", "options", "lines"),
    [
        (Response(200, b"abc"), {}, b"Content-Length: 3\r\n"),
        (Response(200, b""), {}, b"Content-Length: 0\r\n"),
        (Response(200, b"a"), {"keep_alive": False}, b"Content-Length: 1\r\nConnection: close\r\n"),
        (Response(200, iter([b"a"])), {}, b"Transfer-Encoding: chunked\r\n"),
        (Response(200, iter([b"a"])), {"chunks": False}, b""),
        (Response(204, b"abc"), {}, b""),
        (Response(304, b"abc"), {}, b""),
        (Response(304, iter([b"a"])), {"keep_alive": False}, b"Connection: close\r\n"),
        (Response(200, b"abc"), {"head_only": True}, b"Content-Length: 3\r\n"),
    ],
)
def test_framing_lines(response, options, lines):
    assert framing(response, **options) == lines


def test_a_file_announces_its_part(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    body = FileBody(path.open("rb"), 2, 5)
    assert framing(Response(200, body)) == b"Content-Length: 5\r\n"
    assert (body.read(3), body.read(3), body.read(3)) == (b"234", b"56", b"")
    body.close()


@pytest.mark.parametrize(
    ("told", "sent"),
    [("500", "500"), ("5, 6", "0"), ("-5", "0"), ("x", "0"), ("", "0")],
)
def test_head_may_announce_the_length_of_its_get_if_it_is_one(told, sent):
    response = Response(200)
    response.headers["Content-Length"] = told
    assert framing(response, head_only=True) == f"Content-Length: {sent}\r\n".encode()


def test_pieces_are_bytes_and_never_empty():
    given = [b"a", "", "ä", b"", bytearray(b"b"), memoryview(b"c")]
    assert list(pieces(given)) == [b"a", "ä".encode(), b"b", b"c"]


def test_a_number_is_no_piece():
    with pytest.raises(TypeError):
        list(pieces([5]))


def test_closing_a_generator_ends_it():
    ended = []

    def body():
        try:
            yield b"a"
        finally:
            ended.append(True)

    made = body()
    next(made)
    close_body(made)
    close_body(b"nothing to close")
    assert ended == [True]
