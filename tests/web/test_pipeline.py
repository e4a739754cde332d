"""The order in which a request is looked at, and the one error policy."""

from __future__ import annotations

import threading
from contextvars import copy_context

import pytest

from pode_py.core.errors import PodeError, StatusError
from pode_py.exchange.exchange import Exchange
from pode_py.http.response import Response
from pode_py.web.event import WebEvent, current_event, web_event
from pode_py.web.middleware.functions import add_endware, add_middleware
from pode_py.web.responses.functions import set_response_status, write_text_response
from pode_py.web.routing.functions import add_route
from tests.web.conftest import Web


def fail() -> None:
    raise RuntimeError("secret detail")


def test_a_handler_that_returns_nothing_and_writes_nothing_answers_200_without_a_body(web: Web):
    add_route("get", "/", lambda: None)
    answer = web.get("/")
    assert (answer.status, answer.body) == (200, b"")


def test_a_path_without_a_route_is_404(web: Web):
    assert web.get("/nowhere").status == 404


def test_a_path_with_routes_for_other_methods_is_405_and_says_which(web: Web):
    add_route(["get", "post"], "/x", lambda: "x")
    answer = web.send("DELETE", "/x")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_an_unknown_method_is_405_where_there_are_routes_and_404_elsewhere(web: Web):
    add_route("get", "/x", lambda: "x")
    assert web.send("BREW", "/x").status == 405
    assert web.send("BREW", "/y").status == 404


def test_head_is_answered_by_the_route_for_get(web: Web):
    add_route("get", "/x", lambda: "x")
    assert web.send("HEAD", "/x").status == 200


def test_options_is_answered_with_the_methods(web: Web):
    add_route("post", "/x", lambda: "x")
    answer = web.send("OPTIONS", "/x")
    assert (answer.status, answer.headers["allow"], answer.body) == (204, "OPTIONS, POST", b"")


def test_options_of_the_whole_server_lists_the_methods_of_all_routes(web: Web):
    add_route("put", "/x", lambda: "x")
    answer = web.send("OPTIONS", "*")
    assert (answer.status, answer.headers["allow"]) == (204, "OPTIONS, PUT")


def test_a_route_for_options_answers_itself(web: Web):
    add_route("options", "/x", lambda: "mine")
    assert web.send("OPTIONS", "/x").text == "mine"


def test_everything_runs_in_pode_s_order(web: Web):
    seen: list[str] = []
    add_middleware("one", lambda: seen.append("one"))
    add_middleware("two", lambda: seen.append("two"))
    web.rooms.places.fill("access", lambda _: seen.append("before route"))
    web.rooms.places.fill("identify", lambda _: seen.append("before handler"))

    def handler(web_event: WebEvent) -> None:
        seen.append("handler")
        web_event.finishers.append(lambda _: seen.append("finisher"))
        web_event.on_end.append(lambda: seen.append("on_end"))

    add_route("get", "/", handler, middleware=lambda: seen.append("of the route"))
    add_endware(lambda: seen.append("endware"))
    web.get("/")
    assert seen == [
        "before route",
        "one",
        "two",
        "of the route",
        "before handler",
        "handler",
        "finisher",
        "on_end",
        "endware",
    ]


def test_middleware_that_returns_false_ends_the_request_with_the_response_as_it_is(web: Web):
    def refuse() -> bool:
        set_response_status(403)
        return False

    ran: list[str] = []
    add_middleware("refuse", refuse)
    add_middleware("late", lambda: ran.append("late"))
    add_route("get", "/", lambda: ran.append("handler"))
    assert web.get("/").status == 403
    assert ran == []


def test_middleware_that_returns_none_or_true_goes_on(web: Web):
    add_middleware("none", lambda: None)
    add_middleware("true", lambda: True)
    add_route("get", "/", lambda: "here")
    assert web.get("/").text == "here"


def test_middleware_runs_only_for_paths_that_have_a_route(web: Web):
    ran: list[str] = []
    add_middleware("one", lambda: ran.append("one"))
    assert web.get("/nowhere").status == 404
    assert ran == []


def test_who_stands_before_the_route_may_end_the_request(web: Web):
    def limit(event: WebEvent) -> bool:
        event.response.status_code = 429
        return False

    web.rooms.places.fill("rate_limit", limit)
    assert web.get("/nowhere").status == 429


def test_who_stands_before_the_handler_may_refuse_the_request(web: Web):
    def identify(_: WebEvent) -> None:
        raise StatusError(404, "no such stream")

    web.rooms.places.fill("identify", identify)
    add_route("get", "/", lambda: "never")
    answer = web.get("/")
    assert answer.status == 404
    assert "no such stream" in answer.text


