"""Templates of the pode engine: text, expressions, blocks, and PowerShell that may stay."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from pode_py.core.errors import PodeError
from pode_py.web.views.files import Template
from pode_py.web.views.pode_template import PodeEngine


def filled(text: str, data: dict[str, Any] | None = None, file: str = "page.pode") -> str:
    """What the template makes of these values."""
    content = text.encode("utf-8", "surrogatepass")
    template = Template(file, f"/site/views/{file}", content, (0, 0, 0, 0))
    return PodeEngine({"shout": str.upper}).compile(template)(data or {})


def complaint(text: str, data: dict[str, Any] | None = None) -> str:
    """What the error says."""
    with pytest.raises(PodeError) as caught:
        filled(text, data)
    return str(caught.value)


# --- text ---


@given(st.text().filter(lambda text: "$(" not in text and "`$" not in text))
@example("\ufeff$ $x ` {} \r\n")
def test_text_without_an_expression_stays_as_it_is(text: str):
    # A mark at the beginning says how the file was written.
    assert filled(text) == text.removeprefix("\ufeff")


def test_a_backtick_before_a_dollar_makes_it_plain():
    assert filled("`$(document).ready(f) `$name") == "$(document).ready(f) $name"


def test_other_backticks_and_names_without_brackets_stay():
    assert filled("let a = `x${b}`; '$5' $data") == "let a = `x${b}`; '$5' $data"


# --- values ---


def test_expressions_are_those_of_python():
    assert filled("$(1 + 1) $([n * 2 for n in data.n][-1]) $(len(data.n))", {"n": [1, 2]}) == (
        "2 4 2"
    )


def test_a_text_and_other_values_are_shown_by_their_str():
    assert filled("$(data.a) $(data.b) $(data.c)", {"a": "x", "b": True, "c": 1.5}) == "x True 1.5"


def test_none_shows_nothing():
    assert filled("[$(data.a)]", {"a": None}) == "[]"


def test_items_are_joined_by_a_space():
    assert filled("$(data.a)|$(data.b)", {"a": (1, "<", 3), "b": []}) == "1 &lt; 3|"


def test_a_dict_is_one_value():
    assert filled("$(data.a)", {"a": {"b": 1}}) == "{&#39;b&#39;: 1}"


def test_values_are_escaped_unless_they_are_markup():
    data = {"a": '<b>"x" & y</b>', "b": Markup("<i>")}
    assert filled("$(data.a)$(data.b)", data) == "&lt;b&gt;&#34;x&#34; &amp; y&lt;/b&gt;<i>"


@pytest.mark.parametrize("file", ["site.css.pode", "app.js.pode", "x.json.pode", "x.txt.pode"])
def test_values_are_not_escaped_where_html_has_no_meaning(file: str):
    assert filled("$(data.a)", {"a": "a > b"}, file) == "a > b"


def test_each_key_of_data_and_each_name_of_all_templates_is_a_name():
    assert filled("$(shout(name))", {"name": "ann"}) == "ANN"


def test_a_key_of_data_hides_a_name_of_all_templates():
    assert filled("$(shout)", {"shout": "mine"}) == "mine"


def test_names_of_data_ignore_case_and_missing_ones_are_empty():
    data = {"User": {"City": "Bonn"}, "words": ["a"]}
    text = "$(data.user.city) $(data['USER']['city']) [$(data.a)$(data.a.b)$(data['a']['b'])]"
    assert filled(text, data) == "Bonn Bonn []"


def test_a_missing_name_is_false_has_no_items_and_equals_an_empty_text():
    assert filled("$(for x in data.a { 'x' })$(if data.a == '' { 'empty' })") == "empty"


def test_a_key_that_is_called_like_a_method_of_dict_is_a_key():
    assert filled("$(data.items)$(data.values)", {"items": 3}) == "3"


def test_methods_of_a_dict_can_be_called():
    assert filled("$(for k, v in data.a.items() { '$k=$v' })", {"a": {"x": 1, "y": 2}}) == "x=1 y=2"


def test_fields_of_objects_ignore_case():
    @dataclass
    class User:
        name: str

    assert filled("$($data.user.Name)", {"user": User("Ann")}) == "Ann"


def test_fields_that_powershell_spells_in_its_way_are_found():
    user = SimpleNamespace(first_name="Ann", upper="u")
    assert filled("$($data.user.FirstName) $($data.user.Upper)", {"user": user}) == "Ann u"


def test_a_field_that_an_object_lacks_is_an_error():
    with pytest.raises(AttributeError, match="'str' object has no attribute 'nothing'"):
        filled("$(data.a.nothing)", {"a": "x"})


def test_a_bare_name_that_nothing_knows_is_an_error_that_says_what_to_write():
    text = complaint("$(document).ready()")
    assert "`document`" in text
    assert "data.document" in text
    assert "backtick" in text


@given(st.text())
def test_any_text_is_shown_escaped(text: str):
    assert filled("<p>$(data.a)</p>", {"a": text}) == f"<p>{escape(text)}</p>"


_PIECES = ["$(", ")", "(", "{", "}", '"', "'", "`", ";", "\n", " ", "#", "=", "[", "]", ".", ","]
_WORDS = ["if ", "for ", " in ", "else ", "elif ", "$x", "x", "1", "data", "-eq ", ":= ", "é", "**"]


@given(st.lists(st.sampled_from(_PIECES + _WORDS), max_size=20).map("".join))
def test_what_is_no_template_is_an_error_with_its_file(text: str):
    with contextlib.suppress(PodeError):
        PodeEngine({}).compile(Template("a.pode", "/a.pode", text.encode(), (0, 0, 0, 0)))


# --- blocks ---


def test_a_loop_puts_out_its_texts_joined_by_a_space():
    assert filled('$(for i in data.n { "<li>$(i)</li>" })', {"n": [1, 2]}) == (
        "<li>1</li> <li>2</li>"
    )


def test_values_in_a_text_of_a_block_are_escaped():
    assert filled('$(for i in data.n { "<li>$(i)$i</li>" })', {"n": ["<"]}) == ("<li>&lt;&lt;</li>")


@pytest.mark.parametrize(("size", "text"), [(9, "large"), (5, "middle"), (1, "small")])
def test_conditions_have_three_parts(size: int, text: str):
    template = "$(if data.n > 8 { 'large' } elif data.n > 4 { 'middle' } else { 'small' })"
    assert filled(template, {"n": size}) == text


def test_blocks_nest():
    template = """$(for row in data.rows {
        if row {
            "<tr>$(for cell in row { "<td class='$(data.cls)'>$cell</td>" })</tr>"
        } else {
            "<hr>"
        }
    })"""
    data = {"rows": [[1, 2], []], "cls": "c"}
    assert filled(template, data) == "<tr><td class='c'>1</td> <td class='c'>2</td></tr> <hr>"


def test_a_text_can_have_lines_and_quotes_of_its_own_kind():
    assert filled('$(if 1 { "<p>\n ""$(data.a)"" `" \'\n</p>" })', {"a": 1}) == (
        '<p>\n "1" " \'\n</p>'
    )


def test_a_block_with_two_texts_joins_them():
    assert filled("$(if 1 {\n 'a'\n 'b'\n})") == "a b"


def test_a_block_that_does_nothing_puts_out_nothing():
    assert filled("[$(if 0 { 'a' })$(for x in [] { 'a' })]") == "[]"


def test_a_text_may_be_chosen_by_an_expression_of_python():
    assert filled('$("a" if data.a else "b")', {"a": 1}) == "a"


def test_brackets_keep_braces_of_an_expression_together():
    assert filled("$(if (data.a in {1, 2}) { 'yes' })", {"a": 2}) == "yes"


def test_the_variable_of_a_loop_is_text_outside_of_it():
    assert filled("$(for i in [1] { 'a$i' })$(if 1 { 'b$i' })") == "a1b$i"


def test_an_underscore_is_a_name_like_others():
    assert filled("$(_ = 2)$(_)$(for _ in [3] { _ })") == "23"


def test_two_renderings_do_not_share_their_variables():
    template = Template("x.pode", "/x.pode", b"$(x = data.a)$(x)", (0, 0, 0, 0))
    render = PodeEngine({}).compile(template)
    assert [render({"a": "1"}), render({"a": "2"})] == ["1", "2"]


# --- PowerShell that may stay ---


def test_dollars_before_names_and_semicolons_may_stay():
    assert filled("$($data.Name;) $($Data['name'])", {"name": "Ann"}) == "Ann Ann"


def test_foreach_with_brackets_may_stay():
    template = '$(foreach ($n in $data.numbers)\n{\n  "<li>$n</li>";\n})'
    assert filled(template, {"numbers": [1, 2]}) == "<li>1</li> <li>2</li>"


def test_elseif_and_brackets_around_conditions_may_stay():
    template = '$(if ($data.a) { "a" } elseif ($data.b) { "b" } else { "c" })'
    assert [filled(template, data) for data in ({"a": 1}, {"b": 1}, {})] == ["a", "b", "c"]


def test_assignments_and_the_time_may_stay():
    template = """$(
        $date = [DateTime]::UtcNow;

        if ($date.Second % 2 -eq 0) {
            "even: $($date.Year)";
        } else {
            "odd: $($date.Year)";
        }
    )"""
    assert re.fullmatch(r"(even|odd): 20\d\d", filled(template))


def test_constants_and_variables_that_are_not_set_may_stay():
    assert filled("$($true) $($null) [$($nothing)] $($false)") == "True  [] False"


def test_comparisons_ignore_case_and_make_the_right_side_like_the_left():
    template = "$($data.a -eq 'ANN') $($data.n -eq '9') $($data.n -gt 5 -and -not $data.b)"
    assert filled(template, {"a": "Ann", "n": 9, "b": False}) == "True True True"


def test_comments_are_passed_over():
    assert filled("$(<# the\n name #>\n# of\n data.a # it\n)", {"a": 1}) == "1"


def test_an_inserted_block_may_stand_in_quotes_of_a_script():
    template = 'say("$(\n    $hour = 9;\n    if ($hour -lt 12) {\n        "morning";\n    }\n)");'
    assert filled(template, file="a.js.pode") == 'say("morning");'


def test_a_block_of_several_lines_with_texts_of_several_lines_may_stay():
    template = """<main>
        $(
            if ($data.IsMember) {
                "<form action='/leave'>
                    <input value='Leave'/>
                </form>"
                "<p>Hello $($data.Name)</p>"
            }
        )
    </main>"""
    text = filled(template, {"ismember": True, "name": "<Ann>"})
    assert re.sub(r"\s+", " ", text) == (
        "<main> <form action='/leave'> <input value='Leave'/> </form> "
        "<p>Hello &lt;Ann&gt;</p> </main>"
    )
    assert filled(template).split() == ["<main>", "</main>"]


# --- what is refused, with file and line ---


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("Get-Date", "a Python function"),
        ("Use-PodePartialView -Path 'x'", "use_partial_view(...)"),
        ("$data.x | ForEach-Object { $_ }", "for item in"),
        ("$data.x | Where-Object { $_ }", "if x.ok]"),
        ("@{ a = 1 }", "a dict"),
        ("@(1, 2)", "a list"),
        ("[Math]::Round(1.5)", "Python"),
        ("[int]$data.x", "int("),
        ("$env:HOME", "in data"),
        ("$data.x -like 'a*'", "`in`"),
        ("$data.x -notcontains 'a'", "`in`"),
        ("$data.x -join ','", "join"),
        ("'{0}' -f $data.x", "f-string"),
        ("!$data.x", "`not`"),
        ("$data.x.ToUpper()", ".upper()"),
        ("$data.x.ToString()", "str("),
        ("foreach ($i in 1..3) { $i }", "range(1, 4)"),
        ("$data.x ?? 'none'", "`or`"),
        ("$data.x ? 1 : 2", "if data.ok else"),
        ("while ($x) { 1 }", "for name in"),
        ("switch ($x) { 1 }", "elif"),
        ("for ($i = 0; $i -lt 3; $i++) { $i }", "range(10)"),
        ("$a -or $b -and $c", "brackets"),
        ("data.a data.b", "no Python expression"),
        ("await data.a", "wait"),
        ("if data.a 'x'", "needs `{`"),
        ("if data.a { 'x'", "never closed"),
        ('if data.a { "x }', 'no "'),
        ("data.a", "never closed"),
        ("data = 1", "another name"),
        ("for None in data.a { 1 }", "`None`"),
        ("__x = 1", "`__x`"),
        ("data.a(x=1, x=2)", "repeated"),
    ],
)
def test_other_code_is_refused_with_file_line_and_what_to_write(code: str, advice: str):
    text = complaint(f"<p>\n\n$({code}" + (")" if advice != "never closed" else ""))
    assert text.startswith("/site/views/page.pode, line 3")
    assert advice in text


def test_the_words_of_powershell_are_welcome_in_texts():
    assert filled("""$(if 1 { "Get-Date -like @{ x }" })$("a | b -join".upper())""") == (
        "Get-Date -like @{ x }A | B -JOIN"
    )


def test_length_and_count_name_len():
    assert "len(" in complaint("$($data.a.Count)", {"a": [1]})


def test_a_value_is_never_read_as_a_template():
    assert filled("$(data.a)", {"a": "$(1 + 1)"}) == "$(1 + 1)"


def test_a_failing_expression_has_the_line_of_the_file_in_its_traceback():
    with pytest.raises(ZeroDivisionError) as caught:
        filled('<p>\n$(if 1 {\n  "<b>\n $(1 / data.a)</b>"\n})', {"a": 0})
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == ("/site/views/page.pode", 4)
