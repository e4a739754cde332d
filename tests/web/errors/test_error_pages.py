"""Pages for statuses from 400 up."""

from __future__ import annotations

import json
import re
import traceback
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pode_py.core import ambient
from pode_py.core.errors import StatusError
from pode_py.web.endpoints.functions import add_endpoint
from pode_py.web.errors.page_functions import set_error_page_defaults
from pode_py.web.routing.functions import add_route
from pode_py.web.views.functions import set_view_engine
from tests.web.conftest import Web


def own_page(web: Web, name: str, text: str) -> None:
    """Write one of the user's pages."""
    (web.root / "errors").mkdir(exist_ok=True)
    (web.root / "errors" / name).write_text(text)


def refuse() -> None:
    raise StatusError(404, "<script>alert(1)</script>")


def test_an_own_page_ends_as_its_file_does(web: Web):
    own_page(web, "404.html", "<p>nothing here</p>\n")
    assert web.get("/x").text == "<p>nothing here</p>\n"


def test_the_page_is_html_unless_json_is_wanted(web: Web):
    assert web.get("/x").headers["content-type"] == "text/html; charset=utf-8"
    accept = {"Accept": "application/json;q=0.9, */*;q=0.1"}
    answer = web.get("/x", headers=accept)
    assert json.loads(answer.text) == {"status": {"code": 404, "description": "Not Found"}}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Accept": "text/html,application/json;q=0.5"}, "text/html"),
        ({"Accept": "application/json, text/html;q=0.5"}, "application/json"),
        ({"Accept": "*/*"}, "text/html"),
        ({"Accept": "image/png"}, "text/html"),
        ({"Accept": "application/json;q=0"}, "text/html"),
        ({"Content-Type": "application/json"}, "application/json"),
        ({"Content-Type": "application/json", "Accept": "text/html"}, "text/html"),
    ],
)
def test_the_type_follows_what_the_client_says(web: Web, headers: dict[str, str], kind: str):
    assert web.get("/x", headers=headers).headers["content-type"].startswith(kind)


def test_the_type_of_the_route_goes_before_what_the_client_says(web: Web):
    add_route("get", "/x", refuse, error_content_type="application/json")
    add_route("get", "/t", refuse, error_content_type="text/plain")
    html = {"Accept": "text/html"}
    assert web.get("/x", headers=html).headers["content-type"].startswith("application/json")
    assert web.get("/t", headers=html).text.startswith("404 ")


def test_a_type_without_a_page_is_passed_over(web: Web):
    add_route("get", "/x", refuse, error_content_type="image/png")
    assert web.get("/x").headers["content-type"].startswith("text/html")


def test_nothing_of_a_request_or_description_becomes_markup(web: Web):
    add_route("get", "/x", refuse)
    for target in ("/x", "/<script>alert(1)</script>", "/%3Cscript%3E"):
        assert "<script" not in web.get(target).text


def test_every_status_has_a_page(web: Web):
    for status in range(400, 600):
        add_route("get", f"/{status}", make(status))
        answer = web.get(f"/{status}")
        assert answer.status == status
        assert str(status) in answer.text


def make(status: int) -> Any:
    def handler() -> None:
        raise StatusError(status)

    return handler


def test_exceptions_are_shown_only_if_wanted(tmp_path: Path):
    web = Web(tmp_path, show_exceptions=True)
    token = ambient._server.set(web)

    def fail() -> None:
        raise RuntimeError("<b>why</b>")

    add_route("get", "/x", fail)
    ambient._server.reset(token)
    text = web.get("/x").text
    assert "Traceback" in text
    assert "RuntimeError: &lt;b&gt;why&lt;/b&gt;" in text
    page = json.loads(web.get("/x", headers={"Accept": "application/json"}).text)
    assert "RuntimeError: <b>why</b>" in page["exception"]
    assert "Traceback" not in web.get("/nowhere").text


def test_the_user_s_page_for_a_status_goes_before_the_default(web: Web):
    own_page(web, "404.html", "mine")
    own_page(web, "default.html", "any")
    add_route("post", "/x", refuse)
    assert web.get("/nowhere").text == "mine"
    answer = web.get("/x")
    assert (answer.status, answer.text) == (405, "any")


def test_the_user_s_pages_are_of_their_types(web: Web):
    own_page(web, "404.json", "{}")
    assert "<h1>404" in web.get("/nowhere").text
    answer = web.get("/nowhere", headers={"Accept": "application/json"})
    assert (answer.text, answer.headers["content-type"]) == (
        "{}",
        "application/json; charset=utf-8",
    )


def test_head_of_an_error_has_its_status(web: Web):
    assert web.send("HEAD", "/nowhere").status == 404


def test_a_page_of_the_user_s_that_can_t_be_read_is_passed_over(web: Web):
    (web.root / "errors" / "404.html").mkdir(parents=True)
    assert "<h1>404" in web.get("/nowhere").text
    assert web.logs.errors == []


