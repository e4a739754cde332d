"""Which of many routes a request is for."""

from __future__ import annotations

import threading
import time

import pytest

from pode_py.core import ambient
from pode_py.core.errors import PodeError
from pode_py.core.handlers import Handler
from pode_py.web.routing.route import Route
from pode_py.web.routing.router import Router


def route(path: str, method: str = "get", endpoint: str = "") -> Route:
    """A route that does nothing."""
    return Route(
        method, path, Handler(lambda: None, ambient.WEB, what="add_route"), endpoint_name=endpoint
    )


def router_of(*routes: Route) -> Router:
    """A router with these routes."""
    router = Router()
    router.add(routes, "error")
    return router


def found(router: Router, path: str, method: str = "get", endpoint: str = "") -> Route | None:
    """The route for a request."""
    answer = router.find(method, path, endpoint)
    return answer and answer[0]


def test_literal_paths_ignore_case():
    users = route("/Users")
    assert found(router_of(users), "/uSERS") is users


def test_a_slash_at_the_end_makes_another_path():
    assert found(router_of(route("/users")), "/users/") is None


def test_a_literal_path_goes_before_patterns_and_patterns_go_in_order():
    wild, parameter, literal = route("/users/*"), route("/users/:id"), route("/users/me")
    router = router_of(wild, parameter, literal)
    assert found(router, "/users/me") is literal
    assert found(router, "/users/7") is wild
    assert found(router_of(parameter, wild), "/users/7") is parameter


def test_a_route_for_any_method_goes_first():
    get, any_method = route("/x"), route("/x", "*")
    assert found(router_of(get, any_method), "/x") is any_method


def test_head_takes_its_own_route_before_that_of_get():
    get, head = route("/x"), route("/x", "head")
    assert found(router_of(get, head), "/x", "head") is head
    assert found(router_of(get), "/x", "head") is get


def test_a_route_for_the_endpoint_goes_before_one_for_any():
    general, admin = route("/"), route("/", endpoint="Admin")
    router = router_of(general, admin)
    assert router.uses_endpoints
    assert found(router, "/", endpoint="admin") is admin
    assert found(router, "/", endpoint="other") is general


def test_a_route_for_another_endpoint_is_none():
    router = router_of(route("/", endpoint="admin"), route("/u/:id", endpoint="admin"))
    assert found(router, "/", endpoint="users") is None
    assert found(router, "/u/1", endpoint="users") is None
    assert router.methods("/", "users") == set()


def test_patterns_prefer_the_route_for_the_endpoint_too():
    general, admin = route("/u/:id"), route("/u/:name", endpoint="admin")
    assert found(router_of(general, admin), "/u/1", endpoint="admin") is admin


def test_methods_are_those_of_all_routes_for_the_path():
    router = router_of(route("/u/:id"), route("/u/7", "put"), route("/other", "delete"))
    assert router.methods("/u/7") == {"GET", "HEAD", "PUT"}


def test_a_route_that_exists_is_an_error_that_says_what_to_do():
    with pytest.raises(
        PodeError, match=r"Route GET /X already exists\. Pass if_exists='overwrite'"
    ):
        router_of(route("/x")).add([route("/X")], "error")


def test_if_one_of_several_routes_exists_none_is_added():
    router = router_of(route("/x", "post"))
    with pytest.raises(PodeError):
        router.add([route("/x"), route("/x", "post")], "error")
    assert found(router, "/x") is None


def test_routes_may_be_overwritten_or_skipped():
    first, second = route("/x"), route("/x")
    router = router_of(first)
    assert router.add([second], "skip") == []
    assert found(router, "/x") is first
    assert router.add([second], "overwrite") == [second]
    assert found(router, "/x") is second


def test_routes_may_be_removed_and_removing_twice_is_no_error():
    router = router_of(route("/x"), route("/x", "post"))
    router.remove("get", "/X")
    router.remove("get", "/x")
    assert router.methods("/x") == {"POST"}


def test_clear_removes_one_method_or_all():
    router = router_of(route("/x"), route("/x", "post"))
    router.clear("get")
    assert router.methods("/x") == {"POST"}
    router.clear()
    assert router.methods("/x") == set()


def test_routes_may_come_and_go_while_requests_are_answered():
    router = router_of(route("/stays"), route("/stays/:id"))
    missed: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for path in ("/stays", "/stays/7"):
                if found(router, path) is None:
                    missed.append(path)

    thread = threading.Thread(target=ask)
    thread.start()
    for number in range(300):
        router.add([route(f"/new/{number}"), route(f"/new/{number}/:id")], "error")
        router.remove("get", f"/new/{number}")
    stop.set()
    thread.join()
    assert missed == []
    assert found(router, "/new/0/x") is not None


@pytest.mark.parametrize("form", ["/:a/r{}", "/r{}/:a", "/*/r{}", "/r{}/*", "/:a-r{}/x"])
def test_a_long_path_against_a_thousand_routes_is_quick(form: str):
    router = router_of(*(route(form.format(number)) for number in range(1000)))
    path = "/" + "a-" * 10_000
    router.find("get", path)
    started = time.process_time()
    assert router.find("get", path) is None
    assert time.process_time() - started < 0.02
