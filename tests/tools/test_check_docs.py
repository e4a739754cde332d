"""The docs hold together, and the tool that says so notices when they do not."""

from pathlib import Path

import pytest

from tools.check_docs import check


def test_links_and_code_of_the_docs_are_fine():
    assert check() == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[gone](gone.md)", "leads to nothing"),
        ("[no such heading](#nowhere)", "names a heading"),
        ("[away](../../etc/passwd)", "leads out of the tree"),
        ('<img src="shot.png">', "leads to nothing"),
        ("[ref]: missing.md", "leads to nothing"),
        ("See [a page that\nis gone](gone.md).", "leads to nothing"),
        ("See [a page](\ngone.md).", "leads to nothing"),
        ("- [a page that\n  is gone](gone.md)\n- `x", "leads to nothing"),
        ("`a\nspan` and [gone](gone.md)", "leads to nothing"),
        ('<a\n  href="gone.md">gone</a>', "leads to nothing"),
        ("```python\nx = (\n```", "This Python has an error"),
        ("```python\n>>> x = = 1\n```", "This Python has an error"),
        ("```python\nfrom pode_py import no_such_name\n```", "has no 'no_such_name'"),
        ("```python\nx = 1\n", "never closed"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "README.md").write_text(f"# Title\n\n{text}\n", "utf-8")
    found = check(tmp_path)
    assert len(found) == 1
    assert found[0].startswith("README.md:")
    assert complaint in found[0]


def test_the_line_of_a_wrapped_link_is_that_of_its_target(tmp_path: Path):
    (tmp_path / "README.md").write_text("# Title\n\nOne [two\nthree](gone.md).\n", "utf-8")
    assert check(tmp_path)[0].startswith("README.md:4: ")


@pytest.mark.parametrize(
    "text",
    [
        "[title](#the-title-of-it)",
        "[itself](README.md#the-title-of-it)",
        "[web](https://example.com/x)",
        "`[not](a-link)`",
        "`a span that\n[is not](a-link)`",
        "- `half a span\n- [itself](README.md)`",
        "See [this\nvery page](README.md) and [its\ntitle](#the-title-of-it).",
        "```text\n[not](a-link)\n```",
        "```python\nawait something()\n```",
        "```python\n>>> 1 + 1\n2\n```",
        "- list\n\n  ```python\n  x = 1\n  ```",
    ],
)
def test_what_is_right_is_left_alone(tmp_path: Path, text: str):
    (tmp_path / "README.md").write_text(f"# The `title` of it\n\n{text}\n", "utf-8")
    assert check(tmp_path) == []
