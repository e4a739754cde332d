"""Pode's functions about middleware and endware."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pode_py.core.errors import PodeError, StartError
from pode_py.web.event import web_event
from pode_py.web.middleware.functions import (
    add_endware,
    add_middleware,
    clear_middleware,
    new_middleware,
    remove_middleware,
    use_endware,
    use_middleware,
)
from pode_py.web.middleware.functions import (
    test_middleware as has_middleware,
)
from pode_py.web.responses.functions import write_text_response
from pode_py.web.routing.functions import add_route
from tests.web.conftest import Web


def stop() -> bool:
    write_text_response("stopped")
    return False


def add_routes() -> None:
    for path in ("/", "/api/users", "/api", "/other"):
        add_route("get", path, lambda: "handler")


@pytest.mark.parametrize(
    ("route", "stopped"),
    [
        (None, {"/", "/api/users", "/api", "/other"}),
        ("/", {"/", "/api/users", "/api", "/other"}),
        ("/api", {"/api"}),
        ("/API/*", {"/api/users"}),
        ("api*", {"/api", "/api/users"}),
        ("/api/:what", {"/api/users"}),
    ],
)
def test_the_route_of_middleware_bounds_it(web: Web, route: str | None, stopped: set[str]):
    add_routes()
    add_middleware("stop", stop, route=route)
    paths = ("/", "/api/users", "/api", "/other")
    assert {path for path in paths if web.get(path).text == "stopped"} == stopped


def test_middleware_is_added_with_a_decorator_too(web: Web):
    add_routes()
    assert add_middleware("stop")(stop) is stop
    assert web.get("/").text == "stopped"


def test_a_forgotten_decorator_is_found_at_the_start(web: Web):
    add_middleware("forgotten")
    with pytest.raises(StartError, match='add_middleware\\("forgotten"\\)'):
        web.registrations.check()


def test_middleware_made_before_may_be_added_in_both_ways(web: Web):
    add_routes()
    made = new_middleware(stop, route="/api")
    add_middleware("one", made)
    add_middleware("two", input_object=made, route="/other")
    assert web.get("/api").text == "stopped"
    assert web.get("/other").text == "stopped"
    assert web.get("/").text == "handler"


def test_a_handler_and_an_input_object_exclude_each_other(web: Web):
    with pytest.raises(ValueError, match="not both"):
        add_middleware("x", stop, input_object=new_middleware(stop))


def test_middleware_gets_its_arguments(web: Web):
    add_routes()
    add_middleware("role", lambda role: write_text_response(role) or False, argument_list=["admin"])
    assert web.get("/").text == "admin"


def test_a_name_is_taken_once_and_must_be_one(web: Web):
    add_middleware("Stop", stop)
    with pytest.raises(PodeError, match="'stop' already exists"):
        add_middleware("stop", stop)
    with pytest.raises(ValueError, match="name must not be empty"):
        add_middleware(" ", stop)


def test_middleware_may_be_removed_cleared_and_looked_for(web: Web):
    add_middleware("one", stop)
    add_middleware("two", stop)
    assert has_middleware("ONE")
    remove_middleware("One")
    remove_middleware("one")
    assert not has_middleware("one")
    clear_middleware()
    assert not has_middleware("two")


def test_middleware_and_endware_come_from_folders(web: Web):
    for folder, call in (("middleware", "add_middleware('x', "), ("endware", "add_endware(")):
        (web.root / folder).mkdir()
        (web.root / folder / "x.py").write_text(
            "from pode_py.web.middleware.functions import add_endware, add_middleware\n"
            f"def mark(web_event):\n    web_event.response.headers['X-{folder}'] = 'yes'\n"
            f"{call}mark)\n"
        )
    use_middleware()
    use_endware("endware")
    add_routes()
    answer = web.get("/")
    assert (answer.headers["x-middleware"], answer.headers["x-endware"]) == ("yes", "yes")


def test_endware_is_added_with_a_decorator_and_gets_its_arguments(web: Web):
    seen: list[str] = []

    @add_endware(argument_list={"text": "done"})
    def mark(text: str) -> None:
        seen.append(f"{text} {web_event.path}")

    web.get("/nowhere")
    assert seen == ["done /nowhere"]


def test_async_endware_runs(web: Web):
    seen: list[str] = []

    async def mark() -> None:
        seen.append(web_event.path)

    add_endware(mark)
    web.get("/x")
    assert seen == ["/x"]


def test_middleware_that_returns_what_nobody_awaits_lets_nobody_in(web: Web):
    class Refusal:
        def __await__(self) -> Generator[None, None, bool]:
            yield
            return False

    add_middleware("refuse", Refusal)
    add_routes()
    answer = web.get("/")
    assert (answer.status, "handler" in answer.text) == (500, False)
    assert "nobody awaits" in str(web.logs.errors[0])