@pytest.mark.parametrize("where", ["middleware", "route middleware", "handler"])
def test_a_status_error_anywhere_answers_with_its_page_and_is_not_logged(web: Web, where: str):
    def refuse() -> None:
        raise StatusError(418, "I am a teapot", headers={"X-Why": "tea"})

    if where == "middleware":
        add_middleware("refuse", refuse)
    add_route(
        "get",
        "/",
        refuse if where == "handler" else lambda: "x",
        middleware=refuse if where == "route middleware" else None,
    )
    answer = web.get("/")
    assert answer.status == 418
    assert "I am a teapot" in answer.text
    assert answer.headers["x-why"] == "tea"
    assert web.logs.errors == []


@pytest.mark.parametrize("where", ["middleware", "route middleware", "handler"])
def test_any_other_exception_is_logged_once_and_answers_500_without_details(web: Web, where: str):
    if where == "middleware":
        add_middleware("fail", fail)
    add_route(
        "get",
        "/",
        fail if where == "handler" else lambda: "x",
        middleware=fail if where == "route middleware" else None,
    )
    answer = web.get("/")
    assert answer.status == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
    assert [str(error) for error in web.logs.errors] == ["secret detail"]
    assert web.logs.wheres == ["GET /"]


def test_a_handler_that_calls_exit_ends_itself_only(web: Web):
    def leave() -> None:
        raise SystemExit(3)

    add_route("get", "/", leave)
    assert web.get("/").status == 500
    assert len(web.logs.errors) == 1


def test_what_a_failed_handler_had_written_is_not_sent_but_its_cookies_are(web: Web):
    def half(web_event: WebEvent) -> None:
        write_text_response("half of it")
        web_event.response.headers["Set-Cookie"] = "a=1"
        web_event.response.headers["Cache-Control"] = "max-age=60"
        fail()

    add_route("get", "/", half)
    answer = web.get("/")
    assert "half of it" not in answer.text
    assert answer.headers["set-cookie"] == "a=1"
    assert "cache-control" not in answer.headers


def test_returning_a_value_after_writing_a_response_is_an_error_that_says_so(web: Web):
    def twice() -> str:
        write_text_response("one")
        return "two"

    add_route("get", "/", twice)
    assert web.get("/").status == 500
    assert "wrote a response and returned a value" in str(web.logs.errors[0])


def test_setting_a_status_first_and_returning_a_value_is_fine(web: Web):
    def create() -> dict[str, int]:
        set_response_status(201)
        return {"id": 1}

    add_route("post", "/", create)
    answer = web.send("POST", "/")
    assert (answer.status, answer.text) == (201, '{"id":1}')


def test_an_async_handler_runs_on_the_loop_and_sees_the_same_event(web: Web):
    threads: list[str] = []

    async def handler() -> str:
        threads.append(threading.current_thread().name)
        return web_event.path

    add_route("get", "/async", handler)
    assert web.get("/async").text == "/async"
    assert threads == ["pode-loop"]


def test_async_middleware_stops_as_any_other(web: Web):
    async def refuse() -> bool:
        return False

    add_middleware("refuse", refuse)
    add_route("get", "/", lambda: "never")
    assert web.get("/").body == b""


def test_an_async_handler_that_raises_is_logged_once_and_answers_500(web: Web):
    async def handler() -> None:
        fail()

    add_route("get", "/", handler)
    assert web.get("/").status == 500
    assert len(web.logs.errors) == 1


def test_a_plain_function_may_hand_out_a_coroutine(web: Web):
    async def work() -> str:
        return "done"

    add_route("get", "/", lambda: [work()][0])
    assert web.get("/").text == "done"


def test_endware_runs_whatever_happened_and_may_still_change_the_response(web: Web):
    def mark(web_event: WebEvent) -> None:
        web_event.response.headers["X-End"] = str(web_event.response.status_code)

    add_endware(mark)
    add_route("get", "/fail", fail)
    assert web.get("/fail").headers["x-end"] == "500"
    assert web.get("/nowhere").headers["x-end"] == "404"


def test_endware_that_raises_is_logged_and_the_others_run(web: Web):
    ran: list[str] = []
    add_endware(fail)
    add_endware(lambda: ran.append("second"))
    add_route("get", "/", lambda: "fine")
    answer = web.get("/")
    assert (answer.status, answer.text) == (200, "fine")
    assert ran == ["second"]
    assert len(web.logs.errors) == 1


