"""Programs with a mistake: none of them starts and then does nothing, and each error says where it
is, what it is, and what to write.

`# <-` marks the line that the error names. Most fail while they are set up: one process runs them
all, one after another. Those that fail in a handler are the routes of one server.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.contract.names import table
from tests.contract.parity import status
from tests.server.program import ROOT
from tests.server.wrong_programs import STARTED

MARK = "# <-"
#: A function that is still planned, whichever that is.
FUTURE = next(row for row in table().values() if status(row.name) == "planned")
HEAD = """\
from pathlib import Path
from pode_py import *

def home():
    return "hello"

def tick():
    pass
"""
RUNNER = Path(__file__).with_name("wrong_programs.py")


@dataclass(frozen=True)
class Wrong:
    """A program, and what its error says."""

    code: str
    says: str

    @property
    def line(self) -> int:
        """The one that the error names."""
        return next(n for n, line in enumerate(self.code.splitlines(), 1) if MARK in line)


def in_set_up(code: str, says: str) -> Wrong:
    """A mistake of one statement, or of several."""
    marked = code if MARK in code else f"{code}  {MARK}"
    body = indent(dedent(marked).strip(), "    ")
    whole = f"{HEAD}\ndef server():\n    add_endpoint(port=8099)\n{body}\n\nstart_server(server)\n"
    return Wrong(whole, says)


def script(code: str, says: str) -> Wrong:
    """A mistake of the whole script."""
    return Wrong(HEAD + dedent(code), says)


STATEMENTS = [
    # Endpoints.
    ('add_endpoint("192.168.1.300")', "address='192.168.1.300' is no address"),
    ("add_endpoint(8090)", "address takes a str, not 8090. For example: add_endpoint(port=8080)"),
    ('add_endpoint("localhost:8080")', 'Write add_endpoint("localhost", 8080)'),
    ('add_endpoint("https://localhost:8443")', '("localhost", 8443, protocol="https")'),
    ('add_endpoint(port="8080")', "port takes a whole number, not '8080'. Write 8080, without"),
    ("add_endpoint(port=70_000)", "port=70000 must be from 0 to 65535"),
    ('add_endpoint(protocol="htp")', "protocol='htp' is not known. Did you mean 'http'?"),
    ('add_endpoint(protocol="https")', "needs certificate='file.pem' or self_signed=True."),
    (
        'add_endpoint(protocol="https", certificate="a.pem", self_signed=True)',
        "takes certificate= or self_signed=True, not both",
    ),
    ('add_endpoint(protocol="ws")', "protocol='ws' can't be served yet"),
    ('add_endpoint("*", 8099)', "would listen on port 8099 twice"),
    ('add_endpoint(adress="*")', "add_endpoint has no parameter 'adress'. Did you mean 'address'?"),
    ('add_endpoint(host="localhost")', "no parameter 'host'. Did you mean 'address'?"),
    ('add_endpoint(hostname="localhost")', "Where to listen is address: write address='localhost'"),
    ('set_trusted_proxies("*")', "'*' is not an address. Write an IP address, a network"),
    ('set_trusted_proxies(["127.0.0.1"])', 'Write set_trusted_proxies("127.0.0.1")'),
    ('set_trusted_proxies("::1", 5)', "set_trusted_proxies takes addresses as str, not 5"),
    ('set_allowed_hosts("https://example.com")', "Write a name without scheme and port"),
    ('set_allowed_hosts(["a.example"])', 'Write set_allowed_hosts("a.example")'),
    # Routes.
    ('add_route("/x", "get", home)', 'this order. Write add_route("get", "/x", home).'),
    ('add_route("get", home, "/x")', 'this order. Write add_route("get", "/x", home).'),
    ('add_route(home, "get", "/x")', 'this order. Write add_route("get", "/x", home).'),
    ('add_route("/x", "get")', 'this order. Write add_route("get", "/x").'),
    ('add_route("/x", home)', "method='/x' is not known"),
    ('add_route("gte", "/x", home)', "method='gte' is not known. Did you mean 'get'?"),
    ('add_route(["get", "pots"], "/x", home)', "method='pots' is not known. Did you mean 'post'?"),
    ('add_route("get", "/users/{id}", home)', "would be taken as text. Write :id for a parameter"),
    ('add_route("get", "/users/<id>", home)', "would be taken as text. Write :id for a parameter"),
    ('add_route("get", "/users/<int:id>", home)', "Write :id for a parameter"),
    ('add_route("get", "/users/{id:int}", home)', "Write :id for a parameter"),
    (r'add_route("get", r"/users/(\d+)", home)', "Paths can't be regular expressions"),
    ('add_route("get", "^/x$", home)', "Paths can't be regular expressions"),
    ('add_route("get", "/.*", home)', "Paths can't be regular expressions"),
    ('add_route("get", "/users/:id?", home)', "A parameter is never optional"),
    ('add_route("get", "http://localhost/x", home)', "Write the path only"),
    ('add_route("get", "/x#top", home)', "A client never sends what follows a #"),
    ('add_route("get", Path("/x"), home)', "path takes a str, not PosixPath('/x'). Write '/x'."),
    ('add_route("get", b"/x", home)', "path takes a str, not b'/x'. Write '/x', without the b."),
    ('add_route("get", None, home)', "path takes a str, not None"),
    ('add_route("get", "/x", home())', "handler takes a function, not 'hello'. Give add_route the"),
    ('add_route("get", "/x", "home")', "the function itself: its name without quotes or ()"),
    ('add_route("get", "/x", tick())', 'add_route("get", "/x") at '),
    ('add_route("get", "/x")', "has no handler. Put it above a function as @add_route"),
    ('add_route("get", "/x", home, home)', "add_route takes 3 by position, and is given 4"),
    ('add_route("get", "/x", home, middelware=home)', "Did you mean 'middleware'?"),
    ('add_route("get", "/x", ScriptBlock=home)', "Did you mean 'handler'?"),
    ('add_route("get", "/x", home, endpoint_name="admin")', "does not exist. There are: none"),
    ('add_route("get", "/x", home, middleware="key")', "Middleware 'key' does not exist"),
    ('add_route("get", "/x", home, middleware=5)', "middleware takes functions, names or what"),
    ('add_route("get", "/x", home, if_exists="replace")', "Use one of: 'default', 'error'"),
    ('add_route("get", "/x", home, pass_thru="yes")', "Write pass_thru=True"),
    ('add_route("get", "/x", file_path="home")', "does not exist"),
    ('add_route("get", "/x", home, file_path="home.py")', "takes a handler or a file_path, not"),
    ('add_route("get", "/x", lambda page: 1)', "web_event.query['page'], web_event.data['page']"),
    ('add_route("get", "/x", lambda event: 1)', "Did you mean 'web_event'?"),
    ('add_route("get", "/x", lambda query: 1)', "It is web_event.query"),
    ('add_route("get", "/:usr", lambda user: 1)', "Did you mean 'usr'?"),
    ('add_route("get", "/:id", lambda id: 1, argument_list={"id": 1})', "gets 'id' from its path"),
    ('add_route("get", "/:id/:id", home)', "has the parameter 'id' twice"),
    ('add_route("get", "/:web_event", home)', "has the name of the event"),
    ('add_route("get", "/x", home, argument_list={"a": 1})', "has no parameter 'a', but argument"),
    ('add_route_group("/{tenant}")', "Write :tenant for a parameter"),
    ('add_route_group("/x")', 'has no routes. Write `with add_route_group("/x"):` and add them in'),
    ('add_route_group("/x", home())', "routes takes a function, not 'hello'"),
    ('use_routes("nowhere")', "nowhere does not exist"),
    # Middleware.
    ('add_middleware(home, "key")', 'this order. Write add_middleware("key", home).'),
    ('add_middleware("key", home, route="/{x}")', "route='/{x}' would be taken as text"),
    ('new_middleware("home")', "handler takes a function, not 'home'"),
    # Timers.
    ('add_timer("x", "5", tick)', "interval takes seconds as a number or a timedelta, not '5'."),
    ('add_timer(tick, "x", 5)', 'this order. Write add_timer("x", 5, tick).'),
    ('add_timer("x", tick, 5)', 'this order. Write add_timer("x", 5, tick).'),
    ('add_timer(5, "x", tick)', 'this order. Write add_timer("x", 5, tick)'),
    ('add_timer("x", 0, tick)', "interval=0 must be at least 0.001 seconds"),
    ('add_timer("x", float("nan"), tick)', "interval=nan is no number of seconds"),
    ('add_timer("x", float("inf"), tick)', "interval=inf must be at most"),
    ('add_timer("x", 1e308, tick)', "interval=1e+308 must be at most"),
    ('add_timer("x", True, tick)', "interval takes seconds as a number or a timedelta, not True"),
    ('add_timer("x", None, tick)', "interval takes seconds as a number or a timedelta, not None"),
    ('add_timer("x", 5, tick())', 'add_timer("x", 5) at '),
    ('add_timer("x", 5, lambda event: 1)', "Did you mean 'timer_event'?"),
    ('add_timer("x", 5, lambda count: 1)', "argument_list={'count': ...}"),
    ('add_timer(b"x", 5, tick)', "name takes a str, not b'x'. Write 'x', without the b"),
    ('add_timer("", 5, tick)', "name must not be empty"),
    ('add_timer("x", 5, tick, on_start="yes")', "True or False, not 'yes'. Write on_start=True"),
    ('add_timer("x", 5, tick, limit="3")', "Write 3, without quotes"),
    ('add_timer("x", 5, tick, limit=-1)', "limit=-1 must be at least 0"),
    ('add_timer("x")', "add_timer needs interval. By position it takes name, interval, handler"),
    ('add_timer("x", 5, tick, argumentlist=[1])', "Did you mean 'argument_list'?"),
    ('add_timer("x", 5, tick, name="y")', "add_timer is given name twice"),
    # Schedules.
    ('add_schedule("x", "0 7 * *", tick)', "needs five fields and has 4"),
    ('add_schedule("x", "0 25 * * *", tick)', "25 must be from 0 to 23"),
    ('add_schedule("x", "@never", tick)', "'@never' is not known. Use one of: @minutely"),
    ('add_schedule("x", "0 0 30 2 *", tick)', "February has only 29 days"),
    ('add_schedule("x", tick, "@daily")', 'this order. Write add_schedule("x", "@daily", tick).'),
    ('add_schedule("x", 5, tick)', "cron takes a str or a list of them, not 5"),
    ('add_schedule("x", "@daily", tick, timeout=float("inf"))', "timeout=-1 means no end"),
    ('add_schedule("x", "@daily", tick, time_zone="Europe/Berlim")', "Europe/Berlim"),
    ('add_schedule("x", "@daily", tick, start_time="2027-01-01")', "start_time takes a datetime"),
    ('new_cron(every="weekly")', "every='weekly' is not known. Use one of: 'minute', 'hour'"),
    ('new_cron(day="mon")', "day='mon' is not known. Did you mean 'monday'?"),
    ("set_schedule_concurrency(0)", "maximum=0 must be from 1 to 10000"),
    # Server-Sent Events.
    ('send_sse_event("Events", "hi")', "By position it takes data, by name name=, group="),
    ('send_sse_event("hi", nam="Events")', "Did you mean 'name'?"),
    ('register_sse_event("Events", "conect", "x", tick)', "Did you mean 'connect'?"),
    ('set_sse_broadcast_level("client")', "type='client' is not known. Did you mean 'clientid'?"),
    ('set_sse_history("Events", duration="1h")', "duration takes seconds as a number"),
    ("set_sse_max_age(float('inf'))", "duration=0 means no end"),
    ("set_sse_max_age(10, jitter=5)", "jitter=5 must be a part from 0 to 1"),
    ("set_sse_limits(total=0)", "total=0 must be at least 1"),
    ('set_sse_limits(per_adress=5)', "Did you mean 'per_address'?"),
    # Logs.
    ("enable_log_error_type(new_log_terminal_method)", "Call it: new_log_terminal_method()."),
    ("enable_sse_signing(b'hunter2')", "secret takes a str, not a value of type bytes"),
    ("set_cookie_secret('a', b'hunter2')", "value takes a str or a list of them, not a value of"),
    ("set_cookie_secret(['hunter2'], 'a')", "Write set_cookie_secret(name, value)."),
    ("set_cookie_secret('a')", "set_cookie_secret needs the secret: value=..."),
    ("get_cookie_secret('shop')", "There is no cookie secret 'shop'. Known: none. Add it"),
    ('enable_log_error_type("terminal")', "Log method 'terminal' does not exist. There are: none"),
    ('enable_log_error_type(new_log_terminal_method(), levels="warn")', "Did you mean 'warning'?"),
    ("new_log_file_method()", "new_log_file_method needs name"),
    ('new_log_file_method("x", max_days="4")', "Write 4, without quotes"),
    ('add_log_type("sales", new_log_terminal_method())', "Log method 'sales' does not exist"),
    ("new_log_batch_info(timeout=-1)", "timeout=-1 must be at least 0 seconds"),
    # Names.
    (f'{FUTURE.name}("home")', f"{FUTURE.name} (Pode: {FUTURE.pode}) is planned, not there"),
    ('add_rout("get", "/x", home)', "Did you mean 'add_route'?"),
    ('AddPodeRoute("get", "/x", home)', "AddPodeRoute is called add_route here"),
    ("show_gui()", "has no meaning in Python or on Linux: opens a WPF window"),
    ("print(web_event.path)", "web_event only exists while a request is handled"),
    ('write_text_response("hi")', "This only works while a request is handled"),
    ("start_server(server)", "start_server was called inside of a server"),
]  # fmt: skip
BLOCKS = [
    (
        """
        @add_route  # <-
        def other():
            return "hello"
        """,
        "lacks its arguments. Write them behind it, as in @add_route(",
    ),
    (
        """
        @add_timer  # <-
        def other():
            pass
        """,
        'as in @add_timer("name", 5)',
    ),
    (
        """
        add_route("get", "/x", home)
        add_route("GET", "/X", home)  # <-
        """,
        "Route GET /X already exists. Pass if_exists='overwrite' or 'skip', or change the path",
    ),
    (
        """
        add_timer("x", 5, tick)
        add_timer("X", 5, tick)  # <-
        """,
        "Timer 'X' already exists. Remove it first, or choose another name",
    ),
    (
        """
        add_endpoint(port=8100, name="a")
        add_endpoint(port=8101, name="A")  # <-
        """,
        "Endpoint 'A' already exists. Choose another name",
    ),
    (
        """
        def problem(request, error):  # <-
            pass
        add_exception_handler(KeyError, problem)
        """,
        "It gets the error first, and may have web_event after it: `def problem(error, web_event)`",
    ),
    (
        """
        enable_log_request_type(new_log_terminal_method())
        enable_log_request_type(new_log_file_method("requests"))  # <-
        """,
        "as in enable_log_request_type([file, terminal]), or give the second log type a name",
    ),
    (
        """
        def beat():  # <-
            yield 1
        add_timer("x", 5, beat)
        """,
        "is a generator function. Nothing reads what it yields here",
    ),
    (
        """
        def user(id: list):  # <-
            pass
        add_route("get", "/users/:id", user)
        """,
        "which cannot become list. Annotate it as str, int, float, bool, date",
    ),
    (
        """
        def user(web_event, *rest):  # <-
            pass
        add_route("get", "/x", user, argument_list=[1])
        """,
        "`def handler(*values, web_event)`",
    ),
]
SCRIPTS = [
    (
        """
        def server():
            add_endpoint(port=8099)  # <-

        start_server(server())
        """,
        "start_server(server), not start_server(server())",
    ),
    (
        """
        @add_route("get", "/x")  # <-
        def other():
            return "hello"

        start_server()
        """,
        "Call pode_py functions inside the function that you give to start_server",
    ),
    ("\nstart_server()  # <-\n", "start_server needs the function that sets the server up"),
    ('\nstart_server("server.py")  # <-\n', "Write file_path='server.py' for a file"),
    ("\nstart_server(tick, port=8080)  # <-\n", "sets it up: add_endpoint(port=8080)."),
    ('\nstart_server(tick, host="::1")  # <-\n', 'sets it up: add_endpoint(address="::1").'),
    ('\nstart_server(tick, threads="4")  # <-\n', "Write 4, without quotes"),
    ("\nstart_server(tick, thread=4)  # <-\n", "Did you mean 'threads'?"),
    ('\nstart_server(tick, engine="uvicron")  # <-\n', "Did you mean 'uvicorn'?"),
    ("\nstart_server(tick, grace=float('inf'))  # <-\n", "grace=inf must be at most"),
    ('\nstart_server(tick, quiet="no")  # <-\n', "Write quiet=False"),
    ("\nstart_server(tick, workers=10**9)  # <-\n", "workers=1000000000 must be from 1 to 1000"),
    ("\nstart_server(tick, root_path='nowhere')  # <-\n", "there is no folder"),
    (
        """
        def server(app):  # <-
            add_endpoint(port=8099)

        start_server(server)
        """,
        "has the parameter 'app', and nothing fills it. Remove it, or give it a default",
    ),
    (
        """
        def server():  # <-
            yield add_endpoint(port=8099)

        start_server(server)
        """,
        "is a generator function",
    ),
    (
        """
        def server():  # <-
            add_endpoint(port=8099)

        start_server(lambda: server)
        """,
        "It was never called",
    ),
    (
        """
        def server():
            add_route("get", "/", other)

        def other():  # <-
            return "hello"

        start_server(server)
        """,
        "There are routes but no endpoint to reach them",
    ),
    (f"\nfrom pode_py import {FUTURE.name}  # <-\n", "is planned, not there yet"),
    ("\nfrom pode_py import add_rout  # <-\n", "Did you mean 'add_route'?"),
    (
        """
        from pode_py import add_route as ar, start_server as run
        del web_event

        def server():
            print(web_event)  # <-

        run(server)
        """,
        "write `from pode_py import web_event`",
    ),
]

# Those without any server first: after one, messages say that it has stopped.
PROGRAMS = {
    **{" ".join(code.split()): script(code, says) for code, says in SCRIPTS},
    **{" ".join(code.split()): in_set_up(code, says) for code, says in BLOCKS},
    **{code: in_set_up(code, says) for code, says in STATEMENTS},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the user of each program sees."""
    folder = tmp_path_factory.mktemp("wrong")
    paths = {}
    for number, (name, wrong) in enumerate(PROGRAMS.items()):
        path = folder / f"wrong_{number}.py"
        path.write_text(wrong.code)
        paths[str(path)] = name
    ran = subprocess.run(
        [sys.executable, str(RUNNER), *paths],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=280,
    )
    return {paths[path]: text for path, text in json.loads(ran.stdout).items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_wrong_program_says_where_what_and_what_to_write(told: dict[str, str], name: str):
    wrong, text = PROGRAMS[name], told[name]
    assert text != STARTED
    assert wrong.says in text
    assert "needs ." not in text, "The note does not fit."
    line = rf'wrong_\d+\.py(", line |:){wrong.line}\b'
    assert re.search(line, text), f"{wrong.line} is not named: {text}"
    traceback = text.rpartition("Traceback")[2]  # without what it was raised from
    assert "/pode_py/" not in traceback or "import" in name, "Lines of ours help nobody."


def test_there_are_enough_of_them():
    assert len(PROGRAMS) > 120
