"""Pode's old names, and functions that need no test file of their own."""

from __future__ import annotations

import pytest

from pode_py.core.errors import PodeError
from pode_py.observability.logs import functions
from pode_py.observability.logs.functions import (
    add_logger,
    enable_error_logging,
    enable_request_logging,
    use_logging,
    write_log,
)
from pode_py.observability.logs.methods.functions import new_logging_method


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("enable_request_logging", "enable_log_request_type"),
        ("disable_request_logging", "disable_log_request_type"),
        ("enable_error_logging", "enable_log_error_type"),
        ("disable_error_logging", "disable_log_error_type"),
        ("add_logger", "add_log_type"),
        ("remove_logger", "remove_log_type"),
        ("clear_loggers", "clear_log_types"),
    ],
)
def test_an_old_name_is_the_new_function(old, new):
    assert getattr(functions, old) is getattr(functions, new)


def test_the_old_way_to_make_methods_works(server, capsys, a_request):
    seen = []
    enable_error_logging(new_logging_method(terminal=True))
    enable_request_logging(new_logging_method(file=True, name="requests", max_days=4))
    add_logger(
        new_logging_method(custom=True, handler=seen.append, batch=2, id="mine"), "main", raw=True
    )
    server.logs.write_request(a_request())
    server.logs.write_exception("x", where="here")
    write_log("a", "main")
    write_log("b", "main")
    assert len(server.lines("requests")) == 1
    assert seen == [["a", "b"]]
    assert "here: x" in capsys.readouterr().out


def test_terminal_is_the_default_of_the_old_function(server, capsys):
    enable_error_logging(new_logging_method())
    server.logs.write_exception("x", where="here")
    assert server.logs.flush()
    assert "here: x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"terminal": True, "file": True}, "makes one method"),
        ({"file": True}, "needs a name"),
        ({"custom": True}, "needs a handler"),
    ],
)
def test_the_old_function_tells_what_is_missing(server, arguments, message):
    with pytest.raises(ValueError, match=message):
        new_logging_method(**arguments)


def test_use_logging_runs_the_files_of_a_folder(server):
    folder = server.root / "logging" / "deeper"
    folder.mkdir(parents=True)
    (folder / "setup.py").write_text(
        "from pode_py.observability.logs.functions import add_log_type\n"
        "from pode_py.observability.logs.methods.functions import new_log_file_method\n"
        "add_log_type(new_log_file_method('app'), 'main', raw=True)\n"
    )
    use_logging()
    write_log("x", "main")
    assert server.lines("app") == ["x"]


def test_use_logging_tells_that_a_folder_is_missing(server):
    with pytest.raises(PodeError, match="does not exist"):
        use_logging("nowhere")
