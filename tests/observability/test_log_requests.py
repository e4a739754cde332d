"""The request log: what a line says, and what a client can't make it say."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from pode_py.core.errors import PodeError
from pode_py.observability.logs.formats import clf_date
from pode_py.observability.logs.functions import (
    disable_log_request_type,
    enable_log_request_type,
)
from pode_py.observability.logs.methods.functions import (
    new_log_custom_method,
    new_log_file_method,
    remove_log_method,
)

COMBINED = (
    '10.10.0.3 - - [14/Mar/2026:12:00:00 +0000] "GET /api/users?limit=2 HTTP/1.1" 200 9001 '
    '"-" "curl/8"'
)


def test_combined_is_the_default_format(server, a_request):
    enable_log_request_type(new_log_file_method("requests"), as_utc=True)
    server.logs.write_request(a_request())
    assert server.lines("requests") == [COMBINED]


def test_common_ends_after_the_size(server, a_request):
    enable_log_request_type(new_log_file_method("requests"), format="Common", as_utc=True)
    server.logs.write_request(a_request())
    assert server.lines("requests") == [COMBINED.removesuffix(' "-" "curl/8"')]


def test_an_unknown_format_is_refused_at_once(server):
    with pytest.raises(ValueError, match="'common', 'combined'"):
        enable_log_request_type(new_log_file_method("requests"), format="fancy")


def test_what_is_missing_is_a_hyphen(server, a_request):
    enable_log_request_type(new_log_file_method("requests"), as_utc=True)
    server.logs.write_request(a_request(size=0, user_agent=None, remote_address=""))
    assert server.lines("requests") == [
        '- - - [14/Mar/2026:12:00:00 +0000] "GET /api/users?limit=2 HTTP/1.1" 200 - "-" "-"'
    ]


def test_the_time_is_local_unless_utc_is_asked_for(server, a_request, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        enable_log_request_type(new_log_file_method("requests"))
        server.logs.write_request(a_request())
        assert "[14/Mar/2026:17:30:00 +0530]" in server.read("requests")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("user", "path", "shown"),
    [
        ("morty", "username", "morty"),
        ({"Username": "Morty Smith"}, "username", "Morty.Smith"),
        ({"meta": {"id": 7}}, "Meta.Id", "7"),
        ({"name": "morty"}, "username", "-"),
        ('a" "b', "username", 'a\\".\\"b'),
    ],
)
def test_the_user_is_found_by_its_property(server, a_request, user, path, shown):
    enable_log_request_type(new_log_file_method("requests"), username_property=path)
    server.logs.write_request(a_request(user=user))
    assert server.read("requests").startswith(f"10.10.0.3 - {shown} [")


def test_a_proxys_header_names_the_client(server, a_request):
    enable_log_request_type(
        new_log_file_method("requests"), remote_ip_header=["X-Real-Ip", "X-Forwarded-For"]
    )
    headers = {"x-forwarded-for": "203.0.113.7, 10.0.0.1"}
    server.logs.write_request(a_request(headers=headers))
    server.logs.write_request(a_request(headers={}))
    first, second = server.lines("requests")
    assert first.startswith("203.0.113.7 - ")
    assert second.startswith("10.10.0.3 - ")


EVIL = 'a\r\nb\x1b[31mc\x9b31md\x00e\u2028f\u202eg"h\\i\tj\x7f'


@pytest.mark.parametrize(
    "field", ["remote_address", "method", "target", "http_version", "referrer", "user_agent"]
)
def test_no_field_breaks_out_of_its_line_or_its_quotes(server, a_request, field):
    enable_log_request_type(new_log_file_method("requests"))
    server.logs.write_request(a_request(**{field: EVIL}))
    text = server.read("requests")
    expected = r"a\r\nb\x1b[31mc\x9b31md\x00e\u2028f\u202eg\"h\\i\tj\x7f"
    assert text.count("\n") == 1
    assert expected in text


def test_the_users_name_and_a_forged_proxy_header_are_escaped_too(server, a_request):
    enable_log_request_type(new_log_file_method("requests"), remote_ip_header="x-real-ip")
    server.logs.write_request(a_request(user="a\x1bb", headers={"X-Real-IP": "1.1.1.1 - x [\n"}))
    assert server.read("requests").startswith("1.1.1.1\\x20-\\x20x\\x20[ - a\\x1bb [")


@pytest.mark.parametrize("name", ["ticket", "token", "access_token", "password", "Api-Key"])
def test_secrets_in_a_query_are_masked(server, a_request, name):
    seen = []
    both = [new_log_file_method("requests"), new_log_custom_method(seen.append)]
    enable_log_request_type(both)
    target = f'/x?a=1&{name}=s3;cr"et&b=2'
    server.logs.write_request(a_request(target=target, referrer=f"http://h{target}"))
    text = server.read("requests")
    assert text.count(f"/x?a=1&{name}=********&b=2") == 2
    assert "et&" not in text
    assert seen == [text.rstrip("\n")]


def test_a_signed_client_id_in_a_query_is_masked(server, a_request):
    enable_log_request_type(new_log_file_method("requests"))
    signature = "k" * 43
    server.logs.write_request(a_request(target=f"/x?id=s%3Aabc.{signature}%3D&b=1"))
    assert "/x?id=s%3Aabc.********&b=1" in server.read("requests")


def test_raw_gives_the_dict_to_the_method(server, a_request, clock):
    seen = []
    enable_log_request_type(new_log_custom_method(seen.append), raw=True)
    server.logs.write_request(a_request(status=404, target="/x?token=1&y=2", user="ada"))
    assert server.logs.flush()
    (raw,) = seen
    assert raw["host"] == "10.10.0.3"
    assert raw["user"] == "ada"
    assert raw["utc_date"] == clock.now()
    assert raw["duration"] == 0.012
    assert raw["request"] == {
        "method": "GET",
        "hostname": "localhost:8080",
        "scheme": "http",
        "resource": "/x",
        "query": "token=********&y=2",
        "protocol": "HTTP/1.1",
        "referrer": None,
        "agent": "curl/8",
    }
    assert raw["response"] == {
        "status_code": 404,
        "status_description": "Not Found",
        "size": 9001,
    }


def test_a_handler_says_what_is_logged(server, a_request):
    def only_posts(event, prefix):
        if event.data["request"]["method"] == "POST":
            return f"{prefix} {event.data['request']['resource']}"
        return None

    enable_log_request_type(
        new_log_file_method("requests"), handler=only_posts, argument_list=["posted"]
    )
    server.logs.write_request(a_request())
    server.logs.write_request(a_request(method="POST"))
    assert server.lines("requests") == ["posted /api/users"]


def test_raw_and_a_handler_exclude_each_other(server):
    with pytest.raises(ValueError, match="leave handler out"):
        enable_log_request_type(new_log_file_method("r"), handler=str, raw=True)


def test_several_types_each_get_the_request(server, a_request):
    enable_log_request_type(new_log_file_method("one"))
    enable_log_request_type(new_log_file_method("two"), name="second", format="common")
    server.logs.write_request(a_request())
    assert len(server.lines("one")) == len(server.lines("two")) == 1


def test_a_second_type_needs_a_name_of_its_own(server):
    enable_log_request_type(new_log_file_method("one"))
    with pytest.raises(PodeError, match="a name of its own: name="):
        enable_log_request_type(new_log_file_method("two"))


def test_a_method_that_does_not_exist_is_refused_at_once(server):
    with pytest.raises(PodeError, match="Log method 'nowhere' does not exist"):
        enable_log_request_type("nowhere")


def test_requests_are_wanted_only_while_somebody_sees_them(server, a_request):
    logs = server.logs
    assert logs.wants_requests is False
    method = new_log_file_method("requests")
    enable_log_request_type(method)
    assert logs.wants_requests is True
    logs.write_request(a_request())
    disable_log_request_type()
    assert logs.wants_requests is False
    logs.write_request(a_request())
    assert len(server.lines("requests")) == 1


def test_a_removed_method_still_writes_what_was_logged_before(server, a_request):
    method = new_log_file_method("requests")
    enable_log_request_type(method)
    for _ in range(100):
        server.logs.write_request(a_request())
    remove_log_method(method)
    assert len(server.lines("requests")) == 100
    assert server.logs.wants_requests is False


@pytest.mark.parametrize(
    ("minutes", "shown"), [(0, "+0000"), (345, "+0545"), (-210, "-0330"), (-480, "-0800")]
)
def test_the_offset_of_a_date_has_its_sign(minutes, shown):
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(minutes=minutes)))
    assert clf_date(when) == f"02/Jan/2026:03:04:05 {shown}"
