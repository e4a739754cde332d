"""The room of views: which engine renders, where files are found, and when they are read again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pytest

from pode_py.core import ambient
from pode_py.core.errors import PodeError, StatusError
from pode_py.http.mime import MimeTypes
from pode_py.testing import FakeClock
from pode_py.web.event import web_event
from pode_py.web.responses.functions import write_text_response
from pode_py.web.responses.view_functions import write_view_response
from pode_py.web.routing.functions import add_route
from pode_py.web.views import files
from pode_py.web.views.functions import add_view_folder, set_view_engine, use_partial_view
from pode_py.web.views.views import Views
from tests.runtimes import a_runtime
from tests.web.conftest import MemoryExchange, Web


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below views/, or below another folder."""

    def write(name: str, text: str, folder: str = "views") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    return write


def view(web: Web, path: str, data: Any = None, **options: Any) -> MemoryExchange:
    """The answer of a route that writes this view."""
    add_route(
        "get", "/*", lambda: write_view_response(path, data, **options), if_exists="overwrite"
    )
    return web.get("/")


def text(web: Web, path: str, data: Any = None, **options: Any) -> str:
    answer = view(web, path, data, **options)
    assert answer.status == 200, [*web.logs.errors]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def failure(web: Web, path: str, data: Any = None) -> BaseException:
    assert view(web, path, data).status == 500
    [error] = web.logs.errors
    return error


def notes(error: BaseException) -> str:
    return "\n".join(error.__notes__)


