"""start_server: it returns, raises, runs again, in threads, beside others, from files."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pode_py import (
    PodeError,
    add_endpoint,
    add_route,
    add_timer,
    close_server,
    get_server_path,
    start_server,
)
from pode_py.testing import fetch
from tests.server.program import DEADLINE, beside, is_listening
from tests.support import free_port


@pytest.mark.own_engine("no engine runs during the set-up")
def test_it_raises_what_the_set_up_raises(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    raise KeyError("missing")

try:
    start_server(server)
except KeyError as error:
    say("raised", error, [thread.name for thread in threading.enumerate()])
""")
    assert server.end() == 0
    assert server.out == "raised 'missing' ['MainThread']\n"
    assert server.err == ""


@pytest.mark.own_engine("no engine runs during the set-up")
def test_a_failed_set_up_shows_its_traceback(program):
    server = program("def server():\n    raise KeyError('missing')\nstart_server(server)")
    assert server.end() == 1
    assert "KeyError: 'missing'" in server.err
    assert "/pode_py/" not in server.err


@pytest.mark.own_engine("no engine runs during the set-up")
def test_the_set_up_may_exit(program):
    server = program("def server():\n    sys.exit(3)\nstart_server(server)")
    assert server.end() == 3
    assert server.err == ""


def test_the_set_up_may_be_async(program):
    server = program("""
async def server():
    import asyncio
    await asyncio.sleep(0.01)
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")

start_server(server)
""").ready()
    assert server.get().text == "hello"
    assert server.stop() == 0


def test_it_can_be_called_again_in_one_process(program):
    server = program("""
def server():
    add_endpoint(port=PORT)
    add_route("get", "/", lambda: "hello")
    add_timer("stop", 0.1, close_server, limit=1)

for number in range(3):
    start_server(server)
    say("returned", number, sorted(thread.name for thread in threading.enumerate()))
try:
    get_server_state()
except PodeError as error:
    say(error)
""")
    assert server.end() == 0
    lines = server.out.splitlines()
    for number in range(3):
        assert f"returned {number} ['MainThread']" in lines
    assert lines[-1].startswith("The server has stopped: get_server_state() can't be called")
    assert server.err == ""


def test_it_runs_in_a_thread_that_is_not_the_main_one(tmp_path):
    port = free_port()

    def server() -> None:
        add_endpoint(port=port)
        add_route("get", "/", lambda: "hello")
        add_route("get", "/stop", close_server)

    ended = beside(start_server, server, quiet=True)
    _wait_for(port)
    assert fetch(f"http://127.0.0.1:{port}/").text == "hello"
    fetch(f"http://127.0.0.1:{port}/stop")
    ended.result(DEADLINE)
    assert not is_listening(port)


def test_servers_run_beside_each_other(tmp_path):
    ports = [free_port() for _ in range(3)]
    ended = []
    for port in ports:

        def server(port: int = port) -> None:
            add_endpoint(port=port)
            add_route("get", "/", lambda: {"port": port, "path": str(get_server_path())})
            add_route("get", "/stop", close_server)

        folder = tmp_path / str(port)
        folder.mkdir()
        ended.append(beside(start_server, server, quiet=True, root_path=folder))
    for port in ports:
        _wait_for(port)
        answer = fetch(f"http://127.0.0.1:{port}/").json()
        assert answer == {"port": port, "path": str(tmp_path / str(port))}
    fetch(f"http://127.0.0.1:{ports[1]}/stop")
    ended[1].result(DEADLINE)
    assert [is_listening(port) for port in ports] == [True, False, True]
    for port in (ports[0], ports[2]):
        fetch(f"http://127.0.0.1:{port}/stop")
    for one in ended:
        one.result(DEADLINE)


@pytest.mark.own_engine("files and folders do not depend on the engine")
def test_a_file_may_define_the_handler(program, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "set_up.py").write_text("""
import os
from pode_py import *

def handler():
    add_endpoint(port=int(os.environ["PORT"]))
    add_route("get", "/", lambda: str(get_server_path()))
""")
    server = program('start_server(file_path="app/set_up.py")').ready()
    assert server.get().text == str(tmp_path / "app")
    assert not list((tmp_path / "app").glob("__pycache__"))


@pytest.mark.own_engine("files and folders do not depend on the engine")
def test_the_code_of_a_file_may_be_the_set_up(program, tmp_path):
    (tmp_path / "set_up.py").write_text("""
import os
from pode_py import *

add_endpoint(port=int(os.environ["PORT"]))

@add_route("get", "/")
def home():
    return os.path.basename(__file__)
""")
    server = program('start_server(file_path="set_up.py")').ready()
    assert server.get().text == "set_up.py"


