"""What the README counts is what the package has."""

import re
from collections import Counter

import pytest

from tests.contract.names import table
from tests.contract.parity import status
from tools import counts
from tools.check_docs import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_the_counts_of_the_readme_are_up_to_date():
    assert counts.stale(README) == [], "Run `make counts`."


def test_the_readme_has_every_count():
    assert sorted(re.findall(r"<!-- counts: ([\w-]+) -->", README)) == sorted(counts.COUNTS)


def test_a_wrong_number_is_stale_until_it_is_rewritten():
    right = counts.rewritten("a\n<!-- counts: parity -->\n<!-- /counts -->\nb\n")
    number = str(Counter(status(name) for name in table())["planned"])
    wrong = right.replace(number, "7")
    assert counts.stale(right) == []
    assert counts.stale(wrong) == ["parity"]
    assert counts.rewritten(wrong) == right


def test_text_outside_of_the_marks_stays():
    text = "109 of 547\n<!-- counts: needs -->\nold\n<!-- /counts -->\n109 of 547\n"
    assert counts.rewritten(text).startswith("109 of 547\n<!-- counts: needs -->\nThis is version ")
    assert counts.rewritten(text).endswith("<!-- /counts -->\n109 of 547\n")


def test_a_count_that_nobody_makes_is_an_error():
    with pytest.raises(KeyError, match="sheep"):
        counts.rewritten("<!-- counts: sheep -->\n<!-- /counts -->\n")


def test_the_areas_add_up():
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \|$", counts.areas(), re.MULTILINE)
    all_of_them = Counter(status(name) for name in table())
    assert sum(int(present) for present, _ in rows) == all_of_them["present"]
    assert sum(int(planned) for _, planned in rows) == all_of_them["planned"]
