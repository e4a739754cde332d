"""The tutorials name all that `pode_py` exports, in code or as code."""

import pode_py
from tools.check_docs import ROOT, unnamed


def test_each_public_name_stands_in_a_tutorial():
    assert unnamed(pode_py.__all__, ROOT / "docs" / "tutorials") == []


def test_a_name_in_plain_words_or_as_part_of_another_does_not_count(tmp_path):
    (tmp_path / "page.md").write_text("route `add_route_group`\n\n```python\nx.get_one()\n```\n")
    assert unnamed(["route", "add_route", "add_route_group", "get_one"], tmp_path) == [
        "add_route",
        "route",
    ]
