"""What settings change in a server that runs, and what get_config returns in it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pode_py import (
    PodeError,
    StartError,
    add_endpoint,
    add_route,
    enable_log_error_type,
    enable_log_request_type,
    get_app_name,
    get_config,
    get_config_path,
    get_schedule,
    get_server_name,
    get_timer,
    new_log_custom_method,
    protect_log_item,
    restart_server,
    test_config_enabled,
    test_schedule,
    test_timer,
    web_event,
    write_error_log,
    write_view_response,
)
from pode_py.testing import Client, FakeClock, LiveServer, running

Live = Callable[..., LiveServer]


def test_handlers_and_set_up_read_the_configuration(live_server: Live):
    seen = []

    def server():
        seen.append(get_config()["color"])
        add_route("get", "/", get_config)
        add_route("get", "/color", lambda: get_config()["COLOR"])

    live = live_server(server, config={"Color": "green", "Deep": {"Tags": ["a"]}})
    assert seen == ["green"]
    assert live.get("/").json() == {"Color": "green", "Deep": {"Tags": ["a"]}}
    assert live.get("/color").text == "green"
    assert live.call(test_config_enabled)
    assert live.call(get_config_path) is None


def test_a_test_without_a_configuration_has_none_whatever_is_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "server.toml").write_text("Color = 'red'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PODE_PY__SERVER__NAME", "x")
    with running(lambda: None, threads=2) as live:
        assert live.call(get_config) == {}
        assert not live.call(test_config_enabled)
        assert live.call(get_server_name) == "Pode"


def test_outside_of_a_server_there_is_no_configuration():
    with pytest.raises(PodeError, match=r"inside the function .* start_server"):
        get_config()


def test_a_client_takes_a_configuration_too():
    with Client(lambda: add_route("get", "/", get_config), config={"a": 1}) as client:
        assert client.get("/").json() == {"a": 1}


def test_names_and_limits_are_those_of_the_configuration(live_server: Live):
    server = {"Name": "shop", "AppName": "till", "Request": {"BodySize": 20}, "Threads": 3}

    def set_up():
        add_route("post", "/", lambda: "fits")
        add_route("get", "/names", lambda: [get_server_name(), get_app_name()])

    live = live_server(set_up, config={"Server": server})
    assert live.get("/names").json() == ["shop", "till"]
    assert live.request("POST", "/", data="x" * 20).status_code == 200
    assert live.request("POST", "/", data="x" * 21).status_code == 413
    assert live.server.options.threads == 3


def test_arguments_of_a_test_come_before_its_configuration(live_server: Live):
    live = live_server(
        lambda: add_route("post", "/", lambda: "fits"),
        config={"Server": {"Request": {"BodySize": 20}}},
        request_body_size=10,
    )
    assert live.request("POST", "/", data="x" * 11).status_code == 413


def test_the_folders_may_have_other_names(live_server: Live, tmp_path: Path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "sorry").mkdir()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "home.html").write_text("at {{ place }}")
    (tmp_path / "assets" / "a.txt").write_text("an asset")
    (tmp_path / "sorry" / "404.html").write_text("sorry")
    folders = {"Public": "assets", "Views": "pages", "Errors": "sorry"}

    def server():
        add_route("get", "/home", lambda: write_view_response("home", {"place": "home"}))

    live = live_server(server, root_path=tmp_path, config={"Server": {"DefaultFolders": folders}})
    assert live.get("/home").text == "at home"
    assert live.get("/a.txt").text == "an asset"
    assert live.get("/b.txt").text == "sorry"


def test_error_pages_show_exceptions_if_it_says_so(live_server: Live):
    def server():
        add_route("get", "/", lambda: 1 / 0)

    config = {"Web": {"ErrorPages": {"ShowExceptions": True}}}
    assert "ZeroDivisionError" in live_server(server, config=config).get("/").text
    assert "ZeroDivisionError" not in live_server(server).get("/").text


def test_error_pages_have_the_types_that_it_says(live_server: Live):
    pages = {"Default": "text/plain", "Routes": {"/api/*": "application/json"}}
    live = live_server(lambda: None, config={"Web": {"ErrorPages": pages}})
    assert live.get("/none").text.startswith("404 ")
    assert live.get("/api/none").json()["status"]["code"] == 404


def test_a_type_of_error_pages_that_is_none_keeps_the_server_from_starting():
    with pytest.raises(StartError, match=r"Web\.ErrorPages can't be used"):
        running(lambda: None, config={"Web": {"ErrorPages": {"Default": "text"}}})


def test_bodies_have_the_types_that_it_says(live_server: Live):
    def server():
        add_route("post", "/plain", lambda: {"data": web_event.data})
        add_route("post", "/xml/one", lambda: {"data": web_event.data})

    types = {"Default": "application/json", "Routes": {"/XML/*": "application/xml"}}
    live = live_server(server, config={"Web": {"ContentType": types}})
    assert live.request("POST", "/plain", data=b"[1]").json() == {"data": [1]}
    assert live.request("POST", "/xml/one", data=b"<a>x</a>").json() == {"data": {"a": "x"}}


def test_a_type_of_bodies_that_is_none_keeps_the_server_from_starting():
    with pytest.raises(StartError, match=r"Web\.ContentType can't be used"):
        running(lambda: None, config={"Web": {"ContentType": {"Default": "json"}}})


def test_what_logs_hide_is_extended_by_its_patterns(live_server: Live):
    masking = {"Patterns": ["(?<keep_before>pin=)\\d+"], "Mask": "###"}
    live = live_server(lambda: None, config={"Server": {"Logging": {"Masking": masking}}})
    assert live.call(protect_log_item, "PIN=1234 x") == "PIN=### x"


def test_a_pattern_that_is_none_keeps_the_server_from_starting():
    masking = {"Patterns": ["("]}
    with pytest.raises(StartError, match=r"Masking\.Patterns can't be used.*'\('"):
        running(lambda: None, config={"Server": {"Logging": {"Masking": masking}}})


def test_logging_that_is_switched_off_writes_nothing_but_errors_to_standard_error(
    live_server: Live, capfd: pytest.CaptureFixture[str]
):
    lines: list[Any] = []

    def server():
        method = new_log_custom_method(lines.append)
        enable_log_request_type(method)
        enable_log_error_type(new_log_custom_method(lines.append))
        add_route("get", "/", lambda: write_error_log("oh no"))

    live = live_server(server, config={"Server": {"Logging": {"Enable": False}}})
    assert live.get("/").status_code == 200
    live.stop()
    assert lines == []
    assert "oh no" in capfd.readouterr().err


def test_tls_is_of_the_versions_that_it_names(live_server: Live):
    def server():
        add_endpoint("localhost", 8443, "https", self_signed=True)
        add_endpoint("localhost", 8444, "https", self_signed=True, ssl_protocol="tls12")

    live = live_server(server, config={"Server": {"Ssl": {"Protocols": ["tls13"]}}})

    def version(port: int) -> str | None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            ssl.create_connection(("127.0.0.1", port)) as sock,
            context.wrap_socket(sock) as wrapped,
        ):
            return wrapped.version()

    assert [version(port) for port in live.ports] == ["TLSv1.3", "TLSv1.2"]


# --- restarts


def test_a_period_restarts_the_server(live_server: Live):
    clock = FakeClock()
    live = live_server(lambda: None, clock=clock, config={"Server": {"Restart": {"Period": 180}}})
    (timer,) = live.call(get_timer, "__pode_restart_period__")
    assert timer.interval == 180 * 60
    clock.advance(179 * 60)
    assert live.stop_request is None
    clock.advance(61)
    assert live.wait_for_stop_request() == "restart"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"Times": ["09:00", "13:30"]}, "__pode_restart_times__"),
        ({"Crons": ["0 9 * * *"]}, "__pode_restart_crons__"),
    ],
)
def test_times_and_expressions_restart_the_server(
    live_server: Live, wanted: dict[str, Any], name: str
):
    # The machine's own zone: whatever it is, two days have a nine o'clock.
    clock = FakeClock(datetime(2027, 1, 1, 12, 1, tzinfo=UTC))
    live = live_server(lambda: None, clock=clock, config={"Server": {"Restart": wanted}})
    (schedule,) = live.call(get_schedule, name)
    assert schedule.next_trigger_time.astimezone().strftime("%H:%M") in ("09:00", "13:30")
    clock.advance(48 * 3600)
    assert live.wait_for_stop_request() == "restart"


def test_without_such_settings_there_is_neither_timer_nor_schedule(live_server: Live):
    live = live_server(lambda: None, config={"Server": {"Restart": {"Period": 0}}})
    assert not live.call(test_timer, "__pode_restart_period__")
    assert not live.call(test_schedule, "__pode_restart_times__")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"Times": ["25:00"]}, r"Restart\.Times has '25:00', which is no time of day"),
        ({"Times": ["9"]}, r"Restart\.Times has '9'"),
        ({"Crons": ["never"]}, r"Restart\.Crons can't be used: cron 'never' needs five fields"),
    ],
)
def test_a_time_that_is_none_keeps_the_server_from_starting(wanted: dict[str, Any], why: str):
    with (
        pytest.raises(StartError, match=why),
        running(lambda: None, config={"Server": {"Restart": wanted}}),
    ):
        pass


def test_a_restart_that_is_not_allowed_is_logged_and_not_done(live_server: Live):
    lines: list[Any] = []

    def server():
        enable_log_error_type(new_log_custom_method(lines.append), levels="*")

    config = {"Server": {"AllowedActions": {"Restart": False}, "Restart": {"Period": 1}}}
    live = live_server(server, config=config)
    live.call(restart_server)
    assert live.stop_request is None
    assert not live.call(test_timer, "__pode_restart_period__")
    live.stop()
    assert any("AllowedActions.Restart is false" in str(line) for line in lines)


# --- remarks


def test_what_has_no_effect_is_logged_once_where_the_set_up_wants_it(live_server: Live):
    lines: list[Any] = []

    def server():
        enable_log_error_type(new_log_custom_method(lines.append), levels="*")

    config = {"Server": {"Timeout": 60, "AutoImport": {}}, "Web": {"Static": {"Defaults": "a"}}}
    live_server(server, config=config).stop()
    texts = [str(line) for line in lines if "configuration" in str(line)]
    assert len(texts) == 3
    assert "did you mean Server.Request.Timeout?" in texts[0]
    assert "has no meaning here" in texts[1]
    assert "Web.Static.Defaults is known, not honoured yet." in texts[2]