@pytest.mark.own_engine("files and folders do not depend on the engine")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "scripts"),
        ("current_path=True", "."),
        ("root_path='site'", "scripts/site"),
        ("root_path=os.getcwd() + '/other'", "other"),
        ("file_path='site/set_up.py'", "scripts/site"),
        ("file_path='site/set_up.py', current_path=True", "."),
        ("file_path='site/set_up.py', root_path='.'", "scripts"),
    ],
)
def test_the_root_is_the_scripts_folder_unless_told_otherwise(
    program, tmp_path, arguments, expected
):
    site = tmp_path / "scripts" / "site"
    site.mkdir(parents=True)
    (tmp_path / "other").mkdir()
    code = (
        "from pode_py import *\ndef handler():\n    print(get_server_path())\n    close_server()\n"
    )
    (site / "set_up.py").write_text(code)
    (tmp_path / "scripts" / "run.py").write_text(
        code
        + "import os\n"
        + f"start_server({arguments if 'file_path' in arguments else 'handler, ' + arguments})\n"
    )
    server = program("import runpy; runpy.run_path('scripts/run.py', run_name='__main__')")
    assert server.end() == 0
    assert Path(server.out.strip()) == (tmp_path / expected).resolve()


@pytest.mark.own_engine("files and folders do not depend on the engine")
def test_a_thread_that_runs_it_itself_finds_the_folder_of_the_handler(program, tmp_path):
    server = program("""
def server():
    say(get_server_path())
    close_server()

thread = threading.Thread(target=start_server, args=(server,))
thread.start()
thread.join()
""")
    assert server.end() == 0
    assert server.out == f"{tmp_path}\n"


@pytest.mark.own_engine("files and folders do not depend on the engine")
def test_code_that_is_no_file_has_the_current_folder_for_its_root(program, tmp_path):
    server = program("""
code = "start_server(lambda: (say(get_server_path()), close_server()))"
os.makedirs("below", exist_ok=True)
os.chdir("below")
import subprocess
subprocess.run(
    [sys.executable, "-c", "from pode_py import *\\nstart_server(lambda: (print(get_server_path()),"
     " close_server()))"],
    check=True,
)
""")
    assert server.end() == 0
    assert server.out == f"{tmp_path / 'below'}\n"


@pytest.mark.own_engine("files and folders do not depend on the engine")
def test_a_script_beside_the_package_whose_folder_begins_like_it_is_found(program, tmp_path):
    # The folder's name begins with the package's whole path.
    (tmp_path / "pode_py").symlink_to(Path(__file__).parent.parent.parent / "pode_py")
    mine = tmp_path / "pode_py_shop"
    mine.mkdir()
    (mine / "run.py").write_text(
        "from pode_py import *\nstart_server(lambda: (print(get_server_path()), close_server()))\n"
    )
    server = program(
        f"import runpy; runpy.run_path({str(mine / 'run.py')!r})", env={"PYTHONPATH": str(tmp_path)}
    )
    assert server.end() == 0
    assert server.out == f"{mine}\n"


@pytest.mark.own_engine("no engine runs during the set-up")
@pytest.mark.parametrize(
    ("arguments", "named", "error", "message"),
    [
        ((), {}, PodeError, "needs the function that sets the server up, or file_path"),
        ((print,), {"file_path": "x.py"}, PodeError, "a handler or file_path, not both"),
        (("x.py",), {}, TypeError, "takes a function, not 'x.py'. Write file_path='x.py'"),
        ((print,), {"root_path": "nowhere"}, PodeError, "there is no folder"),
        ((print,), {"threads": 0}, ValueError, "threads"),
        ((print,), {"grace": -1}, ValueError, "grace"),
        ((print,), {"status_page_exceptions": "maybe"}, ValueError, "'hide', 'show'"),
        ((print,), {"enable_pool": "cars"}, ValueError, "'timers'"),
        ((), {"file_path": "nowhere.py"}, PodeError, "nowhere.py does not exist"),
    ],
)
def test_bad_arguments_get_a_sentence_that_says_what_to_do(arguments, named, error, message):
    before = set(threading.enumerate())
    with pytest.raises(error, match=message):
        start_server(*arguments, **named)
    assert {one for one in threading.enumerate() if one.name != "pode-stop"} <= before


def test_nothing_is_left_of_a_server_that_ran_in_the_main_thread(tmp_path):
    before = set(threading.enumerate())
    start_server(lambda: add_timer("stop", 0.01, close_server), quiet=True)
    for thread in set(threading.enumerate()) - before:
        thread.join(DEADLINE)
    assert set(threading.enumerate()) <= before


def _wait_for(port: int) -> None:
    ready = threading.Event()
    for _ in range(500):
        if is_listening(port):
            return
        ready.wait(0.02)
    raise AssertionError(f"Nothing listens on {port}.")
