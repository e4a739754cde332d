"""What HTTP/1.1 promises about a conversation, with both pollers."""

from __future__ import annotations

import threading

import pytest

from pode_py.http.response import Response
from tests.engine.house import file_body, text_response


@pytest.fixture
def house(build, poller):
    return build(poller=poller)


def test_a_connection_serves_one_request_after_another(house):
    with house.wire() as wire:
        for number in range(20):
            wire.ask("GET", f"/{number}")
            answer = wire.answer()
            assert answer.status == 200
            assert answer["Connection"] is None
            assert answer.body == f"GET /{number} ".encode()
    assert len({request.peer.remote_port for request in house.seen}) == 1


def test_every_answer_has_date_server_and_length(house):
    answer = house.get()
    assert answer["Date"].endswith(" GMT")
    assert answer["Server"] == "Pode"
    assert answer["Content-Length"] == "6"
    assert answer.line == "HTTP/1.1 200 OK"


def test_pipelined_requests_are_answered_in_their_order(house):
    with house.wire() as wire:
        wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(500)))
        for number in range(500):
            assert wire.answer().body == b"GET /%d " % number


def test_pipelined_requests_behind_a_slow_handler_keep_their_order(build, poller):
    gate = threading.Event()

    def handle(exchange):
        if exchange.request.path == "/slow":
            assert gate.wait(30)
        exchange.reply(text_response(exchange.request.path.encode()))

    house = build(handle, poller=poller, threads=4)
    with house.wire() as wire:
        wire.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.send(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        assert house.get("/other").body == b"/other"
        wire.send(b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not wire.has_input(0.05)
        gate.set()
        assert [wire.answer().body for _ in range(3)] == [b"/slow", b"/quick", b"/last"]


def test_pipelined_requests_behind_a_big_answer_keep_their_order(build, poller):
    def handle(exchange):
        size = 12_000_000 if exchange.request.path == "/big" else 3
        exchange.reply(text_response(b"x" * size))

    house = build(handle, poller=poller, threads=1)
    with house.wire(slow=True) as wire:
        for _ in range(3):
            wire.ask("GET", "/big")
            wire.ask("GET", "/small")
        assert [len(wire.answer().body) for _ in range(6)] == [12_000_000, 3] * 3
        wire.ask("GET", "/small")
        assert wire.answer().body == b"xxx"


def test_a_post_body_arrives_whole(house):
    with house.wire() as wire:
        for size in (1, 1000, 70_000, 3_000_000):
            wire.ask("POST", "/", body=b"y" * size)
            assert wire.answer().body == b"POST / " + b"y" * size


def test_a_body_on_get_is_taken_and_the_next_request_is_right(house):
    with house.wire() as wire:
        wire.ask("GET", "/one", body=b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.ask("GET", "/two")
        assert wire.answer().body.startswith(b"GET /one GET /smuggled")
        assert wire.answer().body == b"GET /two "
    assert house.targets == ["/one", "/two"]


def test_a_chunked_body_arrives_joined(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Transfer-Encoding: chunked")
        wire.send(b"5\r\nhello\r\n1\r\n \r\n5\r\nwor")
        wire.send(b"ld\r\n0\r\nX-Trailer: t\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.answer().body == b"POST / hello world"
        assert wire.answer().body == b"GET /next "


def test_chunked_is_known_in_any_case(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "transfer-ENCODING:\tCHUNKED ")
        wire.send(b"A\r\n0123456789\r\n0\r\n\r\n")
        assert wire.answer().body == b"POST / 0123456789"


def test_an_iterator_is_sent_in_chunks_without_empty_ones(build, poller):
    def handle(exchange):
        exchange.reply(text_response(iter([b"one", "", "zwö".encode(), b"", "drei"])))

    house = build(handle, poller=poller)
    with house.wire() as wire:
        wire.ask("GET", "/")
        answer = wire.head()
        assert answer["Transfer-Encoding"] == "chunked"
        assert answer["Content-Length"] is None
        assert list(wire.chunks()) == [b"one", "zwö".encode(), b"drei"]
        wire.ask("GET", "/")
        assert wire.answer().body == "onezwödrei".encode()


def test_a_file_is_sent_with_its_length(build, poller, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 4000)
    house = build(lambda exchange: exchange.reply(Response(200, file_body(path))), poller=poller)
    with house.wire() as wire:
        for _ in range(3):
            wire.ask("GET", "/")
            assert wire.answer().body == path.read_bytes()


def test_an_empty_file_is_sent_as_no_bytes(build, poller, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    house = build(lambda exchange: exchange.reply(Response(200, file_body(path))), poller=poller)
    with house.wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            answer = wire.answer()
            assert (answer["Content-Length"], answer.body) == ("0", b"")


def test_head_gets_the_head_of_get_and_no_body(build, poller, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1234)
    bodies = {
        "/bytes": lambda: b"12345",
        "/file": lambda: file_body(path),
        "/iterator": lambda: iter([b"a"]),
    }

    def handle(exchange):
        exchange.reply(text_response(bodies[exchange.request.path]()))

    house = build(handle, poller=poller)
    with house.wire() as wire:
        for target, length, coding in (
            ("/bytes", "5", None),
            ("/file", "1234", None),
            ("/iterator", None, "chunked"),
        ):
            wire.ask("HEAD", target)
            answer = wire.answer(head_only=True)
            assert (answer["Content-Length"], answer["Transfer-Encoding"]) == (length, coding)
        # Nothing of a body came in between: the next answer follows at once.
        wire.ask("GET", "/bytes")
        assert wire.answer().body == b"12345"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", [b"text", "iterator"])
def test_statuses_without_content_carry_neither_body_nor_framing(build, poller, status, body):
    def handle(exchange):
        content = iter([b"text"]) if body == "iterator" else body
        exchange.reply(text_response(content, status))

    house = build(handle, poller=poller)
    with house.wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            answer = wire.answer()
            assert answer.status == status
            assert answer["Content-Length"] is None
            assert answer["Transfer-Encoding"] is None


@pytest.mark.parametrize("body", [b"text", "iterator"])
def test_205_says_by_its_length_that_it_has_no_content(build, poller, body):
    """Clients do not know it by its status (RFC 9110, 15.3.6)."""

    def handle(exchange):
        exchange.reply(text_response(iter([b"text"]) if body == "iterator" else body, 205))

    house = build(handle, poller=poller)
    with house.wire() as wire:
        for _ in range(2):
            wire.ask("GET", "/")
            answer = wire.answer()
            assert (answer.status, answer.body) == (205, b"")
            assert answer["Content-Length"] == "0"
            assert answer["Transfer-Encoding"] is None


def test_a_client_that_half_closes_gets_the_answers_to_all_its_requests(build, poller):
    house = build(poller=poller)
    with house.wire() as wire:
        wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(5)))
        wire.finish_sending()
        assert [wire.answer().body for _ in range(5)] == [b"GET /%d " % n for n in range(5)]
        assert wire.is_closed


def test_a_client_that_sends_far_ahead_of_its_answers_gets_all_of_them(build, poller):
    house = build(poller=poller)
    field = b"A: " + b"b" * 8000
    with house.wire() as wire:
        data = b"".join(
            b"GET /%d HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % (n, field) for n in range(100)
        )
        sender = threading.Thread(target=wire.send, args=(data,))
        sender.start()
        for number in range(100):
            assert wire.answer().body == b"GET /%d " % number
        sender.join()


def test_a_handler_cannot_set_the_framing(build, poller):
    def handle(exchange):
        response = text_response(b"hello")
        response.headers["Content-Length"] = "500"
        response.headers["Transfer-Encoding"] = "chunked"
        response.headers["Connection"] = "upgrade"
        response.headers["Keep-Alive"] = "timeout=1"
        exchange.reply(response)

    answer = build(handle, poller=poller).get()
    assert answer.body == b"hello"
    assert answer["Transfer-Encoding"] is answer["Connection"] is answer["Keep-Alive"] is None


def test_options_reaches_the_handler_also_for_the_whole_server(house):
    with house.wire() as wire:
        wire.ask("OPTIONS", "/path")
        assert wire.answer().body == b"OPTIONS /path "
        wire.ask("OPTIONS", "*")
        assert wire.answer().body == b"OPTIONS * "


def test_the_body_is_asked_for_with_100_continue(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Content-Length: 5", "Expect: 100-Continue")
        go_on = wire.answer()
        assert (go_on.status, go_on.fields) == (100, [])
        wire.send(b"hello")
        answer = wire.answer()
        assert (answer.status, answer.body) == (200, b"POST / hello")


def test_100_continue_is_said_once(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Content-Length: 5", "Expect: 100-continue")
        assert wire.answer().status == 100
        for byte in b"hello":
            wire.send(bytes([byte]))
        assert wire.answer().status == 200


@pytest.mark.own_engine("uvicorn always sends 100 Continue")
def test_there_is_no_100_for_a_body_that_came_along(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Expect: 100-continue", body=b"hello")
        assert wire.answer().status == 200


def test_there_is_no_100_without_a_body(house):
    with house.wire() as wire:
        wire.ask("GET", "/", "Expect: 100-continue")
        assert wire.answer().status == 200


def test_an_expectation_of_http_1_0_is_ignored(house):
    with house.wire() as wire:
        wire.send(b"POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert not wire.has_input(0.05)
        wire.send(b"ok")
        assert wire.answer().body == b"POST / ok"


def test_a_chunked_body_may_be_asked_for_too(house):
    with house.wire() as wire:
        wire.ask("PUT", "/", "Transfer-Encoding: chunked", "Expect: 100-continue")
        assert wire.answer().status == 100
        wire.send(b"2\r\nok\r\n0\r\n\r\n")
        assert wire.answer().body == b"PUT / ok"


def test_another_expectation_is_417(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Expect: a-miracle", body=b"x")
        assert wire.answer().status == 417
        assert wire.is_closed
    assert house.seen == []


def test_connection_close_is_kept(house):
    with house.wire() as wire:
        wire.ask("GET", "/", "Connection: Keep-Alive, CLOSE")
        answer = wire.answer()
        assert answer["Connection"] == "close"
        assert answer.body == b"GET / "
        assert wire.is_closed


@pytest.mark.own_engine("uvicorn closes over unread data, which may reset the connection")
def test_what_is_pipelined_after_connection_close_is_not_answered(house):
    with house.wire() as wire:
        wire.send(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        wire.send(b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
        assert wire.answer().body == b"GET /a "
        assert wire.is_closed
    assert house.targets == ["/a"]


def test_http_1_0_is_answered_and_closed(house):
    with house.wire() as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = wire.answer()
        assert answer["Connection"] == "close"
        assert answer.body == b"GET / "
        assert wire.is_closed
    assert house.seen[0].http_version == "1.0"
    assert house.seen[0].host == ""


def test_http_1_0_gets_an_iterator_without_chunks(build, poller):
    house = build(lambda ex: ex.reply(text_response(iter([b"a", b"b"]))), poller=poller)
    with house.wire() as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = wire.answer()
        assert answer["Transfer-Encoding"] is answer["Content-Length"] is None
        assert answer["Connection"] == "close"
        assert answer.body == b"ab"


def test_an_absolute_target_gives_path_query_and_host(house):
    with house.wire() as wire:
        wire.ask("GET", "http://example.org:8080/a%20b?q=1")
        assert wire.answer().body == b"GET /a b "
        wire.ask("GET", "HTTPS://example.org?q=2")
        assert wire.answer().body == b"GET / "
    first, second = house.seen
    assert (first.path, first.query_string, first.host) == ("/a b", "q=1", "example.org:8080")
    assert first.target == "/a%20b?q=1"
    assert (second.target, second.host) == ("/?q=2", "example.org")


def test_empty_lines_before_a_request_are_ignored(house):
    with house.wire() as wire:
        wire.send(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert wire.answer().status == 200
        wire.send(b"\r\n")
        wire.ask("GET", "/")
        assert wire.answer().status == 200


def test_a_request_may_arrive_byte_by_byte(house):
    with house.wire() as wire:
        for byte in b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc":
            wire.send(bytes([byte]))
        assert wire.answer().body == b"POST /x abc"


def test_a_client_that_has_finished_sending_still_gets_its_answer(build, poller):
    gate = threading.Event()

    def handle(exchange):
        assert gate.wait(30)
        exchange.reply(text_response(b"x" * 3_000_000))

    house = build(handle, poller=poller)
    with house.wire() as wire:
        wire.ask("GET", "/")
        wire.finish_sending()
        gate.set()
        assert len(wire.answer().body) == 3_000_000
        assert wire.is_closed


def test_the_end_of_input_between_requests_ends_the_connection(house):
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 200
        wire.finish_sending()
        assert wire.is_closed


def test_an_upgrade_that_nobody_knows_is_an_ordinary_request(house):
    with house.wire() as wire:
        wire.ask("POST", "/", "Connection: Upgrade", "Upgrade: h2c", body=b"abc")
        assert wire.answer().body == b"POST / abc"
        wire.ask("GET", "/next")
        assert wire.answer().body == b"GET /next "


def test_the_request_knows_its_peer_and_endpoint(build, poller):
    endpoints = []

    def handle(exchange):
        endpoints.append(exchange.endpoint)
        exchange.reply(Response(204))

    house = build(handle, poller=poller, endpoint="the endpoint")
    with house.wire() as wire:
        wire.ask("GET", "/")
        assert wire.answer().status == 204
        address = wire.sock.getsockname()
    peer = house.seen[0].peer
    assert (peer.remote_address, peer.remote_port) == address
    assert (peer.local_address, peer.local_port) == ("127.0.0.1", house.port)
    assert peer.scheme == "http"
    assert endpoints == ["the endpoint"]
