"""Exchange: answered once, whatever the engine; OpenStream: who hears of its end."""

from __future__ import annotations

import pytest

from pode_py.exchange.exchange import Exchange
from pode_py.exchange.outbox import Ending
from pode_py.exchange.stream import OpenStream
from pode_py.http.headers import RequestHeaders
from pode_py.http.request import Peer, Request
from pode_py.http.response import PushedBody, Response


class Stream(OpenStream):
    """An engine's stream that goes nowhere."""

    def notify(self):
        pass


class Answers(Exchange):
    """An engine that keeps what it is to send."""

    def __init__(self, method="GET"):
        headers = RequestHeaders([])
        super().__init__(
            Request(method, "/", "/", "", headers, "1.1", b"", "localhost", Peer("127.0.0.1"))
        )
        self.sent = []
        self.cut = 0
        self.error = None

    def _prepare(self, response):
        if response.status_code < 200:
            raise ValueError("no such head")
        return response.status_code

    def _send(self, head, body):
        self.sent.append((head, body))
        if self.error is not None:
            raise self.error

    def _open(self, head, limits, keepalive):
        if head.status_code < 200:
            raise ValueError("no such head")
        return Stream(limits, keepalive, head_only=self.request.http_method == "HEAD")

    def _open_body(self, head):
        return Stream(None, None)

    def _defer(self):
        self.deferred = True

    def _resume(self, job):
        self.answered = job()

    def _is_ended(self):
        return False

    def _cut(self):
        self.cut += 1


ENDS = {
    "reply": lambda exchange: exchange.reply(Response()),
    "upgrade": lambda exchange: exchange.upgrade(Response()),
    "abort": lambda exchange: exchange.abort(),
}


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ["reply", "upgrade"])
def test_an_exchange_is_answered_once(first, second):
    exchange = Answers()
    ENDS[first](exchange)
    with pytest.raises(RuntimeError, match="answered already"):
        ENDS[second](exchange)
    assert len(exchange.sent) == (first == "reply")


@pytest.mark.parametrize("answer", ["reply", "upgrade"])
def test_after_a_head_that_cannot_be_sent_another_answer_may_be(answer):
    exchange = Answers()
    with pytest.raises(ValueError, match="no such head"):
        getattr(exchange, answer)(Response(99))
    exchange.reply(Response(500, b"sorry"))
    assert exchange.sent == [(500, b"sorry")]


def test_an_answer_that_fails_on_its_way_is_cut_when_the_handler_has_ended():
    exchange = Answers()
    exchange.error = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        exchange.reply(Response())
    assert exchange.replied
    assert not exchange.cut
    exchange.finish()
    assert exchange.cut == 1


@pytest.mark.parametrize(("first", "cuts"), [("reply", 0), ("upgrade", 0), ("abort", 1)])
def test_a_handler_that_has_answered_is_not_cut_at_its_end(first, cuts):
    exchange = Answers()
    ENDS[first](exchange)
    exchange.finish()
    assert exchange.cut == cuts


def test_a_handler_that_ends_without_an_answer_is_cut():
    exchange = Answers()
    exchange.finish()
    assert exchange.cut == 1
    assert exchange.aborted


def test_a_stream_that_is_aborted_shows_that_something_is_missing():
    exchange = Answers()
    outbox = exchange.upgrade(Response())
    exchange.abort()
    exchange.finish()
    assert outbox.ending is Ending.CUT
    assert not exchange.cut


def test_a_stream_that_answers_head_ends_at_once():
    assert Answers("HEAD").upgrade(Response()).ending is Ending.CLEAN


@pytest.mark.parametrize("body", ["text", bytearray(b"text"), memoryview(b"text")])
def test_other_kinds_of_text_become_bytes(body):
    exchange = Answers()
    exchange.reply(Response(200, body))
    assert exchange.sent == [(200, b"text")]
    assert exchange.bytes_sent == 4


def test_callbacks_are_called_once_at_the_end_and_at_once_after_it():
    stream = Stream(None, None)
    called = []
    stream.call_at_end(lambda: called.append("before"))
    stream.mark_ended()
    stream.mark_ended()
    assert called == ["before"]
    assert stream.outbox.closed
    stream.call_at_end(lambda: called.append("after"))
    assert called == ["before", "after"]


# Deferred exchanges.


class Pieces(PushedBody):
    """A body that keeps where it is to go."""

    outbox = None
    closed = False

    def send_to(self, outbox):
        self.outbox = outbox

    def close(self):
        self.closed = True


def test_the_end_of_a_stream_tells_a_deferred_exchange_that_its_client_has_left():
    exchange, left = Answers(), []
    exchange.upgrade(Response())
    exchange.defer(lambda: left.append("left"))
    exchange._stream.mark_ended()
    assert left == ["left"]


def test_a_deferred_exchange_that_becomes_a_stream_hears_of_its_end():
    exchange, left = Answers(), []
    exchange.defer(lambda: left.append("left"))
    exchange.upgrade(Response())
    exchange._stream.mark_ended()
    assert left == ["left"]


def test_once_answered_it_does_not_hear_of_its_client_any_more():
    exchange, left = Answers(), []
    exchange.defer(lambda: left.append("left"))
    exchange.end_deferral()
    exchange.client_left()
    assert left == []


def test_a_body_that_is_pushed_gets_an_outbox_and_keeps_the_connection():
    exchange, body = Answers(), Pieces()
    exchange.reply(Response(200, body))
    exchange.finish()
    assert body.outbox is exchange._stream.outbox
    assert (exchange.replied, exchange.is_streaming, exchange.cut) == (True, True, 0)


def test_the_answer_to_head_closes_a_body_that_would_be_pushed():
    exchange, body = Answers("HEAD"), Pieces()
    exchange.reply(Response(200, body))
    assert body.closed
    assert not exchange.is_streaming