def test_the_type_of_pages_may_be_set_by_path_for_the_whole_server(live_server):
    def set_up() -> None:
        add_endpoint(port=0)
        set_error_page_defaults(routes={"/API/*": "application/json", "/t*t": "text/plain"})
        add_route("get", "/api/fails", refuse)
        add_route("get", "/api/html", refuse, error_content_type="text/html")

    live = live_server(set_up)
    html = {"Accept": "text/html"}
    for path in ("/api/fails", "/Api/none"):
        answer = live.get(path, headers=html)
        assert answer.status_code == 404
        assert answer.json()["status"]["code"] == 404
    assert live.get("/api/html").headers["Content-Type"].startswith("text/html")
    assert live.get("/tausend/t").text == "404 Not Found\n"
    assert live.get("/apis").headers["Content-Type"].startswith("text/html")


def test_the_default_type_is_for_clients_that_ask_for_none(web: Web):
    set_error_page_defaults(default="application/json")
    assert web.get("/x").headers["content-type"].startswith("application/json")
    answer = web.get("/x", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")


def test_strict_pages_have_the_type_of_the_body(web: Web):
    set_error_page_defaults(strict_content_typing=True)
    own_page(web, "default.xml", "<own/>")
    xml = {"Content-Type": "application/xml; charset=utf-8", "Accept": "text/html"}
    assert web.get("/x", headers=xml).text == "<own/>"
    assert "<h1>" in web.get("/x", headers={"Content-Type": "text/plain"}).text


def test_settings_that_are_not_given_stay(web: Web):
    def fail() -> None:
        raise RuntimeError("why")

    add_route("get", "/x", fail)
    set_error_page_defaults(default="text/plain", show_exceptions=True)
    set_error_page_defaults(routes={"/y": "text/html"})
    assert "RuntimeError: why" in web.get("/x").text
    assert web.get("/x").text.startswith("500 ")
    set_error_page_defaults(show_exceptions=False)
    assert "RuntimeError" not in web.get("/x").text


def test_a_type_that_is_none_is_an_error(web: Web):
    with pytest.raises(ValueError, match="'json' is not a content type"):
        set_error_page_defaults(default="json")
    with pytest.raises(ValueError, match="'json' is not a content type"):
        set_error_page_defaults(routes={"/api/*": "json"})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-with-mark", "utf-32"])
def test_pages_that_windows_wrote_are_sent_in_utf_8(web: Web, encoding: str):
    (web.root / "errors").mkdir()
    page = web.root / "errors" / "404.html"
    if encoding == "utf-16-le-with-mark":
        page.write_bytes("\ufeff<h1>é".encode("utf-16-le"))
    else:
        page.write_text("<h1>é", encoding)
    assert web.get("/x").body == "<h1>é".encode()


def test_a_folder_of_pages_whose_link_is_swapped_shows_its_new_pages(web: Web):
    for version in ("one", "two"):
        (web.root / version).mkdir()
        (web.root / version / "404.html").write_text(version)
    (web.root / "errors").symlink_to("one")
    assert web.get("/x").text == "one"
    (web.root / "next").symlink_to("two")
    (web.root / "next").rename(web.root / "errors")
    assert web.get("/x").text == "two"


# --- templates ---


def test_xml_is_a_type_with_a_page(web: Web):
    add_route("get", "/x", refuse, error_content_type="application/xml")
    answer = web.get("/x")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    status = ElementTree.fromstring(answer.text).find("Status")
    assert status is not None
    assert [status.findtext("Code"), status.findtext("Description")] == [
        "404",
        "<script>alert(1)</script>",
    ]


def test_xml_of_a_page_is_well_formed_whatever_it_says(web: Web):
    @add_route("get", "/x", error_content_type="application/xml")
    def fail() -> None:
        raise StatusError(400, "bell \x07 & <tag> \ufffe")

    found = ElementTree.fromstring(web.get("/x").text).findtext("Status/Description")
    assert found == "bell \ufffd & <tag> \ufffd"


def test_a_client_that_names_problems_gets_one(web: Web):
    @add_route("get", "/x")
    def fail() -> None:
        raise StatusError(409, "Taken", data={"by": "Ann"})

    answer = web.get("/x", headers={"Accept": "application/json, application/problem+json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.text) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Taken",
        "data": {"by": "Ann"},
    }
    nowhere = web.get("/nowhere", headers={"Accept": "application/problem+json"})
    assert json.loads(nowhere.text) == {"type": "about:blank", "title": "Not Found", "status": 404}
    plain = web.get("/x", headers={"Accept": "application/json"})
    assert plain.headers["content-type"].startswith("application/json")


def test_a_client_that_names_xml_gets_xml_and_a_browser_does_not(web: Web):
    answer = web.get("/x", headers={"Accept": "application/xml"})
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = web.get("/x", headers={"Accept": browser})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_page_is_a_template_of_the_view_engine(web: Web):
    set_view_engine("pode")
    own_page(web, "404.html.pode", "<p>$($data.status.code) $(data.status.description)")
    add_route("get", "/x", refuse)
    assert web.get("/nowhere").text == "<p>404 Not Found"
    assert web.get("/x").text == "<p>404 &lt;script&gt;alert(1)&lt;/script&gt;"


def test_html_pages_are_templates_of_jinja2_which_can_have_a_layout(web: Web):
    (web.root / "views").mkdir()
    (web.root / "views" / "layout.html").write_text("<main>{% block body %}{% endblock %}</main>")
    own_page(
        web,
        "default.html",
        '{% extends "layout.html" %}{% block body %}{{ data.status.code }} {{ url }}{% endblock %}',
    )
    text = web.get("/nowhere?a=<b>").text
    assert text == "<main>404 http://localhost:8080/nowhere?a=&lt;b&gt;</main>"


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("404.html", "404.html.pode", "404.pode", "default.html"), "404.html"),
        (("404.html.pode", "404.pode", "default.html"), "404.html.pode"),
        (("404.pode", "default.html"), "404.pode"),
        (("404.json.pode", "default.html", "default.pode"), "default.html"),
        (("default.pode", "403.pode"), "default.pode"),
    ],
)
def test_the_page_for_the_status_comes_first_then_plain_files(web: Web, names, first: str):
    set_view_engine("pode")
    for name in names:
        own_page(web, name, name)
    answer = web.get("/nowhere")
    assert (answer.text, answer.headers["content-type"]) == (first, "text/html; charset=utf-8")


