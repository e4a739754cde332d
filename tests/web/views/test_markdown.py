"""Markdown as HTML."""

from __future__ import annotations

import sys

import pytest

from pode_py.core.errors import PodeError
from pode_py.web.views.functions import set_view_engine
from pode_py.web.views.markdown import to_html
from tests.web.conftest import Web


def test_headings_get_an_id_made_of_their_text():
    assert to_html("# Héllo, *big* `World`!", raw=False) == (
        '<h1 id="héllo-big-world">Héllo, <em>big</em> <code>World</code>!</h1>\n'
    )


def test_headings_of_the_same_text_get_different_ids():
    assert 'id="a"' in to_html("# a\n# a", raw=False)
    assert 'id="a-1"' in to_html("# a\n# a", raw=False)


def test_tables_are_known():
    assert "<td>1</td>" in to_html("| a |\n|---|\n| 1 |", raw=False)


def test_tags_are_escaped_unless_they_are_raw():
    assert to_html("a <b>c</b>", raw=False) == "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"
    assert to_html("a <b>c</b>", raw=True) == "<p>a <b>c</b></p>\n"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "JAVASCRIPT:x", "vbscript:x", "data:a,b"])
def test_links_that_run_scripts_stay_text(link: str):
    assert "href" not in to_html(f"[x]({link})", raw=False)


def test_a_missing_package_is_named_when_the_engine_is_set(web: Web, monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(PodeError, match=r"pip install \"pode-py\[markdown\]\""):
        set_view_engine("markdown")
