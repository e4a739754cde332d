"""What a configuration says: the application's values, the server's settings, and remarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pode_py import StartError
from pode_py.server.configuration.arguments import StartArguments
from pode_py.server.configuration.configuration import (
    Configuration,
    given_configuration,
    load_configuration,
)
from pode_py.server.configuration.keys import KEYS, nearest
from pode_py.server.configuration.kinds import ANYTHING, PAIRS, SWITCH, TEXT
from pode_py.server.configuration.settings import Settings


def load(folder: Path, text: str, **environ: str) -> Configuration:
    (folder / "server.toml").write_text(text, "utf-8")
    return load_configuration(folder, None, environ)


# --- the application's values


def test_keys_are_found_in_any_case_at_every_depth(tmp_path: Path):
    values = load(tmp_path, "Body = 1\n[Nested.Inner]\nDeep = 'down'\n").values
    assert values["body"] == 1
    assert values["NESTED"]["inner"]["DEEP"] == "down"
    assert list(values) == ["Body", "Nested"]
    assert "BODY" in values
    assert values.get("Missing") is None
    assert values == {"Body": 1, "Nested": {"Inner": {"Deep": "down"}}}


def test_a_missing_key_names_the_file_and_its_keys(tmp_path: Path):
    values = load(tmp_path, "Port = 1\nName = 'x'\n[Database]\nHost = 'y'\n").values
    with pytest.raises(KeyError) as caught:
        values["Prot"]
    assert "'Prot' in server.toml. Its keys are 'Port', 'Name', 'Database'" in str(caught.value)
    assert "Did you mean 'Port'?" in str(caught.value)
    with pytest.raises(KeyError, match=r"'Hots' in Database of server\.toml.*mean 'Host'"):
        values["database"]["Hots"]
    with pytest.raises(KeyError):
        values[1]  # type: ignore[index]


def test_without_a_file_it_is_empty(tmp_path: Path):
    configuration = load_configuration(tmp_path, None, {})
    assert configuration.values == {}
    assert (configuration.path, configuration.enabled) == (None, False)


def test_nobody_can_change_it(tmp_path: Path):
    values: Any = load(tmp_path, "Tags = ['a', ['b']]\n[Table]\na = 1\n").values
    with pytest.raises(TypeError):
        values["Tags"] = []
    with pytest.raises(TypeError):
        values["Table"]["a"] = 2
    values["Tags"].append("c")
    values["Tags"][1].append("c")
    assert values["Tags"] == ["a", ["b"]]


# --- the environment


def test_the_environment_is_laid_over_the_file(tmp_path: Path):
    text = (
        "Port = 1\nRate = 1.5\nDebug = false\nTags = ['a']\nName = '1'\n[Data_Base]\nHost = 'a'\n"
    )
    environ = {
        "PODE_PY__PORT": "9090",
        "PODE_PY__RATE": "2",
        "PODE_PY__DEBUG": "True",
        "PODE_PY__TAGS": "x, y",
        "PODE_PY__NAME": "2",
        "PODE_PY__DATABASE__HOST": "b",
        "PODE_PY__DATABASE__USER_NAME": "me",
        "PODE_PY_OTHER": "not ours",
    }
    assert load(tmp_path, text, **environ).values == {
        "Port": 9090,
        "Rate": 2,
        "Debug": True,
        "Tags": ["x", "y"],
        "Name": "2",
        "Data_Base": {"Host": "b", "user_name": "me"},
    }


def test_the_environment_alone_is_a_configuration_without_a_file(tmp_path: Path):
    environ = {"PODE_PY__SERVER__KEEP_ALIVE_TIMEOUT": "7", "PODE_PY__COLOR": "green"}
    configuration = load_configuration(tmp_path, None, environ)
    assert configuration.get("Server.KeepAliveTimeout") == 7
    assert configuration.values["color"] == "green"
    assert not configuration.enabled


WRONG_VARIABLES = {
    "PODE_PY__SERVER__THREADS=many": "PODE_PY__SERVER__THREADS: .*is 'many'.*whole number",
    "PODE_PY__PORT=high": "PODE_PY__PORT='high' must be a number, as PORT is 8080",
    "PODE_PY__DEBUG=1": "PODE_PY__DEBUG='1' must be true or false",
    "PODE_PY__PORT__X=1": "PODE_PY__PORT__X: PORT is a value",
    "PODE_PY__TABLE=1": "PODE_PY__TABLE: TABLE is a table. Name a key in it: PODE_PY__TABLE__KEY",
    "PODE_PY__=1": "names no key",
    "PODE_PY__A____B=1": "names no key",
}


@pytest.mark.parametrize(("variable", "why"), WRONG_VARIABLES.items())
def test_a_variable_that_does_not_fit_is_named(tmp_path: Path, variable: str, why: str):
    name, _, value = variable.partition("=")
    with pytest.raises(StartError, match=why):
        load(tmp_path, "Port = 8080\nDebug = false\n[Table]\na = 1\n", **{name: value})


# --- settings

VALUES = {SWITCH: False, TEXT: "tls12", PAIRS: {"/a": "text/plain"}, ANYTHING: {"x": 1}}
EXAMPLES: dict[str, Any] = {
    "Server.Engine": "uvicorn",
    "Server.Ssl.Protocols": ["tls13"],
    "Server.Restart.Crons": ["0 3 * * SUN"],
    "Server.Restart.Times": ["09:00"],
}


def sample_of(path: str) -> Any:
    kind = next(key.kind for key in KEYS if key.path == path)
    if path in EXAMPLES:
        return EXAMPLES[path]
    return ["a"] if kind.is_list else VALUES.get(kind, 50)


def nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_setting_is_read_in_any_spelling_and_is_honoured_or_remarked(key: Any):
    value = sample_of(key.path)
    found = given_configuration(nested(key.path, value))
    assert given_configuration(nested(key.path.lower(), value)).settings == found.settings
    assert found.get(key.path) is not None
    remarks = {"now": (), "later": ("known, not honoured yet",), "never": ("no meaning here",)}
    assert len(found.remarks) == len(remarks[key.use])
    assert all(part in found.remarks[0] for part in remarks[key.use])


def test_underscores_make_no_difference():
    found = given_configuration({"server": {"keep_alive_timeout": 5, "app_name": "shop"}})
    assert found.settings == {"Server.KeepAliveTimeout": 5, "Server.AppName": "shop"}


def test_one_setting_in_two_spellings_is_an_error():
    with pytest.raises(StartError, match=r"Server\.app_name stands twice"):
        given_configuration({"Server": {"AppName": "a", "app_name": "b"}})


def test_null_leaves_the_default():
    assert given_configuration({"Server": {"Threads": None}, "Web": None}).settings == {}


UNFIT = {
    "Server.Threads": [0, -1, 1.5, "8", True, [1]],
    "Server.Grace": [-1, "1s", None.__class__, float("inf")],
    "Server.Name": [1, ["a"]],
    "Server.Engine": ["nginx", 1],
    "Server.Ssl.Protocols": ["tls", ["tls12", "ssl3"], [1]],
    "Server.Console.Quiet": ["true", 1],
    "Server.Restart.Times": [9, [9]],
    "Web.ErrorPages.Routes": ["x", {"a": 1}],
    "Server": [1, "x"],
    "Server.Console": [True],
}


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in UNFIT.items() for value in values]
)
def test_a_value_that_does_not_fit_is_an_error_that_says_what_does(path: str, value: Any):
    with pytest.raises(StartError, match=rf"{path} is .*, and must be .*, such as \w"):
        given_configuration(nested(path, value))


def test_an_error_names_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartError, match=r"^server\.toml:3: Server.Threads is 'x'"):
        load(tmp_path, "Port = 1\n[Server]\nThreads = 'x'\n# Threads = 1\n")


UNKNOWN = {
    "Server.Timeout": "did you mean Server.Request.Timeout?",
    "Server.BodySize": "did you mean Server.Request.BodySize?",
    "Server.Thread": "did you mean Server.Threads?",
    "Server.Console.Quite": "did you mean Server.Console.Quiet?",
    "Web.Static.Default": "did you mean Web.Static.Defaults?",
    "Web.Nonsense": "it is ignored.",
}


@pytest.mark.parametrize(("path", "hint"), UNKNOWN.items())
def test_an_unknown_key_is_remarked_once_with_the_nearest_known(path: str, hint: str):
    (remark,) = given_configuration(nested(path, {"a": 1, "b": 2})).remarks
    assert f"{path} is not known: {hint}" in remark


def test_keys_beside_server_and_web_are_the_application_s():
    assert given_configuration({"Threads": 1, "Serving": {"Timeout": 1}}).remarks == ()


def test_what_an_asgi_server_decides_is_remarked():
    values = {"Server": {"Workers": 2, "Threads": 4}}
    (remark,) = given_configuration(values, listens=False).remarks
    assert "Server.Workers has no meaning for asgi_app" in remark


def test_restarts_that_another_setting_forbids_are_remarked():
    values = {"Server": {"AllowedActions": {"Restart": False}, "Restart": {"Period": 5}}}
    (remark,) = given_configuration(values).remarks
    assert "AllowedActions.Restart is false, so Server.Restart.Period has no effect." in remark


def test_the_nearest_is_of_the_same_name_or_spelled_alike():
    assert nearest("Server.MaxAge") == "Web.Static.Cache.MaxAge"
    assert nearest("Web.Qwertyuiop") is None


def test_settings_are_typed_values():
    web = {
        "Static": {"Defaults": ["a.html"], "ValidateLast": True, "Cache": {"MaxAge": 15}},
        "ErrorPages": {"Routes": {"/b/*": "text/plain", "/a": "text/html"}, "Default": "x/y"},
        "ContentType": {"Default": "a/b"},
        "TransferEncoding": {"Routes": {"/up": "gzip"}},
        "Compression": {"Enable": True},
        "OpenApi": {"DefaultDefinitionTag": "v1"},
    }
    server = {"Restart": {"Period": 180}, "Logging": {"Masking": {"Mask": "x"}}}
    settings = Settings.of(given_configuration({"Web": web, "Server": server}))
    assert settings.web.static.defaults == ("a.html",)
    assert settings.web.static.validate_last
    assert not settings.web.static.redirect_to_default
    assert settings.web.static.cache.max_age == 15
    assert settings.web.error_pages.routes == (("/b/*", "text/plain"), ("/a", "text/html"))
    assert settings.web.error_pages.default == "x/y"
    assert settings.web.content_type.default == "a/b"
    assert settings.web.transfer_encoding.routes == (("/up", "gzip"),)
    assert settings.web.compression
    assert settings.web.openapi_tag == "v1"
    assert settings.restart.period == 180
    assert settings.logging.mask == "x"
    assert settings.logging.enable


# --- what holds


def arguments(folder: Path, **given: Any) -> StartArguments:
    return StartArguments(folder=folder, **given)


#: Path, what the file says, what the environment says, the argument, and where the option stands.
ORDER = [
    ("Server.Name", '"file"', "environment", {"name": "argument"}, "name"),
    ("Server.AppName", '"file"', "environment", {"app_name": "argument"}, "app_name"),
    ("Server.Threads", "2", "3", {"threads": 4}, "threads"),
    ("Server.Workers", "2", "3", {"workers": 4}, "workers"),
    ("Server.Grace", "2", "3", {"grace": 4}, "grace"),
    ("Server.HandlerTimeout", "2", "3", {"handler_timeout": 4}, "handler_timeout"),
    ("Server.Engine", '"uvicorn"', "uvicorn", {"engine": "h11"}, "engine"),
    ("Server.Request.BodySize", "2", "3", {"request_body_size": 4}, "limits.body_size"),
    ("Server.Request.Timeout", "2", "3", {"request_timeout": 4}, "limits.request_timeout"),
    ("Server.KeepAliveTimeout", "2", "3", {"keep_alive_timeout": 4}, "limits.keep_alive_timeout"),
    ("Server.DeadClientTimeout", "2", "3", {"dead_client_timeout": 4}, "limits.write_timeout"),
    ("Server.Console.Quiet", "true", "false", {"quiet": True}, "quiet"),
    ("Server.Console.ShowEndpoints", "false", "true", {"hide_endpoints": True}, "hide_endpoints"),
    (
        "Server.Console.DisableTermination",
        "true",
        "false",
        {"disable_termination": True},
        "disable_termination",
    ),
    (
        "Web.ErrorPages.ShowExceptions",
        "true",
        "false",
        {"status_page_exceptions": "show"},
        "show_exceptions",
    ),
]


@pytest.mark.parametrize(("path", "file", "variable", "argument", "option"), ORDER)
def test_environment_before_argument_before_file(  # noqa: PLR0917 - a row of the table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    file: str,
    variable: str,
    argument: dict[str, Any],
    option: str,
):
    def now(**given: Any) -> Any:
        value: Any = arguments(tmp_path, **given).read()
        for part in option.split("."):
            value = getattr(value, part)
        return value

    def meant(text: str) -> Any:
        word = text.strip('"')
        switch = {"true": True, "false": False}.get(word, word)
        switch = int(word) if word.isdecimal() else switch
        return not switch if option == "hide_endpoints" else switch

    default = now()
    (tmp_path / "server.toml").write_text(f"{path} = {file}")
    assert now() == meant(file) != default
    (given,) = argument.values()
    assert now(**argument) == (True if given == "show" else given)
    monkeypatch.setenv("PODE_PY__" + path.upper().replace(".", "__"), variable)
    assert now(**argument) == meant(variable)


def test_the_root_is_relative_to_the_script_and_the_file_stays_where_it_is(tmp_path: Path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "server.toml").write_text('Server.Root = "inner"')
    assert arguments(tmp_path).read().root == tmp_path / "inner"
    assert arguments(tmp_path, root=tmp_path / "other").read().root == tmp_path / "other"


def test_a_root_that_is_not_there_is_an_error_with_its_place(tmp_path: Path):
    (tmp_path / "server.toml").write_text('Server.Root = "nope"')
    with pytest.raises(StartError, match=r"server\.toml:1: Server.Root is 'nope', and there is no"):
        arguments(tmp_path).read()


def test_ignoring_the_file_leaves_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "server.toml").write_text("Server.Threads = 2\nServer.Grace = 2")
    monkeypatch.setenv("PODE_PY__SERVER__THREADS", "3")
    options = arguments(tmp_path, ignore_server_config=True).read()
    assert (options.threads, options.grace, options.configuration.path) == (3, 10, None)


def test_wrong_arguments_are_found_before_anything_is_read(tmp_path: Path):
    with pytest.raises(ValueError, match="threads=0 must be from 1 to"):
        arguments(tmp_path, threads=0)
    with pytest.raises(ValueError, match="engine='x' is not known"):
        arguments(tmp_path, engine="x")


def test_a_file_is_named_or_ignored(tmp_path: Path):
    with pytest.raises(ValueError, match="config_file or ignore_server_config, not both"):
        arguments(tmp_path, config_file="x.toml", ignore_server_config=True)


def test_what_needs_a_new_start_stays_at_a_restart_with_a_remark(tmp_path: Path):
    before = arguments(tmp_path).read()
    (tmp_path / "server.toml").write_text("Server.Workers = 4\nServer.Threads = 2")
    after = arguments(tmp_path).read().following(before)
    assert (after.workers, after.threads) == (1, 2)
    (remark,) = after.configuration.remarks
    assert remark == "Server.Workers is 4 now. It stays 1 until the program is started anew."
