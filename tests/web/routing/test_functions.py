"""Pode's functions about routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pode_py.core.errors import PodeError, StartError
from pode_py.core.registration import Registration
from pode_py.web.endpoints.functions import add_endpoint
from pode_py.web.event import WebEvent, web_event
from pode_py.web.middleware.functions import add_middleware, new_middleware
from pode_py.web.routing.functions import (
    add_route,
    add_route_group,
    clear_routes,
    get_route,
    remove_route,
    set_route_if_exists_preference,
    use_routes,
)
from pode_py.web.routing.functions import (
    test_route as has_route,
)
from tests.web.conftest import Web


def test_a_route_is_added_with_a_function(web: Web):
    add_route("get", "/x", lambda: "x")
    assert web.get("/x").text == "x"


def test_a_route_is_added_with_a_decorator_that_gives_the_function_back(web: Web):
    def handler() -> str:
        return "x"

    assert add_route("get", "/x")(handler) is handler
    assert web.get("/x").text == "x"


def test_a_route_is_added_with_a_file(web: Web):
    (web.root / "x.py").write_text("def handler(web_event):\n    return web_event.path\n")
    add_route("get", "/x", file_path="x.py")
    assert web.get("/x").text == "/x"


def test_a_forgotten_decorator_is_found_at_the_start(web: Web):
    add_route("get", "/x")
    with pytest.raises(StartError, match=r'add_route\("get", "/x"\) at .*test_functions.py'):
        web.registrations.check()


def test_methods_may_be_several_in_any_case_or_any(web: Web):
    add_route(["GET", "Post"], "/x", lambda web_event: web_event.method)
    add_route("*", "/any", lambda web_event: web_event.method)
    assert [web.send(method, "/x").text for method in ("GET", "POST")] == ["get", "post"]
    assert web.send("PATCH", "/any").text == "patch"


def test_an_unknown_method_is_refused_with_the_choices(web: Web):
    method: Any = "fetch"
    with pytest.raises(ValueError, match="'get'"):
        add_route(method, "/x", lambda: None)


def test_a_handler_may_take_the_event_and_arguments(web: Web):
    def greet(greeting: str, web_event: WebEvent, name: str = "nobody") -> str:
        return f"{greeting} {name} at {web_event.path}"

    add_route("get", "/a", greet, argument_list=["hi"])
    add_route("get", "/b", greet, argument_list={"name": "Bob", "greeting": "hello"})
    assert web.get("/a").text == "hi nobody at /a"
    assert web.get("/b").text == "hello Bob at /b"


def test_a_handler_that_nothing_fills_is_refused_at_once(web: Web):
    def needs(something: str) -> None: ...

    with pytest.raises(PodeError, match="has the parameter 'something', and nothing fills it"):
        add_route("get", "/x", needs)


def test_a_handler_that_is_no_function_is_refused_at_once(web: Web):
    handler: Any = "handler"
    with pytest.raises(TypeError, match="takes a function"):
        add_route("get", "/x", handler)


def test_a_handler_and_a_file_exclude_each_other(web: Web):
    with pytest.raises(ValueError, match="not both"):
        add_route("get", "/x", lambda: None, file_path="x.py")


def test_pass_thru_gives_the_route_or_the_list_of_them(web: Web):
    one = add_route("get", "/x", lambda: None, pass_thru=True)
    two = add_route(["get", "put"], "/y", lambda: None, pass_thru=True)
    assert (one.method, one.path) == ("get", "/x")
    assert [route.method for route in two] == ["get", "put"]
    assert isinstance(add_route("get", "/z", lambda: None), Registration)


def test_path_parameters_reach_the_handler(web: Web):
    add_route("get", "/users/:id/*", lambda: dict(web_event.parameters))
    assert web.get("/users/7/a/b").text == '{"id":"7","*":"a/b"}'


def test_a_parameter_the_path_does_not_have_is_400_and_named(web: Web):
    add_route("get", "/users/:id", lambda: web_event.parameters["name"])
    answer = web.get("/users/7")
    assert answer.status == 400
    assert "name" in answer.text


def test_middleware_of_a_route_may_be_functions_names_and_objects(web: Web):
    seen: list[str] = []

    def say(text: str) -> None:
        seen.append(text)

    add_middleware("named", lambda: seen.append("named"), route="/elsewhere")
    middleware = [
        lambda: seen.append("function"),
        "named",
        new_middleware(say, argument_list=["object"]),
    ]
    add_route("get", "/x", lambda: None, middleware=middleware)
    web.get("/x")
    assert seen == ["function", "named", "object"]


def test_middleware_that_is_not_there_or_no_function_is_refused(web: Web):
    with pytest.raises(PodeError, match="Middleware 'gone' does not exist"):
        add_route("get", "/x", lambda: None, middleware="gone")
    with pytest.raises(TypeError, match="not 7"):
        add_route("get", "/x", lambda: None, middleware=7)


def test_the_content_type_of_a_route_says_how_to_read_bodies(web: Web):
    add_route("post", "/x", lambda: web_event.data["a"], content_type="application/json")
    assert web.post("/x", b'{"a": "b"}', "text/plain").text == "b"


def test_the_error_content_type_of_a_route_makes_its_pages(web: Web):
    def fail() -> None:
        raise RuntimeError

    add_route("get", "/x", fail, error_content_type="application/json")
    assert web.get("/x").headers["content-type"].startswith("application/json")


def test_a_route_for_an_endpoint_answers_there_only(web: Web):
    public = add_endpoint(port=8080, name="public", pass_thru=True)
    admin = add_endpoint(port=9090, name="admin", pass_thru=True)
    add_route("get", "/", lambda: "admin", endpoint_name="Admin")
    add_route("get", "/", lambda: "anybody")
    assert web.get("/", endpoint=admin).text == "admin"
    assert web.get("/", endpoint=public).text == "anybody"


def test_an_endpoint_that_does_not_exist_is_refused(web: Web):
    with pytest.raises(PodeError, match="Endpoint 'admin' does not exist"):
        add_route("get", "/", lambda: None, endpoint_name="admin")


def test_groups_share_path_middleware_and_more(web: Web):
    seen: list[str] = []

    def routes() -> None:
        add_route("get", "/users", lambda: web_event.path, middleware=lambda: seen.append("own"))

    add_route_group("/api", routes, middleware=lambda: seen.append("group"))
    assert web.get("/api/users").text == "/api/users"
    assert seen == ["group", "own"]
    assert web.get("/users").status == 404


def test_groups_stand_in_groups_and_work_with_with(web: Web):
    with add_route_group("/api", error_content_type="application/json"):
        with add_route_group("v1/"):
            add_route("get", "users/:id", lambda: web_event.parameters["id"])
            add_route("post", "/fail", lambda: web_event.data["missing"])
        add_route("get", "/", lambda: "root")
    add_route("get", "/after", lambda: "after")
    assert web.get("/api/v1/users/7").text == "7"
    assert web.send("POST", "/api/v1/fail").headers["content-type"].startswith("application/json")
    assert web.get("/api/").text == "root"
    assert web.get("/after").text == "after"


def test_a_group_that_raises_does_not_stay(web: Web):
    with pytest.raises(RuntimeError), add_route_group("/api"):
        raise RuntimeError
    add_route("get", "/x", lambda: "x")
    assert web.get("/x").text == "x"


def test_a_route_that_exists_is_an_error_by_default(web: Web):
    add_route("get", "/x", lambda: "one")
    with pytest.raises(PodeError, match="already exists"):
        add_route("get", "/x", lambda: "two")


@pytest.mark.parametrize(("choice", "answer"), [("skip", "one"), ("Overwrite", "two")])
def test_if_exists_decides_for_one_route(web: Web, choice: Any, answer: str):
    add_route("get", "/x", lambda: "one")
    add_route("get", "/x", lambda: "two", if_exists=choice)
    assert web.get("/x").text == answer


def test_if_exists_is_looked_for_from_the_route_outwards(web: Web):
    (web.root / "routes").mkdir()
    (web.root / "routes" / "x.py").write_text(
        "from pode_py.web.routing.functions import add_route, add_route_group\n"
        "add_route('get', '/folder', lambda: 'two')\n"
        "with add_route_group(if_exists='overwrite'):\n"
        "    add_route('get', '/group', lambda: 'two')\n"
        "    add_route('get', '/route', lambda: 'two', if_exists='skip')\n"
    )
    for path in ("/folder", "/group", "/route", "/preference"):
        add_route("get", path, lambda: "one")
    use_routes(if_exists="skip")
    set_route_if_exists_preference("overwrite")
    add_route("get", "/preference", lambda: "two")
    texts = [web.get(path).text for path in ("/folder", "/group", "/route", "/preference")]
    assert texts == ["one", "two", "one", "two"]


def test_use_routes_takes_files_of_sub_folders_and_other_folders(web: Web, tmp_path: Path):
    inner = web.root / "mine" / "inner"
    inner.mkdir(parents=True)
    (inner / "x.py").write_text(
        "from pode_py.web.routing.functions import add_route\nadd_route('get', '/x', lambda: 'x')\n"
    )
    use_routes("mine")
    assert web.get("/x").text == "x"
    with pytest.raises(PodeError, match="routes does not exist"):
        use_routes()


def test_remove_route_takes_exactly_this_route_away(web: Web):
    add_route(["get", "put"], "/users/:id", lambda: "x")
    remove_route("GET", "users/:id")
    assert web.get("/users/7").status == 405
    assert web.send("PUT", "/users/7").status == 200
    remove_route("get", "/users/:id")


def test_clear_routes_takes_one_method_or_all_away(web: Web):
    add_route(["get", "put"], "/x", lambda: "x")
    clear_routes("get")
    assert web.get("/x").status == 405
    clear_routes()
    assert web.get("/x").status == 404


def test_test_route_looks_for_what_was_added(web: Web):
    add_route("get", "/users/:id", lambda: None)
    add_route("*", "/any", lambda: None)
    assert has_route("get", "users/:id")
    assert not has_route("get", "/users/7")
    assert not has_route("post", "/users/:id")
    assert not has_route("get", "/any")
    assert has_route("get", "/any", check_wildcard=True)
    assert has_route("*", "/any")


def test_get_route_selects_by_method_path_and_endpoint(web: Web):
    add_endpoint(name="admin")
    add_route(["get", "post"], "/a", lambda: None)
    add_route("get", "/b", lambda: None, endpoint_name="admin")
    assert len(get_route()) == 3
    assert [route.path for route in get_route("get")] == ["/a", "/b"]
    assert [route.method for route in get_route(path="a")] == ["get", "post"]
    assert [route.path for route in get_route(endpoint_name="ADMIN")] == ["/b"]
    assert get_route("get", "/nowhere") == []
    (route,) = get_route("post")
    assert route.logic is not None
    assert not route.is_static