def test_a_server_without_views_imports_no_engine():
    code = """
import sys
from pode_py import *
from pode_py.testing import LiveServer
with LiveServer(lambda: add_route("get", "/", lambda: "x")) as live:
    assert live.get("/").text == "x"
print(sorted({"jinja2", "markupsafe", "markdown_it"} & set(sys.modules)))
print("pode_py.web.views.pode_template" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[-3:-1] == ["[]", "False"]


# --- Jinja2, the default ---


def test_jinja2_renders_html_without_a_word(web: Web, put):
    put("index.html", "<p>{{ name }} {{ data.name }} {{ pagename }} {{ flash }}</p>")
    assert text(web, "index", {"name": "Ann"}) == "<p>Ann Ann index {}</p>"


def test_templates_know_the_event_and_the_functions(web: Web, put):
    put("index.html", "{{ web_event.path }}{{ test_header('X') }}")
    assert text(web, "index") == "/False"


def test_pode_templates_may_spell_the_event_as_pode_does(web: Web, put):
    put("a.pode", "$($WebEvent.Path) $(web_event.method) $($WebEvent.Query['page'])")
    add_route("get", "/*", lambda: write_view_response("a.pode"), if_exists="overwrite")
    assert web.get("/x?page=2").text == "/x get 2"


def test_templates_know_what_a_room_above_adds(web: Web, put):
    web.room(Views).names["csp_nonce"] = lambda: "abc"
    put("a.html", "{{ csp_nonce() }}")
    put("a.pode", "$(csp_nonce())")
    assert (text(web, "a"), text(web, "a.pode")) == ("abc", "abc")


def test_values_are_escaped(web: Web, put):
    put("index.html", "{{ a }}{{ a | safe }}")
    assert text(web, "index", {"a": "<"}) == "&lt;<"


def test_the_last_real_extension_says_whether_values_are_escaped(web: Web, put):
    set_view_engine("jinja2", extension="j2")
    for name in ("a.css.j2", "a.js.j2", "a.json.j2", "a.txt.j2", "a.html.j2", "a.j2"):
        put(name, "{{ a }}")
    plain = [text(web, f"a.{kind}.j2", {"a": "<"}) for kind in ("css", "js", "json", "txt")]
    assert plain == ["<"] * 4
    assert [text(web, name, {"a": "<"}) for name in ("a.html.j2", "a.j2")] == ["&lt;"] * 2


def test_a_layout_and_includes_are_found_below_views(web: Web, put):
    put("layouts/page.html", "<main>{% block body %}{% endblock %}</main>")
    put("part.html", "[{{ name }}]")
    put(
        "sub/index.html",
        '{% extends "layouts/page.html" %}{% block body %}{% include "part.html" %}{% endblock %}',
    )
    assert text(web, "sub/index", {"name": "Ann"}) == "<main>[Ann]</main>"


def test_a_changed_layout_is_seen_at_once(web: Web, put):
    put("layout.html", "1{% block a %}{% endblock %}")
    put("index.html", '{% extends "layout.html" %}')
    assert text(web, "index") == "1"
    put("layout.html", "two{% block a %}{% endblock %}")
    assert text(web, "index") == "two"


def test_a_changed_file_of_macros_is_seen_at_once(web: Web, put):
    put("macros.html", "{% macro m(x) %}1{{ x }}{{ test_header('x') }}{% endmacro %}")
    put("index.html", '{% from "macros.html" import m %}{{ m("<") }}')
    assert text(web, "index") == "1&lt;False"
    put("macros.html", "{% macro m(x) %}second{% endmacro %}")
    assert text(web, "index") == "second"


def test_a_users_own_environment_keeps_its_filters_and_its_loader(web: Web, put):
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"theirs.html": "theirs {% block a %}{% endblock %}"}),
        autoescape=True,
        variable_start_string="[[",
        variable_end_string="]]",
    )
    set_view_engine("Jinja", environment=environment)
    environment.filters["twice"] = lambda value: value * 2
    environment.globals["site"] = "s"
    put(
        "a.html", '{% extends "theirs.html" %}{% block a %}[[ x | twice ]] [[ site ]]{% endblock %}'
    )
    assert text(web, "a", {"x": "<"}) == "theirs &lt;&lt; s"
    assert isinstance(environment.loader, jinja2.DictLoader)


def test_an_environment_without_autoescape_gets_ours(web: Web, put):
    set_view_engine("jinja2", environment=jinja2.Environment())
    put("a.html", "{{ x }}")
    assert text(web, "a", {"x": "<"}) == "&lt;"


def test_a_function_can_change_our_environment(web: Web, put):
    def configure(environment: jinja2.Environment) -> None:
        environment.add_extension("jinja2.ext.do")
        environment.filters["money"] = "{:.2f} €".format

    set_view_engine("jinja2", environment=configure)
    put("a.html", "{% do data.x.append(2) %}{{ x[1] | money }}{{ '<' }}")
    assert text(web, "a", {"x": [1]}) == "2.00 €&lt;"


def test_a_context_class_of_ones_own_is_asked_first(web: Web, put):
    class Shouting(jinja2.runtime.Context):
        def resolve_or_missing(self, key: str) -> Any:
            return "mine" if key == "own" else super().resolve_or_missing(key)

    environment = jinja2.Environment(autoescape=True)
    environment.context_class = Shouting
    set_view_engine("jinja2", environment=environment)
    put("a.html", "{{ own }}{{ test_header('x') }}")
    assert text(web, "a") == "mineFalse"


def test_an_async_environment_is_refused(web: Web):
    with pytest.raises(PodeError, match="enable_async"):
        set_view_engine("jinja2", environment=jinja2.Environment(enable_async=True))


def test_an_environment_that_is_none_is_refused(web: Web):
    with pytest.raises(TypeError, match=r"jinja2\.Environment"):
        set_view_engine("jinja2", environment="x")


# --- which engine ---


def test_an_extension_chooses_its_engine(web: Web, put):
    for name in ("a.html", "a.pode", "a.md"):
        put(name, "$(x) {{ x }}")
    assert text(web, "a", {"x": 1}) == "$(x) 1"
    assert text(web, "a.pode", {"x": 1}) == "1 {{ x }}"
    assert text(web, "a.md") == "<p>$(x) {{ x }}</p>\n"


def test_html_is_sent_as_it_is_under_the_other_engines(web: Web, put):
    put("a.html", "{{ x }}$(x)")
    for kind, options in (("pode", {}), ("HTML", {}), ("md", {}), ("jinja2", {"extension": "j2"})):
        set_view_engine(kind, **options)
        assert text(web, "a.html", {"x": 1}) == "{{ x }}$(x)"


def test_each_engine_has_its_extension(web: Web, put):
    for name in ("a.html", "a.pode", "a.md"):
        put(name, name)
    set_view_engine("pode")
    assert text(web, "a") == "a.pode"
    set_view_engine("markdown")
    assert text(web, "a") == "<p>a.md</p>\n"
    set_view_engine("html")
    assert text(web, "a") == "a.html"


def test_an_engine_can_have_another_extension(web: Web, put):
    put("a.tpl", "$(x)")
    set_view_engine("pode", extension=".TPL")
    assert text(web, "a", {"x": 1}) == "1"


def test_an_engine_of_ones_own_gets_path_and_data(web: Web, put, tmp_path: Path):
    @set_view_engine("shout", extension="sht")
    def render(path: str, data: dict[str, Any]) -> str:
        return Path(path).read_text().format(**data).upper() + data["pagename"]

    put("a.sht", "hello {name}")
    assert text(web, "a", {"name": "Ann"}) == "HELLO ANNa"


def test_an_engine_of_ones_own_reads_its_files_in_any_encoding(web: Web, put):
    put("a.own", "").write_bytes("hö".encode("latin-1"))
    set_view_engine("own", lambda path: Path(path).read_text("latin-1"))
    assert text(web, "a") == "hö"


def test_an_engine_of_ones_own_may_leave_out_data(web: Web, put):
    set_view_engine("Own", lambda path: Path(path).name)
    put("a.own", "")
    assert text(web, "a") == "a.own"


def test_an_engine_of_ones_own_also_gets_extensions_that_nobody_has(web: Web, put):
    set_view_engine("own", lambda path: f"own {Path(path).name}")
    put("note.txt", "")
    put("raw.html", "<p>")
    assert text(web, "note.txt") == "own note.txt"
    assert text(web, "raw.html") == "<p>"


def test_an_async_engine_is_refused_with_what_to_do(web: Web):
    async def render(path: str) -> str:
        return path

    with pytest.raises(PodeError, match="plain function"):
        set_view_engine("own", render)


def test_an_engine_must_return_a_text(web: Web, put):
    set_view_engine("own", lambda path: 3)
    put("a.own", "")
    assert "returned int for a.own" in str(failure(web, "a"))


def test_an_engine_that_hides_a_coroutine_is_named(web: Web, put):
    async def later() -> str:
        return ""

    set_view_engine("own", lambda path: later())
    put("a.own", "")
    assert "returned coroutine" in str(failure(web, "a"))


def test_an_engine_with_parameters_that_nothing_fills_is_refused(web: Web):
    with pytest.raises(PodeError, match="'extra'"):
        set_view_engine("own", lambda path, data, extra: "")


def test_wrong_combinations_are_refused(web: Web):
    with pytest.raises(ValueError, match="takes no handler"):
        set_view_engine("pode", lambda path: "")
    with pytest.raises(ValueError, match="takes no environment"):
        set_view_engine("pode", environment=jinja2.Environment())


# --- data ---


def test_data_is_not_changed(web: Web, put):
    put("a.html", "{{ pagename }}")
    put("a.pode", "$(x = 2)$(pagename)")
    data = {"x": 1}
    assert [text(web, "a", data), text(web, "a.pode", data)] == ["a", "a.pode"]
    assert data == {"x": 1}


def test_names_of_data_come_before_others_but_for_data_itself(web: Web, put):
    put("a.html", "{{ pagename }}{{ test_header }}{{ data.data }}")
    assert text(web, "a", {"pagename": "p", "test_header": "t", "data": "d"}) == "ptd"


def test_data_that_is_no_dict_is_an_error_with_its_name(web: Web, put):
    put("a.html", "")
    assert "data takes a dict" in str(failure(web, "a", [1]))


# --- where views are found ---


def test_another_folder_has_a_name(web: Web, put):
    put("there.html", '{% extends "Shop:layout.html" %}', "shop/views")
    put("layout.html", "shop {{ x }}", "shop/views")
    add_view_folder("shop", "shop/views")
    assert text(web, "there", {"x": 1}, folder="shop") == "shop 1"
    assert use_partial_view("layout", {"x": 2}, folder="SHOP") == "shop 2"


def test_a_folder_must_exist_and_its_name_be_free(web: Web, tmp_path: Path):
    with pytest.raises(PodeError, match="does not exist"):
        add_view_folder("a", "nothing")
    add_view_folder("a", tmp_path)
    with pytest.raises(PodeError, match="already exists"):
        add_view_folder("A", tmp_path)
    with pytest.raises(ValueError, match="':'"):
        add_view_folder("a:b", tmp_path)


def test_an_unknown_folder_is_an_error_that_lists_those_there_are(web: Web, put, tmp_path: Path):
    add_view_folder("shop", tmp_path)
    assert "'shop'" in str(failure_of(web, lambda: write_view_response("a", folder="shpo")))


def failure_of(web: Web, handler: Callable[[], object]) -> BaseException:
    add_route("get", "/*", handler, if_exists="overwrite")
    assert web.get("/").status == 500
    [error] = web.logs.errors
    return error


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "../secret",
        "sub/../../secret",
        "/secret",
        "..\\secret",
        "sub//inner",
        "sub/",
        "",
        ".hidden",
        "sub",
        "out",
        "outer/secret",
        "a\0b",
        "pipe",
        "C:secret",
        "\ud800",
        "x" * 300,
    ],
)
def test_what_is_not_plainly_below_the_folder_is_404_and_warned_of(path: str, tmp_path, put):
    warned: list[str] = []
    web = Web(tmp_path, report=lambda what, where: warned.append(str(what)))
    put("secret.html", "secret", "")
    put("sub/inner.html", "")
    put(".hidden.html", "")
    os.symlink(tmp_path / "secret.html", tmp_path / "views/out.html")
    os.symlink(tmp_path, tmp_path / "views/outer")
    os.mkfifo(tmp_path / "views/pipe.html")
    token = ambient._server.set(web)
    try:
        assert view(web, path).status == 404
    finally:
        ambient._server.reset(token)
        web.loop.stop(2)
    [warning] = warned
    assert str(tmp_path / "views") in warning
    assert "test_views.py" in warning


def test_a_view_that_clients_ask_for_in_vain_is_warned_of_once_a_minute(tmp_path: Path):
    warned: list[str] = []
    clock = FakeClock()
    runtime = a_runtime(tmp_path, clock=clock, report=lambda what, where: warned.append(str(what)))
    views = Views(tmp_path / "views", runtime)

    def ask(number: int) -> None:
        views.warn_of(f"view{number}", None)

    for number in range(5):
        ask(number)
    assert len(warned) == 1
    clock.advance(61)
    ask(5)
    assert "view0" in warned[0]
    assert "view5" in warned[1]
    assert "4 more times" in warned[1]


def test_a_link_inside_of_the_folder_is_followed(web: Web, put, tmp_path: Path):
    # As the files of a mounted ConfigMap are.
    put("..2027/a.html", "linked")
    os.symlink("..2027", tmp_path / "views/..data")
    os.symlink("..data/a.html", tmp_path / "views/a.html")
    assert text(web, "a") == "linked"


def test_a_link_that_is_swapped_is_judged_again(web: Web, put, tmp_path: Path):
    put("real.html", "inside")
    put("secret.html", "outside", "")
    link = tmp_path / "views/a.html"
    link.symlink_to("real.html")
    assert text(web, "a") == "inside"
    link.unlink()
    link.symlink_to(tmp_path / "secret.html")
    with pytest.raises(AssertionError):  # the test's runtime takes no warnings
        web.room(Views).warn_of("a", None)
    assert web.room(Views).render("a", None, None, page=True) is None


# --- compiled once, changes seen at once ---


def count_compiled(web: Web, extension: str) -> list[str]:
    """The names of what the engine of this extension compiles from now on."""
    engine = web.room(Views)._engine_of(extension)
    compiled: list[str] = []
    compile_it = engine.compile

    def counting(template: Any) -> Any:
        compiled.append(template.name)
        return compile_it(template)

    engine.compile = counting
    return compiled


@pytest.mark.parametrize("name", ["a.html", "a.pode"])
def test_a_template_is_compiled_once(web: Web, put, name: str):
    put(name, "$(x)")
    compiled = count_compiled(web, name.rpartition(".")[2])
    for number in range(3):
        text(web, name, {"x": number})
    assert compiled == [name]


@pytest.mark.parametrize("name", ["a.html", "a.pode", "a.md"])
def test_a_change_is_seen_at_once(web: Web, put, name: str):
    path = put(name, "one")
    assert "one" in text(web, name)
    path.write_text("two")
    assert "two" in text(web, name)


@pytest.mark.parametrize("name", ["a.html", "a.pode", "part.html"])
def test_changes_too_quick_for_the_times_of_files_are_seen(web, put, name: str, monkeypatch):
    monkeypatch.setattr(files, "CLOCK_STEP", 10**12)
    now = time.time_ns()
    put("outer.html", "{% include 'part.html' %}")
    shown = []
    for number in range(10, 15):
        os.utime(put(name, str(number)), ns=(now, now))
        shown.append(text(web, "outer" if name == "part.html" else name))
    assert shown == ["10", "11", "12", "13", "14"]


def test_a_file_that_has_just_been_written_is_still_compiled_once(web: Web, put, monkeypatch):
    monkeypatch.setattr(files, "CLOCK_STEP", 10**12)
    put("a.html", "{{ x }}")
    compiled = count_compiled(web, "html")
    assert [text(web, "a", {"x": number}) for number in range(3)] == ["0", "1", "2"]
    assert compiled == ["a.html"]


def test_a_change_of_the_same_size_and_time_to_the_second_is_seen(web: Web, put):
    path = put("a.html", "one")
    text(web, "a")
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    assert text(web, "a") == "two"


def test_a_file_that_replaces_another_is_seen_though_its_time_is_older(web: Web, put):
    path = put("a.html", "one")
    text(web, "a")
    new = put("b.html", "two")
    before = path.stat()
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)
    assert text(web, "a") == "two"


def test_a_view_that_is_deleted_is_gone_and_one_that_comes_is_there(web: Web, put):
    path = put("a.html", "one")
    views = web.room(Views)
    assert views.render("a", None, None, page=True) == "one"
    path.unlink()
    assert views.render("a", None, None, page=True) is None
    put("a.html", "again")
    assert views.render("a", None, None, page=True) == "again"


def test_a_view_ends_as_its_file_does(web: Web, put):
    put("a.html", "{{ 1 }}\n")
    put("a.pode", "$(1)\n")
    assert text(web, "a") == text(web, "a.pode") == "1\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_may_be_as_editors_of_windows_write_them(web: Web, put, encoding: str):
    path = put("a.html", "")
    path.write_text("hö\r\n{{ 1 }}", encoding, newline="")
    assert text(web, "a") == "hö\n1"


def test_a_folder_of_views_whose_link_is_swapped_shows_its_new_views(web: Web, put, tmp_path: Path):
    put("a.html", "one", "one")
    put("a.html", "two", "two")
    (tmp_path / "views").symlink_to("one")
    assert text(web, "a") == "one"
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "views")
    assert text(web, "a") == "two"


def test_a_file_that_is_no_utf_8_is_named_with_its_line(web: Web, put):
    put("a.html", "").write_bytes(b"x\n\xff")
    assert "a.html, line 2, is not text" in str(failure(web, "a"))


# --- partial views ---


def test_a_partial_view_is_inserted_as_it_is(web: Web, put):
    put("part.html", "<b>{{ x }}</b>")
    put("part.pode", "<b>$(x)</b>")
    put("a.html", "{{ use_partial_view('part', {'x': '<'}) }}")
    put("a.pode", "$(use_partial_view('part.pode', data={'x': data.x}))")
    assert text(web, "a") == "<b>&lt;</b>"
    assert text(web, "a.pode", {"x": "<"}) == "<b>&lt;</b>"


def test_a_partial_view_can_be_made_in_a_handler(web: Web, put):
    put("part.html", "<b>{{ x }}</b>")
    put("a.html", "{{ menu }}")
    assert text(web, "a", {"menu": use_partial_view("part", {"x": 1})}) == "<b>1</b>"
    assert use_partial_view("part") + "<br>" == "<b></b><br>"


def test_a_partial_text_is_escaped_in_a_page(web: Web, put):
    put("part.txt", "{{ x }}")
    put("a.html", "{{ use_partial_view('part.txt', data) }}")
    assert text(web, "a", {"x": "<script>"}) == "&lt;script&gt;"


def test_a_partial_view_that_is_not_there_is_an_error(web: Web, put):
    with pytest.raises(PodeError, match=r"no view 'nothing\.html' in .*views"):
        use_partial_view("nothing")


# --- errors ---


def test_an_error_names_template_line_and_handler(web: Web, put):
    put("a.html", "<p>\n{{ 1 / 0 }}</p>")
    error = failure(web, "a")
    assert isinstance(error, ZeroDivisionError)
    assert "views/a.html, line 2." in notes(error)
    assert "<lambda> (test_views.py:" in notes(error)


def test_an_error_in_an_included_template_names_that(web: Web, put):
    put("part.html", "\n\n{{ x.y.z }}")
    put("a.html", '{% include "part.html" %}')
    assert "views/part.html, line 3." in notes(failure(web, "a"))


def test_an_error_in_a_partial_view_names_it_and_the_handler_once(web: Web, put):
    put("part.html", "\n{{ 1 / 0 }}")
    put("a.html", "{{ use_partial_view('part') }}")
    text = notes(failure(web, "a"))
    assert text.count("In the template") == text.count("Rendered by") == 1
    assert "part.html, line 2" in text
    assert "test_views.py" in text


def test_a_syntax_error_names_template_and_line(web: Web, put):
    put("a.html", "<p>\n{% blck x %}")
    assert "views/a.html, line 2." in notes(failure(web, "a"))


def test_a_layout_that_is_not_there_is_an_error_that_says_where_it_is_looked_for(web: Web, put):
    put("a.html", '{% extends "lost.html" %}')
    error = failure(web, "a")
    assert "lost.html" in str(error)
    assert "add_view_folder" in notes(error)


def test_an_error_of_a_pode_template_names_file_and_line(web: Web, put):
    put("a.pode", "<p>\n$(data.x / 0)")
    assert "views/a.pode, line 2." in notes(failure(web, "a.pode", {"x": 1}))


def test_a_status_that_a_template_raises_is_the_answer(web: Web, put):
    def refuse() -> None:
        raise StatusError(403)

    put("a.html", "{{ refuse() }}")
    assert view(web, "a", {"refuse": refuse}).status == 403
    assert web.logs.errors == []


# --- answers ---


def test_the_status_is_kept_or_set(web: Web, put):
    put("a.html", "x")
    assert view(web, "a", status_code=201).status == 201


def test_the_last_write_wins(web: Web, put):
    put("a.html", "{{ web_event.path }}")

    def handler() -> None:
        write_view_response("a")
        write_text_response(f"{web_event.path} text")

    add_route("get", "/*", handler)
    assert web.get("/x").text == "/x text"


# --- files that are no views ---


@pytest.mark.parametrize(
    ("kind", "options", "roles"),
    [
        ("pode", {}, {"a.css.pode": "render", "a.html": "send", "a.md": "send", "a": "send"}),
        ("html", {}, {"a.pode": "hide", "a.html": "send"}),
        ("jinja2", {}, {"a.pode": "hide", "a.html": "send", "a.j2": "send"}),
        ("jinja2", {"extension": "j2"}, {"a.css.j2": "render", "a.html": "send"}),
        ("markdown", {}, {"a.md": "send"}),
    ],
)
def test_only_templates_of_the_engine_are_rendered_elsewhere(web: Web, kind, options, roles):
    set_view_engine(kind, **options)
    assert {name: web.room(Views).role_of(name) for name in roles} == roles


def test_a_file_elsewhere_is_rendered_and_its_type_follows_its_inner_name(web: Web, put):
    set_view_engine("pode")
    path = put("site.css.pode", "b { width: $(2 + 3)px; }", "public")
    views = web.room(Views)
    assert views.render_file(path) == "b { width: 5px; }"
    path.write_text("$(data.a)")
    assert views.render_file(path, {"a": ">"}) == ">"
    path.unlink()
    assert views.render_file(path) is None
    assert views.content_type_of("site.css.pode", MimeTypes()) == "text/css; charset=utf-8"
    assert views.content_type_of("live.pode", MimeTypes()) == "text/html; charset=utf-8"


def test_a_value_in_a_script_can_hold_what_a_response_can(web: Web, put: Callable[..., Path]):
    put("page.html", "{{ state | tojson }}")
    state = {"b": datetime(2030, 1, 2, tzinfo=UTC), "a": [Path("/x"), "</script>"]}
    assert text(web, "page", {"state": state}) == (
        '{"a": ["/x", "\\u003c/script\\u003e"], "b": "2030-01-02T00:00:00Z"}'
    )
