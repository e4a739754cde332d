"""The page about deploying shows the files of samples/deploy as they are."""

from __future__ import annotations

import pytest

from tests.deploying.files import DEPLOY, ROOT, text_of
from tools.check_docs import read

PAGE = ROOT / "docs" / "deploying.md"
#: What the page only names: nobody has to read it there.
NAMED = {"Dockerfile.dockerignore"}
FILES = sorted(path.name for path in DEPLOY.iterdir() if path.is_file())


@pytest.mark.parametrize("name", FILES)
def test_the_page_leads_to_each_file(name):
    assert f"](../samples/deploy/{name})" in PAGE.read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in FILES if name not in NAMED])
def test_the_page_shows_each_file_whole(name):
    shown = [block.code.strip() for block in read(PAGE).blocks]
    assert text_of(name).strip() in shown
