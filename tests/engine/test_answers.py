"""What becomes of handlers that answer wrong, twice, never, or not to the end."""

from __future__ import annotations

import sys

import pytest

from pode_py.http.response import Response
from tests.engine.house import file_body, plain, text_response


@pytest.fixture
def house_of(build, poller):
    def make(handle):
        house = build(lambda ex: handle(ex) if ex.request.path == "/" else plain(ex), poller=poller)
        house.may_report = True
        return house

    return make


def _unanswered(house):
    """The connection is closed without an answer; said once; the next client is served."""
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.ask("GET", "/pipelined")
        assert wire.is_closed
    assert house.targets == ["/"]
    assert house.get("/next").status == 200


def _raise(error):
    raise error


@pytest.mark.parametrize(
    "error",
    [RuntimeError("oh"), OSError("oh"), ConnectionResetError("oh"), SystemExit(3), StopIteration()],
    ids=lambda error: type(error).__name__,
)
def test_a_handler_that_raises_costs_its_connection_only(house_of, error):
    house = house_of(lambda exchange: _raise(error))
    for _ in range(5):
        house.seen.clear()
        _unanswered(house)
    assert [report for report, _ in house.reports] == [error] * 5


def test_a_handler_may_end_itself_only(house_of):
    house = house_of(lambda exchange: sys.exit("bye"))
    for _ in range(20):  # more often than there are workers
        house.seen.clear()
        _unanswered(house)


def test_a_handler_that_never_answers_costs_its_connection(house_of):
    house = house_of(lambda exchange: None)
    _unanswered(house)


def test_aborting_cuts_the_connection(house_of):
    house = house_of(lambda exchange: exchange.abort())
    _unanswered(house)
    assert house.reports == []


def test_a_request_is_answered_once(house_of):
    def handle(exchange):
        exchange.reply(text_response(b"one"))
        with pytest.raises(RuntimeError, match="answered already"):
            exchange.reply(text_response(b"two"))
        with pytest.raises(RuntimeError, match="answered already"):
            exchange.upgrade(Response())

    house = house_of(handle)
    with house.wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            assert wire.answer().body == b"one"
    assert house.reports == []


def test_what_is_wrong_with_the_head_leaves_room_for_another_answer(house_of):
    def handle(exchange):
        wrong = text_response(b"wrong")
        wrong.reason = "OK\r\nX-Injected: yes"
        with pytest.raises(ValueError, match="reason"):
            exchange.reply(wrong)
        for status in (0, 100, 101, 199, 1000, -200):
            with pytest.raises(ValueError, match="status"):
                exchange.reply(Response(status))
        assert not exchange.replied
        exchange.reply(text_response(b"right", 500))

    house = house_of(handle)
    with house.wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            answer = wire.answer()
            assert (answer.status, answer.body) == (500, b"right")
            assert answer["X-Injected"] is None
    assert house.reports == []


@pytest.mark.parametrize("before", [0, 1, 3])
def test_an_iterator_that_raises_ends_without_the_last_chunk(house_of, before):
    def body():
        for _ in range(before):
            yield b"piece"
        raise RuntimeError("in the middle")

    house = house_of(lambda exchange: exchange.reply(text_response(body())))
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.head().status == 200
        assert wire.rest() == b"5\r\npiece\r\n" * before
    assert [str(error) for error, _ in house.reports] == ["in the middle"]
    assert house.get("/next").status == 200


def test_an_iterator_that_raises_over_http_1_0_is_reset_or_cut(house_of):
    def body():
        yield b"piece"
        raise RuntimeError("in the middle")

    house = house_of(lambda exchange: exchange.reply(text_response(body())))
    with house.wire() as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        wire.rest()
    assert len(house.reports) == 1


@pytest.mark.parametrize("piece", [5, None, object()])
def test_a_piece_that_is_no_bytes_ends_the_answer(house_of, piece):
    house = house_of(lambda exchange: exchange.reply(text_response(iter([b"a", piece]))))
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.head()
        assert wire.rest() == b"1\r\na\r\n"
    assert len(house.reports) == 1


@pytest.mark.parametrize(
    "body", [bytearray(b"text"), memoryview(b"text"), "text"], ids=lambda body: type(body).__name__
)
def test_other_kinds_of_text_are_sent_whole(house_of, body):
    answer = house_of(lambda exchange: exchange.reply(text_response(body))).get()
    assert (answer["Content-Length"], answer.body) == ("4", b"text")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 205), ("GET", 304)]
)
def test_a_generator_that_is_not_sent_is_closed(house_of, method, status):
    closed = []

    class Body:
        def __iter__(self):
            raise AssertionError("nobody should read this")

        def close(self):
            closed.append(True)

    house = house_of(lambda exchange: exchange.reply(text_response(Body(), status)))
    with house.wire() as wire:
        wire.ask(method, "/")
        assert wire.answer(head_only=True).status == status
    assert closed == [True]


def test_a_generator_whose_client_goes_is_closed(house_of):
    closed = []

    def body():
        try:
            while True:
                yield b"x" * 100_000
        except GeneratorExit:
            closed.append(True)
            raise

    house = house_of(lambda exchange: exchange.reply(text_response(body())))
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.head()
        wire.reset()
    assert house.get("/next").status == 200
    house.engine.wait_handlers(10)
    assert closed == [True]
    assert house.reports == []


def test_bytes_sent_counts_bodies(build, tmp_path):
    exchanges = []
    path = tmp_path / "file"
    path.write_bytes(b"123456")
    bodies = {
        "/bytes": lambda: b"12345",
        "/pieces": lambda: iter([b"123", b"4567"]),
        "/file": lambda: file_body(path),
    }

    def handle(exchange):
        exchanges.append(exchange)
        exchange.reply(text_response(bodies[exchange.request.path]()))

    house = build(handle)
    for target in bodies:
        house.get(target)
    assert [exchange.bytes_sent for exchange in exchanges] == [5, 7, 6]
