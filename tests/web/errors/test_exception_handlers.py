"""Users' functions that answer exceptions."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from pode_py import (
    ClientDisconnected,
    PodeError,
    StartError,
    StatusError,
    add_endware,
    add_exception_handler,
    add_middleware,
    add_route,
    add_route_group,
    clear_exception_handlers,
    convert_to_sse_connection,
    remove_exception_handler,
    set_header,
    set_response_status,
    test_exception_handler,
    web_event,
    write_error_log,
    write_json_response,
    write_text_response,
)
from tests.web.conftest import Web

has_handler = test_exception_handler


class NoSuchUser(LookupError):
    pass


class NoSuchGuest(NoSuchUser):
    pass


def missing() -> None:
    raise KeyError("name")


def of(text: str) -> Any:
    return lambda: text


def raises(error: BaseException) -> Any:
    def handler() -> None:
        raise error

    return handler


def test_a_handler_answers_an_exception_and_nothing_is_logged(web: Web):
    add_exception_handler(KeyError, lambda error: ({"missing": error.args[0]}, 404))
    add_route("get", "/", missing)
    answer = web.get("/")
    assert (answer.status, answer.text) == (404, '{"missing":"name"}')
    assert web.logs.errors == []


@pytest.mark.parametrize("kind", [Exception, PodeError])
def test_a_mistake_in_the_script_is_logged_though_a_handler_answers_it(web: Web, kind: Any):
    add_exception_handler(kind, lambda error: ("sorry", 500))
    add_route("get", "/", lambda: 5)
    assert web.get("/").text == "sorry"
    assert ["returned an int" in str(error) for error in web.logs.errors] == [True]


def test_a_status_that_a_handler_answers_is_not_logged(web: Web):
    add_exception_handler(StatusError, lambda error: "sorry")
    add_route("get", "/", raises(StatusError(404)))
    assert web.get("/").text == "sorry"
    assert web.logs.errors == []


def test_it_may_stand_as_a_decorator_and_take_the_event(web: Web):
    @add_exception_handler([KeyError, ValueError])
    def answer(error: Exception, web_event: Any) -> str:
        return f"{type(error).__name__} at {web_event.path}"

    add_route("get", "/key", missing)
    add_route("get", "/value", lambda: int("x"))
    assert web.get("/key").text == "KeyError at /key"
    assert web.get("/value").text == "ValueError at /value"


def test_without_a_status_of_its_own_the_answer_is_a_500(web: Web):
    add_exception_handler(KeyError, of("sorry"))
    add_route("get", "/", missing)
    assert (web.get("/").status, web.get("/").text) == (500, "sorry")


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (NoSuchGuest(), "guest"),
        (NoSuchUser(), "user"),
        (LookupError(), "lookup"),
        (IndexError(), "lookup"),
        (ZeroDivisionError(), "any"),
    ],
)
def test_the_nearest_class_counts(web: Web, raised: Exception, text: str):
    add_exception_handler(Exception, of("any"))
    add_exception_handler(LookupError, of("lookup"))
    add_exception_handler(NoSuchUser, of("user"))
    add_exception_handler(NoSuchGuest, of("guest"))
    add_route("get", "/", raises(raised))
    assert web.get("/").text == text


def test_a_handler_of_every_exception_leaves_statuses_alone(web: Web):
    add_exception_handler(Exception, of("any"))
    add_exception_handler(PodeError, of("ours"))
    add_route("get", "/", raises(StatusError(418)))
    assert web.get("/").status == 418
    assert web.get("/nowhere").status == 404


def test_a_handler_of_status_errors_gets_those_of_the_server_too(web: Web):
    @add_exception_handler(StatusError)
    def problem(error: StatusError) -> dict[str, Any]:
        return {"status": error.status, "text": error.description, "data": error.data}

    add_route("get", "/", raises(StatusError(409, "Taken", data={"name": "Ada"})))
    answer = web.get("/")
    assert (answer.status, answer.text) == (
        409,
        '{"status":409,"text":"Taken","data":{"name":"Ada"}}',
    )
    assert (web.get("/nowhere").status, web.send("POST", "/").status) == (404, 405)
    assert '"status":404' in web.get("/nowhere").text


def test_what_comes_with_a_status_error_is_on_its_json_page(web: Web):
    add_route("get", "/", raises(StatusError(409, "Taken", data={"name": "Ada"})))
    page = web.get("/", headers={"Accept": "application/json"}).text
    assert page == '{"status":{"code":409,"description":"Taken"},"data":{"name":"Ada"}}'
    assert "Ada" not in web.get("/").text


def test_an_exception_of_middleware_is_answered_too_and_endware_runs(web: Web):
    ran: list[int] = []
    add_middleware("check", missing)
    add_endware(lambda: ran.append(web_event.response.status_code))
    add_exception_handler(KeyError, lambda: ("no key", 403))
    add_route("get", "/", lambda: "never")
    assert (web.get("/").status, ran) == (403, [403])


def test_a_generator_that_raises_before_its_first_piece_is_answered_too(web: Web):
    def pieces() -> Any:
        missing()
        yield "never"

    add_exception_handler(KeyError, lambda: ("no key", 404))
    add_route("get", "/", pieces)
    assert (web.get("/").status, web.get("/").text) == (404, "no key")


def test_what_the_handler_of_the_route_had_written_is_gone_but_its_headers_stay(web: Web):
    def handler() -> None:
        set_header("X-Trace", "1")
        write_json_response({"half": 1}, status_code=202)
        missing()

    add_exception_handler(KeyError, of("sorry"))
    add_route("get", "/", handler)
    answer = web.get("/")
    assert (answer.status, answer.text, answer.headers["x-trace"]) == (500, "sorry", "1")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "write",
    [
        lambda error: write_text_response("written", status_code=404),
        lambda error: (set_response_status(404), write_text_response("written"))[0],
        lambda error: ("written", 404),
        lambda error: (iter(["wri", "tten"]), 404),
    ],
)
def test_it_may_answer_as_the_handler_of_a_route_does(web: Web, write: Any):
    add_exception_handler(KeyError, write)
    add_route("get", "/", missing)
    assert (web.get("/").status, web.get("/").text) == (404, "written")


def test_an_async_one_may_wait(web: Web):
    @add_exception_handler(KeyError)
    async def answer(error: KeyError) -> tuple[str, int]:
        await asyncio.sleep(0)
        return f"{error} {web_event.path}", 404

    add_route("get", "/", missing)
    assert (web.get("/").status, web.get("/").text) == (404, "'name' /")


def test_one_behind_a_plain_decorator_runs(web: Web):
    async def answer(error: KeyError) -> str:
        return f"async {error}"

    def plain(error: KeyError) -> Any:
        return answer(error)

    add_exception_handler(KeyError, plain)
    add_route("get", "/", missing)
    assert web.get("/").text == "async 'name'"


def test_one_that_answers_nothing_leaves_it_to_the_page_and_the_log(web: Web):
    seen: list[BaseException] = []
    add_exception_handler(KeyError, seen.append)
    add_route("get", "/", missing)
    assert web.get("/").status == 500
    assert [type(error) for error in (*seen, *web.logs.errors)] == [KeyError, KeyError]


def test_one_that_raises_again_leaves_it_to_the_page_and_the_log(web: Web):
    def again(error: KeyError) -> None:
        raise error

    add_exception_handler(KeyError, again)
    add_route("get", "/", missing)
    assert web.get("/").status == 500
    assert [type(error) for error in web.logs.errors] == [KeyError]


def test_one_that_raises_a_status_answers_with_its_page(web: Web):
    add_exception_handler(KeyError, raises(StatusError(404, "No such name")))
    add_exception_handler(StatusError, of("not asked again"))
    add_route("get", "/", missing)
    assert web.get("/").status == 404
    assert "No such name" in web.get("/").text
    assert web.logs.errors == []


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_one_that_fails_is_a_500_and_both_errors_are_logged(web: Web, kind: str):
    def fail(error: KeyError) -> None:
        raise ZeroDivisionError("in the handler of the exception")

    async def fail_later(error: KeyError) -> None:
        await asyncio.sleep(0)
        fail(error)

    add_exception_handler(KeyError, fail if kind == "plain" else fail_later)
    add_route("get", "/", missing)
    assert web.get("/").status == 500
    (logged,) = web.logs.errors
    text = "".join(traceback.format_exception(logged))
    assert "ZeroDivisionError: in the handler of the exception" in text
    assert "KeyError: 'name'" in text


def test_one_that_returns_what_means_no_response_is_named(web: Web):
    add_exception_handler(KeyError, lambda: {1})
    add_route("get", "/", missing)
    assert web.get("/").status == 500
    assert "the handler of add_exception_handler(KeyError), returned a set" in str(
        web.logs.errors[0]
    )


def test_within_it_the_exception_is_the_one_being_handled(web: Web):
    logged: list[str] = []

    def note(error: KeyError) -> str:
        try:
            write_error_log()
        except Exception as failure:  # there are no logs here: it has found what to log
            logged.append(str(failure))
        return "noted"

    add_exception_handler(KeyError, note)
    add_route("get", "/", missing)
    assert web.get("/").text == "noted"
    assert "nothing to log" not in "".join(logged)


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()])
def test_what_is_no_exception_goes_past_them(web: Web, raised: BaseException):
    add_exception_handler(Exception, of("any"))
    add_route("get", "/", raises(raised))
    assert web.get("/").status == 500
    assert web.logs.errors == [raised]


def test_a_client_that_has_left_goes_past_them(web: Web):
    seen: list[BaseException] = []
    add_exception_handler(Exception, seen.append)
    add_route("get", "/", raises(ClientDisconnected()))
    web.get("/")
    assert seen == []


def test_a_group_has_its_own(web: Web):
    add_exception_handler(KeyError, of("server"))
    with add_route_group("/api"):
        add_route("get", "/first", missing)
        add_exception_handler(KeyError, of("group"))
        with add_route_group("/inner"):
            add_route("get", "/key", missing)
            add_route("get", "/value", lambda: int("x"))
            add_exception_handler(ValueError, of("inner"))
    add_route("get", "/", missing)
    assert web.get("/").text == "server"
    assert web.get("/api/first").text == "group"
    assert web.get("/api/inner/key").text == "group"
    assert web.get("/api/inner/value").text == "inner"


def test_a_group_without_its_own_has_those_of_the_server(web: Web):
    with add_route_group("/api"):
        add_route("get", "/key", missing)
    add_exception_handler(KeyError, of("server"))
    assert web.get("/api/key").text == "server"


def test_they_can_be_removed_and_asked_for(web: Web):
    add_exception_handler([KeyError, ValueError], of("mine"))
    add_route("get", "/", missing)
    assert has_handler(KeyError)
    assert not has_handler(LookupError)
    remove_exception_handler(KeyError)
    remove_exception_handler(KeyError)
    assert not has_handler(KeyError)
    assert has_handler(ValueError)
    clear_exception_handlers()
    assert not has_handler(ValueError)
    assert "mine" not in web.get("/").text


def test_a_class_has_one_handler(web: Web):
    add_exception_handler(KeyError, of("one"))
    with pytest.raises(PodeError, match=r"already.*remove_exception_handler\(KeyError\)"):
        add_exception_handler(KeyError, of("two"))


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (KeyError("name"), "Pass its class, KeyError"),
        (404, "pass StatusError"),
        ("KeyError", "Pass a class such as KeyError"),
        (ClientDisconnected, "Nobody waits for an answer any more"),
        (SystemExit, "Pass a class such as KeyError"),
        (dict, "Pass a class such as KeyError"),
    ],
)
def test_what_is_no_class_of_exceptions_is_an_error_that_says_what_is(
    web: Web, given: Any, advice: str
):
    with pytest.raises(TypeError, match=advice):
        add_exception_handler(given, of("x"))


def test_a_parameter_that_nothing_fills_is_an_error_when_it_is_added(web: Web):
    with pytest.raises(PodeError, match="nothing fills it"):
        add_exception_handler(KeyError, lambda error, other: None)


def test_a_bare_decorator_is_an_error_that_shows_how_it_is_written(web: Web):
    with pytest.raises(PodeError, match=r"@add_exception_handler\(KeyError\)"):

        @add_exception_handler  # type: ignore[arg-type]
        def answer(error: Exception) -> None: ...


def test_one_that_never_got_its_function_keeps_the_server_from_starting(web: Web):
    add_exception_handler(KeyError)
    with pytest.raises(StartError, match=r"add_exception_handler\(KeyError\) at .* has no handler"):
        web.registrations.check()


def test_over_sockets_a_plain_and_an_async_route_are_answered_and_the_connection_goes_on(
    live_server: Any,
):
    def set_up() -> None:
        @add_exception_handler(KeyError)
        async def answer(error: KeyError) -> tuple[dict[str, str], int]:
            await asyncio.sleep(0)
            return {"missing": str(error.args[0])}, 404

        @add_route("get", "/async")
        async def route() -> None:
            await asyncio.sleep(0)
            missing()

        add_route("get", "/plain", missing)

    live = live_server(set_up)
    for path in ("/plain", "/async", "/plain"):
        answer = live.get(path)
        assert (answer.status_code, answer.json()) == (404, {"missing": "name"})


def test_an_open_stream_has_nothing_left_to_answer(live_server: Any):
    seen: list[BaseException] = []

    def set_up() -> None:
        add_exception_handler(Exception, seen.append)

        @add_route("get", "/events")
        def events() -> None:
            convert_to_sse_connection("Events", scope="local")
            raise ZeroDivisionError("in the stream")

    live = live_server(set_up)
    with live.sse("/events") as events:
        events.next("pode.open")
        events.until_closed()
    assert seen == []


def test_a_status_error_without_a_text_has_that_of_its_page(web: Web):
    add_exception_handler(StatusError, lambda error: {"problem": error.description})
    add_route("get", "/", raises(StatusError(409)))
    assert web.get("/").text == '{"problem":"Conflict"}'
    assert web.get("/nowhere").text == '{"problem":"Not Found"}'
