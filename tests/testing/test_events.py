"""SseParser against the examples and the fine print of the standard (HTML, 9.2.6)."""

from __future__ import annotations

import pytest

from pode_py.testing import SseEvent, SseParser


def parsed(data: bytes) -> list[tuple[str, str, str]]:
    return [(event.type, event.data, event.id) for event in SseParser().feed(data)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # The examples of the standard.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
            b"data:  third event\n\n",
            [
                ("message", "first event", "1"),
                ("message", "second event", ""),
                ("message", " third event", ""),
            ],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        # Line ends.
        (b"data: a\rdata: b\r\r", [("message", "a\nb", "")]),
        (b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb", "")]),
        (b"data: a\n\rdata: b\r\n\n", [("message", "a", ""), ("message", "b", "")]),
        ("data: a\u2028b\x85c\x0b\n\n".encode(), [("message", "a\u2028b\x85c\x0b", "")]),
        # A BOM at the start, and one that is none.
        (b"\xef\xbb\xbfdata: x\n\n", [("message", "x", "")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []),
        (b"data: \xef\xbb\xbf\n\n", [("message", "\ufeff", "")]),
        # What is no field is nothing.
        (b"other: x\nData: x\n data: x\n\n", []),
        (b":\n: x\n\n", []),
        # An event without data is none, and its type does not reach the next one.
        (b"event: a\n\ndata: x\n\n", [("message", "x", "")]),
        (b"event: a\nevent: b\ndata: x\n\n", [("b", "x", "")]),
        (b"event:\ndata: x\n\n", [("message", "x", "")]),
        # Ids last, also those of events without data; one with NUL is ignored.
        (b"id: 1\n\ndata: x\n\ndata: y\n\n", [("message", "x", "1"), ("message", "y", "1")]),
        (b"id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n", [("message", "x", "1"), ("message", "y", "1")]),
        # Bytes that are no UTF-8.
        (b"data: a\xff\xc3\n\n", [("message", "a\ufffd\ufffd", "")]),
        # The end without an empty line.
        (b"data: x\n", []),
        (b"", []),
    ],
)
def test_streams_of_the_standard(stream, events):
    assert parsed(stream) == events
    parser = SseParser()
    bytewise = [event for byte in stream for event in parser.feed(bytes([byte]))]
    assert [(event.type, event.data, event.id) for event in bytewise] == events


def test_retry_is_digits_only_and_lasts():
    parser = SseParser()
    assert parser.feed(b"retry: 10000\n\n") == []
    assert parser.retry == 10000
    assert parser.feed(b"retry: 1e3\nretry: -1\nretry:\nretry: \xd9\xa1\ndata: x\n\n") == [
        SseEvent("message", "x")
    ]
    assert parser.retry == 10000
    assert parser.feed(b"retry: 5\ndata: x\n\n") == [SseEvent("message", "x", "", 5)]
    assert parser.retry == 5


def test_the_last_event_id_is_that_of_the_last_complete_block():
    parser = SseParser()
    parser.feed(b"id: 1\ndata: x\n\nid: 2\n")
    assert parser.last_event_id == "1"
    parser.feed(b"\n")
    assert parser.last_event_id == "2"


def test_comments_are_counted():
    parser = SseParser()
    parser.feed(b":\n: ping\n\ndata: :\n\n")
    assert parser.comments == 2


def test_a_line_end_between_two_pieces_is_one_line_end():
    parser = SseParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\n") == []
    assert parser.feed(b"\r") == [SseEvent("message", "a")]
    assert parser.feed(b"\ndata: b\n\n") == [SseEvent("message", "b")]