def test_finishers_get_what_ended_the_handler(web: Web):
    ends: list[BaseException | None] = []

    def watched(web_event: WebEvent) -> None:
        web_event.finishers.append(ends.append)
        if web_event.path == "/fail":
            fail()

    add_route("get", "/", watched)
    add_route("get", "/fail", watched)
    web.get("/")
    web.get("/fail")
    assert ends[0] is None
    assert isinstance(ends[1], RuntimeError)


def test_a_finisher_that_raises_is_logged_and_the_others_run(web: Web):
    ran: list[str] = []

    def watched(web_event: WebEvent) -> None:
        web_event.finishers += [lambda _: fail(), lambda _: ran.append("second")]

    add_route("get", "/", watched)
    assert web.get("/").status == 200
    assert ran == ["second"]
    assert len(web.logs.errors) == 1


def test_nothing_is_written_to_an_exchange_that_was_upgraded(web: Web):
    add_route("get", "/", lambda web_event: web_event.exchange.upgrade(Response()) and None)
    answer = web.get("/")
    assert answer.upgraded
    assert not answer.replied


@pytest.mark.parametrize("error", [RuntimeError("late"), StatusError(404)])
def test_an_exception_after_the_upgrade_is_logged_once_and_writes_nothing(
    web: Web, error: Exception
):
    def handler(web_event: WebEvent) -> None:
        web_event.exchange.upgrade(Response())
        raise error

    add_route("get", "/", handler)
    answer = web.get("/")
    assert not answer.replied
    assert web.logs.errors == [error]


def test_a_value_returned_after_the_upgrade_is_logged_as_an_error(web: Web):
    def handler(web_event: WebEvent) -> str:
        web_event.exchange.upgrade(Response())
        return "too late"

    add_route("get", "/", handler)
    assert not web.get("/").replied
    assert isinstance(web.logs.errors[0], PodeError)


def test_a_client_that_went_away_is_nobody_s_error(web: Web):
    add_route("get", "/", lambda: "x")
    assert web.get("/", gone=True).aborted
    assert web.logs.errors == []


def test_an_iterator_that_raises_half_way_is_logged_once(web: Web):
    def pieces():
        yield "one"
        raise RuntimeError("half way")

    add_route("get", "/", pieces)
    answer = web.get("/")
    assert answer.body == b"one"
    assert [str(error) for error in web.logs.errors] == ["half way"]


def test_a_connection_error_of_the_handler_s_own_iterator_is_logged(web: Web):
    def pieces():
        yield "one"
        raise ConnectionRefusedError("the database")

    add_route("get", "/", pieces)
    web.get("/")
    assert [str(error) for error in web.logs.errors] == ["the database"]


def test_the_request_log_gets_the_facts_once_the_answer_is_out(web: Web):
    web.logs.wants_requests = True
    add_route("get", "/x", lambda: "hello")
    web.get("/x?y=1", headers={"User-Agent": "curl", "Referer": "/from"}, address="10.0.0.9")
    (record,) = web.logs.requests
    assert (record.method, record.target, record.status, record.size) == ("GET", "/x?y=1", 200, 5)
    assert (record.remote_address, record.user_agent, record.referrer) == (
        "10.0.0.9",
        "curl",
        "/from",
    )
    assert record.duration >= 0


def test_requests_that_became_streams_are_in_the_request_log_too(web: Web):
    web.logs.wants_requests = True
    add_route("get", "/", lambda web_event: web_event.exchange.upgrade(Response()) and None)
    web.get("/")
    assert len(web.logs.requests) == 1


def test_the_ambient_event_is_there_while_a_request_is_handled_and_gone_after(web: Web):
    seen: list[str] = []
    add_route("get", "/a", lambda: seen.append(web_event.path))
    web.get("/a")
    assert seen == ["/a"]
    assert not web_event
    with pytest.raises(PodeError, match="while a request is handled"):
        current_event()


def test_handle_does_not_raise_even_if_the_logs_do(web: Web):
    class BrokenExchange(Exchange):
        """Fails at everything."""

        def _prepare(self, response):
            raise RuntimeError("broken engine")

        def _send(self, head, body): ...

        def _open(self, head, limits, keepalive): ...

        def _open_body(self, head): ...

        def _cut(self): ...

        def _defer(self): ...

        def _resume(self, job): ...

        def _is_ended(self): ...

    add_route("get", "/", lambda: "x")
    request = web.get("/").request
    exchange = BrokenExchange(request)
    # In a context of its own: the event must not stay in that of later tests.
    assert copy_context().run(list, web.pipeline.serve(exchange)) == []
    assert exchange.aborted
    assert web.logs.errors
