"""Views over real sockets, on both engines."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from pode_py import (
    add_route,
    add_timer,
    enable_log_error_type,
    invoke_timer,
    new_log_custom_method,
    set_view_engine,
    use_partial_view,
    web_event,
    write_html_response,
    write_markdown_response,
    write_view_response,
)
from tests.server.program import DEADLINE, beside


@pytest.fixture
def views(tmp_path: Path) -> Path:
    """The folder views/ of a server whose root is tmp_path."""
    folder = tmp_path / "views"
    folder.mkdir()
    return folder


def test_a_page_is_answered_from_plain_and_async_handlers(live_server, tmp_path, views):
    (views / "page.html").write_text("<p>{{ name }} at {{ web_event.path }}</p>")

    def set_up() -> None:
        @add_route("get", "/plain")
        def plain() -> None:
            write_view_response("page", {"name": "Ann"})

        @add_route("get", "/async")
        async def later() -> None:
            await asyncio.sleep(0)
            write_view_response("page", {"name": "Bo"}, status_code=203)

    live = live_server(set_up, root_path=tmp_path)
    assert live.get("/plain").text == "<p>Ann at /plain</p>"
    answer = live.get("/async")
    assert (answer.status_code, answer.text) == (203, "<p>Bo at /async</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_many_threads_render_side_by_side_each_with_its_own_values(live_server, tmp_path, views):
    (views / "page.html").write_text("{{ n }} {{ meet() }} {{ n }} {{ web_event.path }}")
    (views / "page.pode").write_text("$(data.n) $(meet()) $(data.n) $(web_event.path)")
    barrier = threading.Barrier(4)

    def meet() -> str:
        barrier.wait(DEADLINE)
        return "met"

    def set_up() -> None:
        @add_route("get", "/:file/:n")
        def page() -> None:
            parameters = web_event.parameters
            write_view_response(parameters["file"], {"n": parameters["n"], "meet": meet})

    live = live_server(set_up, root_path=tmp_path, threads=8)
    for file in ("page", "page.pode"):
        answers = [beside(live.get, f"/{file}/{n}") for n in range(4)]
        texts = [answer.result(DEADLINE).text for answer in answers]
        assert texts == [f"{n} met {n} /{file}/{n}" for n in range(4)]


def test_a_path_of_a_client_reaches_nothing_but_views(live_server, tmp_path, views):
    (views / "page.html").write_text("page")
    (tmp_path / "secret.html").write_text("secret")

    def set_up() -> None:
        add_route("get", "/:name", lambda: write_view_response(web_event.parameters["name"]))

    live = live_server(set_up, root_path=tmp_path)
    assert live.get("/page").text == "page"
    for name in ("..%2fsecret", "..%5csecret", "%2e%2e%2fsecret", "%2fetc%2fpasswd"):
        assert live.get(f"/{name}").status_code == 404


def test_an_error_of_a_template_is_500_and_logged_with_its_line(live_server, tmp_path, views):
    (views / "page.html").write_text("<p>\n{{ 1 / 0 }}")
    logged: list[str] = []

    def set_up() -> None:
        method = new_log_custom_method(lambda item: logged.append(str(item)))
        enable_log_error_type(method)
        add_route("get", "/", lambda: write_view_response("page"))

    live = live_server(set_up, root_path=tmp_path)
    assert live.get("/").status_code == 500
    live.stop()
    [text] = logged
    assert "page.html, line 2" in text
    assert "test_view_conversations.py" in text


def test_a_view_can_be_rendered_without_a_request(live_server, tmp_path, views):
    (views / "mail.html").write_text("Dear {{ name }}")
    made: list[str] = []

    def set_up() -> None:
        @add_timer("mail", 3600)
        def mail() -> None:
            made.append(use_partial_view("mail", {"name": "Ann"}))

        add_route("get", "/", lambda: invoke_timer("mail"))

    live = live_server(set_up, root_path=tmp_path)
    live.get("/")
    assert made == ["Dear Ann"]


def test_an_engine_of_ones_own_renders_on_the_thread_of_the_handler(live_server, tmp_path, views):
    (views / "page.own").write_text("x")

    def set_up() -> None:
        @set_view_engine("own")
        def render(path: str, data: dict[str, str]) -> str:
            return str(data["thread"] == threading.current_thread().name)

        @add_route("get", "/")
        def page() -> None:
            write_view_response("page", {"thread": threading.current_thread().name})

        @add_route("get", "/async")
        async def later() -> None:
            write_view_response("page", {"thread": threading.current_thread().name})

    live = live_server(set_up, root_path=tmp_path)
    assert [live.get(path).text for path in ("/", "/async")] == ["True", "True"]


def test_head_has_the_length_of_the_page_and_no_body(live_server, tmp_path, views):
    (views / "page.html").write_text("hällo")

    def set_up() -> None:
        add_route("get", "/", lambda: write_view_response("page"))

    live = live_server(set_up, root_path=tmp_path)
    answer = live.request("HEAD", "/")
    assert (answer.headers["content-length"], answer.body) == ("6", b"")


def test_markdown_is_sent_as_it_is_or_as_html(live_server, tmp_path):
    (tmp_path / "note.md").write_text("# Note\n\n<b>raw</b>")

    def set_up() -> None:
        add_route("get", "/md", lambda: write_markdown_response("# T <b>"))
        add_route("get", "/html", lambda: write_markdown_response("# T <b>", as_html=True))
        add_route("get", "/file", lambda: write_markdown_response(path="note.md", as_html=True))

    live = live_server(set_up, root_path=tmp_path)
    answers = {path: live.get(path) for path in ("/md", "/html", "/file")}
    assert answers["/md"].headers["content-type"] == "text/markdown; charset=utf-8"
    assert answers["/md"].text == "# T <b>"
    assert answers["/html"].headers["content-type"] == "text/html; charset=utf-8"
    assert answers["/html"].text == '<h1 id="t-b">T &lt;b&gt;</h1>\n'
    assert "<b>raw</b>" in answers["/file"].text


def test_a_long_page_can_be_rendered_beside_the_loop(live_server, tmp_path, views):
    (views / "page.html").write_text("{{ web_event.path }} {{ thread() }}")

    def set_up() -> None:
        @add_route("get", "/")
        async def page() -> None:
            data = {"thread": lambda: threading.current_thread().name}
            write_html_response(await asyncio.to_thread(use_partial_view, "page", data))

    live = live_server(set_up, root_path=tmp_path)
    path, thread = live.get("/").text.split()
    assert path == "/"
    assert thread.startswith("asyncio")
