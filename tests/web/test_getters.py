"""What clients send under a name, read as numbers, dates and choices; and the 400 for mistakes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import Enum, IntEnum
from typing import Any, assert_type
from uuid import UUID

import pytest

from pode_py import add_endpoint, add_route, get_header, web_event
from pode_py.core.errors import StatusError
from pode_py.http.fields import AnyCaseFields, Fields
from pode_py.http.headers import RequestHeaders
from pode_py.testing import LiveServer
from pode_py.web.bodies.values import body_value

FORM = "application/x-www-form-urlencoded"
ID = "12345678-1234-5678-1234-567812345678"


class Sort(Enum):
    NAME = "name"
    NEWEST = "new-est"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@pytest.fixture
def live(live_server: Callable[..., LiveServer]) -> LiveServer:
    """Routes that read what they are sent."""

    def set_up() -> None:
        add_endpoint(port=0)
        add_route("get", "/page", lambda: {"page": web_event.query.get_int("page", 1, minimum=1)})
        add_route("get", "/users/:id", lambda: {"id": web_event.parameters.get_int("id")})
        add_route("get", "/cookie", lambda: {"n": web_event.cookies.get_int("n", None)})
        add_route("get", "/header", lambda: {"n": web_event.headers.get_int("X-N")})
        add_route("get", "/tags", lambda: {"tags": web_event.query.get_list("tag")})
        add_route("post", "/name", lambda: {"name": web_event.data["name"]})
        add_route("post", "/maybe", lambda: {"name": web_event.data.get("name")})
        add_route("post", "/count", lambda: {"n": web_event.data.get_int("n", 7, maximum=9)})
        add_route("post", "/echo", lambda: web_event.data)
        add_route("post", "/has", lambda: {"has": "name" in web_event.data})
        add_route("post", "/pop", lambda: {"name": web_event.data.pop("name", "none")})
        add_route("post", "/items", lambda: dict(web_event.data.items()))
        add_route("post", "/each", lambda: list(web_event.data))
        add_route("post", "/length", lambda: {"length": len(web_event.data)})
        add_route("post", "/unpacked", lambda: {**web_event.data})
        add_route("get", "/query", lambda: {"page": web_event.query["page"]})
        add_route("post", "/field", lambda: {"name": web_event.data["NAME"]})
        add_route("get", "/alike/:userId", lambda: {"id": web_event.parameters["userid"]})
        add_route("get", "/names", lambda: list(web_event.query))
        add_route("get", "/exact", lambda: {"n": web_event.cookies.get("N")})
        add_route("get", "/city", lambda: [web_event.cookies.get("city"), get_header("X-City")])
        add_route("post", "/text", lambda: {"text": web_event.request.body})

    return live_server(set_up)


def status(error: pytest.ExceptionInfo[StatusError]) -> int:
    return error.value.status


def test_a_number_of_the_query_is_read_and_has_a_default(live: LiveServer):
    assert live.get("/page?page=3").json() == {"page": 3}
    assert live.get("/page").json() == {"page": 1}
    assert live.get("/page?page=").json() == {"page": 1}


@pytest.mark.parametrize("value", ["x", "0", "-1", "1.5", "1_0", "%D9%A3", "9" * 5000, "1&page=2"])
def test_a_number_that_is_none_or_out_of_bounds_is_400_and_names_the_field(
    live: LiveServer, value: str
):
    answer = live.get(f"/page?page={value}")
    assert answer.status_code == 400
    assert "query parameter 'page'" in answer.text.replace("&#x27;", "'")


def test_path_parameters_cookies_and_headers_have_the_same_getters(live: LiveServer):
    assert live.get("/users/7").json() == {"id": 7}
    assert "path parameter" in live.get("/users/x").text
    assert live.get("/cookie", headers={"Cookie": "n=5"}).json() == {"n": 5}
    assert live.get("/cookie").json() == {"n": None}
    assert live.get("/cookie", headers={"Cookie": "n=five"}).status_code == 400
    assert live.get("/header", headers={"X-N": "5"}).json() == {"n": 5}
    assert live.get("/header").status_code == 400
    assert live.get("/header", headers=[("X-N", "5"), ("X-N", "6")]).status_code == 400


def test_a_list_is_one_whether_there_is_no_value_or_one_or_several(live: LiveServer):
    assert live.get("/tags").json() == {"tags": []}
    assert live.get("/tags?tag=a").json() == {"tags": ["a"]}
    assert live.get("/tags?tag=a&tag=b").json() == {"tags": ["a", "b"]}


@pytest.mark.parametrize("body", ["[]", '[{"name": 1}]', "null", "5", "2.5", '"text"', "true"])
def test_a_field_of_json_that_is_no_object_is_400_in_words(live: LiveServer, body: str):
    kind = {"Content-Type": "application/json"}
    answer = live.request("POST", "/name", data=body.encode(), headers=kind)
    assert answer.status_code == 400
    assert "The body must be an object with the field" in answer.text
    assert live.request("POST", "/count", data=body.encode(), headers=kind).status_code == 400
    assert live.request("POST", "/maybe", data=body.encode(), headers=kind).json() == {"name": None}
    assert live.request("POST", "/echo", data=body.encode(), headers=kind).text in (
        body,
        "text",
        '[{"name":1}]',
    )


@pytest.mark.parametrize("body", ["[]", "null", "5", "2.5", '"text"', "false"])
def test_whatever_is_asked_of_a_body_that_has_no_fields_is_no_500(live: LiveServer, body: str):
    def asked(path: str) -> int:
        kind = {"Content-Type": "application/json"}
        return live.request("POST", path, data=body.encode(), headers=kind).status_code

    assert asked("/has") == 200
    assert [asked(path) for path in ("/pop", "/items", "/unpacked")] == [400] * 3
    has_items = body in ("[]", '"text"')
    assert asked("/each") == asked("/length") == (200 if has_items else 400)


def test_a_list_is_still_a_list():
    body = body_value([1, 2, 3])
    assert (body.pop(), body.pop(0), body[0], body[:1], 2 in body) == (3, 1, 2, [2], True)
    assert body_value(5) + 1 == 6
    assert not body_value(None)
    assert body_value(True) == True  # noqa: E712 - what a handler may write
    assert repr([body_value(None), body_value(False)]) == "[None, False]"


def test_a_field_of_a_text_body_is_400_in_words(live: LiveServer):
    answer = live.request("POST", "/name", data="hello")
    assert answer.status_code == 400
    assert "not text" in answer.text


def test_getters_read_numbers_of_json_and_texts_of_forms_alike(live: LiveServer):
    assert live.request("POST", "/count", json={"n": 5}).json() == {"n": 5}
    assert live.request("POST", "/count", json={"n": "5"}).json() == {"n": 5}
    assert live.request("POST", "/count", data={"n": "5"}).json() == {"n": 5}
    assert live.request("POST", "/count", json={"n": None}).json() == {"n": 7}
    for wrong in (10, True, [1, 2], {"a": 1}, 1.5):
        assert live.request("POST", "/count", json={"n": wrong}).status_code == 400


def test_names_of_query_form_and_path_are_found_in_any_case(live: LiveServer):
    assert live.get("/query?Page=2").json() == {"page": "2"}
    assert live.get("/query?Page=2&page=3").json() == {"page": "3"}
    assert live.request("POST", "/field", data={"Name": "Ann"}).json() == {"name": "Ann"}
    assert live.get("/alike/7").json() == {"id": "7"}
    assert live.get("/names?Page=1&b=2").json() == ["Page", "b"]


def test_names_of_json_and_cookies_are_exact(live: LiveServer):
    assert live.request("POST", "/field", json={"name": "Ann"}).status_code == 400
    assert live.get("/exact", headers={"Cookie": "n=1"}).json() == {"n": None}


def test_cookies_and_fields_are_utf_8_and_what_is_not_is_latin_1(live: LiveServer):
    sent = "Köln 🙂".encode().decode("latin-1")
    answer = live.get("/city", headers={"Cookie": f"city={sent}", "X-City": sent})
    assert answer.json() == ["Köln 🙂", "Köln 🙂"]
    answer = live.get("/city", headers={"Cookie": "city=K\xf6ln", "X-City": "K\xf6ln"})
    assert answer.json() == ["Köln", "Köln"]


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"]
)
def test_a_charset_that_is_a_codec_of_python_only_is_415(live: LiveServer, charset: str):
    kind = {"Content-Type": f"text/plain; charset={charset}"}
    assert live.request("POST", "/text", data=b"\\x41+AGE-", headers=kind).status_code == 415


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=ISO-8859-1", b"\xe9", "é"),
        ('text/plain; format=flowed; Charset="utf-16"', "é".encode("utf-16"), "é"),
        ('text/plain; boundary="charset=utf-16"', "é".encode(), "é"),
        ("text/plain; charset=Shift_JIS", "日本".encode("shift-jis"), "日本"),
        ("text/plain; charset=", "é".encode(), "é"),
    ],
)
def test_the_charset_of_the_content_type_counts(
    live: LiveServer, kind: str, body: bytes, text: str
):
    answer = live.request("POST", "/text", data=body, headers={"Content-Type": kind})
    assert answer.json() == {"text": text}


def test_each_getter_reads_its_type():
    values = Fields(
        "field",
        {
            "float": "1.5e3",
            "yes": "On",
            "no": False,
            "day": "2027-03-14",
            "id": ID.replace("-", "").upper(),
            "sort": "New-Est",
            "level": 2,
            "text": "",
        },
    )
    assert values.get_float("float", minimum=1500, maximum=1500) == 1500.0
    assert values.get_bool("yes") is True
    assert values.get_bool("no") is False
    assert values.get_date("day", minimum=date(2027, 3, 14)) == date(2027, 3, 14)
    assert values.get_uuid("id") == UUID(ID)
    assert values.get_enum("sort", Sort) is Sort.NEWEST
    assert values.get_enum("level", Level) is Level.HIGH
    assert values.get_str("text") == ""


@pytest.mark.parametrize(
    ("getter", "value", "said"),
    [
        ("get_float", "nan", "a number"),
        ("get_float", "1e999", "a number"),
        ("get_bool", "maybe", "true or false"),
        ("get_date", "20270314", "a date such as"),
        ("get_date", "2027-02-30", "a date such as"),
        ("get_uuid", "{" + ID + "}", "a UUID"),
        ("get_str", 5, "text"),
    ],
)
def test_what_does_not_fit_is_400_and_says_what_would(getter: str, value: object, said: str):
    with pytest.raises(StatusError, match=f"field 'x' must be {said}") as error:
        getattr(Fields("field", {"x": value}), getter)("x")
    assert status(error) == 400


def test_an_unknown_choice_is_400_and_lists_the_choices():
    with pytest.raises(StatusError, match="one of: name, new-est") as error:
        Fields("field", {"sort": "size"}).get_enum("sort", Sort, Sort.NAME)
    assert status(error) == 400


def test_a_getter_without_a_default_needs_its_field():
    with pytest.raises(StatusError, match="needs the field 'n'") as error:
        Fields("field").get_int("n")
    assert status(error) == 400


def test_lists_are_read_as_a_kind_and_headers_split_at_their_commas():
    assert Fields("field", {"n": ["1", 2]}).get_list("n", int) == [1, 2]
    with pytest.raises(StatusError, match="a list, each of it a whole number"):
        Fields("field", {"n": ["1", "x"]}).get_list("n", int)
    with pytest.raises(TypeError, match="bytes"):
        Fields("field").get_list("n", bytes)
    headers = RequestHeaders([(b"x-a", b'1, "2,3"'), (b"x-a", b"4,,")])
    assert headers.get_list("X-A") == ["1", '"2,3"', "4"]


def test_fields_in_any_case_are_exact_where_it_matters():
    fields = AnyCaseFields.of_pairs("field", [("A", "1"), ("a", "2"), ("a", "3")])
    assert fields == {"A": "1", "a": ["2", "3"]}
    assert (fields["A"], fields["a"]) == ("1", ["2", "3"])
    assert fields.get("b") is None
    assert "B" not in fields


def test_type_checkers_know_what_getters_return():
    query: Any = AnyCaseFields("query parameter", {"n": "1", "s": "name"})
    fields: AnyCaseFields = query
    assert_type(fields.get_int("n"), int)
    assert_type(fields.get_int("n", 1, minimum=1), int)
    assert_type(fields.get_int("x", None), int | None)
    assert_type(fields.get_enum("s", Sort), Sort)
    assert_type(fields.get_enum("x", Sort, None), Sort | None)
    assert_type(fields.get_list("n", int), list[int])
    assert_type(fields.get_date("x", None), date | None)
