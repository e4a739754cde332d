"""A value of a wrong type, for each parameter of each public function: the error names it.

Functions that set up check their arguments. Those that requests call do not, to be quick: what
Python says of them from inside gets a note, when it is logged.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pode_py import PodeError, StatusError, add_route
from pode_py.core.notes import add_note
from pode_py.testing import LiveServer
from tests.contract.names import functions
from tests.contract.tables import ALIASES

#: They end the server, look for others, or make a stream of the request.
NOT_CALLED = {
    "close_server",
    "convert_to_sse_connection",
    "enable_sse_backplane",
    "restart_server",
    "start_server",
}
NAMES = sorted(set(functions()) - set(ALIASES) - NOT_CALLED)

#: What fits, by the names of parameters; for others a text does.
FITS: dict[str, Any] = {
    "code": 404,
    "cron": "@daily",
    "exception": KeyError,
    "handler": print,
    "interval": 5,
    "maximum": 1,
    "method": "get",
    "scope": "local",
    "type": "connect",
    "values": {"X-A": "b"},
    "window": 1,
}
#: What the handlers of requests call.
IN_REQUESTS = {
    "add_header",
    "add_header_bulk",
    "new_sse_client_id",
    "new_sse_ticket",
    "remove_cookie",
    "set_cookie",
    "set_header",
    "set_header_bulk",
    "set_response_status",
    "use_partial_view",
}
SETS_UP = ("add", "edit", "enable", "new", "register", "remove", "set", "start", "use")
WRONG = (object(), 5, b"x", None, [object()], {"a": 1}, float("nan"), 10**400)


@pytest.fixture(scope="module")
def in_a_request(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., None]]:
    """Call a function where most of them make sense: in the handler of a request."""
    jobs: list[Callable[[], None]] = []
    folder: Path = tmp_path_factory.mktemp("wrong-arguments")

    def handler() -> None:
        jobs.pop()()

    with LiveServer(lambda: add_route("get", "/", handler) and None, root_path=folder) as live:

        def call(job: Callable[[], None]) -> None:
            jobs.append(job)
            add_back = live.get("/").status_code == 404
            if add_back:  # clear_routes and its kin have done what they are for
                live.call(add_route, "get", "/", handler, if_exists="overwrite")

        yield call


@pytest.mark.parametrize("name", sorted(functions()))
def test_what_sets_up_checks_its_arguments(name: str):
    function = functions()[name]
    if name.split("_", maxsplit=1)[0] in SETS_UP and inspect.signature(function).parameters:
        assert (inspect.unwrap(function) is function) == (name in IN_REQUESTS), (
            f"{name}: write @checked or @decorates above it, or add it to IN_REQUESTS."
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_argument_is_named(in_a_request: Callable[..., None], name: str):
    function = functions()[name]
    parameters = inspect.signature(function).parameters.values()
    needed = {
        one.name: FITS.get(one.name, "text") for one in parameters if one.default is one.empty
    }
    unclear: list[str] = []

    def try_all() -> None:
        for parameter in parameters:
            for value in WRONG:
                given = {**needed, parameter.name: value}
                unclear.extend(_unclear(function, given, parameter.name))

    in_a_request(try_all)
    assert not unclear


def _unclear(function: Callable[..., Any], given: dict[str, Any], name: str) -> Iterator[str]:
    try:
        function(**given)
    except (PodeError, StatusError):  # a sentence of ours
        return
    except Exception as error:
        add_note(error)
        told = " ".join([str(error), *getattr(error, "__notes__", ())])
        if name not in told and not _is_ours(error):
            yield f"{name}={given[name]!r}"[:100] + f": {told}"


def _is_ours(error: Exception) -> bool:
    """Whether pode_py has raised it, and not Python from inside of it."""
    trace = inspect.getinnerframes(error.__traceback__)[-1] if error.__traceback__ else None
    line = "".join(trace.code_context or ()) if trace else ""
    return "raise " in line