def test_a_template_without_a_type_is_for_html_only(web: Web):
    set_view_engine("pode")
    own_page(web, "404.pode", "page")
    own_page(web, "default.json.pode", '{"any": $(data.status.code)}')
    json_wanted = {"Accept": "application/json"}
    assert web.get("/nowhere", headers=json_wanted).text == '{"any": 404}'


def test_a_template_of_another_engine_is_never_sent_as_its_source(web: Web):
    own_page(web, "404.html.pode", "$(secret)")
    assert "<h1>404" in web.get("/nowhere").text


def test_a_template_that_fails_is_reported_and_the_plain_page_is_the_answer(tmp_path: Path):
    reports: list[tuple[BaseException | str, str]] = []
    web = Web(tmp_path, report=lambda error, where: reports.append((error, where)))
    own_page(web, "404.html", "\n{{ 1 / 0 }}")
    answer = web.get("/nowhere")
    assert answer.status == 404
    assert "<h1>404" in answer.text
    [(error, where)] = reports
    assert isinstance(error, ZeroDivisionError)
    assert "404.html, line 2" in error.__notes__[0]
    assert where == "The error page 404.html"


def test_a_template_sees_the_exception_only_if_it_is_shown(tmp_path: Path):
    text = (
        "{{ exception.category }}|{{ exception.message }}|{{ exception.line }}|{{ content_type }}"
    )
    for shown, expected in (
        (True, r"KeyError\|.*a.*\|.*test_error_pages.py:\d+\|text/html"),
        (False, r"\|\|\|text/html"),
    ):
        web = Web(tmp_path, show_exceptions=shown)
        own_page(web, "500.html", text)
        token = ambient._server.set(web)

        def fail() -> None:
            raise KeyError("a")

        add_route("get", "/x", fail)
        ambient._server.reset(token)
        assert re.fullmatch(expected, web.get("/x").text)
        web.loop.stop(2)


def test_a_page_may_be_a_link_as_those_of_mounted_folders_are(web: Web):
    own_page(web, "real", "mine {{ data.status.code }}")
    (web.root / "errors" / "404.html").symlink_to("real")
    assert web.get("/nowhere").text == "mine 404"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("application/json", StatusError(404, "No such user", data=object())),
        ("application/json", StatusError(404, "No such user", data={"ratio": float("nan")})),
        ("text/html", StatusError(404, "No such user", headers={"X-Why": "a\r\nX-Else: b"})),
        ("text/html", StatusError(404, {"text": "No such user"})),  # type: ignore[arg-type]
    ],
    ids=["data without JSON", "data that is not finite", "a header of two lines", "no text"],
)
def test_a_status_error_of_which_no_page_can_be_made_is_a_500_and_both_are_logged(
    web: Web, kind: str, error: StatusError
):
    def fail() -> None:
        raise error

    add_route("get", "/", fail, error_content_type=kind)
    answer = web.get("/")
    assert (answer.status, answer.headers.get("x-else")) == (500, None)
    assert "No such user" not in answer.text
    (logged,) = web.logs.errors
    assert "StatusError" in "".join(traceback.format_exception(logged))
